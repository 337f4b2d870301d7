"""The pixels of one image on the ground: where they lie, and which cells of the land each of them sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, kron

from deepsalt.simulate.place import Grid, grid_of
from deepsalt.simulate.regions import Region

Floats = NDArray[np.floating]

#: A pixel that sees at least this share of land cells is inside the image.
_WHOLE = 0.999


@dataclass(frozen=True, eq=False)
class View:
    """An image's geometry.

    shape     (rows, columns) of the image
    latitude, longitude   (y, x) pixel centres, degrees WGS84
    weights   (pixel, land cell) share of each land cell (row by row) in each pixel (row by row). Rows sum to
              1; to less where a pixel reaches beyond the land. None where pixels are the land's cells
    grid      the projected grid of which the pixels are cells; None where they are not, as in a raw swath
    """

    shape: tuple[int, int]
    latitude: Floats
    longitude: Floats
    weights: csr_matrix | None = None
    grid: Grid | None = None

    def averaged(self, values: Floats | NDArray[np.bool_]) -> NDArray[np.float64]:
        """(y, x) mean of (land rows, land columns) values over what each pixel sees."""
        if self.weights is None:
            return np.asarray(values, np.float64)
        return np.asarray(self.weights @ np.asarray(values, np.float64).ravel()).reshape(self.shape)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """(y, x) True for pixels that see land throughout."""
        if self.weights is None:
            return np.ones(self.shape, bool)
        return (np.asarray(self.weights.sum(axis=1)).reshape(self.shape)) >= _WHOLE


def land_view(region: Region, land_shape: tuple[int, int]) -> View:
    """The land's own cells as pixels: what EnMAP and PRISMA products of a world show."""
    return _gridded(grid_of(region, land_shape), None)


def grid_view(region: Region, land_shape: tuple[int, int], grid: Grid) -> View:
    """Pixels of another north-up grid of the same UTM zone, each the area-weighted mean of the land below."""
    land = grid_of(region, land_shape)
    if grid.epsg != land.epsg:
        raise ValueError(f"EPSG:{grid.epsg} is not the land's zone, EPSG:{land.epsg}")
    rows = _overlap(land.top - grid.top, grid.pixel_m, grid.rows, land.pixel_m, land.rows)
    columns = _overlap(grid.left - land.left, grid.pixel_m, grid.columns, land.pixel_m, land.columns)
    return _gridded(grid, csr_matrix(kron(rows, columns)))


def _gridded(grid: Grid, weights: csr_matrix | None) -> View:
    rows, columns = np.mgrid[: grid.rows, : grid.columns] + 0.5
    latitude, longitude = grid.places(rows.ravel(), columns.ravel())
    shape = (grid.rows, grid.columns)
    return View(shape, latitude.reshape(shape), longitude.reshape(shape), weights, grid)


def _overlap(start_m: float, size_m: float, count: int, cell_m: float, cells: int) -> csr_matrix:
    """(pixel, cell) share of each pixel's length that lies on each cell, along one axis."""
    low = start_m + size_m * np.arange(count)[:, None]
    cell = cell_m * np.arange(cells)[None, :]
    shared = np.minimum(low + size_m, cell + cell_m) - np.maximum(low, cell)
    return csr_matrix(np.clip(shared, 0.0, None) / size_m)
