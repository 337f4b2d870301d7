"""Layers of a map as Cloud Optimized GeoTIFF: written by windows, copied by GDAL, read back whole."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from deepsalt.errors import OutputError
from deepsalt.files import written_whole
from deepsalt.preprocessing.grids import OnGrid
from deepsalt.quiet import quiet
from deepsalt.readers.raster import open_raster
from deepsalt.spectra.scene import Window

_BLOCK = 512
_STRIP_ROWS = 256


@dataclass(frozen=True)
class Layer:
    """What one layer of a map is.

    name         file name without `.tif`
    dtype        "float32", "uint8" or "uint16"
    nodata       value of pixels without one, or None
    description  of the band
    unit         of the values; "" for classes
    overviews    how GDAL shrinks it: "AVERAGE" for numbers, "MODE" for classes
    colours      value -> (red, green, blue, alpha), 0-255; only for uint8
    categories   names of the values 0, 1, 2, ...; only for uint8
    tags         of this layer alone; they stand before those of the map
    """

    name: str
    dtype: str
    nodata: float | None
    description: str
    unit: str = ""
    overviews: str = "AVERAGE"
    colours: Mapping[int, tuple[int, int, int, int]] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a map lie: as in Scene, `crs` "" where unknown."""

    height: int
    width: int
    crs: str
    transform: tuple[float, float, float, float, float, float]

    @classmethod
    def of(cls, scene: OnGrid) -> Grid:
        return cls(scene.height, scene.width, scene.crs, scene.transform)


class LayerWriter:
    """One layer, filled window by window and then closed as a COG.

    Windows go to a plain tiled GeoTIFF in the same folder, because a COG holds its overviews before
    its pixels and so cannot be written by windows. `finish` copies it with GDAL's COG driver, reads
    the copy back and compares it with what was written: GDAL may only warn when a disk is full.
    """

    def __init__(self, folder: Path, layer: Layer, grid: Grid, tags: Mapping[str, str]) -> None:
        self.layer = layer
        self.path = folder / f"{layer.name}.tif"
        self._tiles = folder / f".{layer.name}.tiles.tif"
        self._written: list[tuple[Window, int]] = []
        with _failures_as_output_errors(self.path), quiet(NotGeoreferencedWarning):
            self._dataset = rasterio.open(self._tiles, "w", **_profile(layer, grid))
            _describe(self._dataset, layer, tags)

    def write(self, window: Window, values: NDArray[Any]) -> None:
        """Values (y, x) of one window."""
        pixels = np.ascontiguousarray(values, dtype=self.layer.dtype)
        with _failures_as_output_errors(self.path):
            self._dataset.write(pixels, 1, window=_rasterio_window(window))
        self._written.append((window, zlib.crc32(pixels.data)))

    def abandon(self) -> None:
        """Close without a result; whatever GDAL says while closing no longer matters."""
        try:
            self._dataset.close()
        except (RasterioError, OSError):
            logging.getLogger(__name__).debug("could not close %s", self._tiles)
        self._tiles.unlink(missing_ok=True)

    def finish(self) -> Path:
        """The finished COG. Raises OutputError if it does not read back as it was written."""
        with written_whole(self.path) as aside, _failures_as_output_errors(self.path):
            self._dataset.close()
            rasterio.shutil.copy(self._tiles, aside, driver="COG", **_cog_options(self.layer))
            _check_whole(aside, self.path, self._written)
        self._tiles.unlink(missing_ok=True)
        if self.layer.categories:
            _write_categories(self.path, self.layer.categories)
        return self.path


def strips(path: Path, band: int = 1) -> Iterator[tuple[Window, NDArray[Any]]]:
    """Full-width strips of a band, top to bottom; nodata as NaN in a band of numbers."""
    with open_raster(path) as dataset:
        for row in range(0, dataset.height, _STRIP_ROWS):
            rows = min(_STRIP_ROWS, dataset.height - row)
            values = dataset.read(band, window=((row, row + rows), (0, dataset.width)))
            if values.dtype.kind == "f" and dataset.nodata is not None:
                values = np.where(values == dataset.nodata, np.float32("nan"), values)
            yield Window(row, 0, rows, dataset.width), values


def _profile(layer: Layer, grid: Grid) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": 1,
        "dtype": layer.dtype,
        "nodata": layer.nodata,
        "crs": grid.crs or None,
        "transform": rasterio.Affine(*grid.transform),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "bigtiff": "IF_SAFER",
    }


def _describe(dataset: Any, layer: Layer, tags: Mapping[str, str]) -> None:
    told = {**tags, **layer.tags}
    dataset.update_tags(**{key: value for key, value in told.items() if value})
    dataset.set_band_description(1, layer.description)
    if layer.unit:
        dataset.set_band_unit(1, layer.unit)
    if layer.colours:
        dataset.write_colormap(1, dict(layer.colours))
    if layer.categories:
        dataset.update_tags(1, **{f"CATEGORY_{i}": name for i, name in enumerate(layer.categories)})


def _cog_options(layer: Layer) -> dict[str, str]:
    return {
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "LEVEL": "3",  # of 9: two thirds of the time of the usual 6, and files larger by 2 %
        "BLOCKSIZE": str(_BLOCK),
        "OVERVIEW_RESAMPLING": layer.overviews,
        "BIGTIFF": "IF_SAFER",
        "NUM_THREADS": "1",
    }


def _rasterio_window(window: Window) -> Any:
    return rasterio.windows.Window(window.column, window.row, window.columns, window.rows)


def _check_whole(written: Path, final: Path, windows: list[tuple[Window, int]]) -> None:
    """Compare every window with its checksum, and read every overview."""
    with open_raster(written) as dataset:
        for window, checksum in windows:
            pixels = dataset.read(1, window=_rasterio_window(window))
            if zlib.crc32(pixels.data) != checksum:
                raise _not_whole(final)
        levels = range(len(dataset.overviews(1)))
    for level in levels:
        with open_raster(written, overview_level=level) as overview:
            overview.read(1)


def _not_whole(path: Path, why: object = "") -> OutputError:
    return OutputError(
        f"the file did not reach the disk whole{f' ({why})' if why else ''}",
        where=str(path),
        fix="The disk may be full: free some space or choose another folder with --out.",
    )


@contextmanager
def _failures_as_output_errors(path: Path) -> Iterator[None]:
    """Everything that GDAL raises while it writes, as one OutputError."""
    from rasterio._err import CPLE_BaseError  # the base of what rasterio.shutil.copy raises

    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        raise _not_whole(path, error) from error
    except OSError as error:
        raise _not_whole(path, error.strerror or error) from error


def _write_categories(raster: Path, names: tuple[str, ...]) -> None:
    """Category names beside the raster, where GDAL and QGIS look: a GeoTIFF has no place for them."""
    rows = "".join(f"      <Category>{escape(name)}</Category>\n" for name in names)
    text = (
        '<PAMDataset>\n  <PAMRasterBand band="1">\n    <CategoryNames>\n'
        f"{rows}    </CategoryNames>\n  </PAMRasterBand>\n</PAMDataset>\n"
    )
    with written_whole(raster.with_name(raster.name + ".aux.xml")) as aside:
        aside.write_text(text, encoding="utf-8")
