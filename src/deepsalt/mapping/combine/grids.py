"""The grid that holds several maps, and which of them lie under a window of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.mapping.cog import Grid
from deepsalt.preprocessing.grids import OnGrid, pixels_between
from deepsalt.spectra import Window

#: Side of a window, pixels: a block of a map's file.
SIDE = 512

MAKE_ONE_GRID = (
    "Warp the scenes to one grid of pixels and map them again, or combine maps of one grid at a time."
)


@dataclass(frozen=True, eq=False)
class UnionGrid:
    """The smallest grid that holds all maps.

    grid   of the union
    boxes  (map, 4) first row, first column, end row and end column of each map on it
    """

    grid: Grid
    boxes: NDArray[np.int64]

    def under(self, window: Window) -> NDArray[np.intp]:
        """Numbers of the maps that share a pixel with a window, in their order."""
        top, left, bottom, right = self.boxes.T
        rows = (top < window.row + window.rows) & (bottom > window.row)
        columns = (left < window.column + window.columns) & (right > window.column)
        return np.flatnonzero(rows & columns)

    def shared(self, number: int, window: Window) -> tuple[Window, Window]:
        """The part of a window that a map covers: in the window's own pixels, and in the map's."""
        top, left, bottom, right = (int(edge) for edge in self.boxes[number])
        row, column = max(top, window.row), max(left, window.column)
        rows = min(bottom, window.row + window.rows) - row
        columns = min(right, window.column + window.columns) - column
        inside = Window(row - window.row, column - window.column, rows, columns)
        return inside, Window(row - top, column - left, rows, columns)


def union_grid(maps: Sequence[OnGrid]) -> UnionGrid:
    """The union of maps whose pixels lie on one grid.

    Raises ProductError naming the map that lies on another grid than most do, and in what it differs.
    """
    first = _like_most(maps)
    corners = np.array([pixels_between(first, one, MAKE_ONE_GRID) for one in maps], np.int64)
    sizes = np.array([(one.height, one.width) for one in maps], np.int64)
    start, end = corners.min(axis=0), (corners + sizes).max(axis=0)
    a, b, c, d, e, f = first.transform
    row, column = (int(value) for value in start)
    corner = (a * column + b * row + c, d * column + e * row + f)
    height, width = (int(value) for value in end - start)
    grid = Grid(height, width, first.crs, (a, b, corner[0], d, e, corner[1]))
    return UnionGrid(grid, np.concatenate([corners - start, corners + sizes - start], axis=1))


def windows(grid: Grid) -> Iterator[Window]:
    """Squares that cover a grid, row by row; smaller ones at its right and lower edge."""
    for row in range(0, grid.height, SIDE):
        for column in range(0, grid.width, SIDE):
            yield Window(row, column, min(SIDE, grid.height - row), min(SIDE, grid.width - column))


def _like_most(maps: Sequence[OnGrid]) -> OnGrid:
    """The first of the maps that lie on the grid that most of them lie on."""
    kinds: list[list[OnGrid]] = []
    for one in maps:
        home = next((kind for kind in kinds if _aligned(kind[0], one)), None)
        if home is None:
            kinds.append([one])
        else:
            home.append(one)
    return max(kinds, key=len)[0]


def _aligned(one: OnGrid, other: OnGrid) -> bool:
    try:
        pixels_between(one, other)
    except ProductError:
        return False
    return True
