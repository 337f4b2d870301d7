"""What a reflectance file of EMIT says of all its pixels: bands, fill value, map coordinates, chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.bands import band_order
from deepsalt.readers.emit_part import REFLECTANCE, Part, data_set
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.hdf5 import opened, text_of
from deepsalt.readers.raster_scene import with_known_facts
from deepsalt.spectra import Sensor

#: Fill value of every float of the producer.
_FILL = -9999.0
#: What the producer calls bad where its own header does not say, nm (output_conversion.py, emit-sds-l2a).
_WATER_VAPOUR_NM = ((1325.0, 1435.0), (1770.0, 1962.0))
#: A swath has no map coordinates: columns and rows stand for them.
_NO_TRANSFORM = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_SWATH_NOTE = "raw swath: pixels have no map coordinates, `places` gives their latitude and longitude"
_DOWNLOAD = "Download the granule again."


@dataclass(frozen=True, eq=False)
class EmitHeader:
    """Metadata of a reflectance file.

    sensor   bands by wavelength
    order    (band,) index in the file of each band of `sensor`
    bad      (band,) True for bands of water vapour, in the order of `sensor`
    fill     stored value that means "no data"
    ortho    (rows, columns) of the lookup table; None where there is none
    crs      "EPSG:n" or WKT of the ortho grid; "" for a swath or where the file has none
    transform  affine (a, b, c, d, e, f) of pixel corners of the ortho grid
    chunk    (lines, samples) of the file's chunks; None where it is stored in one piece
    """

    sensor: Sensor
    order: NDArray[np.intp]
    bad: NDArray[np.bool_]
    fill: float
    ortho: tuple[int, int] | None
    crs: str
    transform: tuple[float, float, float, float, float, float]
    chunk: tuple[int, int] | None
    level: str
    notes: tuple[str, ...]


def header_of(part: Part, geometry: str) -> EmitHeader:
    """Read the header of a reflectance file. Raises ProductError where it contradicts itself."""
    notes: list[str] = [_SWATH_NOTE] if geometry == "swath" else []
    with opened(part.path) as file:
        stored = file[REFLECTANCE]
        centres = _as_written(data_set(file, "sensor_band_parameters/wavelengths")[:])
        widths = _as_written(data_set(file, "sensor_band_parameters/fwhm")[:])
        flags = _good_flags(file)
        fill = float(np.ravel(stored.attrs.get("_FillValue", _FILL))[0])
        chunk = (int(stored.chunks[0]), int(stored.chunks[1])) if stored.chunks else None
        _check_axes(file, part, len(centres))
        crs, transform = "", _NO_TRANSFORM
        if geometry == "ortho":
            _check_table(file, part)
            transform = _transform(file, part)
            crs = _crs(text_of(file.attrs.get("spatial_ref", "")), notes)
    bad = _bad(flags, centres, notes)
    if bad.all():
        raise ProductError("good_wavelengths calls every band bad", where=str(part.path), fix=_DOWNLOAD)
    order, order_notes = band_order(centres)
    sensor = _sensor(part, centres[order], widths[order], bad[order])
    return EmitHeader(
        sensor, order, bad[order], fill, part.ortho, crs, transform, chunk,
        _level(part), (*notes, *order_notes),
    )  # fmt: skip


def _as_written(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Single precision as its shortest decimals.

    >>> _as_written(np.array([381.006], np.float32)).tolist()
    [381.006]
    """
    return np.array([float(str(value)) for value in values.ravel()])


def _good_flags(file: Any) -> NDArray[np.integer] | None:
    place = "sensor_band_parameters/good_wavelengths"
    return np.asarray(file[place][:]) if place in file else None


def _bad(
    flags: NDArray[np.integer] | None, centres: NDArray[np.float64], notes: list[str]
) -> NDArray[np.bool_]:
    """(band,) True for bad bands; where the product does not say (fill value 241), by the producer's rule."""
    by_rule = np.logical_or.reduce([(centres > low) & (centres < high) for low, high in _WATER_VAPOUR_NM])
    if flags is None or len(flags) != len(centres):
        notes.append("no good_wavelengths: bands at 1325-1435 and 1770-1962 nm are taken as bad")
        return by_rule
    unknown = ~np.isin(flags, (0, 1))
    if unknown.any():
        notes.append(
            f"good_wavelengths tells nothing of {int(unknown.sum())} bands: "
            "those at 1325-1435 and 1770-1962 nm are taken as bad"
        )
    return np.where(unknown, by_rule, flags == 0)


def _check_axes(file: Any, part: Part, bands: int) -> None:
    """Downtrack, crosstrack, bands, in this order: as many as are located and described."""
    shape = file[REFLECTANCE].shape
    located = file["location/lat"].shape if "location/lat" in file else shape[:2]
    if shape[2] != bands or shape[:2] != located:
        raise ProductError(
            f"reflectance is {' x '.join(map(str, shape))}, where {bands} bands are described and "
            f"{' x '.join(map(str, located))} pixels located (downtrack, crosstrack)",
            where=str(part.path),
            fix="Bring its axes into the order downtrack, crosstrack, bands, or download it again.",
        )


def _check_table(file: Any, part: Part) -> None:
    if part.ortho is None or "location/glt_y" not in file:
        raise ProductError(
            "no lookup table (location/glt_x and glt_y): it cannot be ortho-rectified",
            where=str(part.path),
            fix="Read the raw swath with geometry='swath', or download the granule again.",
        )
    if file["location/glt_y"].shape != part.ortho:
        raise ProductError(
            f"glt_x is {part.ortho}, glt_y {file['location/glt_y'].shape}",
            where=str(part.path),
            fix=_DOWNLOAD,
        )


def _transform(file: Any, part: Part) -> tuple[float, float, float, float, float, float]:
    """The affine of pixel corners from `geotransform`, which is in GDAL's order: x0, dx, rx, y0, ry, dy."""
    numbers = np.ravel(file.attrs.get("geotransform", ()))
    if (
        numbers.shape != (6,)
        or not np.isfinite(numbers.astype(float)).all()
        or not numbers[1]
        or not numbers[5]
    ):
        raise ProductError(
            f"geotransform is {numbers.tolist()}, not six numbers of a grid",
            where=str(part.path),
            fix="Read the raw swath with geometry='swath', or download the granule again.",
        )
    x0, dx, rx, y0, ry, dy = (float(number) for number in numbers)
    return dx, rx, x0, ry, dy, y0


def _crs(wkt: str, notes: list[str]) -> str:
    import rasterio
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if not wkt:
        notes.append("no coordinate system (spatial_ref) in the product: maps of it have none either")
        return ""
    try:
        with rasterio.Env():
            return str(CRS.from_wkt(wkt).to_string())
    except CRSError:
        notes.append(f"spatial_ref is no coordinate system ({wkt[:40]!r}): maps of it have none")
        return ""


def _sensor(
    part: Part, centres: NDArray[np.float64], widths: NDArray[np.float64], bad: NDArray[np.bool_]
) -> Sensor:
    axis = axis_of_file(centres, "nm", widths, where=str(part.path), error=ProductError)
    sensor = Sensor("emit", axis, ("VSWIR",) * len(axis), about={"source": part.path.name})
    known = with_known_facts(sensor, "emit")
    return Sensor("emit", axis, known.detector, good=~bad, noise=known.noise, about=known.about)


def _level(part: Part) -> str:
    """The level in the product's title, such as "EMIT L2A Estimated Surface Reflectance 60 m V001"."""
    words = part.attributes.get("title", "").split()
    return next((word for word in words if word in ("L1B", "L2A", "L2B", "L3")), "L2A")
