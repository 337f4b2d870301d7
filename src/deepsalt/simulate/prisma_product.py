"""A PRISMA L2D product file, in the form ASI delivers it: HDF-EOS5 with a VNIR and a SWIR cube.

As in the real product of 2024-04-02: 66 and 173 bands, by falling wavelength, of which the first three and
the last two are not used and have a centre of 0; uint16 numbers (rows, bands, columns) without chunks,
stretched between a smallest and a largest reflectance that stand in the root attributes; 0 outside the
swath and in bands that no atmosphere lets through; one error matrix a cube; latitude and longitude of each
pixel in float32, angles that are 0 outside the swath, corner coordinates of pixel centres. That product's
scale runs from 0 to 1; here it follows what the image holds, so that a reader must look at it. The
panchromatic swath and the auxiliary groups (KDP_AUX, Info) are not written.

PRISMA L2D has no layer of clouds, haze or water: they stay in the image, and only their share is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.files import written_whole
from deepsalt.simulate.acquisition import Acquisition

_SWATH = "HDFEOS/SWATHS/PRS_L2D_HCO"
_DN_MAX = 65535
#: Error matrix.
_BAD_L1, _NEGATIVE, _SATURATED = 1, 2, 4
#: Bits of TESTFLAGS by detector.
_TESTFLAG = {"SWIR": 16, "VNIR": 32}
#: A detector's scale ends at multiples of this, outside of what the image holds. They differ, as scales may.
_SCALE_STEP = {"VNIR": 0.05, "SWIR": 0.04}
#: 1000 lines of the real product take 4.3057 s.
_SECONDS_A_LINE = 4.3057e-3
#: Days are counted from here in the field Time.
_EPOCH = datetime(2000, 1, 1)
#: Yaw steering keeps the view near nadir; some value that is no 0.
_VIEW_ZENITH = 5.9


@dataclass(frozen=True)
class _Cube:
    """Bands in a cube, and how many of them at its beginning and end are not used."""

    name: str
    bands: int
    unused_first: int
    unused_last: int


_CUBES = (_Cube("VNIR", 66, 3, 0), _Cube("SWIR", 173, 0, 2))


def write_prisma(taken: Acquisition, folder: Path) -> Path:
    """Write the product into `folder`, under a name as PRISMA's are; returns the file.

    Raises ValueError where the sensor has not the 63 and 171 bands that PRISMA uses, or the image no grid.
    """
    import h5py

    path = folder / f"{_name(taken)}.he5"
    with written_whole(path) as aside, h5py.File(aside, "w") as file:
        attributes = _about(taken, path.stem)
        for cube in _CUBES:
            attributes |= _write_cube(file, cube, taken)
        _write_places(file, taken)
        for key, value in sorted(attributes.items()):
            file.attrs[key] = np.bytes_(value) if isinstance(value, str) else value
        file.create_group("HDFEOS INFORMATION").attrs["HDFEOSVersion"] = np.bytes_("HDFEOS_5.1.15")
    return path


def _name(taken: Acquisition) -> str:
    return f"PRS_L2D_STD_{taken.start:%Y%m%d%H%M%S}_{_stop(taken):%Y%m%d%H%M%S}_0001"


def _stop(taken: Acquisition) -> datetime:
    return taken.start + timedelta(seconds=_SECONDS_A_LINE * taken.view.shape[0])


def _write_cube(file: Any, cube: _Cube, taken: Acquisition) -> dict[str, Any]:
    """Write a detector's cube and error matrix; returns its root attributes."""
    bands = np.flatnonzero(np.array(taken.sensor.detector) == cube.name)[::-1]
    used = slice(cube.unused_first, cube.bands - cube.unused_last)
    if len(bands) != used.stop - used.start:
        raise ValueError(f"{len(bands)} {cube.name} bands are not the {used.stop - used.start} of PRISMA")
    reflectance = np.moveaxis(taken.reflectance[bands], 0, 1)
    low, high = _scale(reflectance, _SCALE_STEP[cube.name])
    shape = (taken.view.shape[0], cube.bands, taken.view.shape[1])
    numbers, errors = np.zeros(shape, np.uint16), np.zeros(shape, np.uint8)
    errors[:, used] = _errors(taken, bands, reflectance, cube.name)
    numbers[:, used] = _numbers(reflectance, low, high)
    numbers[(errors & _SATURATED) > 0] = _DN_MAX
    _write(file, f"{_SWATH}/Data Fields/{cube.name}_Cube", numbers)
    _write(file, f"{_SWATH}/Data Fields/{cube.name}_PIXEL_L2_ERR_MATRIX", errors)
    name = cube.name.title()
    listed = {"Cw": taken.sensor.axis.values, "Fwhm": taken.sensor.axis.widths}
    lists = {f"List_{key}_{name}": _padded(values[bands], cube, used) for key, values in listed.items()}
    flags = _padded(np.ones(len(bands)), cube, used).astype(np.int32)
    scale = {f"L2Scale{name}Min": np.float32(low), f"L2Scale{name}Max": np.float32(high)}
    return {**lists, f"List_Cw_{name}_Flags": flags, **scale}


