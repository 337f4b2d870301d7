"""What brings dates of one place to one level: the sky, the sun and the wetness that a whole image shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.present import mean_present
from deepsalt.spectra import Window

Floats = NDArray[Any]

#: Most alternations between pixels and looks, and the relative change that ends them.
_ROUNDS, _STILL = 50, 1e-5
#: Pixels that a look shares with others, below which they tell of themselves rather than of its level.
_FEWEST = 8
#: Windows that a sample comes from, evenly spread, and pixels of each.
_WINDOWS, _PIXELS = 16, 256


def sampled_level(looks_in: Callable[[Window], Floats], windows: Sequence[Window]) -> NDArray[np.float32]:
    """(look, band) `common_level` of some pixels of some windows, the same ones at every call.

    looks_in  (look, y, x, band) reflectance in a window, NaN where a look shows nothing
    """
    parts = []
    for window in (windows[number] for number in _evenly(len(windows), _WINDOWS)):
        looks = looks_in(window)
        pixels = looks.reshape(len(looks), -1, looks.shape[-1])
        parts.append(pixels[:, _evenly(pixels.shape[1], _PIXELS)])
    return common_level(np.concatenate(parts, axis=1)).astype(np.float32)


def _evenly(count: int, most: int) -> NDArray[np.intp]:
    """At most so many of the numbers from 0 to `count` - 1, evenly spread."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.intp)


def common_level(looks: Floats) -> NDArray[np.float64]:
    """(look, band) what each look is multiplied by, so that all have one level at the pixels they share.

    looks  (look, pixel, band) reflectance, NaN where a look shows nothing

    The model is that a look is the pixel's reflectance times the look's level, and the geometric mean of the
    levels is 1; looks that miss different pixels are compared by those they share. A look that shares fewer
    than 8 pixels with the others stays as it is, and so does a band whose sum is not above 0.
    Relative normalisation of dates as in Hall et al. (1991), Remote Sens. Environ. 35, 11, of all pixels and
    multiplicative; fitted by alternating ratios of sums.
    """
    wide = np.asarray(looks, np.float64)
    shown = ~np.isnan(wide)
    shared = shown & (shown.sum(axis=0) > 1)
    level = np.ones((len(wide), wide.shape[2]))
    known = shared.sum(axis=1) >= _FEWEST
    for _ in range(_ROUNDS):
        ground = mean_present(wide / level[:, None, :], axis=0)
        seen = np.sum(wide, axis=1, where=shared)
        expected = np.stack([np.sum(ground, axis=0, where=one) for one in shared])
        told = known & (seen > 0) & (expected > 0)
        found = np.divide(seen, expected, out=np.ones_like(level), where=told)
        mean = np.log(found).sum(axis=0) / np.maximum(told.sum(axis=0), 1)
        found = np.where(told, found / np.exp(mean), 1.0)
        done = bool(np.abs(found - level).max() < _STILL)
        level = found
        if done:
            break
    return np.asarray(1.0 / level)
