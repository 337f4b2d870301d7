"""Bands that are asked about together: neighbours share what they say, one alone is noise and chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.salinity.features import features_on
from deepsalt.spectra import Axis

#: Windows of equal width: three to eight bands of an imaging spectrometer, and of a like number in the mid
#: infrared.
WIDTH = {"nm": 50.0, "cm-1": 100.0}


@dataclass(frozen=True, eq=False)
class BandGroup:
    """Some bands of an axis.

    name       shown in tables
    low, high  the window they lie in, in the axis' unit
    bands      (band,) True for its own
    """

    name: str
    low: float
    high: float
    bands: NDArray[np.bool_]


def equal_windows(axis: Axis, width: float | None = None) -> tuple[BandGroup, ...]:
    """Windows of one width side by side, from a multiple of it; each band lies in exactly one, none is empty.

    width  in the axis' unit; None for 50 nm or 100 cm-1. Raises UsageError unless it is positive.
    """
    step = WIDTH[axis.unit] if width is None else width
    if not step > 0:
        raise UsageError(f"windows of {step:g} {axis.unit}", fix="Give a width above zero.")
    number = np.floor(axis.values / step).astype(np.intp)
    return tuple(
        BandGroup(
            f"{step * one:g}-{step * (one + 1):g} {axis.unit}", step * one, step * (one + 1), number == one
        )
        for one in np.unique(number)
    )


def feature_windows(axis: Axis) -> tuple[BandGroup, ...]:
    """The known features that have a band here. They may share bands, and leave bands out."""
    found = features_on(axis.values, axis.unit)
    return tuple(BandGroup(one.name, one.low, one.high, one.holds(axis.values)) for one in found)
