"""The spectral axis: strictly increasing, in a stated unit, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError

Unit = Literal["nm", "cm-1"]

#: What deepsalt reads: solar-reflective wavelengths, and the mid infrared of FTIR spectrometers.
RANGE_NM = (300.0, 2700.0)
RANGE_CM1 = (350.0, 8000.0)


@dataclass(frozen=True, eq=False)
class Axis:
    """Band centres with their unit.

    values  (band,), float64, strictly increasing
    unit    "nm" for wavelengths (300-2700), "cm-1" for wavenumbers (350-8000)
    fwhm    (band,) in the same unit, or None where it is not known
    """

    values: NDArray[np.float64]
    unit: Unit
    fwhm: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        _check_order(values, self.unit)
        _check_unit(values, self.unit)
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        if self.fwhm is not None:
            object.__setattr__(self, "fwhm", _checked_fwhm(self.fwhm, len(values)))

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Axis):
            return NotImplemented
        return (
            self.unit == other.unit
            and np.array_equal(self.values, other.values)
            and np.array_equal(self.widths, other.widths)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def name(self) -> str:
        """The coordinate's name: `wavelength` or `wavenumber`."""
        return "wavelength" if self.unit == "nm" else "wavenumber"

    @property
    def widths(self) -> NDArray[np.float64]:
        """FWHM of each band, or the spacing to its neighbours where none is stated."""
        if self.fwhm is not None:
            return self.fwhm
        return np.abs(np.gradient(self.values)) if len(self) > 1 else np.ones(1)

    def take(self, bands: NDArray[np.intp] | NDArray[np.bool_]) -> Axis:
        """The axis of a subset of bands, by index or by mask."""
        return Axis(self.values[bands], self.unit, None if self.fwhm is None else self.fwhm[bands])

    def describe(self) -> str:
        """For example `224 bands, 418.2-2445.5 nm`."""
        return f"{len(self)} bands, {self.values[0]:.1f}-{self.values[-1]:.1f} {self.unit}"


def _check_order(values: NDArray[np.float64], unit: str) -> None:
    if values.ndim != 1 or len(values) == 0:
        raise AxisError(f"a spectral axis needs one row of band centres, found shape {values.shape}")
    if not np.isfinite(values).all():
        raise AxisError("a band centre is not a number", fix="Give every band a centre in nm or cm-1.")
    steps = np.diff(values)
    if (steps == 0).any():
        twice = values[1:][steps == 0][0]
        raise AxisError(
            f"{twice:g} {unit} stands there twice", fix="Average or drop one of the duplicate bands."
        )
    if (steps < 0).any():
        at = int(np.argmax(steps < 0))
        raise AxisError(
            f"band centres are not sorted: {values[at]:g} is followed by {values[at + 1]:g} {unit}",
            fix="Sort the bands, values and centres together, by their centre.",
        )


def _check_unit(values: NDArray[np.float64], unit: str) -> None:
    if unit not in ("nm", "cm-1"):
        raise AxisError(f"unknown unit of the spectral axis {unit!r}", fix="Use 'nm' or 'cm-1'.")
    low, high = RANGE_NM if unit == "nm" else RANGE_CM1
    if values[0] >= low and values[-1] <= high:
        return
    other = "nm" if unit == "cm-1" else "cm-1"
    other_low, other_high = RANGE_NM if other == "nm" else RANGE_CM1
    hint = f"deepsalt reads {low:g}-{high:g} {unit}."
    if values[-1] < 50:
        hint = "They look like micrometres: multiply by 1000 and say unit='nm'."
    elif values[0] >= other_low and values[-1] <= other_high:
        hint = f"They look like {other}: say unit={other!r}."
    raise AxisError(f"band centres run from {values[0]:g} to {values[-1]:g}, declared as {unit}", fix=hint)


def _checked_fwhm(fwhm: NDArray[np.float64], bands: int) -> NDArray[np.float64]:
    widths = np.array(fwhm, dtype=np.float64)
    if widths.shape != (bands,) or not (widths > 0).all():
        raise AxisError(
            f"FWHM must be {bands} positive numbers, found shape {widths.shape}",
            fix="Leave it out if unknown.",
        )
    widths.setflags(write=False)
    return widths
