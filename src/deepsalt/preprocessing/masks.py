"""Which pixels show soil: the product's own quality layers, then what the spectra say."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from deepsalt.spectra import MaskReason, Spectra

RED_NM = (640.0, 680.0)
NEAR_INFRARED_NM = (780.0, 890.0)
#: Above it green plants cover too much of the pixel (bare-soil studies use 0.25-0.35).
MAX_NDVI = 0.35


def ndvi(spectra: Spectra) -> NDArray[np.float32]:
    """Normalised difference vegetation index, (near infrared - red) / (near infrared + red).

    spectra   reflectance with bands in 640-680 and 780-890 nm
    returns   (y, x) or (sample,); NaN where one of the two is missing or their sum is not positive
    """
    red, infrared = _mean(spectra, RED_NM), _mean(spectra, NEAR_INFRARED_NM)
    total = infrared + red
    return np.divide(infrared - red, total, out=np.full_like(total, np.nan), where=total > 0)


def _mean(spectra: Spectra, limits: tuple[float, float]) -> NDArray[np.float32]:
    centres = spectra.axis.values
    inside = (centres >= limits[0]) & (centres <= limits[1])
    if not inside.any():
        return np.full(spectra.values.shape[:-1], np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a pixel without data has no mean: NaN
        return np.nanmean(spectra.values[..., inside], axis=-1)


def surface_mask(
    spectra: Spectra, quality: NDArray[np.uint8], max_ndvi: float = MAX_NDVI
) -> NDArray[np.uint8]:
    """(y, x) MaskReason: the quality layers first, then green vegetation above `max_ndvi`."""
    green = np.nan_to_num(ndvi(spectra), nan=-1.0) > max_ndvi
    valid = quality == MaskReason.VALID
    return np.where(valid & green, np.uint8(MaskReason.VEGETATION), quality).astype(np.uint8)
