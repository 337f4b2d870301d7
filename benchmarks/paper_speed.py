"""How long the preset `paper` trains on a large problem, and what it loses with a shorter schedule.

    python benchmarks/paper_speed.py --seeds 0 1 2 --schedule full default --out DIR

The problem is simulated, one world a seed: five regions of 208 x 200 pixels, of which `clay_delta` is
unseen. Learned from are 1,500 laboratory spectra, 3,000 labelled satellite spectra (a fifth of the groups
of each watch for early stopping), and the random pixels and the pixels under library sites that a run
takes besides. Pairs are nearest pixels within 60 m. Nothing within 60 m of a held-out point is learned from.

The simulated mid infrared has 851 channels and an EnMAP scene 202 bands with data. Both are interpolated,
to 1,765 and 218, so neighbours share their noise: the arithmetic is that of the larger number, the
information that of the smaller one.

"full" is the schedule that was the default until this benchmark was written, "default" the one that is
the default now, whose teacher and student let their rates fall to the end in 400 and 600 steps. Times are
wall and processor seconds of `train_paper`; the world is made outside them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from deepsalt.estimators.lab_table import label_sd_of
from deepsalt.estimators.neighbours import pairs_with
from deepsalt.pipeline.demo import demo_config
from deepsalt.pipeline.prepare import Prepared, prepare
from deepsalt.simulate import WorldSettings, simulate_world
from deepsalt.spectra import Spectra
from deepsalt.splits import grouped_holdout
from deepsalt.training import PaperData, PaperSettings, Stage, train_paper
from deepsalt.units import log_ece

LAB_ROWS, CHANNELS, SATELLITE_ROWS, BANDS = 1_500, 1_765, 3_000, 218
WITHIN_M, VALIDATION_SHARE = 60.0, 0.2
PARTS = {"test": "grouped test", "unseen": "unseen region"}
SPLIT = {"split": {"unseen_region": "clay_delta"}}  # neither library nor pixels know it

FULL = PaperSettings(
    autoencoder=Stage(30, 8, 128, 1e-3, rows=2048),
    alignment=Stage(40, 10, 64, 1e-3),
    teacher=Stage(80, 20, 64, 1e-3),
    student=Stage(80, 20, 64, 1e-3),
)
SCHEDULES = {"full": FULL, "default": PaperSettings()}


@dataclass(frozen=True)
class Problem:
    """What is trained on, and the held-out parts: spectra, covariates, ln(1+ECe), groups."""

    data: PaperData
    parts: dict[str, tuple[NDArray, NDArray, NDArray, NDArray]]


@dataclass(frozen=True)
class Outcome:
    """Seconds (wall, processor) and epochs of each stage; squared errors of each part."""

    seconds: dict[str, tuple[float, float]]
    epochs: dict[str, str]
    errors: dict[str, NDArray]
    scores: dict[str, tuple[float, float]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments.add_argument("--schedule", nargs="+", choices=SCHEDULES, default=["full", "default"])
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--out", type=Path, help="keep the worlds here; default: a temporary folder")
    chosen = arguments.parse_args()
    import torch

    torch.set_num_threads(chosen.threads)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen.seeds:
            problem = make_problem(seed, chosen.out or Path(scratch))
            problems.append(problem)
            for name in chosen.schedule:
                outcomes[name].append(run(problem, SCHEDULES[name], seed))
                print(f"seed {seed}, {name}: {told(outcomes[name][-1])}", file=sys.stderr, flush=True)
    print(time_table(outcomes), accuracy_table(outcomes, chosen.seeds), sep="\n\n")
    for other in chosen.schedule[1:]:
        print()
        print(difference(problems, outcomes[chosen.schedule[0]], outcomes[other], chosen.schedule[0], other))


def make_problem(seed: int, folder: Path) -> Problem:
    """A world, read and split as a run would, cut to the sizes above."""
    settings = WorldSettings(seed=seed, rows=208, columns=200, library_samples=520, fields=230)
    world = simulate_world(folder / str(seed), settings)
    found = prepare(demo_config(world.root, settings, SPLIT), lambda *_: None)
    rng = np.random.default_rng(seed)
    sites = cut(found.part("train"), SATELLITE_ROWS, rng)
    library = cut(next(iter(found.libraries.values())), LAB_ROWS, rng)
    return Problem(paper_data(found, sites, library, seed), {part: held_out(found, part) for part in PARTS})


def cut(table: Spectra, rows: int, rng: np.random.Generator) -> Spectra:
    """So many rows, drawn at random."""
    if len(table) < rows:
        raise SystemExit(f"the world gives {len(table)} rows, {rows} are needed")
    return table.take(np.sort(rng.permutation(len(table))[:rows]))


def paper_data(found: Prepared, sites: Spectra, library: Spectra, seed: int) -> PaperData:
    names = list(found.covariate_names)
    sat_y, lab_y = (log_ece(one.samples["ece_ds_m"]).astype(np.float32) for one in (sites, library))
    sat_train, sat_validation = halves(sites, sat_y, seed)
    lab_train, lab_validation = halves(library, lab_y, seed)
    pairs = pairs_with(library, (sites.take(sat_train), found.unlabelled), WITHIN_M)
    sat_x, unlabelled_x = interpolated(sites, BANDS), interpolated(found.unlabelled, BANDS)
    return PaperData(
        sat_x=sat_x,
        sat_y=sat_y,
        sat_train=sat_train,
        sat_validation=sat_validation,
        sat_covariates=sites.samples[names].to_numpy(np.float32),
        unlabelled_x=unlabelled_x,
        lab_x=interpolated(library, CHANNELS),
        lab_y=lab_y,
        lab_train=lab_train,
        lab_validation=lab_validation,
        label_sd=label_sd_of(library, "ece_ds_m"),
        pair_lab=pairs.lab,
        pair_x=np.concatenate([sat_x[sat_train], unlabelled_x])[pairs.satellite],
    )


def halves(table: Spectra, labels: NDArray, seed: int) -> tuple[NDArray, NDArray]:
    """Rows to train on and rows to watch, in whole groups."""
    return grouped_holdout(table.samples["group"], VALIDATION_SHARE, seed, labels)


def interpolated(table: Spectra, channels: int) -> NDArray:
    """(n, channels) values at even steps between the first and the last band there is."""
    values = np.asarray(table.values)
    position = np.linspace(0, values.shape[1] - 1, channels)
    left = np.minimum(position.astype(int), values.shape[1] - 2)
    share = (position - left).astype(np.float32)
    return (1 - share) * values[:, left] + share * values[:, left + 1]


def held_out(found: Prepared, part: str) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    table = found.part(part)
    covariates = np.array(table.samples[list(found.covariate_names)], dtype=np.float32)
    groups = table.samples["group"].astype(str).to_numpy()
    return interpolated(table, BANDS), covariates, log_ece(table.samples["ece_ds_m"]), groups


class Watch:
    """Seconds by stage, from the calls that `train_paper` makes at the end of every epoch.

    What is done between two stages counts to the later one; what follows the last call to it too.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, NDArray] = {}
        self.last = np.array([perf_counter(), process_time()])

    def __call__(self, stage: str, _done: int = 0, _total: int = 0) -> None:
        now = np.array([perf_counter(), process_time()])
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.last
        self.last = now


