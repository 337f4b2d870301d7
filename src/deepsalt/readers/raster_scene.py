"""A scene whose pixels lie in one multi-band raster: the part EnMAP folders and GeoTIFFs share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from deepsalt.readers.product_files import File
from deepsalt.readers.raster import is_nodata, read_bands
from deepsalt.spectra import MaskReason, Scene, Sensor, Spectra, Window

#: Shipped tables agree with a product within this distance, nm: calibrations shift by less.
_SAME_BAND_NM = 1.5
_PROBES = 6


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
        source = f"read from {self.image.name}, rows {part.row}-{part.row + part.rows - 1}"
        return Spectra.of_image(
            np.moveaxis(self._reflectance(part), 0, -1),
            self.sensor.axis,
            sensor=self.sensor,
            provenance=(source, *self.notes),
        )

    def _reflectance(self, part: Window) -> NDArray[np.float32]:
        """(band, y, x), as rasters are stored and models multiply: nothing is turned."""
        cube = np.empty((len(self.bands), part.rows, part.columns), np.float32)
        cube[self.empty] = np.nan
        filled = np.flatnonzero(~self.empty)
        if not len(filled):
            return cube
        stored = read_bands(self.image, part, self.bands[filled].tolist())
        for number, band in zip(filled, stored, strict=True):
            out = cube[number]
            np.multiply(band, np.float32(self.gain[number]), out=out, dtype=np.float32, casting="unsafe")
            if self.offset[number]:
                out += np.float32(self.offset[number])
            missing = is_nodata(band, self.nodata)
            if missing.any():
                out[missing] = np.nan
        return cube

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
