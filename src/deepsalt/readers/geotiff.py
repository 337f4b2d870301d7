"""Hyperspectral GeoTIFFs: wavelengths from tags and descriptions, from a file beside them, or from a sensor.

The tag `sensor` of the file may name the sensor the bands come from. Where it does not, or names none of
the shipped ones, the bands are compared with the shipped tables.
"""

from __future__ import annotations

from pathlib import Path

from deepsalt.errors import UsageError
from deepsalt.readers.cube_bands import CubeBands, bands_of_sensor, check_not_swapped
from deepsalt.readers.cube_scene import cube_scene
from deepsalt.readers.envi_header import header_beside, is_header, read_header
from deepsalt.readers.raster import RasterInfo, info
from deepsalt.readers.raster_scene import RasterScene, time_from_text, time_in_name
from deepsalt.readers.scaling import scaling
from deepsalt.readers.sidecar import bands_beside, bands_of_file, with_header
from deepsalt.readers.tiff_layout import is_tiff
from deepsalt.readers.tiff_tags import bands_of_tags, without_wavelength

_TIMES = ("start_time", "acquisition_start", "acquisitiondatetime", "acquisition_datetime")


class GeotiffReader:
    """Reader of GeoTIFFs with `wavelength`, `wavelength_units`, `fwhm` and `bbl` tags of each band."""

    name = "geotiff"
    description = "hyperspectral GeoTIFF with a wavelength for each band (tags, descriptions, .hdr or .csv)"
    specificity = 10

    def matches(self, path: Path) -> bool:
        """Any TIFF, by its first bytes; whether it has wavelengths is for `open` to tell."""
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return is_tiff(stream.read(4))

    def open(
        self,
        path: Path,
        *,
        sensor: str | None = None,
        wavelengths: str | Path | None = None,
        scale: float | None = None,
        keep_bad: bool = False,
    ) -> RasterScene:
        """Open a GeoTIFF; only its header and a few rows are read.

        sensor       name of a shipped sensor whose bands the file holds, where it has no wavelengths
        wavelengths  a file with them: a CSV with a column centre_nm (and fwhm_nm), or an ENVI header.
                     Without it, the tags of the bands count, then <name>.hdr, <name>.csv and wavelengths.csv
                     beside the image
        scale        reflectance = scale * stored value, where the file's own scale is missing or wrong
        keep_bad     deliver the bands that the file marks as bad (bbl = 0), or fills with one number

        Raises ProductError for a file that is damaged, has no wavelengths, swapped axes, or needs a scale;
        UsageError where both sensor and wavelengths are given.
        """
        header = info(path)
        notes: list[str] = []
        bands = bands_stated(header, sensor, wavelengths, notes) or _bands_told(header, notes)
        if (envi := header_beside(path)) is not None and is_header(envi):
            header = with_header(header, read_header(envi), notes)
        started = next((header.tags[key] for key in _TIMES if key in header.tags), "")
        return cube_scene(
            path,
            header,
            bands,
            scaling(header, scale, notes),
            told=header.tags.get("sensor", ""),
            default=self.name,
            keep_bad=keep_bad,
            acquired=time_from_text(started) or time_in_name(path.stem),
            level=header.tags.get("processing_level", ""),
            notes=notes,
        )


READER = GeotiffReader()


def bands_stated(
    header: RasterInfo, sensor: str | None, wavelengths: str | Path | None, notes: list[str]
) -> CubeBands | None:
    """Bands as the user states them, by a sensor or by a file; None where neither is given."""
    if sensor and wavelengths:
        raise UsageError("both sensor= and wavelengths= are given", fix="Give one of them.")
    if sensor:
        return bands_of_sensor(header, sensor, notes)
    return bands_of_file(header, wavelengths, notes) if wavelengths else None


def _bands_told(header: RasterInfo, notes: list[str]) -> CubeBands:
    """Bands as the file, or one beside it, tells them."""
    bands = bands_of_tags(header, notes) or bands_beside(header, notes)
    if bands is None:
        check_not_swapped(header)
        raise without_wavelength(header)
    return bands
