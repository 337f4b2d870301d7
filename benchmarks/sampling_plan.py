"""What a plan of ground samples is worth: error after n planned points and after n random ones.

    python benchmarks/sampling_plan.py --seeds 0 1 2 3 4 --out /tmp/plans

Every scene of every world is planned by itself. The truth labels the chosen pixels, with 7 % error; two quick
methods learn from them and are asked 2,000 other pixels of the scene. Prints Markdown tables; RMSE on
ln(1 + ECe). Worlds are simulated.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from reading import read_scene, read_spectra
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from deepsalt.estimators import DeepSaltRegressor
from deepsalt.estimators.baselines import Baseline, Recipe
from deepsalt.evaluation.efficiency import points_saved
from deepsalt.evaluation.sampling_plan import SpectralSpace, plan_samples
from deepsalt.labels import with_ece
from deepsalt.sampling import random_pixels, usable_axis
from deepsalt.simulate import WorldSettings, simulate_world
from deepsalt.simulate.world import World
from deepsalt.spectra import Sensor, Spectra
from deepsalt.training import DeepSaltSettings
from deepsalt.units import log_ece

CANDIDATES, ASKED, LABEL_ERROR, SPACING_M = 4000, 2000, 0.07, 90.0
#: A student of the library alone, small: its spread is what `--weigh-spread` weighs with.
STUDENT = DeepSaltSettings(
    steps=500, hidden=(64, 32), same_sample=False, distillation=False, adaptation=False, gate=False
)
Scores = dict[tuple[str, str, int], list[float]]  # (method, design, points) -> error of every scene


@dataclass(frozen=True)
class Land:
    """One scene: pixels to choose from and pixels to be asked, both with `ece_ds_m`, and a model's spread."""

    candidates: Spectra
    asked: Spectra
    spread: np.ndarray
    told: float  # correlation of the spread with the model's absolute error, ln(1 + ECe)

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        table = self.candidates.samples
        return table["latitude"].to_numpy(), table["longitude"].to_numpy()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    arguments.add_argument("--points", type=int, nargs="+", default=[10, 25, 50])
    arguments.add_argument("--draws", type=int, default=5, help="random draws a scene")
    arguments.add_argument("--plans", type=int, default=2, help="plans a scene, of different seeds")
    arguments.add_argument("--out", type=Path, required=True, help="folder for the worlds and scores.json")
    chosen = arguments.parse_args()
    warnings.filterwarnings("ignore", "y residual is constant")  # fewer points than components: PLSR stops
    scores: Scores = defaultdict(list)
    told = []
    for seed in chosen.seeds:
        start = perf_counter()
        for land in lands_of(simulate_world(chosen.out / str(seed), WorldSettings(seed=seed))):
            told.append(land.told)
            for design, draw in DESIGNS.items():
                many = chosen.draws if design == "random" else chosen.plans
                for key, error in errors_of(land, draw, chosen.points, many).items():
                    scores[key[0], design, key[1]].append(error)
        print(f"world {seed}: {perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    kept = [{"method": m, "design": d, "points": n, "rmse": rmse} for (m, d, n), rmse in scores.items()]
    (chosen.out / "scores.json").write_text(json.dumps({"scenes": kept, "told": told}))
    for method, recipe in METHODS.items():
        print(f"\n{recipe.title}\n")
        print(table(scores, method, chosen.points, len(chosen.seeds)))
        print("\n" + saved(scores, method, chosen.points))
    print(f"\ncorrelation of the model's spread with its error: {min(told):.2f} to {max(told):.2f}, "
          f"mean {np.mean(told):.2f}")  # fmt: skip


def lands_of(world: World) -> list[Land]:
    """Every scene of a world, and a model that has seen no pixel of it."""
    library = {"visnir": with_ece(read_spectra(world.library, domain="visnir", ec="ec1:2"))}
    model = DeepSaltRegressor(STUDENT, sensor=Sensor.load("enmap")).fit(library)
    return [_land(world, region["name"], model) for region in world.regions]


def _land(world: World, region: str, model: DeepSaltRegressor) -> Land:
    scene = read_scene(world.scene(region))
    pixels = random_pixels([scene], usable_axis([scene]), 15_000, seed=0)
    with rasterio.open(world.truth(region)) as file:
        truth = file.read(list(file.descriptions).index("ece_ds_m") + 1)
    ece = truth[pixels.samples["row"], pixels.samples["column"]]
    good = np.isfinite(ece) & np.isfinite(pixels.values).all(axis=1)
    pixels, ece = pixels.with_samples(ece_ds_m=ece).take(good), ece[good]
    order = np.random.default_rng(0).permutation(len(pixels))
    candidates, asked = pixels.take(order[:CANDIDATES]), pixels.take(order[CANDIDATES:][:ASKED])
    guess, spread = model.predict_with_spread(candidates)
    error = np.abs(log_ece(guess) - log_ece(candidates.samples["ece_ds_m"].to_numpy()))
    return Land(candidates, asked, spread, float(np.corrcoef(spread, error)[0, 1]))


def errors_of(
    land: Land, draw: Callable[[Land, int, int], np.ndarray], points: list[int], many: int
) -> dict[tuple[str, int], float]:
    """Mean RMSE over the draws, by method and number of points."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for seed in range(many):
        for count in points:
            rows = draw(land, count, seed)
            assert len(set(rows)) == count
            for method, recipe in METHODS.items():
                found[method, count].append(rmse(land, rows, Baseline(method, recipe), seed))
    return {key: float(np.mean(values)) for key, values in found.items()}


def rmse(land: Land, rows: np.ndarray, method: Baseline, seed: int) -> float:
    """Error on the asked pixels, ln(1 + ECe), after learning from these candidates."""
    chosen = land.candidates.take(rows)
    true = chosen.samples["ece_ds_m"].to_numpy()
    measured = true * np.exp(np.random.default_rng(seed).normal(0, LABEL_ERROR, len(rows)))
    samples = pd.DataFrame({"ece_ds_m": measured})
    learned = Spectra.of_table(
        chosen.values, chosen.axis, chosen.quantity, samples=samples, sensor=chosen.sensor
    )
    guess = log_ece(method.fit(learned).predict(land.asked))
    return float(np.sqrt(np.mean((guess - log_ece(land.asked.samples["ece_ds_m"].to_numpy())) ** 2)))


def at_random(land: Land, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, count]).choice(len(land.candidates), count, replace=False)


def planned(land: Land, count: int, seed: int) -> np.ndarray:
    return plan_samples(land.candidates.values, *land.places, count, spacing_m=SPACING_M, seed=seed).rows


def weighed(land: Land, count: int, seed: int) -> np.ndarray:
    return plan_samples(
        land.candidates.values, *land.places, count, spread=land.spread, spacing_m=SPACING_M, seed=seed
    ).rows


def middles_of_clusters(land: Land, count: int, seed: int) -> np.ndarray:
    """The candidate nearest to the middle of each cluster (k-means) of the same space."""
    here = SpectralSpace.of(land.candidates.values).coordinates(land.candidates.values)
    middles = KMeans(count, n_init=1, random_state=seed).fit(here).cluster_centers_
    away = cdist(middles, here)
    rows: list[int] = []
    for distances in away:
        rows.append(next(int(row) for row in np.argsort(distances) if row not in rows))
    return np.array(rows)


def farthest(land: Land, count: int, _seed: int) -> np.ndarray:
    """Kennard & Stone (1969): each next candidate is the one farthest from those before (k-centre)."""
    here = SpectralSpace.of(land.candidates.values).coordinates(land.candidates.values)
    rows = [int(np.argmin((here**2).sum(axis=1)))]
    away = ((here - here[rows[0]]) ** 2).sum(axis=1)
    while len(rows) < count:
        rows.append(int(np.argmax(away)))
        away = np.minimum(away, ((here - here[rows[-1]]) ** 2).sum(axis=1))
    return np.array(rows)


def _plsr(_seed: int, shape: tuple[int, int], components: int) -> Any:
    from sklearn.cross_decomposition import PLSRegression

    return PLSRegression(min(components, *shape), scale=True)


def _support_vectors(_seed: int, _shape: tuple[int, int], penalty: float) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    return make_pipeline(StandardScaler(), SVR(C=penalty, gamma="scale", epsilon=0.05))


METHODS = {
    "plsr": Recipe("Partial least squares", _plsr, {"components": (3, 6, 10)}, forms=("derivative",)),
    "svr": Recipe("Support vectors", _support_vectors, {"penalty": (1.0, 10.0)}, forms=("derivative",)),
}
DESIGNS: dict[str, Callable[[Land, int, int], np.ndarray]] = {
    "random": at_random,
    "planned": planned,
    "planned, weighed by spread": weighed,
    "middles of clusters": middles_of_clusters,
    "farthest (Kennard-Stone)": farthest,
}


def table(scores: Scores, method: str, points: list[int], worlds: int) -> str:
    """A row a design: mean RMSE, the change to random, and in how many scenes and worlds it is lower."""
    lines = ["| design | " + " | ".join(f"{count} points" for count in points) + " |"]
    lines.append("|---" * (len(points) + 1) + "|")
    for design in DESIGNS:
        cells = [cell(scores, method, design, count, worlds) for count in points]
        lines.append(f"| {design} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(scores: Scores, method: str, design: str, count: int, worlds: int) -> str:
    ours, random = (np.array(scores[method, name, count]) for name in (design, "random"))
    if design == "random":
        return f"{ours.mean():.3f}"
    by_world = [one.reshape(worlds, -1).mean(axis=1) for one in (ours, random)]
    won = (by_world[0] < by_world[1]).sum()
    lower = f"{(ours < random).sum()} of {len(ours)} scenes, {won} of {worlds} worlds"
    return f"{ours.mean():.3f} ({ours.mean() / random.mean() - 1:+.1%}; {lower})"


def saved(scores: Scores, method: str, points: list[int]) -> str:
    """How many random points each number of planned ones is worth."""
    curves = {
        name: {float(count): float(np.mean(scores[method, name, count])) for count in points}
        for name in ("planned", "random")
    }
    words = []
    for one in points_saved(curves["planned"], curves["random"]):
        worth = f"more than {one.longest:.0f}" if one.other_points is None else f"{one.other_points:.0f}"
        words.append(f"{one.points:.0f} planned points are worth {worth} random ones")
    return "; ".join(words) + "."


if __name__ == "__main__":
    main()
