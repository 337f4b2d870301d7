"""Step functions that are asked about millions of numbers: a lookup without a search.

A search by halves costs eight guesses a number, each wrong half of the time. Here the range is cut into many
even cells, and a number is compared with the steps in its own cell alone: rarely more than two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CELLS = 16_384


class Steps:
    """How many of the `breaks` (k,) lie at or below a number: which step of a function it stands on.

    >>> Steps(np.array([1.0, 2.0])).of(np.array([0.5, 1.0, 1.5, 7.0])).tolist()
    [0, 1, 1, 2]
    """

    def __init__(self, breaks: Floats) -> None:
        if not len(breaks) or not np.isfinite(breaks).all():
            raise ValueError(f"{len(breaks)} breaks, which must be finite")
        self.breaks = np.unique(breaks)
        self._low, self._high = self.breaks[0], self.breaks[-1]
        self._cells_a_unit = (_CELLS - 1) / max(self._high - self._low, 1e-9)
        counts = np.bincount(self._cell(self.breaks), minlength=_CELLS)
        self._below = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._most = int(counts.max())
        self._padded = np.append(self.breaks, np.full(self._most, np.nan))

    def of(self, numbers: Floats) -> NDArray[np.intp]:
        """(n,) from 0 to k; 0 for NaN."""
        step: NDArray[np.intp] = self._below.take(self._cell(numbers))
        for _ in range(self._most):
            step += self._padded.take(step) <= numbers
        return step

    def middles(self) -> Floats:
        """(k + 1,) a number well inside of each step."""
        inner = (self.breaks[1:] + self.breaks[:-1]) / 2.0
        return np.concatenate([[self._low - 1.0], inner, [self._high + 1.0]])

    def _cell(self, numbers: Floats) -> NDArray[np.intp]:
        """(n,) which cell a number lies in; never one lower for a larger number."""
        inside = np.fmax(numbers, self._low)
        np.fmin(inside, self._high, out=inside)
        inside -= self._low
        inside *= self._cells_a_unit
        return inside.astype(np.intp)
