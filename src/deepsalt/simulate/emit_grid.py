"""The lookup table that carries a raw swath onto a grid of latitude and longitude, by nearest neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from deepsalt.simulate.view import View

#: Size of EMIT's ortho pixels, degrees (global attribute spatialResolution of version 001).
SPACING_DEGREES = 0.000542232520256367
#: Metres in a degree of latitude on the mean sphere of 6371 km: only distances are compared.
_METRES = 111_195.0
#: A pixel of the grid this far from any raw pixel is outside: half the diagonal of a raw pixel of 60 m.
_REACH_M = 42.5


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A table as `location/glt_x` and `glt_y` hold it.

    glt_x, glt_y  (ortho_y, ortho_x) int32: crosstrack sample and downtrack line, from 1; 0 = none; negative
                  where no raw pixel has its centre in the pixel of the grid, and the nearest was taken
    geotransform  six numbers in GDAL's order, degrees
    """

    glt_x: NDArray[np.int32]
    glt_y: NDArray[np.int32]
    geotransform: tuple[float, float, float, float, float, float]


def lookup_table(view: View) -> LookupTable:
    """The table of a swath: each pixel of a north-up grid takes the raw pixel whose centre is nearest."""
    west, north = float(view.longitude.min()), float(view.latitude.max())
    left, top = west - SPACING_DEGREES / 2, north + SPACING_DEGREES / 2
    columns = int(np.ceil((float(view.longitude.max()) - left) / SPACING_DEGREES))
    rows = int(np.ceil((top - float(view.latitude.min())) / SPACING_DEGREES))
    row, column = np.mgrid[:rows, :columns] + 0.5
    narrow = np.cos(np.deg2rad(view.latitude.mean()))

    def metres(latitude: NDArray[np.floating], longitude: NDArray[np.floating]) -> NDArray[np.float64]:
        return _METRES * np.stack([latitude.ravel(), narrow * longitude.ravel()], axis=1)

    raw = cKDTree(metres(view.latitude, view.longitude))
    grid = metres(top - row * SPACING_DEGREES, left + column * SPACING_DEGREES)
    distance, nearest = raw.query(grid, distance_upper_bound=_REACH_M)
    outside = np.isinf(distance).reshape(rows, columns)
    line, sample = np.unravel_index(nearest.reshape(rows, columns) * ~outside, view.shape)
    sign = np.where(outside, 0, np.where(_hit(view, (rows, columns), left, top), 1, -1))
    return LookupTable(
        (sign * (sample + 1)).astype(np.int32),
        (sign * (line + 1)).astype(np.int32),
        (left, SPACING_DEGREES, 0.0, top, 0.0, -SPACING_DEGREES),
    )


def _hit(view: View, shape: tuple[int, int], left: float, top: float) -> NDArray[np.bool_]:
    """(ortho_y, ortho_x) True where a raw pixel has its centre."""
    hit = np.zeros(shape, bool)
    row = np.floor((top - view.latitude) / SPACING_DEGREES).astype(int)
    column = np.floor((view.longitude - left) / SPACING_DEGREES).astype(int)
    hit[row, column] = True
    return hit
