"""Several scans of one sample: their spread, the scan that does not belong, and their average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.preprocessing.blocks import BLOCK_VALUES, row_blocks
from deepsalt.preprocessing.faults import upper_fence
from deepsalt.preprocessing.present import mean_present, median_present
from deepsalt.spectra import Spectra

#: Of three scans, one is odd if it lies so many times farther from their median than the others do.
ODD_TIMES = 3.0


@dataclass(frozen=True)
class Scans:
    """The scans of each sample.

    sample    (scan,) number of its sample, in the order of first appearance
    scans     (sample,) how many
    spread    (sample,) RMS over the bands of the standard deviation between scans (n - 1); NaN for one scan
    distance  (scan,) RMS over the bands of the difference to the median of the sample's scans
    """

    sample: NDArray[np.intp]
    scans: NDArray[np.intp]
    spread: NDArray[np.float64]
    distance: NDArray[np.float64]


def scans_of(spectra: Spectra, column: str = "id") -> Scans:
    """Rows that share the value of a column are scans of one sample; a row without a value is its own.

    Raises UsageError if there is no such column.
    """
    sample = _numbers(spectra.samples, column)
    count = np.bincount(sample)
    spread = np.full(len(count), np.nan)
    distance = np.zeros(len(sample))
    order = np.argsort(sample, kind="stable")
    start = np.cumsum(count) - count
    for size in np.unique(count[count > 1]):
        for numbers in _portions(np.flatnonzero(count == size), int(size) * len(spectra.axis)):
            rows = order[start[numbers][:, None] + np.arange(size)]
            scans = spectra.values[rows].astype(np.float64)  # (sample, scan, band)
            variance = mean_present(np.square(scans - mean_present(scans, 1)[:, None]), 1) * size / (size - 1)
            spread[numbers] = np.sqrt(mean_present(variance, 1))
            distance[rows] = np.sqrt(mean_present(np.square(scans - median_present(scans, 1)[:, None]), 2))
    return Scans(sample, count, spread, distance)


def far_apart(found: Scans, alpha: float = 0.05) -> NDArray[np.bool_]:
    """(sample,) True where the spread is beyond what that of the library's samples seldom exceeds."""
    fence = upper_fence(found.spread, alpha, at_least=3.0)
    return np.asarray(np.nan_to_num(found.spread, nan=0.0) > fence)


def odd_scans(found: Scans, alpha: float = 0.05) -> NDArray[np.bool_]:
    """(scan,) True for the one scan, of three or more, that makes its sample spread too far.

    Of two scans nobody can say which is wrong; `far_apart` names the sample.
    """
    order = np.lexsort((-found.distance, found.sample))  # the farthest scan of each sample first
    first = np.cumsum(found.scans) - found.scans
    farthest = np.zeros(len(found.sample), bool)
    farthest[order[first]] = True
    second = found.distance[order[np.minimum(first + 1, len(order) - 1)]]
    enough = found.scans[found.sample] >= 3
    apart = far_apart(found, alpha)[found.sample]
    return np.asarray(farthest & enough & apart & (found.distance > ODD_TIMES * second[found.sample]))


def average_scans(spectra: Spectra, column: str = "id") -> Spectra:
    """One row a sample: the mean of its scans, band by band over those that have a value.

    Samples get the columns `scans` (how many) and `scan_sd` (their spread, see `Scans`; NaN for one scan);
    every other column keeps its first value that is not missing. Samples stand in the order of first
    appearance. The very same table where no sample has two scans.
    """
    found = scans_of(spectra, column)
    if (found.scans == 1).all():
        return spectra
    values = np.empty((len(found.scans), len(spectra.axis)), np.float32)
    order = np.argsort(found.sample, kind="stable")
    ends = np.cumsum(found.scans)
    for block in row_blocks(values):
        rows = order[ends[block.start] - found.scans[block.start] : ends[block.stop - 1]]
        starts = ends[block] - found.scans[block] - (ends[block.start] - found.scans[block.start])
        there = ~np.isnan(spectra.values[rows])
        total = np.add.reduceat(np.where(there, spectra.values[rows], 0.0), starts, axis=0, dtype=np.float64)
        known = np.add.reduceat(there, starts, axis=0, dtype=np.int64)
        values[block] = np.divide(total, known, out=np.full_like(total, np.nan), where=known > 0)
    table = spectra.samples.groupby(found.sample, sort=True).first().reset_index(drop=True)
    table = table.assign(scans=found.scans, scan_sd=found.spread)
    step = (
        f"{len(spectra)} scans averaged to {len(table)} samples (equal {column}); "
        f"{int((found.scans == 1).sum())} have one scan, none more than {int(found.scans.max())}"
    )
    data = spectra.data.isel(sample=np.zeros(len(table), np.intp)).copy(data=values)
    return replace(spectra, data=data, samples=table, provenance=(*spectra.provenance, step))


def _numbers(samples: pd.DataFrame, column: str) -> NDArray[np.intp]:
    if column not in samples:
        raise UsageError(
            f"no column {column!r} that tells which scans are of one sample",
            fix=f"Columns: {', '.join(map(str, list(samples.columns)[:12]))}.",
        )
    name = samples[column]
    alone = pd.Series([f"\0{row}" for row in range(len(name))], index=name.index)
    return pd.factorize(name.astype(object).where(name.notna(), alone))[0].astype(np.intp)


def _portions(numbers: NDArray[np.intp], values_each: int) -> Iterator[NDArray[np.intp]]:
    """The numbers in portions whose spectra fit into a block."""
    size = max(1, BLOCK_VALUES // values_each)
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
