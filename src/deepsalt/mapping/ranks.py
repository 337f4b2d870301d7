"""Order statistics of numbers that need not fit in memory: counted by their bits, in two passes.

A float32 that is not negative sorts like the whole number that its bits spell. Its first bits choose one of
some half a million bins; in a second pass the numbers of the bins that matter are told apart by their last
bits. The answers are exact, whatever the number of values, and repeated values cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Parts = Callable[[], Iterable[NDArray[np.float32]]]
Counts = NDArray[np.int64]

#: Bits that the second pass tells apart; the sign and the 19 bits before them are the bin.
LAST_BITS = 12
BINS = 1 << (31 - LAST_BITS)
_WITHIN = 1 << LAST_BITS


def count_bins(parts: Parts) -> Counts:
    """(BINS,) how many numbers lie in each bin, from the smallest to the largest.

    parts  gives all numbers, finite and not negative, in pieces of one axis, as often as it is called
    """
    counts = np.zeros(BINS, np.int64)
    for part in parts():
        counts += np.bincount(_spelled(part) >> LAST_BITS, minlength=BINS)
    return counts


def count_within(parts: Parts, bins: NDArray[np.intp]) -> Counts:
    """(bin, 4096) how often each number of some bins occurs; `number_at` tells which they are.

    bins  sorted, without repeats
    """
    counts = np.zeros(len(bins) * _WITHIN, np.int64)
    for part in parts():
        spelled = _spelled(part)
        row = np.minimum(np.searchsorted(bins, spelled >> LAST_BITS), len(bins) - 1)
        wanted = bins[row] == spelled >> LAST_BITS
        found = row[wanted] * _WITHIN + (spelled[wanted] & (_WITHIN - 1))
        counts += np.bincount(found, minlength=len(counts))
    return counts.reshape(len(bins), _WITHIN)


def number_at(bins: NDArray[np.intp], place: NDArray[np.intp] | int) -> NDArray[np.float32]:
    """The number at a place, 0 to 4095, within a bin."""
    return ((np.asarray(bins) << LAST_BITS) + place).astype(np.uint32).view(np.float32)


def percentiles(parts: Parts, wanted: Sequence[float]) -> tuple[int, list[float]]:
    """How many numbers there are, and percentiles as `numpy.percentile` gives them; NaN where there is none.

    wanted  0-100
    """
    counts = count_bins(parts)
    total = int(counts.sum())
    if not total:
        return 0, [float("nan")] * len(wanted)
    at = (total - 1) * np.asarray(wanted, float) / 100
    below = np.floor(at).astype(np.int64)
    values = _at_ranks(parts, counts, np.concatenate([below, np.minimum(below + 1, total - 1)]))
    low, high = values[: len(at)], values[len(at) :]
    return total, [float(value) for value in low + (high - low) * (at - below)]


def _at_ranks(parts: Parts, counts: Counts, ranks: Counts) -> NDArray[np.float64]:
    """The numbers at some places of the sorted row, counted from 0."""
    ends = np.cumsum(counts)
    home = np.searchsorted(ends, ranks, side="right")
    bins, row = np.unique(home, return_inverse=True)
    within = np.cumsum(count_within(parts, bins), axis=1)
    rest = ranks - (ends - counts)[home]
    place = [int(np.searchsorted(within[r], left, side="right")) for r, left in zip(row, rest, strict=True)]
    return number_at(home, np.array(place)).astype(np.float64)


def _spelled(part: NDArray[np.float32]) -> NDArray[np.intp]:
    """The whole number that the bits of each number spell; a zero with a minus is a zero."""
    return (np.ascontiguousarray(part, np.float32) + np.float32(0)).view(np.uint32).astype(np.intp)
