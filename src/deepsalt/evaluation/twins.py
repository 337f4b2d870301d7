"""Spectra that are one measurement twice: nearer to each other than two measurements of one soil could be.

Two measurements of one and the same surface differ by the noise of both, 1.4 times that of one in the
root mean square over many bands. Two spectra that differ by less than half of the noise of one are
copies: a scan entered twice, rounded, renamed or exported again.

Source: noise as what the leading principal components leave over, Green et al. (1988), IEEE TGRS 26, in its
simplest form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.duplicates import TO_ROUNDING

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

#: Root mean square difference over all bands, in standard deviations of the noise of one measurement.
SAME_MEASUREMENT = 0.5
#: Fewer bands than this do not tell a soil from all others.
FEWEST_BANDS = 20

_MOST_BANDS = 300  # of a finer spectrum every second, third, ... band is compared
_SIGNAL = 20  # components that are taken for soil; what is left is noise
_DIRECTIONS = 8  # of the search; candidates are compared on all bands
_NEIGHBOURS = 3
_SAMPLED = 5000  # rows from which components and noise are learned


def twins(values: NDArray[np.floating], learned: Rows, held: Rows) -> list[tuple[int, int]]:
    """(learned row, held row) of spectra that are one measurement: one pair for each held row with a twin.

    values          (sample, band) of all rows; NaN = missing
    learned, held   row numbers of the two sides

    None is found among spectra of fewer than FEWEST_BANDS bands. Near neighbours are looked up in a tree on
    the leading components, so that ten thousand spectra take about a second.
    """
    from scipy.spatial import cKDTree

    if values.shape[1] < FEWEST_BANDS or len(learned) == 0 or len(held) == 0:
        return []
    table = _thinned(values)
    noise, coordinates = _noise_and_coordinates(table[np.concatenate([learned, held])])
    here, there = coordinates[: len(learned)], coordinates[len(learned) :]
    count = min(_NEIGHBOURS, len(learned))
    nearest = cKDTree(here).query(there, k=range(1, count + 1))[1]  # (held, neighbour)
    apart = np.stack([_apart(table[learned[one]], table[held], noise) for one in nearest.T], axis=1)
    best = np.argmin(apart, axis=1)
    same = np.flatnonzero(apart[np.arange(len(held)), best] <= SAME_MEASUREMENT)
    return [(int(learned[nearest[row, best[row]]]), int(held[row])) for row in same]


def _thinned(values: NDArray[np.floating]) -> Floats:
    step = -(-values.shape[1] // _MOST_BANDS)
    return np.asarray(values[:, ::step], np.float64)


def _noise_and_coordinates(table: Floats) -> tuple[Floats, Floats]:
    """(band,) standard deviation of the noise, and (sample, direction) leading components in units of it."""
    there = np.isfinite(table)
    middle = np.where(there, table, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    filled = np.where(there, table - middle, 0)
    rng = np.random.default_rng(0)
    some = filled[rng.permutation(len(filled))[:_SAMPLED]]
    covariance = some.T @ some / max(len(some) - 1, 1)
    noise = np.maximum(_noise(covariance, len(some)), TO_ROUNDING / SAME_MEASUREMENT)
    _, vectors = np.linalg.eigh(covariance / np.outer(noise, noise))
    return noise, (filled / noise) @ vectors[:, -_DIRECTIONS:]


def _noise(covariance: Floats, rows: int) -> Floats:
    """(band,) standard deviation of what the leading components leave over, for the freedom that is left."""
    bands = len(covariance)
    signal = min(_SIGNAL, rows // 3, bands // 2)
    values, vectors = np.linalg.eigh(covariance)
    kept, directions = values[-signal:], vectors[:, -signal:]
    left = np.diag(covariance) - ((directions**2) * kept).sum(axis=1) if signal else np.zeros(bands)
    freedom = max(rows - 1 - signal, 1) / max(rows - 1, 1) * (bands - signal) / bands
    return np.sqrt(np.maximum(left, 0) / freedom)


def _apart(one: Floats, other: Floats, noise: Floats) -> Floats:
    """(row,) root mean square difference in units of noise, over the bands that both have."""
    squares = ((one - other) / noise) ** 2
    there = np.isfinite(squares)
    enough = there.sum(axis=1) >= FEWEST_BANDS
    mean = np.where(there, squares, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(enough, np.sqrt(mean), np.inf)
