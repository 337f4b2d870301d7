"""Several looks at the same pixels put together: medoid, mean of bare soil, and how far the looks lie apart.

Arrays are (look, ..., band), NaN where a look shows nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.present import mean_present, median_present
from deepsalt.preprocessing.surface_indices import nbr2, ndvi
from deepsalt.spectra import Axis, Spectra

Floats = NDArray[np.float32]

#: Standard deviations in a median absolute deviation, of a normal distribution.
_SD_PER_MAD = np.float32(1.4826)
#: By how much NDVI and NBR2 together rise where a look weighs 1/e as much.
_BARENESS = np.float32(0.05)


def medoid_look(looks: Floats) -> Floats:
    """(..., band) of each pixel the look whose summed distance to its other looks is smallest.

    It is a spectrum that was measured, its bands of one date. Distances are root mean square differences over
    the bands that two looks share. Of equals, as two looks always are, the earlier in order is taken.
    Source: Flood (2013), Remote Sens. 5, 6481.
    """
    count = len(looks)
    total = np.zeros(looks.shape[:-1], np.float32)
    for one in range(count):
        for other in range(one + 1, count):
            distance = np.nan_to_num(_distance(looks[one], looks[other]), nan=0.0)
            total[one] += distance
            total[other] += distance
    total[np.isnan(looks).all(axis=-1)] = np.inf
    chosen = total.argmin(axis=0)
    return np.take_along_axis(looks, chosen[None, ..., None], axis=0)[0]


def bare_mean(looks: Floats, axis: Axis) -> Floats:
    """(..., band) of each pixel the mean of its looks, weighted by how bare and dry they show it.

    The weight is exp(-(NDVI + NBR2) / 0.05) of the look: green plants raise the one, dry plants and water the
    other, and what of the soil itself does (gypsum) does it in every look. An index that the bands do not
    give counts as 0. Weights of ours, chosen on simulated development worlds.
    """
    cube = Spectra.of_image(looks.reshape(1, -1, looks.shape[-1]), axis)
    cover = np.nan_to_num(ndvi(cube)) + np.nan_to_num(nbr2(cube))
    weight = -cover.reshape(looks.shape[:-1]) / _BARENESS
    weight = np.exp(weight - weight.max(axis=0))[..., None]
    there = ~np.isnan(looks)
    whole = np.sum(looks * weight, axis=0, where=there)
    share = np.sum(np.broadcast_to(weight, looks.shape), axis=0, where=there)
    return np.divide(whole, share, out=np.full(whole.shape, np.nan, np.float32), where=share > 0)


def spread_of(looks: Floats) -> Floats:
    """(..., band) robust standard deviation over the looks, 1.4826 MAD; NaN below two values."""
    spread = _SD_PER_MAD * median_present(np.abs(looks - median_present(looks, axis=0)), axis=0)
    return np.where((~np.isnan(looks)).sum(axis=0) > 1, spread, np.float32("nan"))


def _distance(one: Floats, other: Floats) -> Floats:
    return np.sqrt(mean_present((one - other) ** 2))
