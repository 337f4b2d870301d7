"""A scene whose pixels lie in one multi-band raster: the part EnMAP folders and GeoTIFFs share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deepsalt.readers.product_files import File
from deepsalt.readers.raster import is_nodata, read_bands
from deepsalt.spectra import MaskReason, Scene, Sensor, Spectra, Window

#: Shipped tables agree with a product within this distance, nm: calibrations shift by less.
_SAME_BAND_NM = 1.5
_PROBES = 6
#: Pixels turned from (band, pixel) to (pixel, band) at once, as they are stored: with 200 bands of int16 they
#: fill less than half a megabyte.
_PIXELS_TURNED = 1024


@dataclass(frozen=True, eq=False, kw_only=True)
class RasterScene(Scene):
    """A scene in one raster file.

    image   the file
    bands   (band,) number in the file, from 1, of each band of `sensor`
    gain, offset  (band,) reflectance = gain * stored + offset
    nodata  stored value that means "no data"; None where there is none
    """

    image: File
    bands: NDArray[np.intp]
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    nodata: float | None = None
    _probes: tuple[int, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        super().__post_init__()
        filled = np.flatnonzero(~self.empty)
        spread = np.linspace(0, len(filled) - 1, min(_PROBES, len(filled))).astype(int)
        object.__setattr__(self, "_probes", tuple(int(self.bands[i]) for i in filled[spread]))

    def read(self, window: Window | None = None) -> Spectra:
        """Reflectance (y, x, band), float32, NaN = nodata; the bands sorted by wavelength.

        Bands with a fault are not read from the file: they are NaN.
        """
        part = self._checked(window)
        cube = self._reflectance(part).reshape(part.rows, part.columns, len(self.bands))
        source = f"read from {self.image.name}, rows {part.row}-{part.row + part.rows - 1}"
        return Spectra.of_image(cube, self.sensor.axis, sensor=self.sensor, provenance=(source, *self.notes))

    def _reflectance(self, part: Window) -> NDArray[np.float32]:
        """(pixel, band); turned and scaled a few hundred pixels at a time, which stay in the cache."""
        pixels = np.empty((part.rows * part.columns, len(self.bands)), np.float32)
        filled = np.flatnonzero(~self.empty)
        if not len(filled):
            return np.full_like(pixels, np.nan)
        stored = read_bands(self.image, part, self.bands[filled].tolist()).reshape(len(filled), -1)
        gain, offset = (values.astype(np.float32) for values in (self.gain, self.offset))
        incomplete = is_nodata(stored, self.nodata).any()
        for of_sensor, of_stored in _runs(filled):
            for first in range(0, len(pixels), _PIXELS_TURNED):
                some = slice(first, first + _PIXELS_TURNED)
                numbers, out = np.ascontiguousarray(stored[of_stored, some].T), pixels[some, of_sensor]
                np.multiply(numbers, gain[of_sensor], out=out, dtype=np.float32, casting="unsafe")
                if offset.any():
                    out += offset[of_sensor]
                if incomplete:
                    np.copyto(out, np.float32(np.nan), where=is_nodata(numbers, self.nodata))
        for of_sensor, _ in _runs(np.flatnonzero(self.empty)):
            pixels[:, of_sensor] = np.nan
        return pixels

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason: BACKGROUND where no band has data, DEFECTIVE where only some have."""
        return self._footprint(self._checked(window))

    def _footprint(self, part: Window) -> NDArray[np.uint8]:
        """Background from nodata, judged on a few bands spread over the spectrum (both detectors)."""
        if not self._probes:
            return np.full((part.rows, part.columns), MaskReason.BACKGROUND, np.uint8)
        missing = is_nodata(read_bands(self.image, part, self._probes), self.nodata)
        reasons = np.where(missing.any(axis=0), MaskReason.DEFECTIVE, MaskReason.VALID).astype(np.uint8)
        reasons[missing.all(axis=0)] = MaskReason.BACKGROUND
        return reasons


def _runs(numbers: NDArray[np.intp]) -> list[tuple[slice, slice]]:
    """Increasing numbers as slices of what they count, and of themselves: slices are copied quickly."""
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    edges = [0, *breaks.tolist(), len(numbers)] if len(numbers) else [0]
    return [(slice(int(numbers[a]), int(numbers[b - 1]) + 1), slice(a, b)) for a, b in pairwise(edges)]


def with_known_facts(
    sensor: Sensor, table: str, within_nm: float | NDArray[np.float64] = _SAME_BAND_NM
) -> Sensor:
    """The sensor with `good` and `noise` of a shipped table, band by band where the centres agree.

    within_nm  how well they must agree: one number, or (band,)
    """
    known = Sensor.load(table)
    nearest = np.abs(sensor.axis.values[:, None] - known.axis.values[None, :]).argmin(axis=1)
    agree = np.abs(known.axis.values[nearest] - sensor.axis.values) <= within_nm
    return Sensor(
        name=sensor.name,
        axis=sensor.axis,
        detector=sensor.detector,
        good=np.where(agree, np.asarray(known.good)[nearest], True),
        noise=np.where(agree, np.asarray(known.noise)[nearest], np.nan),
        about=sensor.about,
    )


def time_in_name(name: str) -> datetime | None:
    """The first time in a product's name, YYYYMMDDThhmmss, which is the start of the acquisition, UTC.

    >>> time_in_name("ENMAP01-____L2A-DT0000004950_20221103T162438Z_001_V010110").isoformat()
    '2022-11-03T16:24:38+00:00'
    >>> time_in_name("emit20250324t221005_jpl").isoformat()
    '2025-03-24T22:10:05+00:00'
    """
    found = re.search(r"(?<!\d)(\d{8})T(\d{6})(?!\d)", name, flags=re.IGNORECASE)
    if not found:
        return None
    try:
        return datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def time_from_text(text: str) -> datetime | None:
    """A time as metadata write it (ISO 8601, with or without zone; UTC where it has none), or None."""
    clean = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    try:
        moment = datetime.fromisoformat(clean)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def ranges(numbers: Sequence[int] | NDArray[np.intp]) -> str:
    """Increasing numbers as ranges.

    >>> ranges([1, 2, 3, 7])
    '1-3, 7'
    """
    parts: list[list[int]] = []
    for number in map(int, numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
