"""How much of each pixel of a scene lies under each map unit: exact shares, also on rotated grids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deepsalt.readers.vector import exactextract_or_explain
from deepsalt.spectra import Scene

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


def coverage(scene: Scene, polygons: GeoDataFrame) -> pd.DataFrame:
    """Pixels under map units: mukey, row, column, coverage (share of the pixel, above 0 up to 1).

    polygons   column mukey, any coordinate system; several polygons of a unit are added up

    Polygons are brought to the scene's rows and columns, where every pixel is a unit square, and cut exactly
    (exactextract). Corners are reprojected, edges between them taken as straight.
    """
    exactextract_or_explain()
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    grid = np.zeros((scene.height, scene.width), np.uint8)
    squares = NumPyRasterSource(grid, 0, 0, scene.width, scene.height)
    features = [
        {"type": "Feature", "properties": {"mukey": mukey}, "geometry": shape.__geo_interface__}
        for mukey, shape in zip(polygons["mukey"], _on_grid(scene, polygons), strict=True)
        if _touches(shape.bounds, scene)
    ]
    if not features:
        return _table([], [], [], scene)
    found = exact_extract(squares, features, ["cell_id", "coverage"], include_cols=["mukey"])
    rows = [one["properties"] for one in found]
    return _table(
        [row["mukey"] for row in rows],
        [row["cell_id"] for row in rows],
        [row["coverage"] for row in rows],
        scene,
    )


def _on_grid(scene: Scene, polygons: GeoDataFrame) -> GeoDataFrame:
    """Shapes with x = column and y = height - row."""
    a, b, c, d, e, f = scene.transform
    det = a * e - b * d
    column = (e / det, -b / det, (b * f - e * c) / det)
    row = (-d / det, a / det, (d * c - a * f) / det)
    return polygons.to_crs(scene.crs).geometry.affine_transform(
        [column[0], column[1], -row[0], -row[1], column[2], scene.height - row[2]]
    )


def _touches(bounds: tuple[float, float, float, float], scene: Scene) -> bool:
    left, low, right, high = bounds
    return bool(right > 0 and high > 0 and left < scene.width and low < scene.height)


def _table(
    mukeys: list[str], cells: list[np.ndarray], shares: list[np.ndarray], scene: Scene
) -> pd.DataFrame:
    count = [len(one) for one in cells]
    cell = np.concatenate(cells).astype(np.intp) if cells else np.empty(0, np.intp)
    found = pd.DataFrame(
        {
            "mukey": np.repeat(np.array(mukeys, dtype=object), count),
            "row": cell // scene.width,
            "column": cell % scene.width,
            "coverage": np.concatenate(shares) if shares else np.empty(0),
        }
    )
    found = found[found["coverage"] > 0]
    summed = found.groupby(["mukey", "row", "column"], as_index=False, sort=True)["coverage"].sum()
    return summed.assign(coverage=summed["coverage"].clip(upper=1.0))
