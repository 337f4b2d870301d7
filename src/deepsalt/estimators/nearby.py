"""How the answers of one scene are moved by place, once laboratory samples were heard: see `cokriging`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from deepsalt.estimators.sites import PLACE, columns
from deepsalt.pairing import EARTH_RADIUS_M

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

DEGREE_M = float(np.radians(1.0)) * EARTH_RADIUS_M
#: Distance over which the ground grows unlike by 1/e. Chosen on development worlds, where 300 to 500 m did as
#: well; where it changes faster, its roughness says so.
REACH_M = 400.0
_AT_ONCE = 250_000  # distances, which a cache holds


@dataclass(frozen=True, eq=False)
class Nearby:
    """How the answers of one scene are moved, by place.

    latitude, longitude  (n,) of samples, then of patches of pixels
    salt, read   (n,) weights of what is expected of salt and of a pixel's answer, less `level`
    gain, alone  (m,) of the samples: share of salt that a label follows, and variance of what it does not
                 share with the ground about it, over that of salt
    rough        share of the variance of answers that a pixel shares with no other
    alike        share of what samples say of salt that they say of answers
    level        mean answer, ln(1+ECe)
    believed     share of what samples say that is believed; the weights hold it
    """

    latitude: Floats
    longitude: Floats
    salt: Floats
    read: Floats
    gain: Floats
    alone: Floats
    rough: float
    alike: float
    level: float
    believed: float

    def line(self, table: pd.DataFrame) -> tuple[Floats, Floats]:
        """(row,) what an answer counts, and what is added to it on ln(1+ECe), by the places of its rows.

        1 and 0 for a row without a place; about so far from every sample.
        """
        counts, added = np.ones(len(table)), np.zeros(len(table))
        if not set(PLACE) <= set(table) or not len(self.latitude):
            return counts, added
        places = table[list(PLACE)].to_numpy(np.float64)
        rows = np.flatnonzero(np.isfinite(places).all(axis=1))
        samples = len(self.gain)
        weights = np.stack([self.salt, self.read], axis=1).astype(np.float32)
        for part in np.array_split(rows, 1 + len(rows) * len(self.salt) // _AT_ONCE):
            like = self._like(places[part])
            known = np.einsum("ps,ps->p", like[:, :samples] @ self._told, like[:, :samples])
            own = (1 - (1 - self.rough) * known) / (1 - self.alike * known)
            salt, read = (like @ weights).T
            counts[part] = 1 - self.believed * (1 - own)
            added[part] = self.level * (1 - counts[part]) + salt - own * read
        return counts, added

    def _like(self, places: Floats) -> Floats32:
        """(row, n) how alike the ground is; in place and in float32, as a map asks this of every pixel."""
        middle = float(self.latitude.mean()), float(self.longitude.mean())
        north, east = _metres(places, middle).astype(np.float32).T
        here_north, here_east = _metres(self._places, middle).astype(np.float32).T
        apart = np.square(north[:, None] - here_north)
        apart += np.square(east[:, None] - here_east)
        np.multiply(np.sqrt(apart, out=apart), -1 / REACH_M, out=apart)
        return np.asarray(np.exp(apart, out=apart))

    @property
    def _places(self) -> Floats:
        return np.stack([self.latitude, self.longitude], axis=1)

    @cached_property
    def _told(self) -> Floats32:
        """(m, m) whose quadratic form is the share of the variance of salt that samples tell of a place."""
        places = self._places[: len(self.gain)]
        own = self.gain[:, None] * self.gain * alike(places, places) + np.diag(self.alone)
        return (self.gain[:, None] * self.gain * np.linalg.inv(own)).astype(np.float32)

    @property
    def said(self) -> str:
        """For the reader of a map."""
        return (
            f"{len(self.gain)} laboratory samples, with the pixels about them, moved answers within some "
            f"{2 * REACH_M:.0f} m; {self.believed:.0%} of what they say is believed."
        )

    def as_plain(self) -> dict[str, Any]:
        """For a model's card."""
        lists = {name: getattr(self, name).tolist() for name in (*_PLACED, *_SAMPLED)}
        return {**lists, **{name: getattr(self, name) for name in _NUMBERS}}

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Nearby:
        """Back from a card. Raises KeyError, TypeError or ValueError for what `as_plain` did not write."""
        if "weight" in content:  # cards of models whose samples spoke by themselves
            silent = [0.0] * len(content["weight"])
            content = {**content, **_BY_THEMSELVES, "salt": content["weight"], "read": silent}
        gain, alone = columns(content, _SAMPLED)
        rough, alike, level, believed = (float(content[name]) for name in _NUMBERS)
        latitude, longitude, salt, read = columns(content, _PLACED)
        found = cls(latitude, longitude, salt, read, gain, alone, rough, alike, level, believed)
        shares = 0 <= alike < 1 and 0 <= rough <= 1 and 0 <= believed <= 1 and abs(level) < 1e3
        if len(gain) > len(salt) or not shares or not (alone > 0).all():
            raise ValueError("more samples than places, or numbers out of bounds")
        return found


_PLACED, _SAMPLED = (*PLACE, "salt", "read"), ("gain", "alone")
_NUMBERS = ("rough", "alike", "level", "believed")
_BY_THEMSELVES = {"gain": [], "alone": [], "rough": 0.0, "alike": 0.0, "level": 0.0}


def alike(places: Floats, others: Floats) -> Floats:
    """(n, m) covariance of a field over the ground, of variance 1."""
    return np.asarray(np.exp(-apart_m(places, others) / REACH_M))


def apart_m(places: Floats, others: Floats) -> Floats:
    """(n, m) distance over ground that is flat for so short a way."""
    middle = tuple(np.concatenate([places, others]).mean(axis=0)) if len(places) + len(others) else (0.0, 0.0)
    return np.asarray(cdist(_metres(places, middle), _metres(others, middle)))


def _metres(places: Floats, middle: tuple[float, float]) -> Floats:
    """(n, 2) m to the north and to the east of a place in degrees."""
    east = (places[:, 1] - middle[1]) * DEGREE_M * np.cos(np.radians(middle[0]))
    return np.stack([(places[:, 0] - middle[0]) * DEGREE_M, east], axis=1)
