"""Ground area of pixels and polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.cog import Grid
from deepsalt.readers.vector import in_short_edges

if TYPE_CHECKING:
    from geopandas import GeoSeries

#: WGS84 ellipsoid: semi-major axis, m, and first eccentricity squared.
_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY_2 = 0.006_694_379_990_14
_M2_PER_HECTARE = 10_000.0
_EQUAL_AREA = "EPSG:6933"
#: Edges are bent on it: with longer ones the area of a field of 3 km would be off by more than 1e-7.
_EDGE_M = 50.0


def hectares_per_pixel(grid: Grid) -> NDArray[np.float64] | None:
    """Area of a pixel of each row, (y,) ha; None where the grid has no coordinate system.

    In a projected system it is the area on its plane, which is what map programs count too. Where that
    plane is off by more than 1 % (world-wide Mercator, for example), and in a geographic system, it is the
    area on the WGS84 ellipsoid, at the middle of the row.
    """
    if not grid.crs:
        return None
    on_plane = hectares_on_plane(grid)
    return _on_ellipsoid(grid) if on_plane is None else np.full(grid.height, on_plane)


def hectares_on_plane(grid: Grid) -> float | None:
    """Area of every pixel on the plane of the grid's projected system, ha; None where that is no measure."""
    from rasterio.crs import CRS

    crs = CRS.from_user_input(grid.crs)
    if not crs.is_projected:
        return None
    a, b, _, d, e, _ = grid.transform
    metres = float(crs.linear_units_factor[1])
    on_plane = abs(a * e - b * d) * metres**2 / _M2_PER_HECTARE
    return on_plane if np.allclose(on_plane, _on_ellipsoid(grid), rtol=0.01) else None


def hectares_on_ellipsoid(shapes: GeoSeries) -> NDArray[np.float64]:
    """(shape,) ha of polygons on the WGS84 ellipsoid; edges are straight in their own system; 0 for None.

    Measured on the cylindrical equal-area projection of that ellipsoid (EPSG:6933).
    """
    on_equal_area = in_short_edges(shapes, _EDGE_M).to_crs(_EQUAL_AREA).area.to_numpy(np.float64)
    return np.nan_to_num(on_equal_area) / _M2_PER_HECTARE


def _on_ellipsoid(grid: Grid) -> NDArray[np.float64]:
    """(y,) ha: the parallelogram spanned by a step in column and a step in row, in metres."""
    from rasterio.warp import transform

    a, b, c, d, e, f = grid.transform
    column, rows = grid.width / 2, np.arange(grid.height) + 0.5
    corners = []
    for step_column, step_row in ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5)):
        at_column, at_row = column + step_column, rows + step_row
        x, y = a * at_column + b * at_row + c, d * at_column + e * at_row + f
        longitude, latitude = transform(grid.crs, "EPSG:4326", x, y)
        corners.append(np.radians([longitude, latitude]))
    left, right, up, down = corners
    middle = (left[1] + right[1]) / 2
    bend = 1 - _ECCENTRICITY_2 * np.sin(middle) ** 2
    metres_east = _SEMI_MAJOR_M / np.sqrt(bend) * np.cos(middle)
    metres_north = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / bend**1.5
    by_column, by_row = right - left, down - up
    return np.abs(by_column[0] * by_row[1] - by_column[1] * by_row[0]) * metres_east * metres_north / 1e4