def run(problem: Problem, settings: PaperSettings, seed: int) -> Outcome:
    watch = Watch()
    result = train_paper(problem.data, settings, seed, watch)
    watch(next(reversed(watch.seconds)))
    errors, scores = {}, {}
    for part, (x, covariates, y, _) in problem.parts.items():
        errors[part] = (result.model.predict(x, covariates).numpy().astype(float) - y) ** 2
        scores[part] = np.sqrt(errors[part].mean()), 1 - errors[part].mean() / y.var()
    seconds = {stage: (wall, cpu) for stage, (wall, cpu) in watch.seconds.items()}
    seconds["total"] = tuple(sum(column) for column in zip(*seconds.values(), strict=True))
    epochs = {h.stage: f"{len(h.epoch)} (best {h.best_epoch})" for h in result.history}
    return Outcome(seconds, epochs, errors, scores)


def told(outcome: Outcome) -> str:
    stages = ", ".join(
        f"{stage} {wall:.1f}/{cpu:.1f} s {outcome.epochs.get(stage, '')}".strip()
        for stage, (wall, cpu) in outcome.seconds.items()
    )
    return stages + "; " + ", ".join(f"{p} {r:.3f} ({r2:.3f})" for p, (r, r2) in outcome.scores.items())


def time_table(outcomes: dict[str, list[Outcome]]) -> str:
    """Mean seconds of each stage over the seeds, wall / processor."""
    lines = ["| stage | " + " | ".join(f"{name}, s" for name in outcomes) + " |"]
    lines.append("|---" * (len(outcomes) + 1) + "|")
    for stage in next(iter(outcomes.values()))[0].seconds:
        means = [np.mean([o.seconds[stage] for o in found], axis=0) for found in outcomes.values()]
        lines.append(f"| {stage} | " + " | ".join(f"{wall:.1f} / {cpu:.1f}" for wall, cpu in means) + " |")
    return "\n".join(lines)


def accuracy_table(outcomes: dict[str, list[Outcome]], seeds: list[int]) -> str:
    """RMSE on ln(1+ECe) and R2, a column a seed, and the means."""
    lines = ["| part | schedule | " + " | ".join(f"seed {seed}" for seed in seeds) + " | mean |"]
    lines.append("|---" * (len(seeds) + 3) + "|")
    for part, title in PARTS.items():
        for name, found in outcomes.items():
            scores = [o.scores[part] for o in found]
            cells = [f"{rmse:.3f} ({r2:.2f})" for rmse, r2 in [*scores, np.mean(scores, axis=0)]]
            lines.append(f"| {title} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def difference(
    problems: list[Problem], one: list[Outcome], other: list[Outcome], name: str, other_name: str
) -> str:
    """Mean difference of the RMSE, with a 95 % interval from 2,000 draws of whole groups in each seed.

    The interval tells the chance of the held-out fields, not that of another world or training.
    """
    lines = []
    for part, title in PARTS.items():
        draws = np.zeros(2_000)
        for problem, a, b in zip(problems, one, other, strict=True):
            draws += grouped_draws(problem.parts[part][3], a.errors[part], b.errors[part], len(draws))
        low, high = np.percentile(draws / len(problems), [2.5, 97.5])
        mean = np.mean([b.scores[part][0] - a.scores[part][0] for a, b in zip(one, other, strict=True)])
        lines.append(f"RMSE {other_name} - {name}, {title}: {mean:+.4f} (95 % {low:+.4f} to {high:+.4f})")
    return "\n".join(lines)


def grouped_draws(groups: NDArray, one: NDArray, other: NDArray, draws: int) -> NDArray:
    """(draws,) differences of the RMSE where whole groups were drawn with replacement."""
    _, number = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(number, part) for part in (np.ones(len(one)), one, other)])
    chosen = np.random.default_rng(0).integers(sums.shape[1], size=(draws, sums.shape[1]))
    count, first, second = sums[:, chosen].sum(axis=2)
    return np.sqrt(second / count) - np.sqrt(first / count)


if __name__ == "__main__":
    main()
