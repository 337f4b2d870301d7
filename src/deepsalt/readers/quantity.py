"""What the values are: reflectance, percent of it, or absorbance; one piece for every format.

A file's word counts, then the user's. Values never decide alone: where they contradict an assumption it is
an error with the way out, where they leave a doubt it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import SpectraError, UsageError
from deepsalt.spectra import Axis, Quantity

#: Reflectance of a median above this is no fraction; above 100 it is no percent either.
PERCENT_FROM = 3.0
_SCALED_FROM = 100.0
_BRIGHTEST = 1.15  # no library's median is brighter than its white reference; salt crusts reach it
_LOOKED_AT = 1000
_BLUE_NM, _SWIR_NM = 600.0, 1500.0  # soils reflect less below the first than above the second
_MOST = 2 / 3
#: Deleted channels of the USGS spectral libraries hold -1.23e34.
_DELETED_BELOW = -1e30


@dataclass(frozen=True)
class Told:
    """What is known of values before they are looked at.

    quantity  reflectance or absorbance
    sure      the file or the user says so; false where it is only usual for the unit of the axis
    factor    what the file says its values are to be multiplied by: 0.01 for percent
    why       how the file says so, for the note
    """

    quantity: Quantity
    sure: bool
    factor: float = 1.0
    why: str = ""


def settle_quantity(
    unit: str, *, told: Quantity | None, stated: str | None, what: str, notes: list[str], where: str
) -> tuple[Quantity, bool]:
    """The quantity, and whether it is sure: told by the file, else stated, else usual for the unit.

    what  how the file tells it, or what it leaves open, for example "headers"

    Raises UsageError for an unknown quantity, SpectraError where the user contradicts the file.
    """
    if stated is not None and stated not in get_args(Quantity):
        raise UsageError(
            f"unknown quantity {stated!r}",
            fix="Use 'reflectance' or 'absorbance'; of percent say scale=0.01 beside it.",
        )
    if told is not None:
        if stated not in (None, told):
            raise SpectraError(
                f"quantity={stated!r}, but {what} {told}",
                where=where,
                fix="Leave quantity out, or correct the file.",
            )
        return told, True
    if stated is not None:
        return ("absorbance" if stated == "absorbance" else "reflectance"), True
    usual: Quantity = "absorbance" if unit == "cm-1" else "reflectance"
    notes.append(f"{what} in {unit} are taken as {usual}")
    return usual, False


def looks_like(values: NDArray[np.float32], axis: Axis) -> str:
    """What values alone look like: "reflectance", "absorbance", "percent", "scaled integers" or either.

    values  (sample, band), NaN = missing; at most a thousand samples are looked at

    Between 0 and 1 a soil's spectrum tells by its slope: reflectance rises from the blue to the
    short-wave infrared, absorbance falls.
    """
    some = values[:: max(1, len(values) // _LOOKED_AT)]
    typical = _median(values)
    if np.isnan(typical):
        return "nothing"
    if typical > _SCALED_FROM:
        return "scaled integers"
    if typical > PERCENT_FROM:
        return "percent"
    if typical > _BRIGHTEST:
        return "absorbance"
    blue = some[:, axis.values < _BLUE_NM] if axis.unit == "nm" else some[:, :0]
    swir = some[:, axis.values > _SWIR_NM]
    if blue.shape[1] and swir.shape[1]:
        with np.errstate(all="ignore"):
            rises = np.nan_to_num(swir).mean(axis=1) > np.nan_to_num(blue).mean(axis=1)
        if not 1 - _MOST <= rises.mean() <= _MOST:
            return "reflectance" if rises.mean() > _MOST else "absorbance"
    return "reflectance or absorbance"


def as_told(
    values: NDArray[np.float32], axis: Axis, told: Told, scale: float | None, where: str
) -> tuple[NDArray[np.float32], list[str]]:
    """Values as fractions or absorbance, and what was done and what they look like.

    scale  the user's factor; it takes the place of the file's

    Raises SpectraError where reflectance is no fraction and nobody says of what scale it is, or where
    values contradict a quantity that is only assumed.
    """
    notes: list[str] = []
    if scale is not None:
        if not (np.isfinite(scale) and scale > 0):
            raise UsageError(f"scale={scale:g} is no factor", fix="Say a number above zero, such as 0.01.")
        notes.append(f"values multiplied by scale={scale:g}")
        with np.errstate(all="ignore"):
            values = values * np.float32(scale)
    elif told.factor != 1.0:
        _check_factor(values, told, where)
        notes.append(f"{told.why}: values multiplied by {told.factor:g}")
        values = values * np.float32(told.factor)
    looks = looks_like(values, axis)
    if scale is None:
        _check_looks(values, looks, told, where)
    if not told.sure:
        notes.append(_seen(values, looks, told.quantity))
    return values, notes


def without_deleted(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[str]]:
    """Values with deleted channels (-1.23e34) as NaN, and how many there were."""
    deleted = values < _DELETED_BELOW
    if not deleted.any():
        return values, []
    return np.where(deleted, np.nan, values), [f"{int(deleted.sum())} deleted values (-1.23e34) are missing"]


def _median(values: NDArray[np.float32]) -> float:
    """Median of at most a thousand samples; NaN where all are missing."""
    some = values[:: max(1, len(values) // _LOOKED_AT)]
    if not some.size or np.isnan(some).all():
        return float("nan")
    with np.errstate(all="ignore"):  # infinite values are refused when Spectra are made
        return float(np.nanmedian(some))


def _check_factor(values: NDArray[np.float32], told: Told, where: str) -> None:
    """A factor below one makes no sense where the values are fractions already."""
    typical = _median(values)
    if told.factor < PERCENT_FROM / _SCALED_FROM and 0 <= typical * told.factor < 1e-3 and typical <= 1:
        raise SpectraError(
            f"{told.why}, but a median of {typical:.3g} is a fraction already",
            where=where,
            fix="Read with scale=1, or with the factor that is right.",
        )


def _check_looks(values: NDArray[np.float32], looks: str, told: Told, where: str) -> None:
    typical = _median(values)
    if told.quantity == "reflectance" and looks in ("percent", "scaled integers"):
        factor = 0.01 if looks == "percent" else 0.0001
        raise SpectraError(
            f"reflectance has a median of {typical:.3g}: it looks like {looks}, not a fraction of 0-1",
            where=where,
            fix=f"Read with scale={factor:g}, or say quantity='absorbance' if that is what it is.",
        )
    if told.sure:
        return
    if told.quantity == "reflectance" and typical > _BRIGHTEST:
        raise SpectraError(
            f"taken as reflectance, but a median of {typical:.3g} looks like absorbance",
            where=where,
            fix="Say quantity='absorbance', or quantity='reflectance' if that is what it is.",
        )
    if told.quantity == "absorbance" and typical > 2 * PERCENT_FROM:
        raise SpectraError(
            f"taken as absorbance, but a median of {typical:.3g} looks like percent",
            where=where,
            fix="Say quantity='reflectance' and scale=0.01 if that is what it is.",
        )


def _seen(values: NDArray[np.float32], looks: str, quantity: Quantity) -> str:
    seen = f"the values (median {_median(values):.3g}) look like {looks}"
    if quantity in looks:
        return seen
    return f"{seen}, not {quantity}: say quantity= if that is what they are"
