"""Large tables in blocks of rows, so that what is worked out beside them stays small."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: About as many values are in one block: 32 MB in float64.
BLOCK_VALUES = 4_000_000


def row_blocks(values: NDArray[Any]) -> Iterator[slice]:
    """Slices that cover the rows of a table (sample, band), one block after the other."""
    rows = max(1, BLOCK_VALUES // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        yield slice(start, min(start + rows, len(values)))


def median_present(values: NDArray[Any]) -> NDArray[np.float64]:
    """(sample,) median over the bands that are there; NaN where none is. Quick where nothing is missing."""
    median = np.asarray(np.median(values, axis=1), np.float64)
    holed = np.isnan(values).any(axis=1)
    if holed.any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a row without any value: NaN
            median[holed] = np.nanmedian(values[holed], axis=1)
    return median
