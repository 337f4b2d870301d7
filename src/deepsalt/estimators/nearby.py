"""What laboratory samples say of the ground near them, beside what its spectra say.

A scene's answers are wrong by something that changes slowly over the ground: another soil, another moisture.
Where the library's samples have places, the difference between their EC and the answers about them shows it,
and is carried to the ground near them (regression kriging: Odeh et al. 1995, Geoderma 67, 215). No spectrum
of a sample is read here, and none needs a pixel of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from deepsalt.errors import UsageError
from deepsalt.estimators.lands import of_the_surface
from deepsalt.pairing import EARTH_RADIUS_M

Floats = NDArray[np.float64]

#: Distance over which errors grow unlike by 1/e, and variance of what a sample shares with no other, over
#: that of the rest. Chosen on development worlds, where 200 to 1,000 m and 0.5 to 2 did about as well.
REACH_M, ALONE = 400.0, 1.0
#: Distance over which the pixels about a sample lose weight by 1/e; it needs some within twice that.
ABOUT_M = 200.0
FEWEST_SITES = 10
_PLACE = ("latitude", "longitude")
_AT_ONCE = 4_000_000  # distances
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class Sites:
    """Samples of the surface on one land, one a place.

    latitude, longitude  (n,) degrees WGS84
    label                (n,) ln(1+ECe), of several samples of a place their mean
    """

    latitude: Floats
    longitude: Floats
    label: Floats

    @classmethod
    def of(cls, samples: pd.DataFrame, label: ArrayLike, rows: NDArray[np.bool_]) -> Sites:
        """The sites among `rows` (n,) of a library's table that have a label (n,), NaN = none, and a place.

        A sample from below the surface says little of what is seen and is left out.
        Raises UsageError for a library without places.
        """
        if not set(_PLACE) <= set(samples):
            raise UsageError(
                "the library has no places, so nothing can be said of the ground near its samples",
                fix="Give it columns latitude and longitude, or leave `places` off.",
            )
        table = samples[list(_PLACE)].astype(np.float64).assign(label=np.asarray(label, np.float64))
        found = table[rows & of_the_surface(samples)].dropna().groupby(list(_PLACE), as_index=False).mean()
        return cls(*(found[name].to_numpy(np.float64) for name in (*_PLACE, "label")))

    def __len__(self) -> int:
        return len(self.label)

    def as_plain(self) -> dict[str, list[float]]:
        """For a model's card."""
        return {name: getattr(self, name).tolist() for name in (*_PLACE, "label")}

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Sites:
        """Back from a card. Raises KeyError, TypeError or ValueError for what is no table of sites."""
        return cls(*_columns(content, (*_PLACE, "label")))


@dataclass(frozen=True, eq=False)
class Nearby:
    """What is added to the answers of one scene, by place.

    latitude, longitude  (n,) of the sites
    weight               (n,) of each, ln(1+ECe)
    believed             share of what the sites say that the weights hold
    """

    latitude: Floats
    longitude: Floats
    weight: Floats
    believed: float

    def at(self, table: pd.DataFrame) -> Floats:
        """(row,) what is added on ln(1+ECe); 0 for a row without a place and far from every site."""
        added = np.zeros(len(table))
        if not set(_PLACE) <= set(table) or not len(self.weight):
            return added
        places = table[list(_PLACE)].to_numpy(np.float64)
        rows = np.flatnonzero(np.isfinite(places).all(axis=1))
        for part in np.array_split(rows, 1 + len(rows) * len(self.weight) // _AT_ONCE):
            apart = _apart_m(places[part, 0], places[part, 1], self.latitude, self.longitude)
            added[part] = np.exp(-apart / REACH_M) @ self.weight
        return added

    @property
    def said(self) -> str:
        """For the reader of a map."""
        return (
            f"{len(self.weight)} laboratory samples moved answers within some {2 * REACH_M:.0f} m of them; "
            f"{self.believed:.0%} of what they say is believed."
        )

    def as_plain(self) -> dict[str, Any]:
        """For a model's card."""
        return {
            **{name: getattr(self, name).tolist() for name in (*_PLACE, "weight")},
            "believed": self.believed,
        }

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Nearby:
        """Back from a card. Raises KeyError, TypeError or ValueError for what `as_plain` did not write."""
        latitude, longitude, weight = _columns(content, (*_PLACE, "weight"))
        return cls(latitude, longitude, weight, float(content["believed"]))


def nearby(sites: Sites, pixels: pd.DataFrame, answers: ArrayLike) -> tuple[Nearby | None, dict[str, Any]]:
    """What the sites say of a scene, None where that is not worth hearing, and plain facts of it.

    pixels   places of pixels of the scene, `latitude` and `longitude`
    answers  (pixel,) ln(1+ECe)
    Simple kriging of label less answer about the site, freed of its mean, with an exponential covariance,
    as far as it is believed: see `_believed`.
    """
    latitude, longitude = (pixels[name].to_numpy(np.float64) for name in _PLACE)
    near = np.exp(-_apart_m(sites.latitude, sites.longitude, latitude, longitude) / ABOUT_M)
    seen = near.max(axis=1, initial=0.0) > np.exp(-2.0)
    facts = {"sites": int(seen.sum()), "believed": 0.0}
    if facts["sites"] < FEWEST_SITES:
        return None, facts
    latitude, longitude, near = sites.latitude[seen], sites.longitude[seen], near[seen]
    missing = sites.label[seen] - near @ np.asarray(answers, np.float64) / near.sum(axis=1)
    missing -= missing.mean()
    like = np.exp(-_apart_m(latitude, longitude, latitude, longitude) / REACH_M)
    inverse = np.linalg.inv(like + ALONE * np.eye(len(missing)))
    weight = inverse @ missing
    facts["believed"] = _believed(missing, missing - weight / np.diag(inverse))
    found = Nearby(latitude, longitude, facts["believed"] * weight, facts["believed"])
    return (found if facts["believed"] > 0 else None), facts


def _believed(missing: Floats, told: Floats) -> float:
    """Share of what sites say that is believed, 0 to 1.

    missing  (n,) at each site
    told     (n,) what the others say of it without it (in closed form: Dubrule 1983, Math. Geol. 15, 687)
    The slope of the line from told to missing: what does not agree, or lies in a wrong place, has none.
    """
    size = float(told @ told)
    return float(np.clip(missing @ told / size, 0.0, 1.0)) if size > _NOTHING else 0.0


def _apart_m(latitude: Floats, longitude: Floats, other_latitude: Floats, other_longitude: Floats) -> Floats:
    """(n, m) distance over ground that is flat for so short a way."""
    east = np.cos(np.radians(np.mean(other_latitude))) if len(other_latitude) else 1.0
    sides = [
        np.stack([np.radians(north), np.radians(along) * east], axis=1)
        for north, along in ((latitude, longitude), (other_latitude, other_longitude))
    ]
    return np.asarray(cdist(*sides)) * EARTH_RADIUS_M


def _columns(content: Mapping[str, Any], names: tuple[str, ...]) -> list[Floats]:
    columns = [np.array(content[name], np.float64) for name in names]
    if len({one.shape for one in columns}) != 1 or columns[0].ndim != 1:
        raise ValueError(f"{', '.join(names)} of different lengths")
    if not all(np.isfinite(one).all() for one in columns):
        raise ValueError(f"{', '.join(names)} must be numbers")
    return columns
