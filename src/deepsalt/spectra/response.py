"""Tabulated spectral response: how strongly each band of a sensor takes in each wavelength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError
from deepsalt.spectra.axis import Axis

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Responses:
    """Response curves, one a band, sorted by their centre when they are made.

    names        (band,) of the bands
    wavelengths  (band,) of (point,) nm, strictly increasing
    values       (band,) of (point,) relative response, not negative; only its shape counts. It is linear
                 between the points and 0 beyond them

    Raises BandError for a curve that is no response: unsorted, negative, not finite or zero throughout.
    """

    names: tuple[str, ...]
    wavelengths: tuple[Floats, ...]
    values: tuple[Floats, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.wavelengths) == len(self.values) or not self.names:
            raise BandError(f"{len(self.names)} names, {len(self.wavelengths)} and {len(self.values)} curves")
        curves = [_checked(*curve) for curve in zip(self.names, self.wavelengths, self.values, strict=True)]
        order = np.argsort([_centre(*curve) for curve in curves], kind="stable")
        object.__setattr__(self, "names", tuple(self.names[i] for i in order))
        object.__setattr__(self, "wavelengths", tuple(curves[i][0] for i in order))
        object.__setattr__(self, "values", tuple(curves[i][1] for i in order))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def axis(self) -> Axis:
        """Centres weighted by the response, and full widths at half of its maximum, nm."""
        curves = list(zip(self.wavelengths, self.values, strict=True))
        centres = np.array([_centre(*curve) for curve in curves])
        return Axis(centres, "nm", np.array([_width(*curve) for curve in curves]))

    def take(self, bands: Sequence[int] | NDArray[np.intp] | NDArray[np.bool_]) -> Responses:
        """The curves of some bands, by index or by mask."""
        picked = np.arange(len(self))[np.asarray(bands)]
        parts = (self.names, self.wavelengths, self.values)
        return Responses(*(tuple(part[i] for i in picked) for part in parts))

    def moved(self, shift_nm: float | Floats = 0.0, widen: float | Floats = 1.0) -> Responses:
        """The same curves with their centres shifted and their widths scaled; one number, or one a band."""
        shifts = np.broadcast_to(np.asarray(shift_nm, float), (len(self),))
        scales = np.broadcast_to(np.asarray(widen, float), (len(self),))
        centres = self.axis.values
        moved = tuple(
            centre + shift + (nm - centre) * scale
            for nm, centre, shift, scale in zip(self.wavelengths, centres, shifts, scales, strict=True)
        )
        return Responses(self.names, moved, self.values)


def _checked(name: str, wavelengths: Floats, values: Floats) -> tuple[Floats, Floats]:
    nm, response = np.array(wavelengths, float), np.array(values, float)
    where = f"response of band {name}"
    if nm.shape != response.shape or nm.ndim != 1 or len(nm) < 2:
        raise BandError(f"{nm.size} wavelengths and {response.size} values", where=where, fix="Give pairs.")
    if not (np.isfinite(nm).all() and np.isfinite(response).all()):
        raise BandError("a value is not a number", where=where, fix="Leave out points without a value.")
    if (np.diff(nm) <= 0).any():
        at = nm[1:][np.diff(nm) <= 0][0]
        raise BandError(f"wavelengths are not increasing at {at:g} nm", where=where, fix="Sort the table.")
    if (response < 0).any() or not (response > 0).any():
        raise BandError(
            f"values run from {response.min():g} to {response.max():g}",
            where=where,
            fix="A response is not negative, and not zero throughout.",
        )
    nm.setflags(write=False)
    response.setflags(write=False)
    return nm, response


def _centre(wavelengths: Floats, values: Floats) -> float:
    """Mean wavelength weighted by the response, exact for a curve that is linear between its points."""
    low, high = wavelengths[:-1], wavelengths[1:]
    a, b = values[:-1], values[1:]
    area = (high - low) * (a + b) / 2
    moment = (high - low) * (low * (2 * a + b) + high * (a + 2 * b)) / 6
    return float(moment.sum() / area.sum())


def _width(wavelengths: Floats, values: Floats) -> float:
    """From the first to the last wavelength at which the curve crosses half of its maximum."""
    above = np.flatnonzero(values >= values.max() / 2)
    return _crossing(wavelengths, values, int(above[-1]), 1) - _crossing(
        wavelengths, values, int(above[0]), -1
    )


def _crossing(nm: Floats, values: Floats, at: int, step: int) -> float:
    """Where the curve falls to half of its maximum beyond point `at`; that point at a curve's end."""
    beyond, half = at + step, values.max() / 2
    if not 0 <= beyond < len(nm):
        return float(nm[at])
    share = (values[at] - half) / (values[at] - values[beyond])
    return float(nm[at] + share * (nm[beyond] - nm[at]))
