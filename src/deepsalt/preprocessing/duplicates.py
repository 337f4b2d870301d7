"""Equal spectra in one table, exactly or to rounding, found without comparing all rows with all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.blocks import row_blocks

#: Half a unit of the fourth decimal. No instrument repeats a soil so well in all bands.
TO_ROUNDING = 5e-5
_SEGMENTS = 8
_MISSING = -9.0


def equal_rows(values: NDArray[np.float32], within: float = TO_ROUNDING) -> NDArray[np.intp]:
    """(sample,) the first row that each row equals; its own number for a row without a twin.

    values  (sample, band); NaN equals NaN and nothing else
    within  largest difference in any band

    Rows are sorted by their mean; those that agree within `within` in their mean, and in that of eight parts
    of the axis, are compared band by band.
    """
    means = _segment_means(values)
    mean = means.mean(axis=1)
    order = np.argsort(mean, kind="stable")
    twin = np.arange(len(values))
    tolerance = within * (1 + 1e-3) + 1e-7
    for shift in range(1, len(values)):
        near = mean[order[shift:]] - mean[order[:-shift]] <= tolerance
        if not near.any():
            break
        one, other = order[:-shift][near], order[shift:][near]
        open_ = twin[one] != twin[other]  # pairs that are joined already need no look
        close = open_ & (np.abs(means[one] - means[other]) <= tolerance).all(axis=1)
        for a, b in zip(one[close], other[close], strict=True):
            if twin[a] != twin[b] and _same(values[a], values[b], tolerance):
                low, high = sorted((twin[a], twin[b]))
                twin[twin == high] = low
    return twin


def _segment_means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(sample, segment) means of up to eight parts of the axis; a missing value counts as -9."""
    parts = np.array_split(np.arange(values.shape[1]), min(_SEGMENTS, values.shape[1]))
    starts = np.array([part[0] for part in parts])
    sizes = np.array([len(part) for part in parts])
    means = np.empty((len(values), len(parts)))
    for rows in row_blocks(values):
        there = np.nan_to_num(values[rows].astype(np.float64), nan=_MISSING)
        means[rows] = np.add.reduceat(there, starts, axis=1) / sizes
    return means


def _same(one: NDArray[np.float32], other: NDArray[np.float32], tolerance: float) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=tolerance, equal_nan=True))
