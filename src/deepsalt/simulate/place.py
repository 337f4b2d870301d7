"""Where the cells of the land, and the pixels of a scene, lie in a UTM zone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.regions import Region

PIXEL_M = 30.0
_WGS84 = "EPSG:4326"


@dataclass(frozen=True)
class Grid:
    """Upper left corner (metres) of a north-up grid, its UTM zone, its size and the size of its pixels."""

    epsg: int
    left: float
    top: float
    rows: int
    columns: int
    pixel_m: float = PIXEL_M

    @property
    def crs(self) -> str:
        return f"EPSG:{self.epsg}"

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine (a, b, c, d, e, f) of pixel corners."""
        return (self.pixel_m, 0.0, self.left, 0.0, -self.pixel_m, self.top)

    @property
    def projection(self) -> str:
        """As EnMAP metadata name it, for example `UTM_Zone32_North`."""
        return f"UTM_Zone{self.epsg % 100}_{'South' if self.epsg // 100 == 327 else 'North'}"

    def places(
        self, rows: NDArray[np.floating], columns: NDArray[np.floating]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(latitude, longitude), degrees WGS84, of fractional rows and columns from the upper left corner."""
        from rasterio.warp import transform

        x = self.left + self.pixel_m * np.asarray(columns, dtype=float)
        y = self.top - self.pixel_m * np.asarray(rows, dtype=float)
        longitude, latitude = transform(self.crs, _WGS84, x.tolist(), y.tolist())
        return np.asarray(latitude), np.asarray(longitude)


@cache
def grid_of(region: Region, shape: tuple[int, int]) -> Grid:
    """A grid centred on the region; pixel centres lie on multiples of 30 m, as EnMAP's do."""
    from rasterio.warp import transform

    x, y = transform(_WGS84, f"EPSG:{region.epsg}", [region.longitude], [region.latitude])
    left = PIXEL_M * (round(x[0] / PIXEL_M) - shape[1] // 2) - PIXEL_M / 2
    top = PIXEL_M * (round(y[0] / PIXEL_M) + shape[0] // 2) + PIXEL_M / 2
    return Grid(region.epsg, left, top, *shape)
