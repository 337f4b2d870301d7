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
