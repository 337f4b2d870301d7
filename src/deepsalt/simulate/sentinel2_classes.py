"""The scene classification (SCL) of a Sentinel-2 product of the land."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.acquisition import WATER
from deepsalt.simulate.sentinel2_overpass import NATIVE, Overpass

#: Codes of the scene classification.
_SCL = {
    "nodata": 0, "defective": 1, "shadow": 3, "vegetation": 4, "bare": 5, "water": 6, "medium": 8, "high": 9,
    "cirrus": 10, "snow": 11,
}  # fmt: skip
#: NDVI from which the classification calls a pixel vegetation: a plain rule in place of Sen2Cor's many.
_GREEN_NDVI = 0.4


def scene_classes(overpass: Overpass) -> NDArray[np.uint8]:
    """(y, x) scene classification at 20 m; 0 where a delivered band has no data."""
    taken = overpass.main
    red, infrared = (taken.reflectance[taken.sensor.detector.index(band)] for band in ("B4", "B8A"))
    with np.errstate(divide="ignore", invalid="ignore"):
        green = (infrared - red) / (infrared + red) > _GREEN_NDVI
    flags = {name: values > 0 for name, values in taken.flags.items()}
    # From the weakest claim to the strongest: what comes later stands.
    claims = (
        ("vegetation", green),
        ("water", taken.classes == WATER),
        ("defective", _defective(overpass)),
        ("medium", flags["HAZE"]),
        ("cirrus", flags["CIRRUS"]),
        ("snow", flags["SNOW"]),
        ("shadow", flags["CLOUDSHADOW"]),
        ("high", flags["CLOUD"]),
    )
    classes = np.full(taken.classes.shape, _SCL["bare"], np.uint8)
    for name, holds in claims:
        classes[holds] = _SCL[name]
    classes[_outside(overpass)] = _SCL["nodata"]
    return classes


def _outside(overpass: Overpass) -> NDArray[np.bool_]:
    """(y, x) at 20 m: where the pixels of one of the three sizes reach beyond the swath."""
    return np.logical_or.reduce([_at_20(~taken.inside, m) for m, taken in overpass.taken.items()])


def _defective(overpass: Overpass) -> NDArray[np.bool_]:
    """(y, x) at 20 m: where a delivered band is defective, in any part of the pixel."""
    found = []
    for metres, bands in NATIVE.items():
        taken = overpass.taken[metres]
        delivered = [taken.sensor.detector.index(band) for band in bands]
        found.append(_at_20((taken.defective[delivered] == 1).any(axis=0), metres))
    return np.logical_or.reduce(found)


def _at_20(holds: NDArray[np.bool_], metres: int) -> NDArray[np.bool_]:
    """What holds in any part of each pixel of 20 m."""
    if metres > 20:
        return holds.repeat(metres // 20, axis=0).repeat(metres // 20, axis=1)
    n = 20 // metres
    blocks = holds.reshape(holds.shape[0] // n, n, holds.shape[1] // n, n)
    return np.any(blocks, axis=(1, 3))
