"""Conversions of units. They live here and nowhere else.

Conventions: wavelength nm, wavenumber cm-1, reflectance as a fraction, absorbance log10(1/R),
salinity dS/m at 25 C, target ln(1 + ECe).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError

Floats = NDArray[np.float64]

NM_PER_CM = 1e7

#: dS/m per unit. 1 dS/m = 1 mS/cm = 1 mmho/cm = 100 mS/m = 1000 uS/cm.
DS_PER_M: Mapping[str, float] = MappingProxyType(
    {"ds/m": 1.0, "ms/cm": 1.0, "mmho/cm": 1.0, "mmhos/cm": 1.0, "ms/m": 0.01, "us/cm": 0.001}
)

#: Units of total dissolved salts in the extract, mg/L; ppm is of the solution, not of the soil.
TDS_UNITS = ("mg/l", "ppm")


def nm_from_wavenumber(wavenumber_cm1: ArrayLike) -> Floats:
    """Wavelength in nm of a wavenumber in cm-1.

    >>> float(nm_from_wavenumber(4000.0))
    2500.0
    """
    return NM_PER_CM / np.asarray(wavenumber_cm1, dtype=float)


def wavenumber_from_nm(wavelength_nm: ArrayLike) -> Floats:
    """Wavenumber in cm-1 of a wavelength in nm."""
    return NM_PER_CM / np.asarray(wavelength_nm, dtype=float)


def absorbance_from_reflectance(reflectance: ArrayLike) -> Floats:
    """log10(1/R); NaN where R is not positive, because no absorbance exists there."""
    fraction = np.asarray(reflectance, dtype=float)
    return -np.log10(np.where(fraction > 0, fraction, np.nan))


def reflectance_from_absorbance(absorbance: ArrayLike) -> Floats:
    """Fraction of light reflected, from log10(1/R)."""
    return np.power(10.0, -np.asarray(absorbance, dtype=float))


def ds_per_m(values: ArrayLike, unit: str) -> Floats:
    """Electrical conductivity in dS/m, also from dissolved salts (TDS) in mg/L or ppm of the extract.

    >>> float(ds_per_m(1200, "uS/cm")), float(ds_per_m(640, "mg/L"))
    (1.2, 1.0)

    Raises LabelError for a unit that is not known.
    """
    key = _unit_key(unit)
    if key in TDS_UNITS:
        return _from_tds(np.asarray(values, dtype=float))
    return np.asarray(values, dtype=float) * DS_PER_M[key]


def from_ds_per_m(values: ArrayLike, unit: str) -> Floats:
    """Electrical conductivity in dS/m as a value in `unit`; the reverse of `ds_per_m`.

    For TDS it is 640 mg/L per dS/m up to 5 dS/m, 800 above. Raises LabelError for an unknown unit.
    """
    key, ec = _unit_key(unit), np.asarray(values, dtype=float)
    if key in TDS_UNITS:
        return np.where(ec > 5.0, 800.0 * ec, 640.0 * ec)
    return ec / DS_PER_M[key]


def _unit_key(unit: str) -> str:
    key = unit.strip().lower().replace("µ", "u").replace("μ", "u")
    if key not in DS_PER_M and key not in TDS_UNITS:
        known = ", ".join(sorted((*DS_PER_M, *TDS_UNITS)))
        raise LabelError(f"unknown unit of EC {unit!r}", fix=f"Known units: {known}.")
    return key


def _from_tds(tds_mg_l: Floats) -> Floats:
    """TDS/640 up to 3200 mg/L, TDS/800 above. Taken by the letter EC would fall from 5 to 4 dS/m at 3200,
    so between 3200 and 4000 mg/L it is held at 5: it never falls, and both rules meet.
    """
    return np.maximum(np.minimum(tds_mg_l / 640.0, 5.0), tds_mg_l / 800.0)


def log_ece(ece_ds_m: ArrayLike) -> Floats:
    """The model's target, ln(1 + ECe)."""
    return np.log1p(np.asarray(ece_ds_m, dtype=float))


def ece_from_log(target: ArrayLike) -> Floats:
    """ECe in dS/m from ln(1 + ECe); never below zero."""
    ece = np.expm1(np.asarray(target, dtype=float))
    return np.maximum(ece, 0.0, out=ece if ece.ndim else None)  # in place: a new array costs more
