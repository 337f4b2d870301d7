"""The bands of an image in one file, whatever told them: a sensor's table, tags, or a file beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError, ProductError
from deepsalt.readers.axis_unit import NM_PER_UM, unit_named
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.raster import RasterInfo
from deepsalt.readers.raster_scene import with_known_facts
from deepsalt.spectra import Axis, Sensor
from deepsalt.spectra.axis import RANGE_NM

_SAME_CENTRE_NM = 1.0
#: Sensors with fewer bands are no measure of an image: many images have 13 rows.
_MANY_BANDS = 50


@dataclass(frozen=True, eq=False)
class CubeBands:
    """(band,) facts in file order.

    centres_nm  band centres
    fwhm_nm     widths, None where they are not told
    good        False where the file marks a band as bad; None where it marks none
    sensor      name of the shipped sensor whose table this is, or ""
    """

    centres_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None
    good: NDArray[np.bool_] | None
    sensor: str = ""


def bands_of_sensor(header: RasterInfo, name: str, notes: list[str]) -> CubeBands:
    """Bands of a shipped table. Raises ProductError where the file has another number of them."""
    table = Sensor.load(name)
    check_count(header, len(table), f"sensor {table.name!r}")
    notes.append(f"wavelengths of the shipped table of {table.name!r}, as stated with sensor=")
    return CubeBands(table.axis.values, table.axis.fwhm, None, table.name)


def check_count(header: RasterInfo, count: int, whose: str) -> None:
    """Raise ProductError where the file has not `count` bands; one that names swapped axes where they are.

    whose  what has so many bands, for the message
    """
    if header.bands == count:
        return
    if count in header.size:
        raise swapped(header, count, whose)
    raise ProductError(
        f"{header.bands} bands in the file, {count} in {whose}",
        where=str(header.path),
        fix="Name the sensor the file comes from, or give the bands their wavelength tags.",
    )


def check_not_swapped(header: RasterInfo) -> None:
    """Raise ProductError for an image that has as many rows or columns as a shipped sensor has bands."""
    for name in Sensor.known():
        count = len(Sensor.load(name))
        if count >= _MANY_BANDS and count in header.size and count != header.bands:
            raise swapped(header, count, f"sensor {name!r}")


def swapped(header: RasterInfo, count: int, whose: str) -> ProductError:
    """The error for a cube whose bands lie where rows or columns should."""
    return ProductError(
        f"the axes are swapped: {header.bands} bands of {header.height} rows and {header.width} columns, "
        f"but {whose} has {count} bands",
        where=str(header.path),
        fix="Write the cube again with its wavelengths as bands, not as rows or columns.",
    )


def nm_per_unit(unit: str, centres: NDArray[np.float64], notes: list[str], where: str) -> float:
    """What wavelengths are to be multiplied by to be nm: by the unit that is told, else by their range.

    Raises AxisError for wavenumbers, and for numbers that are neither nm nor micrometres.
    """
    told = unit_named(unit)
    if told in ("nm", "um"):
        return 1.0 if told == "nm" else NM_PER_UM
    low, high = float(np.nanmin(centres)), float(np.nanmax(centres))
    for name, factor in (("nm", 1.0), ("um", NM_PER_UM)):
        if told is None and RANGE_NM[0] <= low * factor and high * factor <= RANGE_NM[1]:
            notes.append(f"the unit of the wavelengths is not told: {low:g} to {high:g} can only be {name}")
            return factor
    raise AxisError(
        f"wavelengths from {low:g} to {high:g} in the unit {unit!r}",
        where=where,
        fix=f"An image needs {RANGE_NM[0]:g}-{RANGE_NM[1]:g} nm, or the same in micrometres.",
    )


def sensor_of(
    bands: CubeBands, order: NDArray[np.intp], *, told: str, default: str, source: str, notes: list[str]
) -> Sensor:
    """The sensor of the bands in the order given, with what a shipped table knows of them.

    told     name of the sensor as the file says it, or ""
    default  name of the sensor where nothing tells it
    source   the file, for messages

    A band is good where the file says so; where it says nothing, as the shipped table of the sensor has it.
    Raises AxisError for centres that are repeated or out of range.
    """
    widths = None if bands.fwhm_nm is None else bands.fwhm_nm[order]
    axis = axis_of_file(bands.centres_nm[order], "nm", widths, where=source)
    good = None if bands.good is None else bands.good[order]
    about = {"source": source}
    name = bands.sensor or _name(told.strip().lower(), axis, notes) or default
    if name not in Sensor.known():
        return Sensor(name, axis, good=good, about=about)
    known = Sensor.load(name)
    detector = known.detector if _same_bands(known.axis, axis) else ()
    facts = with_known_facts(Sensor(name, axis), name)
    return Sensor(name, axis, detector, facts.good if good is None else good, facts.noise, about)


def _name(told: str, axis: Axis, notes: list[str]) -> str:
    """Name of the sensor: of a shipped one by what is told or by its bands, else as it is told."""
    if told not in Sensor.known() and (same := _same_as_known(axis, notes)):
        return same
    if told:
        notes.append(f"sensor {told!r} by the file's tag")
    return told


def _same_bands(one: Axis, other: Axis) -> bool:
    return len(one) == len(other) and bool(np.abs(one.values - other.values).max() <= _SAME_CENTRE_NM)


def _same_as_known(axis: Axis, notes: list[str]) -> str:
    """Name of the shipped sensor with the same number of bands at the same places, or ""."""
    for name in Sensor.known():
        if _same_bands(Sensor.load(name).axis, axis):
            notes.append(f"the bands are those of {name}, to {_SAME_CENTRE_NM:g} nm")
            return name
    return ""
