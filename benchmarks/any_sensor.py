"""One model, other satellites: trained on EnMAP pixels, asked about PRISMA and EMIT without retraining.

    python benchmarks/any_sensor.py --seeds 0 1 --out /tmp/any_sensor

Simulated worlds. The same land is photographed by each sensor; the unseen region rotates with the seed and
gives laboratory samples, but neither ground points nor pixels. 150 points elsewhere are learned from. Prints
one Markdown table: RMSE on ln(1 + ECe) at the ground points of the unseen region, of the EnMAP model and
of a model trained on the sensor's own scenes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from deepsalt.config import CompareConfig
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.evaluation.metrics import regression_metrics
from deepsalt.pipeline.cases import Case, cases_of, draw_points
from deepsalt.pipeline.prepare import Prepared, prepare
from deepsalt.simulate import simulate_world
from deepsalt.units import log_ece

HOME, OTHERS = "enmap", ("prisma", "emit")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments.add_argument("--points", type=int, default=150)
    arguments.add_argument("--out", type=Path, required=True, help="the worlds are kept here")
    chosen = arguments.parse_args()
    print("| seed, unseen region | asked sensor | points | EnMAP's model | own model | RMSE ratio |")
    print("|---|---|---|---|---|---|", flush=True)
    for seed in chosen.seeds:
        for line in of_seed(seed, chosen.points, chosen.out):
            print(line, flush=True)


def of_seed(seed: int, points: int, out: Path) -> list[str]:
    """Rows of the table for one land."""
    case, found = prepared(seed, HOME, points, out)
    home = trained(case, found)
    unseen = case.frame.config.split.unseen_region
    scored = score(home, found)
    lines = [f"| {seed}, {unseen} | {HOME} | {len(found.split.unseen)} | {told(scored)} | the same | |"]
    for sensor in OTHERS:
        case, found = prepared(seed, sensor, points, out)
        moved, own = score(home, found), score(trained(case, found), found)
        count, ratio = len(found.split.unseen), moved["rmse"] / own["rmse"]
        lines.append(f"| {seed}, {unseen} | {sensor} | {count} | {told(moved)} | {told(own)} | {ratio:.2f} |")
    return lines


def prepared(seed: int, sensor: str, points: int, out: Path) -> tuple[Case, Prepared]:
    """The land of this seed as the sensor sees it, read and split as a comparison does."""
    wanted = CompareConfig(worlds=[seed], covered=[True], points=[points], draws=1, world={"sensor": sensor})
    (case,) = cases_of(None, wanted, out)
    assert case.frame.world is not None
    simulate_world(Path(case.frame.config.library.path).parent, case.frame.world)
    return case, prepare(case.frame.config, lambda *_: None)


def trained(case: Case, found: Prepared) -> DeepSaltRegressor:
    """The preset on the case's ground points, the library and pixels without a label."""
    start = perf_counter(), process_time()
    sites = found.part("train")
    rows = draw_points(sites.samples["group"].to_numpy(), case.points, case.frame.config.seed, case.draw)
    model = DeepSaltRegressor(seed=case.seed).fit(found.libraries, sites.take(rows), found.unlabelled)
    cost = f"{perf_counter() - start[0]:.0f} s, processor {process_time() - start[1]:.0f} s"
    print(f"{case.name}, {sites.sensor and sites.sensor.name}: {cost}", file=sys.stderr, flush=True)
    return model


def score(model: DeepSaltRegressor, found: Prepared) -> dict[str, float]:
    """Metrics on ln(1 + ECe) at the ground points of the unseen region."""
    held = found.part("unseen")
    observed = held.samples["ece_ds_m"].to_numpy(np.float64)
    return regression_metrics(log_ece(observed), log_ece(model.predict(held)))


def told(metrics: dict[str, float]) -> str:
    return f"{metrics['rmse']:.3f} (R2 {metrics['r2']:.2f})"


if __name__ == "__main__":
    main()
