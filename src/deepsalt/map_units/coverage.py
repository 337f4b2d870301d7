"""How much of each pixel of a scene lies under each map unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from deepsalt.sampling.shares import on_grid, shares
from deepsalt.spectra import Scene

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


def coverage(scene: Scene, polygons: GeoDataFrame) -> pd.DataFrame:
    """Pixels under map units: mukey, row, column, coverage (share of the pixel, above 0 up to 1).

    polygons   column mukey, any coordinate system; several polygons of a unit are added up

    Corners are reprojected, edges between them taken as straight; pixels are cut exactly.
    """
    shapes = on_grid(polygons.to_crs(scene.crs).geometry.to_numpy(), scene.transform)
    found = shares(shapes, scene.whole())
    table = pd.DataFrame(
        {
            "mukey": polygons["mukey"].to_numpy(dtype=object)[found.shape],
            "row": found.row,
            "column": found.column,
            "coverage": found.share,
        }
    )
    summed = table.groupby(["mukey", "row", "column"], as_index=False, sort=True)["coverage"].sum()
    return summed.assign(coverage=summed["coverage"].clip(upper=1.0))
