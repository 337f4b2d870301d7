"""What laboratory samples say of the ground near them, beside what its spectra say.

A scene's answers are wrong by something that changes slowly over the ground: another soil, another moisture.
Where the library's samples have places, the difference between their EC and the answers about them shows it,
and is carried to the ground near them (regression kriging: Odeh et al. 1995, Geoderma 67, 215). Where EC was
not measured, what a teacher says of it counts, the less the more the teacher errs. No spectrum of a sample is
read here, and none needs a pixel of its own.
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
Floats32 = NDArray[np.float32]

#: Distance over which errors grow unlike by 1/e, and variance of what a sample shares with no other, over
#: that of the rest. Chosen on development worlds, where 200 to 1,000 m and 0.5 to 2 did about as well.
REACH_M, ALONE = 400.0, 1.0
#: Distance over which the pixels about a sample lose weight by 1/e; it needs some within twice that.
ABOUT_M = 200.0
#: Error of a place beyond which its sample says nothing of the ground near it: a quarter of the reach. On
#: development worlds errors of 30 m cost nothing, of 100 m a tenth of the gain, of 400 m most of it.
MOST_ERROR_M = 100.0
FEWEST_SITES = 10
_PLACE = ("latitude", "longitude")
_ERROR = "position_error_m"
_SITE = (*_PLACE, "label", "error")
_DEGREE_M = float(np.radians(1.0)) * EARTH_RADIUS_M
_AT_ONCE = 250_000  # distances, which a cache holds
_NOTHING = 1e-12
_LEAST_SHARE = 0.1  # of the variance, where told labels are said to err by more than all of it


def exactly_placed(samples: pd.DataFrame) -> NDArray[np.bool_]:
    """(n,) samples of a library with a place, that say that it is wrong by 100 m at most."""
    if not set(_PLACE) <= set(samples):
        return np.zeros(len(samples), bool)
    return _exact(samples, stated=True) & samples[list(_PLACE)].notna().all(axis=1).to_numpy()


@dataclass(frozen=True, eq=False)
class Sites:
    """Samples of the surface on one land, one a place.

    latitude, longitude  (n,) degrees WGS84
    label                (n,) ln(1+ECe), of several samples of a place their mean
    error                (n,) standard deviation of what was not measured but told of a sample; 0 = measured
    """

    latitude: Floats
    longitude: Floats
    label: Floats
    error: Floats

    @classmethod
    def of(
        cls,
        samples: pd.DataFrame,
        label: ArrayLike,
        error: ArrayLike,
        rows: NDArray[np.bool_],
        *,
        stated: bool,
    ) -> Sites:
        """The sites among `rows` (n,) of a library's table that have a label (n,), NaN = none, and a place.

        error   (n,) of labels that were told, 0 = measured
        stated  a place counts only where its error is stated, and is at most 100 m; else also where none is

        A sample from below the surface says little of what is seen and is left out. Of a place with measured
        and told labels the measured ones count.
        Raises UsageError for a library without places.
        """
        if not set(_PLACE) <= set(samples):
            raise UsageError(
                "the library has no places, so nothing can be said of the ground near its samples",
                fix="Give it columns latitude and longitude, or leave `places` off.",
            )
        numbers = {"label": np.asarray(label, np.float64), "error": np.asarray(error, np.float64)}
        table = samples[list(_PLACE)].astype(np.float64).assign(**numbers)
        found = table[rows & of_the_surface(samples) & _exact(samples, stated)].dropna()
        best = found.groupby(list(_PLACE))["error"].transform("min")
        told = found[(found["error"] == 0) | (best > 0)].groupby(list(_PLACE), as_index=False).mean()
        return cls(*(told[name].to_numpy(np.float64) for name in _SITE))

    def __len__(self) -> int:
        return len(self.label)

    def as_plain(self) -> dict[str, list[float]]:
        """For a model's card."""
        return {name: getattr(self, name).tolist() for name in _SITE}

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Sites:
        """Back from a card. Raises KeyError, TypeError or ValueError for what is no table of sites."""
        measured = [0.0] * len(content["label"])  # cards of models that knew no told labels
        return cls(*_columns({"error": measured, **content}, _SITE))


