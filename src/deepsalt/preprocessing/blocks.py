"""Large tables in blocks of rows, so that what is worked out beside them stays small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

#: About as many values are in one block: 32 MB in float64.
BLOCK_VALUES = 4_000_000


def row_blocks(values: NDArray[Any]) -> Iterator[slice]:
    """Slices that cover the rows of a table (sample, band), one block after the other."""
    rows = max(1, BLOCK_VALUES // max(1, values.shape[1]))
    for start in range(0, len(values), rows):
        yield slice(start, min(start + rows, len(values)))
