"""How much of each pixel lies under each polygon: exact shares, also on rotated grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.readers.vector import exactextract_or_explain
from deepsalt.spectra import Window


@dataclass(frozen=True, eq=False)
class Shares:
    """Pixels under shapes, one entry a pair of the two.

    shape   (pair,) number of the shape, from 0
    row     (pair,) of the pixel in the raster
    column  (pair,)
    share   (pair,) of the pixel under the shape, above 0 up to 1
    """

    shape: NDArray[np.intp]
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    share: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.share)


def on_grid(shapes: NDArray[np.object_], transform: tuple[float, ...]) -> NDArray[np.object_]:
    """Shapes in columns and rows: x = column, y = -row, so that every pixel is a unit square.

    shapes     (shape,) in the raster's coordinate system; None stays None
    transform  affine (a, b, c, d, e, f) of the raster's pixel corners
    """
    import shapely

    a, b, c, d, e, f = transform
    det = a * e - b * d

    def turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points[:, 0] - c, points[:, 1] - f
        return np.column_stack([(e * x - b * y) / det, (d * x - a * y) / det])

    placed: Any = shapely.transform(shapes, turned)
    return np.asarray(placed, dtype=object)


def shares(shapes: NDArray[np.object_], window: Window) -> Shares:
    """The pixels of a window under shapes, in the order of the shapes, then along the rows.

    shapes  (shape,) in columns and rows, as `on_grid` gives them; parts outside the window do not count

    Coverage is exact (exactextract); it is delivered in single precision, 3e-8 of a pixel.
    Raises UsageError where exactextract is not installed.
    """
    exactextract_or_explain()
    from deepsalt.sampling.exact_features import cut

    right, low = window.column + window.columns, -(window.row + window.rows)
    numbers = np.flatnonzero(_touching(shapes, (window.column, low, right, -window.row)))
    if not len(numbers):
        nothing = np.empty(0, np.intp)
        return Shares(nothing, nothing, nothing, np.empty(0))
    found = cut(shapes[numbers], (window.rows, window.columns), (window.column, low, right, -window.row))
    order = numbers[[one["number"] for one in found]]
    shape = np.repeat(order, [len(one["cell_id"]) for one in found])
    cell = np.concatenate([one["cell_id"] for one in found]).astype(np.intp)
    share = np.concatenate([one["coverage"] for one in found]).astype(np.float64)
    under = share > 0
    row, column = np.divmod(cell[under], window.columns)
    return Shares(shape[under], row + window.row, column + window.column, share[under])


def _touching(shapes: NDArray[np.object_], bounds: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """(shape,) whether its box overlaps the bounds; None and empty shapes have no box."""
    import shapely

    left, low, right, high = bounds
    west, south, east, north = shapely.bounds(shapes).T
    touching: NDArray[np.bool_] = (east > left) & (north > low) & (west < right) & (south < high)
    return touching
