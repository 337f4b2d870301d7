"""Quantiles by area, exact: in memory by sorting, or in two passes over pixels that do not fit in it.

The quantile q of weighted values is the smallest value at or below which lies at least the share q of the
weight (the inverse of the distribution function): always a value that occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: Values and weights, (pixel,) each.
Weighed = tuple[NDArray[np.float32], NDArray[np.float64]]

#: Weights that meet a share but for rounding do meet it.
_ROUNDING = 1e-9
_HALF = 16


def quantiles(
    groups: NDArray[np.intp],
    values: NDArray[np.float32],
    weights: NDArray[np.float64],
    count: int,
    wanted: Sequence[float],
) -> NDArray[np.float64]:
    """(group, quantile) of the values of each group; NaN for a group without weight.

    groups   (pixel,) from 0 to below `count`; values and weights (pixel,) above 0, without NaN
    wanted   shares, above 0 up to 1
    """
    order = np.lexsort((values, groups))
    groups, values, weights = groups[order], values[order], weights[order]
    found = np.full((count, len(wanted)), np.nan)
    edges = np.flatnonzero(np.diff(groups, prepend=-1, append=count))
    for start, end in pairwise(edges):
        below = np.cumsum(weights[start:end])
        at = np.searchsorted(below, _targets(below[-1], wanted))
        found[groups[start]] = values[start:end][at]
    return found


def quantiles_in_passes(
    parts: Callable[[], Iterable[Weighed]], wanted: Sequence[float]
) -> NDArray[np.float64]:
    """(quantile,) of values in single precision that are delivered twice, part by part; NaN without weight.

    parts   called twice; gives the same values and weights each time

    Single precision has 32 bits, and in the right code their order is that of the numbers. The first pass
    weighs the upper 16 bits, the second the lower ones of those values that share the quantile's upper ones.
    """
    upper = np.zeros(1 << _HALF)
    for values, weights in parts():
        upper += np.bincount(_codes(values) >> _HALF, weights, minlength=1 << _HALF)
    below = np.cumsum(upper)
    if not below[-1] > 0:
        return np.full(len(wanted), np.nan)
    targets = _targets(below[-1], wanted)
    heads = np.searchsorted(below, targets)
    lower = {int(head): np.zeros(1 << _HALF) for head in heads}
    for values, weights in parts():
        codes = _codes(values)
        for head in lower:
            here = codes >> _HALF == head
            lower[head] += np.bincount(codes[here] & 0xFFFF, weights[here], minlength=1 << _HALF)
    tails = [
        _reaching(lower[int(head)], target - (below[head] - upper[head]))
        for head, target in zip(heads, targets, strict=True)
    ]
    return _values((heads << _HALF) | np.array(tails))


def _targets(whole: float, wanted: Sequence[float]) -> NDArray[np.float64]:
    return whole * np.asarray(wanted, np.float64) * (1 - _ROUNDING)


def _reaching(weights: NDArray[np.float64], target: float) -> int:
    """Where the summed weights reach the target; the last place with a weight if rounding hides it."""
    last = int(np.flatnonzero(weights)[-1])
    return min(int(np.searchsorted(np.cumsum(weights), target)), last)


def _codes(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Whole numbers from 0 to below 2**32 in the order of the values."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.int64)
    negative = bits >> 31 == 1
    return np.where(negative, bits ^ 0xFFFFFFFF, bits | 0x80000000)


def _values(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    positive = codes >> 31 == 1
    bits = np.where(positive, codes ^ 0x80000000, codes ^ 0xFFFFFFFF)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)
