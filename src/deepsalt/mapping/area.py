"""Ground area of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.cog import Grid

#: WGS84 ellipsoid: semi-major axis, m, and first eccentricity squared.
_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_2 = 0.006_694_379_990_14
_M2_PER_HECTARE = 10_000.0


def hectares_per_pixel(grid: Grid) -> NDArray[np.float64] | None:
    """Area of a pixel of each row, (y,) ha; None where the grid has no coordinate system.

    In a projected system it is the area on its plane, which is what map programs count too. Where that
    plane is off by more than 1 % (world-wide Mercator, for example), and in a geographic system, it is the
    area on the WGS84 ellipsoid, at the middle of the row.
    """
    if not grid.crs:
        return None
    from rasterio.crs import CRS

    crs = CRS.from_user_input(grid.crs)
    on_ground = _on_ellipsoid(grid, crs)
    if not crs.is_projected:
        return on_ground
    a, b, _, d, e, _ = grid.transform
    metres = float(crs.linear_units_factor[1])
    on_plane = np.full(grid.height, abs(a * e - b * d) * metres**2 / _M2_PER_HECTARE)
    return on_plane if np.allclose(on_plane, on_ground, rtol=0.01) else on_ground


def _on_ellipsoid(grid: Grid, crs: object) -> NDArray[np.float64]:
    """(y,) ha: the parallelogram spanned by a step in column and a step in row, in metres."""
    from rasterio.warp import transform

    a, b, c, d, e, f = grid.transform
    column, rows = grid.width / 2, np.arange(grid.height) + 0.5
    corners = []
    for step_column, step_row in ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)):
        at_column, at_row = column + step_column, rows + step_row
        x, y = a * at_column + b * at_row + c, d * at_column + e * at_row + f
        longitude, latitude = transform(crs, "EPSG:4326", x, y)
        corners.append(np.radians([longitude, latitude]))
    left, right, up, down = corners
    middle = (left[1] + right[1]) / 2
    bend = 1 - _ECCENTRICITY_2 * np.sin(middle) ** 2
    metres_east = _SEMI_MAJOR_M / np.sqrt(bend) * np.cos(middle)
    metres_north = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / bend**1.5
    by_column, by_row = right - left, down - up
    return np.abs(by_column[0] * by_row[1] - by_column[1] * by_row[0]) * metres_east * metres_north / 1e4
