"""Pairs of the nearest: the laboratory site and the pixel closest to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.places import great_circle_m


@dataclass(frozen=True)
class Pairs:
    """Which laboratory row goes with which satellite row, and how far apart they are.

    lab, satellite   (pair,) row numbers
    distance_m       (pair,) great-circle distance
    days             (pair,) satellite date minus laboratory date, NaN where one is not known
    weight           (pair,) above 0 up to 1, how much the pair tells
    left_out         laboratory rows without a pair, counted by reason
    """

    lab: NDArray[np.intp]
    satellite: NDArray[np.intp]
    distance_m: NDArray[np.float64]
    days: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    weight: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.lab) and not len(self.days):
            object.__setattr__(self, "days", np.full(len(self.lab), np.nan))
        if len(self.lab) and not len(self.weight):
            object.__setattr__(self, "weight", np.ones(len(self.lab)))

    def __len__(self) -> int:
        return len(self.lab)


def nearest_pairs(
    lab_latitude: ArrayLike,
    lab_longitude: ArrayLike,
    satellite_latitude: ArrayLike,
    satellite_longitude: ArrayLike,
    within_m: float,
) -> Pairs:
    """Each laboratory site with its nearest satellite row, if that lies within `within_m`.

    Coordinates in degrees; rows with a missing coordinate are never paired.
    """
    from sklearn.neighbors import BallTree

    lab = places_of(lab_latitude, lab_longitude)
    satellite = places_of(satellite_latitude, satellite_longitude)
    lab_rows = np.flatnonzero(np.isfinite(lab).all(axis=1))
    satellite_rows = np.flatnonzero(np.isfinite(satellite).all(axis=1))
    if len(lab_rows) == 0 or len(satellite_rows) == 0:
        return Pairs(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))
    tree = BallTree(np.radians(satellite[satellite_rows]), metric="haversine")
    nearest = tree.query(np.radians(lab[lab_rows]), return_distance=False)[:, 0]
    chosen = satellite_rows[nearest]
    distance = great_circle_m(*lab[lab_rows].T, *satellite[chosen].T)
    close = distance <= within_m
    return Pairs(lab_rows[close], chosen[close], distance[close])


def far_from(
    latitude: ArrayLike,
    longitude: ArrayLike,
    held_latitude: ArrayLike,
    held_longitude: ArrayLike,
    beyond_m: float,
) -> NDArray[np.bool_]:
    """True for places farther than `beyond_m` from every held-out place; keeps pairs off test rows."""
    places = places_of(latitude, longitude)
    near = nearest_pairs(latitude, longitude, held_latitude, held_longitude, beyond_m)
    far = np.ones(len(places), bool)
    far[near.lab] = False
    return far


def places_of(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """(place, 2) latitude and longitude."""
    return np.column_stack([np.asarray(latitude, float), np.asarray(longitude, float)])
