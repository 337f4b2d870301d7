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
    """Electrical conductivity in dS/m.

    >>> float(ds_per_m(1200, "uS/cm"))
    1.2
    """
    factor = DS_PER_M.get(unit.strip().lower().replace("µ", "u").replace("μ", "u"))
    if factor is None:
        raise LabelError(f"unknown unit of EC {unit!r}", fix=f"Known units: {', '.join(sorted(DS_PER_M))}.")
    return np.asarray(values, dtype=float) * factor


def log_ece(ece_ds_m: ArrayLike) -> Floats:
    """The model's target, ln(1 + ECe)."""
    return np.log1p(np.asarray(ece_ds_m, dtype=float))


def ece_from_log(target: ArrayLike) -> Floats:
    """ECe in dS/m from ln(1 + ECe); never below zero."""
    return np.maximum(np.expm1(np.asarray(target, dtype=float)), 0.0)
