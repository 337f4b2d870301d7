"""Hyperspectral GeoTIFFs whose bands tell their wavelengths in tags or descriptions.

The tag `sensor` of the file may name the sensor the bands come from. Where it does not, or names none of
the shipped ones, the bands are compared with the shipped tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError, ProductError, UsageError
from deepsalt.readers.bands import band_order, faults_of
from deepsalt.readers.raster import RasterInfo, empty_bands, info, is_nodata, read_bands
from deepsalt.readers.raster_scene import (
    RasterScene,
    time_from_text,
    time_in_name,
    with_known_facts,
)
from deepsalt.readers.tiff_layout import is_tiff
from deepsalt.spectra import Axis, Sensor, Window
from deepsalt.spectra.axis import RANGE_NM

_DESCRIBED = re.compile(r"(\d+(?:\.\d+)?)\s*(nanometers?|nm|micrometers?|um|µm)\b", re.IGNORECASE)
_NM_PER = {"n": 1.0, "m": 1000.0, "u": 1000.0, "µ": 1000.0, "μ": 1000.0}
_TIMES = ("start_time", "acquisition_start", "acquisitiondatetime", "acquisition_datetime")
_SAME_CENTRE_NM = 1.0
_FRACTION_TO = 3.0
_SCALED_TO = 20_000.0
_SAMPLED_ROWS = 5


@dataclass(frozen=True)
class _Bands:
    """(band,) facts in file order; fwhm and good are None where the file does not tell them."""

    centres_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None
    good: NDArray[np.bool_] | None
    sensor: str = ""


class GeotiffReader:
    """Reader of GeoTIFFs with `wavelength`, `wavelength_units`, `fwhm` and `bbl` tags of each band."""

    name = "geotiff"
    description = "hyperspectral GeoTIFF with a wavelength for each band (tags or band descriptions)"
    specificity = 10

    def matches(self, path: Path) -> bool:
        """Any TIFF, by its first bytes; whether it has wavelengths is for `open` to tell."""
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return is_tiff(stream.read(4))

    def open(self, path: Path, *, sensor: str | None = None, scale: float | None = None) -> RasterScene:
        """Open a GeoTIFF; only its header and a few rows are read.

        sensor  name of a shipped sensor whose bands the file holds, where it has no wavelengths
        scale   reflectance = scale * stored value, where the file's own scale is missing or wrong

        Raises ProductError for a file that is damaged, has no wavelengths, or needs a scale.
        """
        header = info(path)
        notes: list[str] = []
        bands = _from_sensor(header, sensor, notes) if sensor else _from_tags(header, notes)
        order, order_notes = band_order(bands.centres_nm)
        gain, offset = _scaling(header, scale, notes)
        if header.nodata is None:
            notes.append("the file states no nodata value: every stored value counts as data")
        if not header.crs:
            notes.append("no coordinate system in the file: maps of it have none either")
        started = next((header.tags[key] for key in _TIMES if key in header.tags), "")
        return RasterScene(
            name=path.stem,
            path=str(path),
            sensor=_sensor(bands, order, header, notes),
            height=header.height,
            width=header.width,
            crs=header.crs,
            transform=header.transform,
            block=header.block,
            acquired=time_from_text(started) or time_in_name(path.stem),
            level=header.tags.get("processing_level", ""),
            band_faults=faults_of(empty_bands(header, header.nodata)[order]),
            notes=(*order_notes, *notes),
            image=path,
            bands=order + 1,
            gain=gain[order],
            offset=offset[order],
            nodata=header.nodata,
        )


READER = GeotiffReader()


def _from_sensor(header: RasterInfo, name: str, notes: list[str]) -> _Bands:
    table = Sensor.load(name)
    if len(table) != header.bands:
        raise ProductError(
            f"{header.bands} bands in the file, {len(table)} in sensor {table.name!r}",
            where=str(header.path),
            fix="Name the sensor the file comes from, or give the bands their wavelength tags.",
        )
    notes.append(f"wavelengths of the shipped table of {table.name!r}, as stated with sensor=")
    return _Bands(table.axis.values, table.axis.fwhm, table.good, table.name)


def _from_tags(header: RasterInfo, notes: list[str]) -> _Bands:
    centres = np.array([_centre_nm(header, band) for band in range(header.bands)])
    missing = np.flatnonzero(np.isnan(centres))
    if len(missing):
        many = (
            "no band has a"
            if len(missing) == header.bands
            else f"{len(missing)} of {header.bands} bands have no"
        )
        raise ProductError(
            f"{many} wavelength (looked at band tags and descriptions; first: band {missing[0] + 1})",
            where=str(header.path),
            fix=f"Say sensor=NAME if its bands are all there ({', '.join(Sensor.known())}), "
            "or write the tags wavelength and wavelength_units to each band.",
        )
    factors = [_factor(header.band_tags[band].get("wavelength_units", "nm")) for band in range(header.bands)]
    widths = np.array(
        [_fwhm_nm(tags, factor) for tags, factor in zip(header.band_tags, factors, strict=True)]
    )
    bad = [tags.get("bbl", "1").strip() in ("0", "0.0") for tags in header.band_tags]
    if any(bad):
        notes.append(f"{sum(bad)} bands are marked bad by the file (bbl)")
    told = (widths > 0).all()
    return _Bands(centres, widths if told else None, ~np.array(bad))


def _centre_nm(header: RasterInfo, band: int) -> float:
    """Centre of a band from its tags, or from its description; NaN where neither tells it."""
    tags = header.band_tags[band]
    micrometres = _float(tags.get("imagery:central_wavelength_um", ""))
    if not np.isnan(micrometres):
        return micrometres * 1000.0
    value = _float(tags.get("wavelength", ""))
    if not np.isnan(value):
        return value * _unit_of_tag(tags.get("wavelength_units", ""), value, header, band)
    described = _DESCRIBED.search(header.descriptions[band])
    return float(described[1]) * _factor(described[2]) if described else float("nan")


def _unit_of_tag(unit: str, value: float, header: RasterInfo, band: int) -> float:
    if unit.strip()[:1].lower() in _NM_PER:
        return _factor(unit)
    if not unit.strip() and RANGE_NM[0] <= value <= RANGE_NM[1]:
        return 1.0
    raise ProductError(
        f"wavelength {value:g} of band {band + 1} has the unit {unit!r}",
        where=str(header.path),
        fix="Write wavelength_units as 'Nanometers' or 'Micrometers'.",
    )


def _factor(unit: str) -> float:
    return _NM_PER.get(unit.strip()[:1].lower(), 1.0)


def _fwhm_nm(tags: Mapping[str, str], factor: float) -> float:
    """FWHM of a band in nm, 0 where it is not told."""
    micrometres = _float(tags.get("imagery:fwhm_um", ""))
    if not np.isnan(micrometres):
        return micrometres * 1000.0
    return float(np.nan_to_num(_float(tags.get("fwhm", "")))) * factor


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _scaling(
    header: RasterInfo, scale: float | None, notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gain and offset of each band: as stated, from the file's scale tags, or from what it holds."""
    zeros = np.zeros(header.bands)
    if scale is not None:
        if not scale > 0:
            raise UsageError(f"scale={scale!r}", fix="Give a positive number, for example 0.0001.")
        notes.append(f"scale {scale:g} as stated")
        return np.full(header.bands, scale), zeros
    if any(s != 1.0 for s in header.scales) or any(o != 0.0 for o in header.offsets):
        return np.array(header.scales), np.array(header.offsets)
    typical, highest = _levels(header)
    if typical <= _FRACTION_TO and header.dtype.startswith("float"):
        return np.ones(header.bands), zeros
    if header.dtype in ("int16", "uint16", "int32") and _FRACTION_TO < highest <= _SCALED_TO:
        notes.append(f"no scale in the file: {header.dtype} values up to {highest:.0f} are taken as 1/10000")
        return np.full(header.bands, 1e-4), zeros
    raise ProductError(
        f"the scale is not told ({header.dtype}, median {typical:g}, highest {highest:g})",
        where=str(header.path),
        fix="Say scale=, for example scale=0.0001 for 10000 = 100 % reflectance, 0.01 for percent.",
    )


