"""Faults of single spectra: flat, out of physical range, clipped, noisy. Rows are read in blocks.

Each is judged from its own row alone, but for noise, which has no limit of its own: it is compared with the
rest of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.blocks import row_blocks
from deepsalt.preprocessing.present import median_present, range_present
from deepsalt.spectra import Quantity

#: Values outside are noise at best: fraction of a white reference, log10(1/R).
RANGES: Mapping[Quantity, tuple[float, float]] = MappingProxyType(
    {"reflectance": (-0.2, 1.6), "absorbance": (-0.5, 5.0)}
)
#: A spectrum whose values differ by less has no feature: half a unit of the sixth decimal.
_FLAT = 1e-6
_SAME = 1e-7
#: Standard deviation of a normal in median absolute deviations.
_SD_PER_MAD = 1.4826
#: Of white noise of sd 1, a second difference has sd sqrt(1 + 4 + 1).
_SECOND = float(np.sqrt(6.0))


@dataclass(frozen=True)
class Faults:
    """What is wrong with each row, all (sample,).

    flat       one value in all bands
    outside    bands with a value out of the physical range, in parts of the bands that are there
    clipped    longest run of neighbouring bands at the spectrum's own lowest or highest value, in bands
    noise      sd of the noise, from second differences; NaN for fewer than five bands in a row
    """

    flat: NDArray[np.bool_]
    outside: NDArray[np.float64]
    clipped: NDArray[np.intp]
    noise: NDArray[np.float64]


def find_faults(values: NDArray[np.float32], quantity: Quantity) -> Faults:
    """Look at every row of values (sample, band); NaN = missing, and no part of any judgement."""
    parts = [_of_block(values[rows], quantity) for rows in row_blocks(values)]
    return Faults(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _of_block(
    values: NDArray[np.float32], quantity: Quantity
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    low, high = range_present(values)
    flat = (high - low < _FLAT) & (values.shape[1] > 1)
    lowest, highest = RANGES[quantity]
    there = np.maximum((~np.isnan(values)).sum(axis=1), 1)
    outside = ((values < lowest) | (values > highest)).sum(axis=1) / there
    clipped = np.maximum(
        longest_run(values <= low[:, None] + _SAME), longest_run(values >= high[:, None] - _SAME)
    )
    return flat, outside, np.where(flat, 0, clipped), noise_of(values)


def longest_run(marked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(sample,) the longest run of True in each row of marked (sample, band).

    >>> longest_run(np.array([[True, True, False, True]])).tolist()
    [2]
    """
    number = np.arange(1, marked.shape[1] + 1)
    last_gap = np.maximum.accumulate(np.where(marked, 0, number), axis=1)
    return np.asarray((number - last_gap).max(axis=1, initial=0))


def noise_of(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(sample,) standard deviation of band-to-band noise, in the unit of the spectrum.

    1.4826 x median |x(i-1) - 2 x(i) + x(i+1)| / sqrt(6): a straight line counts for nothing, and features
    narrower than half of the axis do not lift a median. On a coarse axis curvature is part of it, so it is
    compared within a library, never between instruments.
    """
    if values.shape[1] < 5:
        return np.full(len(values), np.nan)
    bent = np.abs(values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:])
    return np.asarray(_SD_PER_MAD / _SECOND * median_present(bent), np.float64)


def upper_fence(found: NDArray[np.float64], alpha: float, at_least: float) -> float:
    """What a positive number of a library seldom exceeds.

    Its logarithms are taken as normal, with their median and median absolute deviation, so that a few wild
    ones do not lift the fence; at alpha / n, and never below `at_least` times the median. Infinite for
    fewer than ten numbers.
    """
    from scipy.special import ndtri

    known = found[np.isfinite(found) & (found > 0)]
    if len(known) < 10:
        return float("inf")
    logs = np.log(known)
    middle = np.median(logs)
    spread = _SD_PER_MAD * np.median(np.abs(logs - middle))
    return float(np.exp(middle) * max(at_least, np.exp(spread * ndtri(1.0 - alpha / len(known)))))
