"""What is told about pairs: how many, how far apart in space and time, how saline, where, what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.files import written_whole
from deepsalt.pairing.nearest import Pairs
from deepsalt.salinity.classes import NO_CLASS, USDA, ClassScheme

_QUANTILES = {"least": 0.0, "quarter": 0.25, "median": 0.5, "three quarters": 0.75, "most": 1.0}
#: Decimals of degrees on a map: about 0.1 m.
_DECIMALS = 6


def pair_report(
    pairs: Pairs, lab: pd.DataFrame, satellite: pd.DataFrame, scheme: ClassScheme = USDA
) -> dict[str, Any]:
    """Plain values, ready for JSON; what is not known is absent.

    lab   its `ece_ds_m` gives the classes; its `date` and that of `satellite` the range of dates

    Keys: pairs, laboratory rows, pixels, distance_m and days_apart (absolute) by quantile, weight (least,
    median, most), laboratory dates and satellite dates (first, last), classes (pairs a class of ECe) and
    left_out (laboratory rows without a pair, by reason).
    """
    report: dict[str, Any] = {
        "pairs": len(pairs),
        "laboratory rows": len(np.unique(pairs.lab)),
        "pixels": len(np.unique(pairs.satellite)),
    }
    apart = np.abs(pairs.days[np.isfinite(pairs.days)])
    for name, values in (("distance_m", pairs.distance_m), ("days_apart", apart)):
        if len(values):
            report[name] = {word: round(float(np.quantile(values, q)), 2) for word, q in _QUANTILES.items()}
    if len(pairs):
        weights = {"least": pairs.weight.min(), "median": np.median(pairs.weight), "most": pairs.weight.max()}
        report["weight"] = {word: round(float(value), 3) for word, value in weights.items()}
    for name, table, rows in (("laboratory", lab, pairs.lab), ("satellite", satellite, pairs.satellite)):
        dates = table["date"].iloc[rows].dropna().astype(str) if "date" in table else pd.Series(dtype=str)
        if len(dates):
            report[f"{name} dates"] = [dates.min(), dates.max()]
    if "ece_ds_m" in lab:
        report["classes"] = _classes(lab["ece_ds_m"].to_numpy(np.float64)[pairs.lab], scheme)
    report["left_out"] = dict(pairs.left_out)
    return report


def _classes(ece: NDArray[np.float64], scheme: ClassScheme) -> dict[str, int]:
    """Pairs a class of ECe, in order of salinity; those without an ECe last, where there are any."""
    index = scheme.classify(ece)
    counts = {one.name: int((index == number).sum()) for number, one in enumerate(scheme.classes)}
    unknown = int((index == NO_CLASS).sum())
    return {**counts, "not known": unknown} if unknown else counts


def write_pair_map(path: str | Path, pairs: Pairs, lab: pd.DataFrame, satellite: pd.DataFrame) -> None:
    """A GeoJSON (RFC 7946, WGS84) of one line a pair, from the site to the pixel.

    Properties: lab and satellite (`id`, or the row number), distance_m, days, weight, ece_ds_m.
    Raises OutputError if it cannot be written.
    """
    features = [_feature(pairs, number, lab, satellite) for number in range(len(pairs))]
    content = {"type": "FeatureCollection", "name": "pairs", "features": features}
    with written_whole(path) as aside:
        aside.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def _feature(pairs: Pairs, number: int, lab: pd.DataFrame, satellite: pd.DataFrame) -> dict[str, Any]:
    site, pixel = lab.iloc[pairs.lab[number]], satellite.iloc[pairs.satellite[number]]
    ends = [
        [round(float(end["longitude"]), _DECIMALS), round(float(end["latitude"]), _DECIMALS)]
        for end in (site, pixel)
    ]
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": ends},
        "properties": {
            "lab": str(site["id"]) if "id" in lab else int(pairs.lab[number]),
            "satellite": str(pixel["id"]) if "id" in satellite else int(pairs.satellite[number]),
            "distance_m": _number(pairs.distance_m[number], 1),
            "days": _number(pairs.days[number], 0),
            "weight": _number(pairs.weight[number], 3),
            "ece_ds_m": _number(site["ece_ds_m"], 2) if "ece_ds_m" in lab else None,
        },
    }


def _number(value: float, decimals: int) -> float | None:
    return round(float(value), decimals) if np.isfinite(value) else None
