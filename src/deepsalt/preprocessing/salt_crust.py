"""The salt-crust guard: pixels that a rule for bare soil would delete, though they are the saltiest.

Rules such as NBR2 < 0.07 take a low reflectance at 2.1-2.3 um for dry plants. Gypsum, hydrated salts and the
water that salts draw lower it as well. Between 2.03 and 2.21 um the two look opposite: cellulose cuts a band
at 2.1 um, while water and hydrates pull down the wings on both sides of it (the water band at 1.94 um, the
OH and SO4 bands at 2.17-2.27 um) and leave 2.1 um standing above them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing import surface_indices as index
from deepsalt.spectra import Spectra

#: 2.1 um stands by this share above the line from 2.03 to 2.21 um. Set on simulated landscapes: of bare soil
#: above 8 dS/m nearly all does, of pixels with over 40 % dry plants few do (docs/masks.md). EMIT's dry
#: endmember lies at +0.12, its three soils at -0.02, -0.07 and -0.10.
HYDRATE_CAI = -0.03
#: A greener pixel is kept by nothing (bare-soil studies ask for 0.15-0.25). Straw over gypsum shows no band
#: of cellulose, and is told by its redness alone.
GUARD_NDVI = 0.2
#: Broad bands do not show the shape. Straw is redder than salt, with an NDVI of 0.16-0.30 without a green
#: leaf (EMIT's dry endmember: 0.23); pure salts and gypsum lie below 0.10, bare saline soil below 0.16.
BROAD_NDVI = 0.15
#: Mean reflectance at 500-700 nm. Shadows and burnt stubble are darker.
BROAD_BRIGHTNESS = 0.15


def salt_crust(spectra: Spectra) -> NDArray[np.bool_]:
    """(y, x) or (sample,) True where the shape of the spectrum speaks of salt, gypsum or water, not of straw.

    With narrow bands: NDVI below `GUARD_NDVI`, and 2.1 um above its wings by `HYDRATE_CAI`. Brightness is not
    asked: moist saline soil is dark. With broad bands: NDVI below `BROAD_NDVI` and brighter than
    `BROAD_BRIGHTNESS`. False where a band that is asked for is missing.

    Halite and thenardite have no band of their own here. Dry, they do not raise NBR2 either, so that there is
    nothing to guard against.
    """
    greenness = index.ndvi(spectra)
    if index.has_narrow_bands(spectra.axis):
        return (greenness < GUARD_NDVI) & (index.relative_cai(spectra) < HYDRATE_CAI)
    bright = index.band_mean(spectra, index.VISIBLE_NM) > BROAD_BRIGHTNESS
    return (greenness < BROAD_NDVI) & bright
