"""Results by salinity class, region, climate zone, soil class and season, and where there is salt at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.evaluation.bootstrap import salinity_intervals
from deepsalt.evaluation.metrics import salinity_metrics
from deepsalt.salinity import USDA

#: Columns of predictions that stratify them, where they are there.
STRATA = ("region", "climate_zone", "soil_class", "season")
#: Tropic of Cancer, degrees: nearer to the equator, months make no summer and winter.
TROPIC_DEG = 23.44
#: Samples without salt are many and easy; this stratum leaves them out.
ABOVE_ZERO = "above zero"
#: A value that is rarer than this many samples is counted with the others.
FEWEST_SAMPLES = 3

_MONTHS = ("Dec-Feb", "Mar-May", "Jun-Aug", "Sep-Nov")
_NORTH = ("winter", "spring", "summer", "autumn")


def seasons(dates: pd.Series, latitude: NDArray[np.float64]) -> NDArray[np.object_]:
    """(sample,) meteorological season of the hemisphere, the quarter in the tropics, "" where not known.

    dates     text or dates
    latitude  (sample,) degrees
    """
    from pandas import to_datetime

    months = to_datetime(dates, errors="coerce", format="mixed", utc=True).dt.month.to_numpy(np.float64)
    known = np.isfinite(months) & np.isfinite(latitude)
    quarter = (np.where(known, months, 12).astype(int) % 12) // 3
    south = np.array(_NORTH, dtype=object)[(quarter + 2) % 4]
    named = np.where(latitude < 0, south, np.array(_NORTH, dtype=object)[quarter])
    tropical = np.array([f"{name} (tropics)" for name in _MONTHS], dtype=object)[quarter]
    named = np.where(np.abs(latitude) < TROPIC_DEG, tropical, named)
    return np.where(known, named, "").astype(object)


def strata_of(predictions: pd.DataFrame, classes: bool = True) -> list[dict[str, Any]]:
    """One row for each method, part, stratum and value, in the order in which they are met.

    classes   by USDA class of the observed value too: of ECe only, the bounds mean nothing for another EC
    returns   method, part, by, value, n, groups, dS_m, ln, and `intervals` as far as there are groups
    """
    found = []
    for (method, part), table in predictions.groupby(["method", "part"], sort=False):
        for by, value, rows in _strata(table, classes):
            found.append({"method": method, "part": part, "by": by, "value": value, **_numbers(rows)})
    return found


def _strata(table: pd.DataFrame, classes: bool) -> Iterator[tuple[str, str, pd.DataFrame]]:
    if classes:
        index = USDA.classify(table["observed"])
        for number, one in enumerate(USDA.classes):
            if (index == number).any():
                yield "class", one.name, table[index == number]
    for name in STRATA:
        if name in table:
            yield from _by_column(name, table)
    salty = table["observed"] > 0
    if salty.any() and not salty.all():
        yield "observed", ABOVE_ZERO, table[salty]


def _by_column(name: str, table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """The values of a column, by name; nothing where there is only one. Rare ones stand together."""
    values = table[name].astype(object).where(table[name].notna(), "").astype(str)
    counts = values[values != ""].value_counts()
    rare = counts.index[counts < FEWEST_SAMPLES]
    if len(rare) > 1:
        values = values.where(~values.isin(rare), f"{len(rare)} others")
    names = sorted(set(values) - {""})
    if len(names) > 1:
        for value in names:
            yield name, value, table[values == value]


def _numbers(rows: pd.DataFrame) -> dict[str, Any]:
    numbers: dict[str, Any] = {"groups": int(rows["group"].nunique())}
    numbers |= salinity_metrics(rows["observed"], rows["predicted"])
    between = salinity_intervals(rows["observed"], rows["predicted"], rows["group"])
    if between is not None:
        numbers["intervals"] = between
    return numbers