def _levels(header: RasterInfo) -> tuple[float, float]:
    """Median and 99.9th percentile of the values in a few rows; zeros where they hold none."""
    rows = np.unique(np.linspace(0, header.height - 1, _SAMPLED_ROWS + 2, dtype=int)[1:-1])
    numbers = range(1, header.bands + 1)
    parts = [read_bands(header.path, Window(int(row), 0, 1, header.width), numbers) for row in rows]
    stored = np.concatenate(parts, axis=1)
    values = stored[~is_nodata(stored, header.nodata)].astype(np.float64)
    return (float(np.median(values)), float(np.percentile(values, 99.9))) if len(values) else (0.0, 0.0)


def _sensor(bands: _Bands, order: NDArray[np.intp], header: RasterInfo, notes: list[str]) -> Sensor:
    path = header.path
    widths = None if bands.fwhm_nm is None else bands.fwhm_nm[order]
    try:
        axis = Axis(bands.centres_nm[order], "nm", widths)
    except AxisError as error:
        raise AxisError(error.found, where=str(path), fix=error.fix) from error
    good = None if bands.good is None else bands.good[order]
    about = {"source": path.name}
    name = bands.sensor or _name(header.tags.get("sensor", "").strip().lower(), axis, notes)
    if name not in Sensor.known():
        return Sensor(name, axis, good=good, about=about)
    known = Sensor.load(name)
    detector = known.detector if _same_bands(known.axis, axis) else ()
    facts = with_known_facts(Sensor(name, axis), name)
    return Sensor(name, axis, detector, good=good, noise=facts.noise, about=about)


def _name(told: str, axis: Axis, notes: list[str]) -> str:
    """Name of the sensor: of a shipped one by tag or by its bands, else the tag's own, else "geotiff"."""
    if told not in Sensor.known() and (same := _same_as_known(axis, notes)):
        return same
    if told:
        notes.append(f"sensor {told!r} by the file's tag")
    return told or "geotiff"


def _same_bands(one: Axis, other: Axis) -> bool:
    return len(one) == len(other) and bool(np.abs(one.values - other.values).max() <= _SAME_CENTRE_NM)


def _same_as_known(axis: Axis, notes: list[str]) -> str:
    """Name of the shipped sensor with the same number of bands at the same places, or ""."""
    for name in Sensor.known():
        if _same_bands(Sensor.load(name).axis, axis):
            notes.append(f"the bands are those of {name}, to {_SAME_CENTRE_NM:g} nm")
            return name
    return ""
