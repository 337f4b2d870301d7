"""Ground points: a few neighbouring places in each of some fields, ECe of 0-5 cm by the paste."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.simulate.landscape import BARE, FALLOW, STUBBLE, Landscape
from deepsalt.simulate.library import TOP_LAYER_CM
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.settings import WorldSettings, stream
from deepsalt.simulate.sky import swath

#: How much more often a surveyor walks into a field of each use: crop, stubble, fallow, bare.
_VISITS = {STUBBLE: 1.0, FALLOW: 2.0, BARE: 2.5}
_VISITS_CROP = 0.3


def points_of(land: Landscape, settings: WorldSettings, image: datetime) -> pd.DataFrame:
    """One row a point. Clouds do not guide a surveyor: some points lie under one on the image.

    image   when the scene was taken; the survey falls within ten days of it
    """
    rng = stream(settings.seed, land.region.name, "points")
    open_land = swath(land.shape) & ~land.water
    chosen = _fields(land, open_land, settings, rng)
    parts = [
        _in_field(land, field, open_land, number, settings, rng)
        for number, field in enumerate(chosen, start=1)
    ]
    table = pd.concat(parts, ignore_index=True)
    days = rng.integers(-10, 11, size=len(chosen))
    date = [(image + timedelta(days=int(d))).strftime("%Y-%m-%d") for d in days]
    table["date"] = [date[n - 1] for n in table.pop("number")]
    table.insert(0, "id", [f"{land.region.name}-p{i + 1:04d}" for i in range(len(table))])
    return table[
        [
            "id",
            "field",
            "region",
            "latitude",
            "longitude",
            "date",
            "depth_top_cm",
            "depth_bottom_cm",
            "ece_ds_m",
        ]
    ]


def _fields(
    land: Landscape, open_land: NDArray[np.bool_], settings: WorldSettings, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Numbers of the visited fields: large enough for the points, mostly without a crop."""
    size = np.bincount(land.fields.number[open_land], minlength=land.fields.count)
    fit = np.flatnonzero(size >= settings.points_per_field)
    if len(fit) == 0:
        raise UsageError(
            f"points_per_field is {settings.points_per_field}, but the largest field has {size.max()} pixels",
            where="settings",
            fix="Ask for fewer points in a field.",
        )
    weight = np.array([_VISITS.get(int(use), _VISITS_CROP) for use in land.use[fit]])
    count = min(settings.fields, len(fit))
    return np.sort(rng.choice(fit, size=count, replace=False, p=weight / weight.sum()))


def _in_field(
    land: Landscape,
    field: int,
    open_land: NDArray[np.bool_],
    number: int,
    settings: WorldSettings,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Distinct pixels around a random one of the field."""
    rows, columns = np.nonzero((land.fields.number == field) & open_land)
    start = int(rng.integers(len(rows)))
    distance = np.hypot(rows - rows[start], columns - columns[start]) + rng.uniform(0, 3.0, len(rows))
    near = np.sort(np.argsort(distance, kind="stable")[: settings.points_per_field])
    row, column = rows[near], columns[near]
    within = rng.uniform(0.15, 0.85, (2, len(near)))
    latitude, longitude = grid_of(land.region, land.shape).places(row + within[0], column + within[1])
    truth = land.ece.reshape(land.shape)[row, column]
    measured = truth * np.exp(rng.normal(0.0, settings.label_error, len(near))) + rng.normal(
        0, 0.02, len(near)
    )
    return pd.DataFrame(
        {
            "field": f"{land.region.name}-f{number:02d}",
            "region": land.region.name,
            "latitude": latitude.round(6),
            "longitude": longitude.round(6),
            "number": number,
            "depth_top_cm": TOP_LAYER_CM[0],
            "depth_bottom_cm": TOP_LAYER_CM[1],
            "ece_ds_m": np.maximum(measured, 0.0).round(2),
        }
    )
