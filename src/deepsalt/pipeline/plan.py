"""The stage `plan`: where to take ground samples next, from a model and scenes to a file of places."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.estimators import load_regressor
from deepsalt.estimators.predictor import Predictor
from deepsalt.evaluation.sampling_plan import Plan, plan_samples
from deepsalt.files import destination_of, written_whole
from deepsalt.mapping.inputs import check_covariates
from deepsalt.pipeline.maps import model_path
from deepsalt.pipeline.prepare import open_covariates, open_scenes
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.progress import Progress
from deepsalt.readers.covariate_set import CovariateSet
from deepsalt.readers.points import read_places
from deepsalt.sampling import add_covariates, at_points, random_pixels, usable_axis
from deepsalt.spectra import Scene, Spectra

Covariates = CovariateSet | Literal["none"] | None
#: What a plan can be written as.
SUFFIXES = (".csv", ".geojson")
#: A point this novel, or novelty more: at least half of the variance there is not known from others.
UNLIKE = 0.7
#: A spread in the highest quarter of the candidates'.
UNSURE = 0.75
#: Bands that miss in more pixels than this are left out of the comparison of spectra.
_MOST_MISSING = 0.01


def plan_points(
    model: str | Path,
    scenes: Sequence[str],
    out: str | Path,
    progress: Progress,
    *,
    count: int = 30,
    existing: str | Path | None = None,
    covariates: Sequence[str] = (),
    spacing_m: float = 90.0,
    rules: SurfaceRules = DEFAULT_RULES,
    candidates: int = 20_000,
    seed: int = 0,
    weigh_spread: bool = False,
) -> dict[str, Any]:
    """Propose `count` places for ground samples, write them to `out`, and tell what is in the file.

    model       a model file, or a run folder that holds one
    out         a .csv or .geojson file that is not there yet
    existing    table of places that were sampled already; only latitude and longitude are read
    covariates  rasters (paths or globs) for a model that reads them; ["none"] predicts without them
    rules       what a pixel must not show to be a candidate
    candidates  about how many random valid pixels to choose from
    weigh_spread  land where the model is less sure weighs more; without it the spread is told, and steers
                nothing (docs/plan.md: weighing made no clear difference)

    Raises OutputError if `out` is there already, UsageError if so many points cannot be had, and what
    reading and predicting raise.
    """
    destination = destination_of("a plan", out, SUFFIXES)
    predictor = load_regressor(model_path(model))
    source: Covariates = "none" if list(covariates) == ["none"] else open_covariates(covariates)
    check_covariates(predictor, source)
    progress("drawing candidates", 0, 3)
    opened = open_scenes(scenes)
    pixels = random_pixels(opened, usable_axis(opened), candidates, seed, rules)
    places = None if existing is None else read_places(existing)
    sampled = None if places is None else at_points(opened, places, pixels.axis, None, rules)
    progress("predicting", 1, 3)
    pixels, ece, spread = _predicted(predictor, _with_covariates(predictor, pixels, source))
    progress("choosing points", 2, 3)
    weights = spread if weigh_spread else None
    plan = _chosen(pixels, weights, sampled, places, count=count, spacing_m=spacing_m, seed=seed)
    table = _table(plan, pixels, ece, spread, sampled is not None)
    _write(table, destination)
    progress("plan written", 3, 3)
    return {
        "kind": "plan",
        "plan": str(destination),
        "model": predictor.name,
        "simulated": predictor.simulated,
        "scenes": [scene.name for scene in opened],
        "candidates": len(pixels),
        "existing": 0 if places is None else len(places),
        "existing_on_valid_pixels": 0 if sampled is None else len(sampled),
        "spacing_m": spacing_m,
        "max_ndvi": rules.max_ndvi,
        "surface_rules": rules.describe(),
        "seed": seed,
        "weighed_by_spread": weigh_spread and spread is not None,
        "points": json.loads(table.to_json(orient="records")),
        "notes": _notes(predictor, source, spread, places, sampled, opened),
    }


def _with_covariates(predictor: Predictor, pixels: Spectra, source: Covariates) -> Spectra:
    """The pixels with the columns that the predictor reads; missing throughout for "none"."""
    if not predictor.covariates:
        return pixels
    if isinstance(source, CovariateSet):
        return add_covariates(pixels, source)
    return pixels.with_samples(**{name: np.full(len(pixels), np.nan) for name in predictor.covariates})


def _predicted(
    predictor: Predictor, pixels: Spectra
) -> tuple[Spectra, NDArray[np.float64], NDArray[np.float64] | None]:
    """The pixels that can be predicted, their ECe in dS/m, and how unsure the model is, on ln(1+ECe)."""
    if hasattr(predictor, "predict_with_spread"):
        ece, spread = predictor.predict_with_spread(pixels)
    else:
        ece, spread = predictor.predict(pixels), None
    good = np.isfinite(ece) & np.isfinite(pixels.values[:, _common_bands(pixels)]).all(axis=1)
    if not good.any():
        raise LabelError(
            f"none of {len(pixels)} valid pixels can be predicted",
            where=f"model {predictor.name}",
            fix="Check that the scenes hold the model's bands: deepsalt inspect SCENE",
        )
    return pixels.take(good), np.maximum(ece[good], 0.0), None if spread is None else spread[good]


def _common_bands(pixels: Spectra) -> NDArray[np.bool_]:
    """(band,) True for those that nearly every pixel has."""
    return np.asarray(np.isnan(pixels.values).mean(axis=0) <= _MOST_MISSING)


def _chosen(
    pixels: Spectra,
    spread: NDArray[np.float64] | None,
    sampled: Spectra | None,
    places: pd.DataFrame | None,
    *,
    count: int,
    spacing_m: float,
    seed: int,
) -> Plan:
    bands = np.isfinite(pixels.values).all(axis=0)
    known = None
    if sampled is not None:
        known = sampled.values[:, bands]
        known = known[np.isfinite(known).all(axis=1)]
    return plan_samples(
        pixels.values[:, bands],
        pixels.samples["latitude"].to_numpy(),
        pixels.samples["longitude"].to_numpy(),
        count,
        spread=spread,
        existing=known,
        visited=None if places is None else (places["latitude"], places["longitude"]),
        spacing_m=spacing_m,
        seed=seed,
    )


def _table(
    plan: Plan,
    pixels: Spectra,
    ece: NDArray[np.float64],
    spread: NDArray[np.float64] | None,
    any_sampled: bool,
) -> pd.DataFrame:
    """One row a point, best first. The prediction's column is no label: no reader takes it for one."""
    there = pixels.samples.iloc[plan.rows]
    unsure = np.full(len(plan), np.nan) if spread is None else spread[plan.rows]
    limit = np.inf if spread is None else float(np.quantile(spread, UNSURE))
    reasons = [
        _reason(share, any_sampled and novelty >= UNLIKE, doubt >= limit)
        for share, novelty, doubt in zip(plan.share, plan.novelty, unsure, strict=True)
    ]
    return pd.DataFrame(
        {
            "order": np.arange(1, len(plan) + 1),
            "latitude": there["latitude"].to_numpy().round(6),
            "longitude": there["longitude"].to_numpy().round(6),
            "scene": there["scene"].to_numpy(),
            "row": there["row"].to_numpy(),
            "column": there["column"].to_numpy(),
            "predicted_ece_ds_m": ece[plan.rows].round(3),
            "spread_ln": unsure.round(4),
            "novelty": plan.novelty.round(3),
            "reason": reasons,
        }
    )


