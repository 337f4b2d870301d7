"""Do intervals of the preset `deepsalt` hold, and is what it calls outside worse? On simulated worlds.

    python benchmarks/intervals.py --seeds 0 1 2 3 4
    python benchmarks/intervals.py --seeds 0 1 2 3 4 --folds 5

Of each world one region gives no ground point; the library covers it, or neither knows it. 150 ground points
of the other regions are learned from, in whole fields. Asked are the held-out points (grouped test, unseen
region), those of every field that gave no point (several times as many as the test split has), and all valid
pixels of the scenes, whose truth a world knows. A scene that training did not meet is tuned as for a map.
Also with residuals weighted for the shift between the labelled pixels and those of the scene
(`shift_weights`). Then the same pixels inside and outside of the model's applicability: errors on ln(1+ECe)
and in dS/m, and coverage. With --folds all points of the regions that have some are asked instead, in grouped
folds of whole fields: each fold by a model that learned from 150 points of the others; the library covers the
region without points. Prints Markdown and, with --json, the numbers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from reading import read_scene
from worlds import POINTS, learning, scene_pixels, silent_fields

from deepsalt.estimators import DeepSaltRegressor
from deepsalt.estimators.conformal import calibrated, shift_weights
from deepsalt.pipeline.cases import draw_points
from deepsalt.pipeline.prepare import Prepared
from deepsalt.simulate import World
from deepsalt.spectra import Spectra
from deepsalt.splits import grouped_folds
from deepsalt.units import log_ece

LEVELS, SHIFT_PIXELS = (0.68, 0.9), 1500


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    arguments.add_argument("--folds", type=int, default=0, help="grouped folds of all points instead")
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    rows: list[dict[str, Any]] = []
    pixels: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen.seeds:
            if chosen.folds:
                rows += of_folds(seed, chosen.folds, Path(scratch))
                print(f"seed {seed}: {rows[-1]['seconds']:.0f} s of training", flush=True)
                continue
            for covered in (True, False):
                found, asked = of_world(seed, covered, Path(scratch))
                rows += found
                pixels.append(asked)
                print(f"seed {seed}, covered {covered}: {rows[-1]['seconds']:.0f} s of training", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(pd.DataFrame(rows)))
    if pixels:
        print()
        print(applicability_table(pd.concat(pixels, ignore_index=True)))


def of_world(seed: int, covered: bool, scratch: Path) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """One row for each part, level and weighting; and every valid pixel of the scenes."""
    case = learning(seed, scratch, covered=covered)
    world, data, sites, unseen = case.world, case.data, case.sites, case.unseen
    began = perf_counter()
    model = DeepSaltRegressor(seed=case.seed).fit(data.libraries, sites, data.unlabelled)
    about: dict[str, Any] = {"seed": seed, "covered": covered, "seconds": perf_counter() - began}
    model = having_met(model, world)
    pixels = {region["name"]: scene_pixels(world, region["name"]) for region in world.regions}
    rows = [{**about, **row} for row in answers(model, data, sites, pixels, unseen)]
    judged = [judged_pixels(model, one).assign(unseen=name == unseen) for name, one in pixels.items()]
    return rows, pd.concat(judged, ignore_index=True).assign(seed=seed, covered=covered)


def of_folds(seed: int, folds: int, scratch: Path) -> list[dict[str, Any]]:
    """One row for each level: every point of the regions with points, asked of a model that learned from 150
    points of other fields."""
    case = learning(seed, scratch, covered=True)
    known = np.concatenate([case.data.split.train, case.data.split.test])
    groups = case.data.sites.samples["group"].astype(str).to_numpy()[known]
    began = perf_counter()
    asked: dict[float, list[pd.DataFrame]] = {level: [] for level in LEVELS}
    for number, (train, test) in enumerate(grouped_folds(groups, folds, case.seed)):
        drawn = train[draw_points(groups[train], POINTS, case.seed, number)]
        model = DeepSaltRegressor(seed=case.seed)
        model.fit(case.data.libraries, case.data.sites.take(known[drawn]), case.data.unlabelled)
        for level, rows in held(model, case.data.sites.take(known[test])):
            asked[level].append(rows)
    about: dict[str, Any] = {
        "seed": seed,
        "covered": True,
        "seconds": perf_counter() - began,
        "weighted": False,
    }
    about["part"] = "points of grouped test folds"
    return [{**about, "level": level, **told_of(pd.concat(rows))} for level, rows in asked.items()]


def having_met(model: DeepSaltRegressor, world: World) -> DeepSaltRegressor:
    """The model as maps use it: scenes that training did not meet are tuned from their own pixels."""
    for region in world.regions:
        scene = read_scene(world.scene(region["name"]))
        model.scenes_ = {**model.for_scene(scene).scenes_, **model.scenes_}
    return model


def answers(
    model: DeepSaltRegressor, data: Prepared, sites: Spectra, pixels: dict[str, Spectra], unseen: str
) -> list[dict[str, Any]]:
    asked = {
        "points of held-out fields": data.part("test"),
        "points of all fields that gave none": silent_fields(data, sites),
        "points of the unseen region": data.part("unseen"),
    }
    rows = [row for name, spectra in asked.items() for row in coverage(model, spectra, name)]
    for region, spectra in pixels.items():
        name = "pixels of the unseen scene" if region == unseen else "pixels of scenes with points"
        rows += coverage(model, spectra, name)
        rows += coverage(model, spectra, name, sites)
    return rows


def coverage(
    model: DeepSaltRegressor, spectra: Spectra, part: str, like: Spectra | None = None
) -> list[dict[str, Any]]:
    """One row for each level."""
    about = {"part": part, "weighted": like is not None}
    return [{**about, "level": level, **told_of(one)} for level, one in held(model, spectra, like)]


def held(
    model: DeepSaltRegressor, spectra: Spectra, like: Spectra | None = None
) -> Iterator[tuple[float, pd.DataFrame]]:
    """Of each level: whether the interval of each row held, its width on ln, and the error of its answer.

    With `like`, the labelled pixels, residuals are weighted for the shift to these spectra.
    """
    truth, answer = log_ece(spectra.samples["ece_ds_m"].to_numpy()), log_ece(model.predict(spectra))
    for level in LEVELS:
        if like is None:
            low, _, high = (log_ece(bound) for bound in model.predict_interval(spectra, level))
        else:
            low, high = weighted(model, spectra, like, answer, level)
        inside = (low - 1e-6 <= truth) & (truth <= high + 1e-6)
        yield level, pd.DataFrame({"inside": inside, "width": high - low, "error": answer - truth})


def told_of(rows: pd.DataFrame) -> dict[str, float]:
    return {
        "coverage": float(rows["inside"].mean()),
        "width": float(rows["width"].mean()),
        "rmse": rmse(rows["error"]),
        "n": len(rows),
    }


def judged_pixels(model: DeepSaltRegressor, spectra: Spectra) -> pd.DataFrame:
    """Of each pixel: its errors, whether the 90 % interval held, and why it is outside, if it is."""
    truth, doubt = spectra.samples["ece_ds_m"].to_numpy(), model.applicability(spectra)
    assert doubt is not None
    low, ece, high = model.predict_interval(spectra, 0.9)
    return pd.DataFrame(
        {
            "ln": log_ece(ece) - log_ece(truth),
            "dS/m": ece - truth,
            "held": (low - 1e-6 <= truth) & (truth <= high + 1e-6),
            "outside": doubt.outside,
            "strange": doubt.strange,
            "known": doubt.known_land,
        }
    )


def applicability_table(pixels: pd.DataFrame) -> str:
    """Errors inside and outside, over all worlds: everything, and the spectrum's part of it on known land."""
    known = pixels[pixels["known"]]
    parts = {
        "all pixels: outside or not": (pixels, "outside"),
        "known land: strange spectrum or not": (known, "strange"),
        "unseen regions that the library covers": (known[known["unseen"] & known["covered"]], "strange"),
        "all pixels: land known or not": (pixels.assign(unknown=~pixels["known"]), "unknown"),
    }
    each = [f"RMSE, {unit}: inside | outside | ratio (each world)" for unit in ("ln", "dS/m")]
    head = " | ".join(["asked", "outside", *each, "90 % covers inside | outside"])
    lines = [f"| {head} |", f"|---{'|---:' * 9}|"]
    for name, (part, flag) in parts.items():
        cells = [name, f"{part[flag].mean():.1%}"]
        for unit in ("ln", "dS/m"):
            worlds = [ratio(one, flag, unit) for _, one in part.groupby("seed")]
            inside, outside = (rmse(part[part[flag] == away][unit]) for away in (False, True))
            told = f"{outside / inside:.2f} ({min(worlds):.2f}-{max(worlds):.2f})"
            cells += [f"{inside:.3f}", f"{outside:.3f}", told]
        cells += [f"{part[part[flag] == away]['held'].mean():.1%}" for away in (False, True)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratio(pixels: pd.DataFrame, flag: str, unit: str) -> float:
    outside = pixels[flag]
    return rmse(pixels[outside][unit]) / rmse(pixels[~outside][unit])


def rmse(errors: pd.Series) -> float:
    return float(np.sqrt((errors**2).mean()))


def weighted(
    model: DeepSaltRegressor, spectra: Spectra, like: Spectra, answer: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    known = model.errors_
    assert known is not None
    scene = str(spectra.samples["scene"].iloc[0])
    residuals = known.fields if scene in known.pointed or known.scenes is None else known.scenes
    some = np.random.default_rng(0).permutation(len(spectra))[:SHIFT_PIXELS]
    new = np.column_stack([answer[some], np.log(levels(spectra.take(some)))])
    old = np.column_stack([residuals.answer, np.log(levels(like))])
    return calibrated(residuals, shift_weights(old, new)).interval(answer, level)


def levels(spectra: Spectra) -> np.ndarray:
    """(n, 4) mean reflectance in the visible, near infrared and both windows of the SWIR."""
    at = spectra.axis.values
    spans = ((450, 700), (780, 900), (1550, 1700), (2100, 2300))
    parts = [spectra.values[:, (at >= low) & (at <= high)].mean(axis=1) for low, high in spans]
    return np.maximum(np.column_stack(parts), 1e-3)


def table(rows: pd.DataFrame) -> str:
    """Mean over worlds, with the smallest and the largest."""
    by_scene = rows.groupby(["covered", "part", "weighted", "level", "seed"], sort=False)
    worlds = by_scene[["coverage", "width", "rmse"]].mean().reset_index()
    lines = [
        "| unseen region | asked | weighted | 68 % covers | 90 % covers | width of 90 %, ln | RMSE, ln |",
        "|---|---|---|---|---|---:|---:|",
    ]
    for (covered, part, weights), one in worlds.groupby(["covered", "part", "weighted"], sort=False):
        told = [_range(one[one["level"] == level]["coverage"]) for level in LEVELS]
        wide = one[one["level"] == LEVELS[-1]]
        kind = "covered by the library" if covered else "unknown to both"
        lines.append(
            f"| {kind} | {part} | {'yes' if weights else 'no'} | {told[0]} | {told[1]} "
            f"| {wide['width'].mean():.2f} | {wide['rmse'].mean():.3f} |"
        )
    return "\n".join(lines)


def _range(values: pd.Series) -> str:
    return f"{values.mean():.1%} ({values.min():.1%}-{values.max():.1%})"


if __name__ == "__main__":
    main()
