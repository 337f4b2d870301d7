"""A scene whose pixels lie in one multi-band raster: the part EnMAP folders and GeoTIFFs share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.readers.product_files import File
from deepsalt.readers.raster import is_nodata, read_bands
from deepsalt.spectra import Loaded, MaskReason, Scene, Sensor, Spectra, Window

#: Shipped tables agree with a product within this distance, nm: calibrations shift by less.
_SAME_BAND_NM = 1.5
_PROBES = 6
#: Numbers that are made reflectance in one go: of a few pixels many bands, of a whole window one.
_SCALED_AT_A_TIME = 65_536


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
        return self.load(window).image()

    def load(self, window: Window | None = None) -> Loaded:
        """As it is stored; see `read`."""
        part = self._checked(window)
        filled = np.flatnonzero(~self.empty)
        stored = read_bands(self.image, part, self.bands[filled].tolist()) if len(filled) else np.empty(0)
        source = f"read from {self.image.name}, rows {part.row}-{part.row + part.rows - 1}"
        by_band = dict(zip(filled.tolist(), stored, strict=True))
        return _Stored(self, (part.rows, part.columns), by_band, (source, *self.notes))

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


class _Stored(Loaded):
    """A window as the file has it.

    stored  (y, x) of each band of the sensor that holds data, by its number
    """

    def __init__(
        self,
        scene: RasterScene,
        size: tuple[int, int],
        stored: Mapping[int, NDArray[Any]],
        provenance: tuple[str, ...],
    ) -> None:
        self._scene, self._size, self._stored, self._provenance = scene, size, stored, provenance

    def image(self, bands: NDArray[np.bool_] | None = None) -> Spectra:
        sensor = self._scene.sensor
        numbers = np.arange(len(sensor)) if bands is None else np.flatnonzero(bands)
        cube = self._reflectance(numbers, lambda band: band, self._size)
        return Spectra.of_image(
            np.moveaxis(cube, 0, -1),
            sensor.axis if bands is None else sensor.axis.take(numbers),
            sensor=sensor,
            provenance=self._provenance,
        )

    def pixels(self, flat: NDArray[np.intp]) -> Spectra:
        sensor = self._scene.sensor
        values = self._reflectance(np.arange(len(sensor)), lambda band: band.take(flat), (len(flat),))
        row = Spectra.of_image(values.T[None], sensor.axis, sensor=sensor, provenance=self._provenance)
        return row.pixels()

    def _reflectance(
        self,
        numbers: NDArray[np.intp],
        cut: Callable[[NDArray[Any]], NDArray[Any]],
        size: tuple[int, ...],
    ) -> NDArray[np.float32]:
        """(band, *size), as rasters are stored and models multiply: nothing is turned.

        numbers  bands of the sensor
        cut      takes what is wanted of (y, x), of shape `size`
        """
        values = np.empty((len(numbers), *size), np.float32)
        held = np.array([number in self._stored for number in numbers.tolist()], bool)
        values[~held] = np.nan
        for some in _runs(held, max(1, _SCALED_AT_A_TIME // max(1, math.prod(size)))):
            bands = numbers[some]
            stored = [cut(self._stored[number]) for number in bands.tolist()]
            self._scale(bands, stored[0][None] if len(stored) == 1 else np.stack(stored), values[some])
        return values

    def _scale(self, bands: NDArray[np.intp], stored: NDArray[Any], reflectance: NDArray[np.float32]) -> None:
        """Of stored values (band, ...) into reflectance of the same shape."""
        each = (-1,) + (1,) * (stored.ndim - 1)
        gain, offset = (
            one[bands].astype(np.float32).reshape(each) for one in (self._scene.gain, self._scene.offset)
        )
        np.multiply(stored, gain, out=reflectance, dtype=np.float32, casting="unsafe")
        if offset.any():
            reflectance += offset
        missing = is_nodata(stored, self._scene.nodata)
        if missing.any():
            reflectance[missing] = np.nan


def _runs(there: NDArray[np.bool_], longest: int) -> Iterator[slice]:
    """Slices that together hold every True and no False, of at most so many each."""
    edges = np.flatnonzero(np.diff(there, prepend=False, append=False)).reshape(-1, 2)
    for start, stop in edges.tolist():
        for first in range(start, stop, longest):
            yield slice(first, min(first + longest, stop))


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