def _reason(share: float, unlike: bool, unsure: bool) -> str:
    """Why a point is in the plan, in words.

    >>> _reason(0.124, True, False)
    'unlike what was sampled; typical of 12 % of the land'
    """
    percent = f"{share:.0%}".replace("%", " %") if share >= 0.005 else "less than 1 %"
    said = {
        "unlike what was sampled": unlike,
        "model unsure": unsure,
        f"typical of {percent} of the land": True,
    }
    return "; ".join(words for words, holds in said.items() if holds)


def _write(table: pd.DataFrame, destination: Path) -> None:
    with written_whole(destination) as aside:
        if destination.suffix.lower() == ".csv":
            table.to_csv(aside, index=False, lineterminator="\n")
        else:
            aside.write_text(json.dumps(_geojson(table), ensure_ascii=False) + "\n", encoding="utf-8")


def _geojson(table: pd.DataFrame) -> dict[str, Any]:
    """Points in longitude, latitude (WGS84), as RFC 7946 wants them."""
    records = json.loads(table.to_json(orient="records", double_precision=15))
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [record["longitude"], record["latitude"]]},
                "properties": record,
            }
            for record in records
        ],
    }


def _notes(
    predictor: Predictor,
    source: Covariates,
    spread: NDArray[np.float64] | None,
    places: pd.DataFrame | None,
    sampled: Spectra | None,
    scenes: Sequence[Scene],
) -> list[str]:
    notes = [note for scene in scenes for note in scene.notes]
    if spread is None:
        notes.append(f"The model {predictor.name} tells no spread: how unsure it is is not known.")
    if predictor.covariates and source == "none":
        notes.append(f"Predicted without covariates ({', '.join(predictor.covariates)}).")
    if sampled is not None:
        notes.append(sampled.provenance[-1].replace("ground points", "existing points"))
    if places is not None:
        notes += places.attrs["notes"]
    if getattr(predictor, "simulated", False):
        notes.append("The model was trained on simulated data: its ECe and spread are simulated results.")
    return notes