def _exact(samples: pd.DataFrame, stated: bool) -> NDArray[np.bool_]:
    """(n,) whose place is exact enough, so far as is known."""
    if _ERROR not in samples:
        return np.full(len(samples), not stated)
    error = samples[_ERROR].to_numpy(np.float64)
    known = error >= 0  # libraries write a negative number for what is missing
    return np.where(known, error <= MOST_ERROR_M, not stated)


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
        north, east = self._metres(*table[list(_PLACE)].to_numpy(np.float64).T)
        here_north, here_east = self._metres(self.latitude, self.longitude)
        weight = self.weight.astype(np.float32)
        rows = np.flatnonzero(np.isfinite(north) & np.isfinite(east))
        for part in np.array_split(rows, 1 + len(rows) * len(weight) // _AT_ONCE):
            # In place and in float32, good to 1e-5 here: a map asks this of every pixel.
            apart = np.square(north[part, None] - here_north)
            apart += np.square(east[part, None] - here_east)
            np.multiply(np.sqrt(apart, out=apart), -1 / REACH_M, out=apart)
            added[part] = np.einsum("ps,s->p", np.exp(apart, out=apart), weight)
        return added

    def _metres(self, latitude: Floats, longitude: Floats) -> tuple[Floats32, Floats32]:
        """(n,) m to the north and to the east of the sites' middle, over ground that is flat near by."""
        middle, along = float(self.latitude.mean()), float(self.longitude.mean())
        east = (longitude - along) * _DEGREE_M * np.cos(np.radians(middle))
        return ((latitude - middle) * _DEGREE_M).astype(np.float32), east.astype(np.float32)

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
    Simple kriging of label less answer about the site, freed of its mean, with an exponential covariance
    and each told label's own error, as far as it is believed: see `_believed`.
    """
    latitude, longitude = (pixels[name].to_numpy(np.float64) for name in _PLACE)
    near = np.exp(-_apart_m(sites.latitude, sites.longitude, latitude, longitude) / ABOUT_M)
    seen = near.max(axis=1, initial=0.0) > np.exp(-2.0)
    facts = {"sites": int(seen.sum()), "believed": 0.0}
    if facts["sites"] < FEWEST_SITES:
        return None, facts
    latitude, longitude, near = sites.latitude[seen], sites.longitude[seen], near[seen]
    missing = sites.label[seen] - near @ np.asarray(answers, np.float64) / near.sum(axis=1)
    alone = ALONE + sites.error[seen] ** 2 / _shared_variance(missing, sites.error[seen])
    missing -= np.average(missing, weights=1 / (1 + alone))
    like = np.exp(-_apart_m(latitude, longitude, latitude, longitude) / REACH_M)
    inverse = np.linalg.inv(like + np.diag(alone))
    weight = inverse @ missing
    facts["believed"] = _believed(missing, missing - weight / np.diag(inverse), 1 / (1 + alone))
    found = Nearby(latitude, longitude, facts["believed"] * weight, facts["believed"])
    return (found if facts["believed"] > 0 else None), facts


def _shared_variance(missing: Floats, error: Floats) -> float:
    """Variance of what sites share with others near them: what told labels err by is none of it."""
    whole = max(float(missing.var()), _NOTHING)
    return max(whole - float(np.mean(error**2)), _LEAST_SHARE * whole) / (1 + ALONE)


def _believed(missing: Floats, told: Floats, counts: Floats) -> float:
    """Share of what sites say that is believed, 0 to 1.

    missing  (n,) at each site
    told     (n,) what the others say of it without it (in closed form: Dubrule 1983, Math. Geol. 15, 687)
    counts   (n,) how much each site counts
    The slope of the line from told to missing: what does not agree, or lies in a wrong place, has none.
    """
    size = float(counts @ told**2)
    return float(np.clip(counts @ (missing * told) / size, 0.0, 1.0)) if size > _NOTHING else 0.0


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
