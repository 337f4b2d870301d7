"""What several dates of a place are worth, and how best to put them together, on simulated worlds.

    python benchmarks/composites.py --seeds 100 101 102 103 104 --dates 2 4

A model of the preset `deepsalt` learns from the library and from pixels without labels of one day, no ground
point. The same land is photographed on days 24 apart, which differ in moisture, plants, crust and sky. Each
way of putting the days together is read by that model, tuned to it from its own pixels as any new scene is.
Asked are pixels that show soil on the first day and that every way has. Prints Markdown: means over the
regions of all worlds, differences to the first day alone with their standard errors.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from reading import read_scene
from scipy.stats import spearmanr
from worlds import learning

import deepsalt
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.preprocessing.masks import surface_mask
from deepsalt.preprocessing.present import mean_present
from deepsalt.simulate import World
from deepsalt.spectra import MaskReason, Scene
from deepsalt.units import log_ece

PIXELS = 4_000
ONE = "the first day alone"
MAPS = "maps of single days, mean of ln(1 + ECe)"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102, 103, 104])
    arguments.add_argument("--dates", type=int, nargs="+", default=[2, 4])
    chosen = arguments.parse_args()
    rows: list[dict[str, object]] = []
    for seed in chosen.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            rows += of_world(seed, Path(scratch), chosen.dates)
        print(f"seed {seed} done", flush=True)
    print(table(pd.DataFrame(rows)))


def of_world(seed: int, scratch: Path, dates: list[int]) -> list[dict[str, object]]:
    case = learning(seed, scratch, covered=True, products=["enmap"], looks=max(dates), ec_measured=0.4)
    model = DeepSaltRegressor(seed=case.seed).fit(case.data.libraries, None, case.data.unlabelled)
    return [
        {"seed": seed, "region": region["name"], **scores}
        for region in case.world.regions
        for scores in of_region(model, case.world, region["name"], dates)
    ]


def of_region(
    model: DeepSaltRegressor, world: World, region: str, dates: list[int]
) -> Iterator[dict[str, object]]:
    """One row for each way and number of dates, all of the same pixels."""
    with rasterio.open(world.truth(region)) as dataset:
        truth = log_ece(dataset.read(1)).ravel()
    days = [read_scene(path) for path in world.products(region, "enmap")]
    maps = [answers(model, day) for day in days]
    found = {(1, ONE): maps[0]}
    for number in dates:
        found[number, MAPS] = mean_present(np.stack(maps[:number]), axis=0)
        for how in ("bare", "median", "medoid"):
            found[number, how] = answers(model, deepsalt.composite(days[:number], how))
    asked = np.flatnonzero(np.isfinite([truth, *found.values()]).all(axis=0))
    asked = np.sort(np.random.default_rng(0).permutation(asked)[:PIXELS])
    for (number, way), one in found.items():
        error = one[asked] - truth[asked]
        rank = float(spearmanr(one[asked], truth[asked])[0])
        r2 = 1 - np.mean(error**2) / np.var(truth[asked])
        yield {"way": way, "dates": number, "rmse": np.sqrt(np.mean(error**2)), "r2": r2, "rank": rank}


def answers(model: DeepSaltRegressor, scene: Scene) -> NDArray:
    """(pixel,) ln(1 + ECe) of a whole scene, NaN where it shows no bare soil."""
    image = scene.read()
    found = log_ece(model.for_scene(scene).predict(image.pixels()))
    found[(surface_mask(image, scene.mask()) != MaskReason.VALID).ravel()] = np.nan
    return found


def table(rows: pd.DataFrame) -> str:
    lines = ["| dates | put together | RMSE, ln | difference | R2 | Spearman |", "|--:|---|--:|---|--:|--:|"]
    place = ["seed", "region"]
    alone = rows[rows["way"] == ONE].set_index(place)["rmse"]
    for (number, way), some in rows.groupby(["dates", "way"], sort=False):
        apart = some.set_index(place)["rmse"] - alone
        error = apart.std() / len(apart) ** 0.5
        told = "" if way == ONE else f"{apart.mean():+.3f} ({error:.3f})"
        mean = some[["rmse", "r2", "rank"]].mean()
        lines.append(f"| {number} | {way} | {mean.rmse:.3f} | {told} | {mean.r2:.3f} | {mean['rank']:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
