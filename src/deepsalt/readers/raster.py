"""Rasters on disk through rasterio: opened for one read and closed again, errors in one line.

Nothing is written beside the data (no .aux.xml), and no handle stays open but inside `kept_open`, so that a
scene may be read from several threads or processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.quiet import quiet
from deepsalt.readers.kept_open import lent
from deepsalt.readers.product_files import File, gdal_name, size_of, stream_of
from deepsalt.readers.tiff_layout import check_whole, is_tiff
from deepsalt.spectra import Window
from deepsalt.spectra.scene import check_window


@dataclass(frozen=True)
class RasterInfo:
    """What the header of a raster says.

    transform  affine (a, b, c, d, e, f) of pixel corners; the identity where the file has none
    crs        "EPSG:n" or WKT; "" where the file has none
    block      (rows, columns) of the file's blocks
    tags       of the whole file, keys in lower case
    band_tags  of each band, keys in lower case
    """

    path: File
    bands: int
    height: int
    width: int
    dtype: str
    nodata: float | None
    crs: str
    transform: tuple[float, float, float, float, float, float]
    block: tuple[int, int]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    descriptions: tuple[str, ...]
    tags: Mapping[str, str]
    band_tags: tuple[Mapping[str, str], ...]

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width


@contextmanager
def opened(path: File, doing: str = "open it") -> Iterator[Any]:
    """A rasterio dataset for the length of the block; what GDAL says becomes a ProductError."""
    import rasterio
    from rasterio.errors import CRSError, RasterioError

    try:
        with (
            rasterio.Env(GDAL_PAM_ENABLED="NO", CPL_DEBUG=False),
            lent(gdal_name(path), partial(open_raster, path)) as dataset,
        ):
            yield dataset
    except (RasterioError, CRSError, UnicodeDecodeError) as error:
        reason = error.__cause__ or error
        raise ProductError(
            f"could not {doing} ({reason})", where=str(path), fix="Copy or download the file again."
        ) from error


def info(path: File) -> RasterInfo:
    """The header of a raster; ProductError if it cannot be read or the file is cut off."""
    if not size_of(path):
        raise ProductError("the file is empty (0 bytes)", where=str(path), fix="Copy or download it again.")
    with stream_of(path) as stream:
        tiff = is_tiff(stream.read(4))
    if tiff:
        check_whole(path)
    with opened(path) as data:
        return RasterInfo(
            path=path,
            bands=data.count,
            height=data.height,
            width=data.width,
            dtype=data.dtypes[0],
            nodata=data.nodata,
            crs=data.crs.to_string() if data.crs else "",
            transform=tuple(data.transform)[:6],
            block=tuple(data.block_shapes[0]),
            scales=tuple(data.scales),
            offsets=tuple(data.offsets),
            descriptions=_descriptions(data),
            tags=_lower(data.tags()),
            band_tags=tuple(_band_tags(data, band) for band in data.indexes),
        )


def read_bands(path: File, window: Window, bands: Sequence[int]) -> NDArray[Any]:
    """Stored values (band, y, x) of a window, bands counted from 1 and in the order given.

    Raises UsageError for a window outside the raster, ProductError for data that cannot be read.
    """
    from rasterio.windows import Window as RasterWindow

    doing = f"read rows {window.row}-{window.row + window.rows - 1}, columns "
    doing += f"{window.column}-{window.column + window.columns - 1}"
    with opened(path, doing) as data:
        check_window(window, data.height, data.width, str(path))
        part = RasterWindow(window.column, window.row, window.columns, window.rows)
        values: NDArray[Any] = data.read(list(bands), window=part)
        return values


def is_nodata(stored: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Where stored values are nodata: equal to the nodata value, or NaN."""
    if stored.dtype.kind == "f":
        missing = np.isnan(stored)
        if nodata is not None and not np.isnan(nodata):
            missing |= stored == nodata
        return missing
    return np.asarray(stored == _whole(nodata))


def _whole(nodata: float | None) -> int | float:
    """A nodata value to compare integers with: as one, or numpy would turn all of them into float64."""
    if nodata is None:
        return np.nan
    return int(nodata) if float(nodata).is_integer() else nodata


def empty_bands(header: RasterInfo, nodata: float | None, rows: int = 8) -> NDArray[np.bool_]:
    """(band,) True where no sampled row holds a value; no band where the sample holds nothing at all.

    Rows are spread evenly over the image: all bands of an image share one footprint, so that a few
    rows tell a band without data from a pixel without data. More rows follow where they hold none.
    """
    for wanted in (rows, 8 * rows):
        empty = np.ones(header.bands, bool)
        for stored in sampled_rows(header, wanted):
            empty &= is_nodata(stored, nodata).all(axis=(1, 2))
        if not empty.all():
            return empty
    return np.zeros(header.bands, bool)


def sampled_rows(header: RasterInfo, rows: int) -> Iterator[NDArray[Any]]:
    """Stored values (band, 1, x) of some rows, spread evenly over the image."""
    numbers = range(1, header.bands + 1)
    for row in np.unique(np.linspace(0, header.height - 1, rows + 2, dtype=int)[1:-1]):
        yield read_bands(header.path, Window(int(row), 0, 1, header.width), numbers)


def open_raster(path: File, **options: Any) -> Any:
    """A rasterio dataset, read only; one without a coordinate system opens without a warning."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with quiet(NotGeoreferencedWarning):
        return rasterio.open(gdal_name(path), **options)


def _descriptions(data: Any) -> tuple[str, ...]:
    """Descriptions of the bands; none where they are in the encoding of old systems, which GDAL passes on."""
    try:
        return tuple(text or "" for text in data.descriptions)
    except UnicodeDecodeError:
        return ("",) * data.count


def _band_tags(data: Any, band: int) -> dict[str, str]:
    """Tags of a band, and those GDAL keeps apart under IMAGERY since version 3.10."""
    return _lower(data.tags(band)) | {
        f"imagery:{k}": v for k, v in _lower(data.tags(band, ns="IMAGERY")).items()
    }


def _lower(tags: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): str(value) for key, value in tags.items()}
