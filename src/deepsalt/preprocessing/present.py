"""Mean, median and range over what is there; NaN where nothing is.

They answer as numpy's `nanmean`, `nanmedian`, `nanmin` and `nanmax`, and do not warn of rows without a value:
to silence that warning is not safe in threads, and scenes are read in threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def mean_present(values: Floats, axis: int = -1) -> Floats:
    """Mean along an axis of what is there."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    total = np.sum(values, axis=axis, where=there)
    return np.divide(total, count, out=np.full(total.shape, np.nan, values.dtype), where=count > 0)


def median_present(values: Floats, axis: int = -1) -> Floats:
    """Median along an axis of what is there."""
    ordered = np.sort(values, axis=axis)  # NaN goes last
    count = np.expand_dims((~np.isnan(values)).sum(axis=axis), axis)
    below, above = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[axis] - 1)
    low, high = (np.take_along_axis(ordered, at, axis) for at in (below, above))
    return np.squeeze((low + high) * values.dtype.type(0.5), axis)


def range_present(values: Floats, axis: int = -1) -> tuple[Floats, Floats]:
    """Lowest and highest value along an axis of what is there."""
    return np.fmin.reduce(values, axis=axis), np.fmax.reduce(values, axis=axis)


def bands_held(values: Floats) -> NDArray[np.bool_]:
    """(band,) True for the bands of (n, band) in which at least one row has a value; none where n is 0."""
    suspect = _incomplete(values) if len(values) else np.ones(values.shape[1], bool)
    held = ~suspect
    held[suspect] = ~np.isnan(values[:, suspect]).all(axis=0)
    return held


def rows_lacking(values: Floats, bands: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) True where a row of (n, band) has no value in one of these bands."""
    return np.asarray(np.isnan(values[:, _incomplete(values) & bands]).any(axis=1))


def _incomplete(values: Floats) -> NDArray[np.bool_]:
    """(band,) True where a band may lack a value. The sum of a band is NaN if one of its values is: one quick
    pass, after which only such bands need be looked at value by value."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.isnan(values.sum(axis=0)))
