"""Covariates as rasters: sand, clay, temperature, precipitation, sampled at points or on a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.class_names import class_names
from deepsalt.readers.raster import RasterInfo, info, is_nodata, opened
from deepsalt.spectra import Scene, Window

Resampling = Literal["nearest", "bilinear"]


@dataclass(frozen=True)
class CovariateRaster:
    """A raster of covariates, one a band.

    names  of the bands: their descriptions, "band_1" where a band has none
    """

    path: Path
    names: tuple[str, ...]
    header: RasterInfo

    @classmethod
    def open(cls, path: str | Path) -> CovariateRaster:
        """Read the header.

        Raises UsageError if there is no such file; ProductError if it is damaged, has no coordinate
        system, two bands of one name, or classes with names: a class is no quantity.
        """
        raster = cls.of_any(path)
        for name, classes in zip(raster.names, class_names(raster.path, raster.names), strict=True):
            if classes:
                first = f"{next(iter(classes))} is {next(iter(classes.values()))}"
                raise ProductError(
                    f"{name} holds classes ({first}), which are no quantities",
                    where=str(raster.path),
                    fix="Give it under strata instead of covariates.",
                )
        return raster

    @classmethod
    def of_any(cls, path: str | Path) -> CovariateRaster:
        """The header of a raster of quantities or of classes; raises as `open`."""
        place = Path(path)
        if not place.is_file():
            raise UsageError("no such file", where=str(place), fix="Check the path of the covariates.")
        header = info(place)
        names = tuple(text or f"band_{n}" for n, text in enumerate(header.descriptions, 1))
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ProductError(
                f"two bands are called {twice[0]!r}",
                where=str(place),
                fix="Give each band its own description.",
            )
        if not header.crs:
            raise ProductError(
                "the raster has no coordinate system",
                where=str(place),
                fix="Assign it, for example with gdal_edit -a_srs.",
            )
        return cls(place, names, header)

    def at(self, latitude: ArrayLike, longitude: ArrayLike) -> pd.DataFrame:
        """Values of the pixels that hold the points; a row a point, a column a band, NaN outside.

        latitude, longitude  (point,) degrees WGS84
        """
        rows, columns = self._pixels(np.asarray(latitude, float), np.asarray(longitude, float))
        inside = (rows >= 0) & (rows < self.header.height) & (columns >= 0) & (columns < self.header.width)
        values = np.full((len(rows), len(self.names)), np.nan)
        for block in np.unique(rows[inside] // max(1, self.header.block[0])):
            first = int(block) * max(1, self.header.block[0])
            count = min(max(1, self.header.block[0]), self.header.height - first)
            here = np.flatnonzero(inside & (rows >= first) & (rows < first + count))
            left = int(columns[here].min())
            part = Window(first, left, count, int(columns[here].max()) - left + 1)
            values[here] = self._read(part)[:, rows[here] - first, columns[here] - left].T
        return pd.DataFrame(values, columns=list(self.names))

    def on(
        self, scene: Scene, window: Window | None = None, *, resampling: Resampling = "nearest"
    ) -> dict[str, NDArray[np.float32]]:
        """Covariates on the pixels of a scene: (y, x) float32 by name, NaN outside and nodata.

        resampling  "nearest", or "bilinear" for rasters coarser than the scene
        """
        from rasterio.enums import Resampling as Method
        from rasterio.transform import Affine
        from rasterio.vrt import WarpedVRT
        from rasterio.windows import Window as RasterWindow

        if not scene.crs:
            raise ProductError(
                "the scene has no coordinate system: covariates cannot be laid on it", where=scene.path
            )
        part = scene.whole() if window is None else window
        grid = {
            "crs": scene.crs,
            "transform": Affine(*scene.transform),
            "width": scene.width,
            "height": scene.height,
            "resampling": Method[resampling],
            "nodata": np.nan,
            "dtype": "float32",
        }
        with opened(self.path, "lay it on the scene") as data, WarpedVRT(data, **grid) as warped:
            values = warped.read(window=RasterWindow(part.column, part.row, part.columns, part.rows))
        return dict(zip(self.names, self._scaled(values).astype(np.float32, copy=False), strict=True))

    def _scaled(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Values (band, y, x) from stored ones, by the scale and offset of each band."""
        gain, offset = (np.array(facts)[:, None, None] for facts in (self.header.scales, self.header.offsets))
        return stored * gain + offset

    def _pixels(
        self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of each point; -1 where the point has no place."""
        from rasterio.warp import transform

        known = np.isfinite(latitude) & np.isfinite(longitude)
        x, y = np.full((2, len(latitude)), np.nan)
        if known.any():
            x[known], y[known] = transform("EPSG:4326", self.header.crs, longitude[known], latitude[known])
        a, b, c, d, e, f = self.header.transform
        determinant = a * e - b * d
        with np.errstate(invalid="ignore"):
            column = np.floor((e * (x - c) - b * (y - f)) / determinant)
            row = np.floor((a * (y - f) - d * (x - c)) / determinant)
        usable = np.isfinite(row) & np.isfinite(column)
        return np.where(usable, row, -1).astype(np.intp), np.where(usable, column, -1).astype(np.intp)

    def _read(self, part: Window) -> NDArray[np.float64]:
        """Values (band, y, x) of a window in the raster's own grid, scaled, NaN = nodata."""
        from rasterio.windows import Window as RasterWindow

        with opened(self.path, "read it") as data:
            stored = data.read(window=RasterWindow(part.column, part.row, part.columns, part.rows))
        return np.where(is_nodata(stored, self.header.nodata), np.nan, self._scaled(stored))


def check_same_bands(rasters: Sequence[CovariateRaster]) -> None:
    """Raise ProductError for a raster whose bands are not, by name, those of the first."""
    for other in rasters[1:]:
        if set(other.names) != set(rasters[0].names):
            raise ProductError(
                f"it holds {', '.join(other.names)}; "
                f"{rasters[0].path.name} holds {', '.join(rasters[0].names)}",
                where=str(other.path),
                fix="Give every raster the same bands, named by their descriptions.",
            )
