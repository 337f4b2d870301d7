"""The raw image of a pushbroom scanner whose track is turned against north, as EMIT's is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from deepsalt.simulate.place import Grid, grid_of
from deepsalt.simulate.regions import Region
from deepsalt.simulate.view import View

_Ground = Callable[[NDArray[np.floating], NDArray[np.floating]], NDArray[np.float64]]

#: EMIT's pixels, metres.
PIXEL_M = 60.0
#: Less than the 40-50 degrees at which the space station crosses the middle latitudes; enough to turn rows.
_TURN_DEGREES = 30.0
#: A pixel is the mean of so many points along each of its sides.
_POINTS = 6


def swath_view(
    region: Region, land_shape: tuple[int, int], turn_degrees: float = _TURN_DEGREES, pixel_m: float = PIXEL_M
) -> View:
    """Pixels of a swath that covers the land, (downtrack, crosstrack), the track turned clockwise from south.

    Each pixel is the mean of 6 x 6 points of its footprint. The corners of the swath reach beyond the land:
    those pixels are not `whole`, and a product holds no data there.
    """
    land = grid_of(region, land_shape)
    turn = np.deg2rad(turn_degrees)
    across = np.array([np.cos(turn), -np.sin(turn)])  # (east, north) of one step to the next sample
    along = np.array([-np.sin(turn), -np.cos(turn)])  # of one step to the next line
    size = land.pixel_m * np.array([land.columns, land.rows])
    samples, lines = (int(np.ceil(float(np.abs(step) @ size) / pixel_m)) for step in (across, along))
    middle = np.array([land.left, land.top]) + size / 2 * (1, -1)

    def ground(line: NDArray[np.floating], sample: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 2) east and north, metres, of fractional lines and samples from the swath's corner."""
        down, right = line - lines / 2, sample - samples / 2
        return middle + pixel_m * (down[..., None] * along + right[..., None] * across)

    line, sample = np.mgrid[:lines, :samples] + 0.5
    latitude, longitude = _places(land, ground(line, sample))
    return View((lines, samples), latitude, longitude, _weights(land, line, sample, ground))


def _places(land: Grid, ground: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = ground.shape[:-1]
    rows = (land.top - ground[..., 1].ravel()) / land.pixel_m
    columns = (ground[..., 0].ravel() - land.left) / land.pixel_m
    latitude, longitude = land.places(rows, columns)
    return latitude.reshape(shape), longitude.reshape(shape)


def _weights(
    land: Grid,
    line: NDArray[np.floating],
    sample: NDArray[np.floating],
    ground: Callable[..., NDArray[np.float64]],
) -> csr_matrix:
    """(pixel, land cell) share of a pixel's points that fall on each cell."""
    steps = (np.arange(_POINTS) + 0.5) / _POINTS - 0.5
    pixel = np.arange(line.size)
    cells, pixels = [], []
    for down in steps:
        for right in steps:
            at = ground(line + down, sample + right).reshape(-1, 2)
            row = np.floor((land.top - at[:, 1]) / land.pixel_m).astype(int)
            column = np.floor((at[:, 0] - land.left) / land.pixel_m).astype(int)
            on = (row >= 0) & (row < land.rows) & (column >= 0) & (column < land.columns)
            cells.append((row * land.columns + column)[on])
            pixels.append(pixel[on])
    cell = np.concatenate(cells)
    share = np.full(len(cell), 1.0 / _POINTS**2)
    return csr_matrix((share, (np.concatenate(pixels), cell)), shape=(line.size, land.rows * land.columns))
