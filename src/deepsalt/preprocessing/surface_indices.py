"""Spectral indices of the surface: green and dry plants, water, bareness.

Each takes reflectance (y, x, band) or (sample, band) and gives (y, x) or (sample,), NaN where a band that it
needs is missing. A wavelength is a window: all bands in it are averaged, so that one formula serves narrow
and broad bands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.present import mean_present
from deepsalt.spectra import Axis, Spectra

Index = NDArray[np.float32]
Limits = tuple[float, float]

VISIBLE_NM: Limits = (500.0, 700.0)
GREEN_NM: Limits = (540.0, 580.0)
RED_NM: Limits = (640.0, 680.0)
NEAR_INFRARED_NM: Limits = (780.0, 890.0)
#: As wide as the two short-wave bands of Sentinel-2, B11 and B12.
SWIR1_NM: Limits = (1560.0, 1660.0)
SWIR2_NM: Limits = (2110.0, 2290.0)
#: Shoulder, cellulose band and shoulder. The first shoulder is not at 2000 but at 2030 nm, behind the CO2
#: bands at 2010 nm that leave residues in satellite spectra.
CELLULOSE_NM: tuple[Limits, Limits, Limits] = ((2015.0, 2045.0), (2085.0, 2115.0), (2195.0, 2225.0))
#: A band wider than this smears the cellulose band into its shoulders, nm FWHM.
NARROW_NM = 40.0


def ndvi(spectra: Spectra) -> Index:
    """Normalised difference vegetation index, (near infrared - red) / (near infrared + red).

    spectra   reflectance with bands in 640-680 and 780-890 nm
    returns   (y, x) or (sample,); NaN where one of the two is missing or their sum is not positive
    """
    return _difference(spectra, NEAR_INFRARED_NM, RED_NM)


def mndwi(spectra: Spectra) -> Index:
    """Modified normalised difference water index, (green - 1.6 um) / (green + 1.6 um).

    Source: Xu (2006), Int. J. Remote Sens. 27, 3025.
    """
    return _difference(spectra, GREEN_NM, SWIR1_NM)


def nbr2(spectra: Spectra) -> Index:
    """Normalised burn ratio 2, (1.6 um - 2.2 um) / (1.6 um + 2.2 um), of bare-soil composites.

    The same formula is known as the normalised difference tillage index, NDTI: van Deventer et al. (1997),
    Photogramm. Eng. Remote Sens. 63, 87. It rises with cellulose, and also with water, gypsum and hydrated
    salts, which lower the reflectance at 2.1-2.3 um.
    """
    return _difference(spectra, SWIR1_NM, SWIR2_NM)


def cai(spectra: Spectra) -> Index:
    """Cellulose absorption index, 0.5 (R2030 + R2211) - R2101: the depth of the cellulose band, reflectance.

    Positive over dry plants, negative over soil. NaN throughout where the bands are not narrow.
    Source: Daughtry (2001), Agron. J. 93, 125; Nagler et al. (2003), Remote Sens. Environ. 87, 310.
    """
    if not has_narrow_bands(spectra.axis):
        return np.full(spectra.values.shape[:-1], np.nan, np.float32)
    left, centre, right = (band_mean(spectra, limits) for limits in CELLULOSE_NM)
    return np.asarray(0.5 * (left + right) - centre, np.float32)


def relative_cai(spectra: Spectra) -> Index:
    """The cellulose absorption index as a share of the reflectance at 2101 nm, so that light cancels."""
    centre = band_mean(spectra, CELLULOSE_NM[1])
    return np.divide(cai(spectra), centre, out=np.full_like(centre, np.nan), where=centre > 0)


def has_narrow_bands(axis: Axis) -> bool:
    """Whether the cellulose band and both of its shoulders are seen by bands of their own."""
    narrow = axis.widths <= NARROW_NM
    return all(bool((inside(axis, limits) & narrow).any()) for limits in CELLULOSE_NM)


def has_bands(axis: Axis, *windows: Limits) -> bool:
    """Whether at least one band lies in each window."""
    return all(bool(inside(axis, limits).any()) for limits in windows)


def band_mean(spectra: Spectra, limits: Limits) -> Index:
    """(y, x) or (sample,) mean of the bands in a window that have a value; NaN where none has."""
    chosen = inside(spectra.axis, limits)
    if not chosen.any():
        return np.full(spectra.values.shape[:-1], np.nan, np.float32)
    return np.asarray(mean_present(spectra.values[..., chosen]), np.float32)


def inside(axis: Axis, limits: Limits) -> NDArray[np.bool_]:
    """(band,) True for the bands in a window."""
    return np.asarray((axis.values >= limits[0]) & (axis.values <= limits[1]))


def _difference(spectra: Spectra, first: Limits, second: Limits) -> Index:
    a, b = band_mean(spectra, first), band_mean(spectra, second)
    total = a + b
    return np.divide(a - b, total, out=np.full_like(total, np.nan), where=total > 0)
