"""How alike are the errors of two dates? Correlation of a map's errors between days, on simulated worlds.

    python benchmarks/dates.py --seeds 0 1

A model of the preset `deepsalt` learns from 150 ground points; the same land is photographed on three days
that differ in moisture, plants, crust and sky. An error is ln(1+ECe) of the map minus that of the truth, at
pixels that all three days show. Its correlation is about zero, not about the mean, because an error that all
pixels of two dates share is shared as well: mean of e1 e2 over the square root of the means of e1^2 and e2^2.
Prints Markdown and, with --json, the numbers. It is what `rho` of `deepsalt mosaic` and `deepsalt change`
stands for.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from reading import read_scene
from worlds import learning

from deepsalt.estimators import DeepSaltRegressor
from deepsalt.mapping import map_scene
from deepsalt.simulate import World
from deepsalt.units import log_ece

LOOKS = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen.seeds:
            rows += of_world(seed, Path(scratch))
            print(f"seed {seed} done", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(pd.DataFrame(rows)))


def of_world(seed: int, scratch: Path) -> list[dict[str, Any]]:
    """One row for each region and pair of days."""
    case = learning(seed, scratch, covered=True, products=["enmap"], looks=LOOKS)
    data = case.data
    model = DeepSaltRegressor(seed=case.seed).fit(data.libraries, case.sites, data.unlabelled)
    return [
        {"seed": seed, "region": region["name"], "points": region["name"] != case.unseen, **row}
        for region in case.world.regions
        for row in pairs(model, case.world, region["name"], scratch / f"maps{seed}")
    ]


def pairs(model: DeepSaltRegressor, world: World, region: str, out: Path) -> list[dict[str, Any]]:
    with rasterio.open(world.truth(region)) as dataset:
        truth = log_ece(dataset.read(1))
    errors = []
    for path in world.products(region, "enmap"):
        made = map_scene(model, read_scene(path), out, covariates="none")
        with rasterio.open(made.ece) as dataset:
            errors.append(log_ece(dataset.read(1)) - truth)
    seen = np.logical_and.reduce([np.isfinite(error) for error in errors])
    found = []
    for (first, one), (second, other) in combinations(enumerate(error[seen] for error in errors), 2):
        rho = float(np.mean(one * other) / np.sqrt(np.mean(one**2) * np.mean(other**2)))
        apart = float(np.sqrt(np.mean((one - other) ** 2)))
        found.append({"days": f"{first}-{second}", "n": int(seen.sum()), "rho": rho, "apart": apart,
                      "rmse": float(np.sqrt(np.mean(one**2)))})  # fmt: skip
    return found


def table(rows: pd.DataFrame) -> str:
    """Mean over pairs of days, regions and worlds, with the smallest and the largest of a region."""
    lines = [
        "| scene | regions | correlation of errors | RMSE, ln | of two dates against each other, ln |",
        "|---|---:|---|---:|---:|",
    ]
    regions = rows.groupby(["seed", "region", "points"], sort=False)[["rho", "rmse", "apart"]]
    means = regions.mean().reset_index()
    for points, some in means.groupby("points", sort=False):
        kind = "with ground points" if points else "unseen"
        rho = some["rho"]
        lines.append(
            f"| {kind} | {len(some)} | {rho.mean():.2f} ({rho.min():.2f}-{rho.max():.2f}) "
            f"| {some['rmse'].mean():.2f} | {some['apart'].mean():.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