def _scale(reflectance: NDArray[np.float32], step: float) -> tuple[float, float]:
    """Reflectance of the numbers 0 and 65535: 0 or a multiple of the step below it, and one above."""
    low = np.floor(min(float(np.nanmin(reflectance)), 0.0) / step) * step
    high = np.ceil(np.nanmax(reflectance) / step) * step
    return float(np.float32(low)), float(np.float32(high))


def _numbers(reflectance: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint16]:
    """Stored numbers; 0 means that there is none, so that the lowest reflectance is 1."""
    scaled = np.rint((reflectance.astype(np.float64) - low) / (high - low) * _DN_MAX)
    return np.where(np.isnan(scaled), 0, np.clip(scaled, 1, _DN_MAX)).astype(np.uint16)


def _errors(
    taken: Acquisition, bands: NDArray[np.intp], reflectance: NDArray[np.float32], detector: str
) -> NDArray[np.uint8]:
    """(y, band, x) the error matrix; of several errors the first: saturated, bad at level 1, negative."""
    there = np.isfinite(reflectance)
    errors = np.where(reflectance < 0, _NEGATIVE, 0)
    errors[np.moveaxis(taken.defective[bands] == 1, 0, 1)] = _BAD_L1
    saturated = (taken.flags["TESTFLAGS"] & _TESTFLAG[detector]) > 0
    errors[np.broadcast_to(saturated[:, None, :], errors.shape)] = _SATURATED
    return np.where(there, errors, 0).astype(np.uint8)


def _padded(values: NDArray[np.floating], cube: _Cube, used: slice) -> NDArray[np.float32]:
    """(band,) values of the bands in use, 0 for the others."""
    listed = np.zeros(cube.bands, np.float32)
    listed[used] = values
    return listed


def _write_places(file: Any, taken: Acquisition) -> None:
    """Geolocation fields of every pixel, angles of those within the swath."""
    rows = taken.view.shape[0]
    places, angles = f"{_SWATH}/Geolocation Fields", f"{_SWATH}/Geometric Fields"
    _write(file, f"{places}/Latitude", taken.view.latitude.astype(np.float32))
    _write(file, f"{places}/Longitude", taken.view.longitude.astype(np.float32))
    first = (taken.start - _EPOCH) / timedelta(days=1)
    _write(file, f"{places}/Time", first + np.arange(rows) * _SECONDS_A_LINE / 86_400)
    relative = abs((taken.sun_azimuth + 180) % 360 - 180)
    for name, angle in (
        ("Observing_Angle", _VIEW_ZENITH),
        ("Rel_Azimuth_Angle", relative),
        ("Solar_Zenith_Angle", 90 - taken.sun_elevation),
    ):
        _write(file, f"{angles}/{name}", np.where(taken.inside, angle, 0).astype(np.float32))


def _write(file: Any, field: str, values: NDArray[Any]) -> None:
    """A data set without chunks and without the time of writing: the same image gives the same bytes."""
    file.create_dataset(field, data=np.ascontiguousarray(values), track_times=False)


def _about(taken: Acquisition, name: str) -> dict[str, Any]:
    """Root attributes that are not of one detector."""
    inside = max(1, int(taken.inside.sum()))
    share = {
        "Cloudy": (taken.flags["CLOUD"] > 0) & taken.inside,
        "Sea": np.zeros_like(taken.inside),
    }
    return {
        "Comment": "SIMULATED by deepsalt.simulate; nothing here was measured",
        "Processing_Level": "2D",
        "Processor_Name": "L2D",
        "Product_Name": name,
        "Product_StartTime": _time(taken.start),
        "Product_StopTime": _time(_stop(taken)),
        "Epsg_Code": np.uint32(taken.grid.epsg),
        "Projection_Name": "UTM",
        "Sun_zenith_angle": np.float32(90 - taken.sun_elevation),
        "Sun_azimuth_angle": np.float32(taken.sun_azimuth),
        **{f"{kind}_pixels_percentage": np.float32(100 * (of.sum() / inside)) for kind, of in share.items()},
        **_corners(taken),
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _corners(taken: Acquisition) -> dict[str, float]:
    """Easting and northing, metres, latitude and longitude of the four corner pixels' centres."""
    grid = taken.grid
    down, across = grid.rows - 1, grid.columns - 1
    corners: dict[str, float] = {}
    for name, row, column in (("UL", 0, 0), ("UR", 0, across), ("LL", down, 0), ("LR", down, across)):
        corners |= {
            f"Product_{name}corner_easting": grid.left + (column + 0.5) * grid.pixel_m,
            f"Product_{name}corner_northing": grid.top - (row + 0.5) * grid.pixel_m,
            f"Product_{name}corner_lat": float(taken.view.latitude[row, column]),
            f"Product_{name}corner_long": float(taken.view.longitude[row, column]),
        }
    return corners
