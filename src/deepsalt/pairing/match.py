"""Pairs by distance and date: the nearest, the mutual nearest, or all within reach, each with a weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.pairing.nearest import Pairs, places_of
from deepsalt.places import EARTH_RADIUS_M, great_circle_m

Mode = Literal["nearest", "mutual", "all"]

#: The tree may round: it is asked for a little more, and the distance itself decides.
_MARGIN = 1 + 1e-9


def match(
    lab: pd.DataFrame,
    satellite: pd.DataFrame,
    within_m: float,
    *,
    max_days: float | None = None,
    mode: Mode = "nearest",
) -> Pairs:
    """Laboratory rows paired with satellite rows within a distance and a date gap.

    lab, satellite  columns latitude, longitude (degrees WGS84); date (YYYY-MM-DD) where `max_days` asks for
                    it; pixel_purity of the satellite, where there is one
    max_days        at most so many days apart; a row without a date is then never paired
    mode            "nearest": each laboratory row with its nearest satellite row. "mutual": only where it is
                    also the nearest of that satellite row, so that no pixel has two sites. "all": every pair
                    within reach. Of equally near ones the nearer in date, then the earlier row

    weight = exp(-(d / (R/2))^2 / 2) * exp(-(t / (T/2))^2 / 2) * purity, with the distance d, R = within_m,
    the date gap t, T = max_days (the factor is 1 without it) and the pixel's purity (1 where it is not
    known). This form is ours: at the edge of reach a pair counts exp(-2), 0.14.

    Raises UsageError for a distance or gap that cannot be and an unknown mode, LabelError for tables without
    places, or without any date where `max_days` is given.
    """
    _check(lab, satellite, within_m, max_days, mode)
    here, there = _Side.of(lab), _Side.of(satellite)
    near = _within_reach(here, there, within_m)
    fit = near if max_days is None else near.take(np.abs(near.days) <= max_days)
    if mode == "all":
        chosen = fit
    else:
        first = fit.first_of("lab")
        chosen = fit.take(first & fit.first_of("satellite") if mode == "mutual" else first)
    left_out = _left_out(here, near, fit, chosen, max_days)
    weight = _weight(chosen, within_m, max_days, satellite)
    return Pairs(chosen.lab, chosen.satellite, chosen.distance_m, chosen.days, weight, left_out)


@dataclass(frozen=True)
class _Side:
    """Places (row, 2) in degrees and days since 1970 (row,), NaN where not known."""

    places: NDArray[np.float64]
    days: NDArray[np.float64]

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Side:
        places = places_of(table["latitude"], table["longitude"])
        dates = pd.to_datetime(table["date"], errors="coerce") if "date" in table else None
        if dates is None:
            return cls(places, np.full(len(table), np.nan))
        days = (dates - pd.Timestamp(0)) / pd.Timedelta(days=1)
        return cls(places, np.floor(days.to_numpy(np.float64)))

    @property
    def placed(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.isfinite(self.places).all(axis=1))


@dataclass(frozen=True)
class _Candidates:
    """Pairs sorted by distance, then date gap, then row."""

    lab: NDArray[np.intp]
    satellite: NDArray[np.intp]
    distance_m: NDArray[np.float64]
    days: NDArray[np.float64]

    def take(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> _Candidates:
        return _Candidates(self.lab[keep], self.satellite[keep], self.distance_m[keep], self.days[keep])

    def first_of(self, side: Literal["lab", "satellite"]) -> NDArray[np.bool_]:
        """(pair,) whether it is the best of its row on that side."""
        own, other = (self.lab, self.satellite) if side == "lab" else (self.satellite, self.lab)
        order = np.lexsort((other, np.nan_to_num(np.abs(self.days), nan=np.inf), self.distance_m, own))
        best = np.zeros(len(own), bool)
        best[order[np.unique(own[order], return_index=True)[1]]] = True
        return best


def _within_reach(here: _Side, there: _Side, within_m: float) -> _Candidates:
    """Every pair within the distance, by laboratory row and distance."""
    from sklearn.neighbors import BallTree

    lab, satellite = here.placed, there.placed
    if not len(lab) or not len(satellite):
        none = np.empty(0, np.intp)
        return _Candidates(none, none, np.empty(0), np.empty(0))
    tree = BallTree(np.radians(there.places[satellite]), metric="haversine")
    radius = within_m / EARTH_RADIUS_M * _MARGIN
    found = tree.query_radius(np.radians(here.places[lab]), radius)
    rows = np.repeat(lab, [len(one) for one in found])
    columns = satellite[np.concatenate(found).astype(np.intp)]
    distance = great_circle_m(*here.places[rows].T, *there.places[columns].T)
    order = np.lexsort((columns, distance, rows))
    order = order[distance[order] <= within_m]
    days = there.days[columns] - here.days[rows]
    return _Candidates(rows[order], columns[order], distance[order], days[order])


def _weight(
    pairs: _Candidates, within_m: float, max_days: float | None, satellite: pd.DataFrame
) -> NDArray[np.float64]:
    weight = np.exp(-0.5 * (2 * pairs.distance_m / within_m) ** 2)
    if max_days:
        weight = weight * np.exp(-0.5 * (2 * pairs.days / max_days) ** 2)
    if "pixel_purity" in satellite:
        purity = satellite["pixel_purity"].to_numpy(np.float64)[pairs.satellite]
        weight = weight * np.nan_to_num(purity, nan=1.0)
    return np.asarray(weight, np.float64)


def _left_out(
    here: _Side, near: _Candidates, fit: _Candidates, chosen: _Candidates, max_days: float | None
) -> Mapping[str, int]:
    """Laboratory rows without a pair by the first reason that holds."""
    rows = np.arange(len(here.places))
    placed = np.isin(rows, here.placed)
    dated = np.isfinite(here.days) if max_days is not None else np.ones(len(rows), bool)
    reached, timely, taken = (np.isin(rows, one.lab) for one in (near, fit, chosen))
    reasons = {
        "no place": ~placed,
        "no date": placed & ~dated,
        "no pixel within the distance": placed & dated & ~reached,
        "no pixel within the date gap": placed & dated & reached & ~timely,
        "its pixel is nearer to another site": placed & dated & timely & ~taken,
    }
    return {why: int(which.sum()) for why, which in reasons.items() if which.any()}


def _check(
    lab: pd.DataFrame, satellite: pd.DataFrame, within_m: float, max_days: float | None, mode: str
) -> None:
    if mode not in get_args(Mode):
        raise UsageError(f"unknown mode {mode!r}", fix=f"Use one of: {', '.join(get_args(Mode))}.")
    if not within_m > 0:
        raise UsageError(f"within_m is {within_m}", fix="Give metres above 0.")
    if max_days is not None and not max_days >= 0:
        raise UsageError(f"max_days is {max_days}", fix="Give 0 or more days.")
    for name, table in (("laboratory", lab), ("satellite", satellite)):
        missing = [column for column in ("latitude", "longitude") if column not in table]
        if missing:
            raise LabelError(
                f"no column {' and '.join(missing)}", where=f"{name} rows", fix="Pairs need both."
            )
        if max_days is not None and ("date" not in table or table["date"].isna().all()):
            raise LabelError(
                "no row has a date, which max_days asks for", where=f"{name} rows", fix="Leave max_days away."
            )
