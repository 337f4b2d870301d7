"""Images in ENVI's form: a binary of any order of bytes and bands, and the header that tells what it is.

Pixels are read by GDAL. The header's facts, the size of the binary and the geometry are ours: GDAL does not
notice a binary that ends early, and turns the two sides of a pixel that is no square by a wrong measure.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.cube_bands import CubeBands, check_not_swapped
from deepsalt.readers.cube_scene import cube_scene
from deepsalt.readers.envi_header import (
    LIBRARY,
    EnviHeader,
    header_and_values,
    header_beside,
    is_header,
    read_header,
)
from deepsalt.readers.envi_map import transform_of
from deepsalt.readers.geotiff import bands_stated
from deepsalt.readers.hdf5 import is_hdf5
from deepsalt.readers.product_files import is_zip
from deepsalt.readers.raster import RasterInfo, info
from deepsalt.readers.raster_scene import RasterScene, time_from_text, time_in_name
from deepsalt.readers.scaling import scaling
from deepsalt.readers.sidecar import bands_beside, bands_of_header, with_header
from deepsalt.readers.tiff_layout import is_tiff
from deepsalt.readers.tiff_tags import without_wavelength
from deepsalt.spectra import Sensor

_DATA = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".bin", ".raw", ".envi", ".cub")
_KINDS = ("", "envi", "envi standard", "envi image")
_INTERLEAVES = ("bsq", "bil", "bip")
_FACTS = ("description", "interleave", "sensor type", "map info")


class EnviCubeReader:
    """Reader of ENVI images."""

    name = "envi_cube"
    description = "ENVI image: a binary (.img, .dat, .bsq, .bil, .bip or no ending) and its .hdr"
    specificity = 15

    def matches(self, path: Path) -> bool:
        """Whether it is an ENVI header of an image, or the binary beside one."""
        if not path.is_file() or not (is_header(path) or _is_binary(path)):
            return False
        header = path if is_header(path) else header_beside(path)
        if header is None or not is_header(header):
            return False
        try:
            return read_header(header).text("file type").lower() != LIBRARY
        except ProductError:  # damaged: `open` tells in what way
            return True

    def beside(self, path: Path) -> list[Path]:
        """The header of the image, or the image of the header."""
        header, data = _pair(path)
        return [data if path == header else header]

    def open(
        self,
        path: Path,
        *,
        sensor: str | None = None,
        wavelengths: str | Path | None = None,
        scale: float | None = None,
        keep_bad: bool = False,
    ) -> RasterScene:
        """Open an image by its binary or its header; only the header and a few rows are read.

        sensor, wavelengths  where the bands lie, if the header does not say: see `GeotiffReader.open`
        scale     reflectance = scale * stored value, in place of the header's `reflectance scale factor`
        keep_bad  deliver the bands that the header marks as bad (bbl = 0), or that hold one number

        Raises ProductError for a header that is damaged, contradicts the binary, or has no wavelengths;
        UsageError where the other file of the pair is missing.
        """
        header_file, data = _pair(path)
        envi = read_header(header_file)
        _check_kind(envi)
        _check_size(envi, data)
        notes: list[str] = []
        header = _header(envi, data, notes)
        bands = bands_stated(header, sensor, wavelengths, notes) or _bands_told(header, envi, notes)
        header = with_header(header, envi, notes)
        told = envi.text("sensor type").lower()
        return cube_scene(
            data,
            header,
            bands,
            scaling(header, scale, notes),
            told=told if told in Sensor.known() else "",
            default=self.name,
            keep_bad=keep_bad,
            acquired=time_from_text(envi.text("acquisition time")) or time_in_name(data.stem),
            level="",
            facts={key: " ".join(envi.text(key).split()) for key in _FACTS if envi.text(key)},
            notes=notes,
        )


READER = EnviCubeReader()


def _is_binary(path: Path) -> bool:
    """Whether a file may be the binary of an image: by its ending, or by the name of its header."""
    own = any(path.with_name(f"{path.name}{end}").is_file() for end in (".hdr", ".HDR"))
    if not own and path.suffix.lower() not in _DATA:
        return False
    with path.open("rb") as stream:
        return not (is_tiff(stream.read(4)) or is_hdf5(path) or is_zip(path))


def _pair(path: Path) -> tuple[Path, Path]:
    """The header and the binary, whichever of them is given."""
    return header_and_values(path, "image", _DATA, _no_image)


def _no_image(header: Path) -> UsageError:
    stem = header.stem
    tiffs = [f for f in header.parent.iterdir() if f.stem == stem and f.suffix.lower() in (".tif", ".tiff")]
    return UsageError(
        "the header has no image beside it",
        where=str(header),
        fix=f"Give {tiffs[0].name}." if tiffs else f"Copy {stem} into the same folder.",
    )


def _check_kind(envi: EnviHeader) -> None:
    kind = envi.text("file type")
    if kind.lower() not in _KINDS:
        raise ProductError(
            f"file type {kind!r} is no image cube",
            where=envi.where,
            fix="A cube says: file type = ENVI Standard.",
        )
    order = envi.text("interleave").lower()
    if order not in _INTERLEAVES:
        raise ProductError(
            f"the header has interleave = {order}" if order else "the header has no field 'interleave'",
            where=envi.where,
            fix="Say bsq, bil or bip.",
        )
    if envi.text("file compression") not in ("", "0"):
        raise ProductError("the image is compressed", where=envi.where, fix="Save it without compression.")


def _check_size(envi: EnviHeader, data: Path) -> None:
    """Raise ProductError where the binary has not the size that the header speaks of."""
    rows, columns, bands = (envi.count(key) for key in ("lines", "samples", "bands"))
    offset = envi.count("header offset", least=0, default=0)
    expected, size = offset + rows * columns * bands * envi.dtype().itemsize, data.stat().st_size
    if size != expected:
        raise ProductError(
            f"the header speaks of {bands} bands of {rows} lines and {columns} samples ({expected:,} bytes), "
            f"the file has {size:,} bytes" + (": it is truncated" if size < expected else ""),
            where=str(data),
            fix="Copy both files again; check lines, samples, bands, data type and header offset.",
        )


def _header(envi: EnviHeader, data: Path, notes: list[str]) -> RasterInfo:
    """Facts of the raster, with the geometry and the blocks as the header has them."""
    header = info(data)
    told = tuple(envi.count(key) for key in ("bands", "lines", "samples"))
    if (header.bands, *header.size) != told:
        raise ProductError(
            f"{envi.path.name} speaks of {told} (band, row, column), "
            f"GDAL finds {(header.bands, *header.size)}",
            where=str(data),
            fix="Does another header lie beside it? Move it away.",
        )
    return dataclasses.replace(header, transform=transform_of(envi, notes), block=(1, header.width))


def _bands_told(header: RasterInfo, envi: EnviHeader, notes: list[str]) -> CubeBands:
    bands = bands_of_header(header, envi, notes) or bands_beside(header, notes)
    if bands is None:
        check_not_swapped(header)
        raise without_wavelength(header)
    return bands
