"""Laboratory samples that speak for the ground near them: those of the surface whose places are exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.lands import of_the_surface

Floats = NDArray[np.float64]

#: Error of a place beyond which its sample says nothing of the ground near it: a quarter of the reach. On
#: development worlds errors of 30 m cost nothing, of 100 m an eighth of the gain, of 400 m most of it.
MOST_ERROR_M = 100.0
PLACE = ("latitude", "longitude")
_ERROR = "position_error_m"
_SITE = (*PLACE, "label", "error")


def exactly_placed(samples: pd.DataFrame) -> NDArray[np.bool_]:
    """(n,) samples of a library with a place, that say that it is wrong by 100 m at most."""
    if not set(PLACE) <= set(samples):
        return np.zeros(len(samples), bool)
    return _exact(samples, stated=True) & samples[list(PLACE)].notna().all(axis=1).to_numpy()


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
        if not set(PLACE) <= set(samples):
            raise UsageError(
                "the library has no places, so nothing can be said of the ground near its samples",
                fix="Give it columns latitude and longitude, or leave `places` off.",
            )
        numbers = {"label": np.asarray(label, np.float64), "error": np.asarray(error, np.float64)}
        table = samples[list(PLACE)].astype(np.float64).assign(**numbers)
        found = table[rows & of_the_surface(samples) & _exact(samples, stated)].dropna()
        best = found.groupby(list(PLACE))["error"].transform("min")
        told = found[(found["error"] == 0) | (best > 0)].groupby(list(PLACE), as_index=False).mean()
        return cls(*(told[name].to_numpy(np.float64) for name in _SITE))

    def __len__(self) -> int:
        return len(self.label)

    @property
    def places(self) -> Floats:
        """(n, 2) degrees, latitude first."""
        return np.stack([self.latitude, self.longitude], axis=1)

    def take(self, rows: NDArray[np.bool_]) -> Sites:
        return Sites(*(getattr(self, name)[rows] for name in _SITE))

    def as_plain(self) -> dict[str, list[float]]:
        """For a model's card."""
        return {name: getattr(self, name).tolist() for name in _SITE}

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Sites:
        """Back from a card. Raises KeyError, TypeError or ValueError for what is no table of sites."""
        measured = [0.0] * len(content["label"])  # cards of models that knew no told labels
        return cls(*columns({"error": measured, **content}, _SITE))


def _exact(samples: pd.DataFrame, stated: bool) -> NDArray[np.bool_]:
    """(n,) whose place is exact enough, so far as is known."""
    if _ERROR not in samples:
        return np.full(len(samples), not stated)
    error = samples[_ERROR].to_numpy(np.float64)
    known = error >= 0  # libraries write a negative number for what is missing
    return np.where(known, error <= MOST_ERROR_M, not stated)


def columns(content: Mapping[str, Any], names: Sequence[str]) -> list[Floats]:
    """Columns (n,) of a card's section, finite and of one length; else KeyError, TypeError or ValueError."""
    found = [np.array(content[name], np.float64) for name in names]
    if len({one.shape for one in found}) != 1 or found[0].ndim != 1:
        raise ValueError(f"{', '.join(names)} of different lengths")
    if not all(np.isfinite(one).all() for one in found):
        raise ValueError(f"{', '.join(names)} must be numbers")
    return found
