"""The bands of one date as the bands of another, where products of one sensor differ a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError
from deepsalt.preprocessing.resample import apply_weights, missing_bands, resampling_matrix
from deepsalt.spectra import Axis, Scene, Sensor

#: Centres that differ by less than this share of the band's width are one band: a spectrometer's calibration
#: drifts by a few hundredths of a band between dates.
_SAME_BAND = 0.1
#: A band may be supplied by one whose centre is off by this share of its width, and that is at most
#: this much wider.
_NEAR, _WIDER = 0.5, 1.5


@dataclass(frozen=True, eq=False)
class Onto:
    """How the bands of one scene become those of a sensor.

    weights  (target band, source band), or None where the bands are taken as they are
    covered  (target band,) False where the scene has nothing for a band
    note     what was done, for the reader; "" for nothing
    """

    weights: NDArray[np.float32] | None
    covered: NDArray[np.bool_]
    note: str = ""


def onto(scene: Scene, sensor: Sensor) -> Onto:
    """How a scene's bands become those of `sensor`.

    Raises BandError, naming the wavelengths, where a band of `sensor` has none near enough in the scene.
    """
    here, there = scene.sensor.axis, sensor.axis
    if _same(here, there):
        return Onto(None, ~scene.empty)
    if here.unit != there.unit:
        raise BandError(f"{here.describe()} cannot become {there.describe()}", where=scene.name)
    near = _near(here, there)
    if not near.all():
        raise missing_bands(f"scene {scene.name}", here, there, near)
    weights, covered = resampling_matrix(here, there, ~scene.empty)
    return Onto(weights, covered, f"resampled from {here.describe()} to {there.describe()}")


def bands_of(values: NDArray[np.float32], carry: Onto) -> NDArray[np.float32]:
    """(..., target band) of values (..., source band); NaN where the scene has nothing."""
    if carry.weights is None:
        return values
    carried = apply_weights(values, carry.weights)
    carried[..., ~carry.covered] = np.nan
    return carried


def _same(here: Axis, there: Axis) -> bool:
    return (
        here.unit == there.unit
        and len(here) == len(there)
        and bool((np.abs(here.values - there.values) <= _SAME_BAND * there.widths).all())
    )


def _near(here: Axis, there: Axis) -> NDArray[np.bool_]:
    nearest = np.abs(here.values[:, None] - there.values[None, :]).argmin(axis=0)
    close = np.abs(here.values[nearest] - there.values) <= _NEAR * there.widths
    return np.asarray(close & (here.widths[nearest] <= _WIDER * there.widths))
