"""One image of one region: from the ground through sky and instrument to the numbers of the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import WAVELENGTHS_NM, curve
from deepsalt.simulate.fields import smooth_field
from deepsalt.simulate.instrument import Instrument
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.laws import Laws, laws_of
from deepsalt.simulate.place import Grid
from deepsalt.simulate.regions import Region
from deepsalt.simulate.settings import WorldSettings, stream
from deepsalt.simulate.sky import Sky, sky, through
from deepsalt.simulate.view import View, land_view
from deepsalt.spectra import Sensor

#: A digital number is reflectance times this; -32768 is nodata.
SCALE, NODATA = 10_000.0, -32768
#: Pixels simulated at once.
_CHUNK_PIXELS = 4096
#: Turbid, shallow water.
_WATER = (
    (350.0, 0.035), (450.0, 0.045), (560.0, 0.075), (650.0, 0.050), (710.0, 0.035), (800.0, 0.012),
    (900.0, 0.004), (1000.0, 0.0), (2500.0, 0.0),
)  # fmt: skip
_VERSION = "V010110"
#: Days between two looks of one sensor at one place.
_DAYS_BETWEEN = 24
#: A pixel is water where more of it is.
_MOSTLY = 0.5

LAND, WATER, BACKGROUND = 1, 2, 3
_SATURATED_SWIR, _SATURATED_VNIR, _REDUCED = 16, 32, 1


@dataclass(frozen=True, eq=False)
class Acquisition:
    """Everything a product is written from.

    name         product id
    view         where the pixels lie
    sensor       bands, by wavelength
    start        start of the acquisition, UTC
    sun_elevation, sun_azimuth   degrees
    reflectance  (band, y, x) float32, NaN outside the swath and in bands that no atmosphere lets through
    defective    (band, y, x) uint8, 1 = defective, 255 = background
    classes      (y, x) uint8: 1 land, 2 water, 3 background
    flags        other quality layers by name, (y, x) uint8: CLOUD, CLOUDSHADOW, HAZE, SNOW 0/1, CIRRUS 0-3,
                 TESTFLAGS
    """

    name: str
    region: Region
    view: View
    sensor: Sensor
    start: datetime
    sun_elevation: float
    sun_azimuth: float
    reflectance: NDArray[np.float32]
    defective: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    flags: dict[str, NDArray[np.uint8]]

    @property
    def grid(self) -> Grid:
        """The projected grid of the pixels; a raw swath has none."""
        if self.view.grid is None:
            raise ValueError(f"{self.name}: the pixels of a swath are no grid")
        return self.view.grid

    @property
    def dn(self) -> NDArray[np.int16]:
        """(band, y, x) digital numbers, reflectance times `SCALE`; `NODATA` where there is none."""
        scaled = np.rint(self.reflectance * SCALE)
        numbers = np.clip(np.nan_to_num(scaled, nan=0.0), NODATA + 1, -(NODATA + 1)).astype(np.int16)
        numbers[np.isnan(scaled)] = NODATA
        return numbers

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(y, x) True within the swath."""
        return self.classes != BACKGROUND


def acquire(
    land: Landscape,
    settings: WorldSettings,
    *,
    sensor: Sensor | None = None,
    view: View | None = None,
    look: int = 0,
) -> Acquisition:
    """Photograph the landscape as it lies, on a day that does not depend on it.

    sensor  default the settings' own
    view    which pixels; default the cells of the land
    look    which of several images of one sensor this is: another day, another sky. The land's surface of
            that day is `landscape.on_day`
    """
    seen_by = sensor or Sensor.load(settings.sensor)
    pixels = view or land_view(land.region, land.shape)
    rng = stream(settings.seed, land.region.name, "acquisition")
    start = _start(land.region, rng)
    if look or seen_by.name != settings.sensor:
        rng = stream(settings.seed, land.region.name, "acquisition", seen_by.name, str(look))
        start += timedelta(days=_DAYS_BETWEEN * look, minutes=int(rng.integers(-25, 26)))
    elevation, azimuth = _sun(land.region, start)
    above = sky(rng, land.shape, settings.cloud_cover)
    laws = laws_of(settings)
    reflectance = _reflectance(land, above, Instrument.in_orbit(seen_by, rng), laws, rng, pixels)
    gain, offset = laws.calibration(land.region.name, seen_by.axis.values)
    reflectance *= gain[:, None, None]
    reflectance += offset[:, None, None]
    above = above.seen_in(pixels)
    defective = _defects(reflectance, above.inside, rng)
    reflectance[:, ~above.inside] = np.nan
    reflectance[~np.asarray(seen_by.good)] = np.nan
    water = pixels.averaged(land.water) > _MOSTLY
    classes = np.where(above.inside, np.where(water, WATER, LAND), BACKGROUND).astype(np.uint8)
    flags = above.flags
    flags["TESTFLAGS"] = _testflags(above, flags, rng)
    enmap = seen_by.name == "enmap"
    name = _product_name(start, rng) if enmap else _cube_name(seen_by, land.region, start)
    return Acquisition(
        name, land.region, pixels, seen_by, start, elevation, azimuth, reflectance, defective, classes, flags
    )


def _reflectance(
    land: Landscape, above: Sky, instrument: Instrument, laws: Laws, rng: np.random.Generator, view: View
) -> NDArray[np.float32]:
    """(band, y, x) reflectance as the product would give it, in chunks of whole rows of the land."""
    rows, columns = land.shape
    bands = len(instrument.sensor)
    image = np.zeros((view.shape[0] * view.shape[1], bands), dtype=np.float32)
    vapour = 0.4 * smooth_field(rng, land.shape, 12)
    veil = rng.normal(-0.001, 0.0015) * (np.asarray(instrument.sensor.axis.values) / 500.0) ** -1.5
    water = curve(WAVELENGTHS_NM, _WATER)
    block = max(1, _CHUNK_PIXELS // columns)
    for first in range(0, rows, block):
        part = slice(first, min(first + block, rows))
        pixels = slice(part.start * columns, part.stop * columns)
        ground = laws.ground(land.soil.take(pixels), land.surface.take(pixels))
        wet = land.water[part].ravel()
        ground[wet] = water * rng.uniform(0.6, 1.4, (int(wet.sum()), 1)).astype(np.float32)
        number = np.tile(np.arange(columns), part.stop - part.start)
        seen = instrument.sees(through(above, part, ground), number, columns)
        if view.weights is None:
            image[pixels] = instrument.disturbed(seen, rng, vapour[part].ravel())
        else:
            image += view.weights[:, pixels].astype(np.float32) @ seen
    if view.weights is not None:
        image = instrument.disturbed(image, rng, view.averaged(vapour).ravel())
    image += veil.astype(np.float32)
    return np.ascontiguousarray(image.T).reshape(bands, *view.shape)


def _defects(
    reflectance: NDArray[np.float32], inside: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Mark, and spoil, a few detector elements over short stretches of the flight."""
    bands, rows, columns = reflectance.shape
    mask = np.zeros(reflectance.shape, dtype=np.uint8)
    for _ in range(5):
        band, column = int(rng.integers(bands)), int(rng.integers(columns // 4, 3 * columns // 4))
        first = int(rng.integers(rows // 4, 3 * rows // 4))
        stretch = slice(first, min(first + max(4, rows // 12), rows))
        mask[band, stretch, column] = 1
        reflectance[band, stretch, column] *= np.float32(rng.uniform(0.3, 0.7))
    mask[:, ~inside] = 255
    return mask


def _testflags(
    above: Sky, flags: dict[str, NDArray[np.uint8]], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Bits: 0-1 quality, 16 saturated SWIR, 32 saturated VNIR."""
    testflags = np.where((flags["CIRRUS"] > 0) | (flags["HAZE"] > 0), _REDUCED, 0).astype(np.uint8)
    glaring = above.inside & (above.cloud > 0.95) & (rng.random(above.cloud.shape) < 0.15)
    testflags[glaring] |= _SATURATED_VNIR
    testflags[glaring & (rng.random(above.cloud.shape) < 0.3)] |= _SATURATED_SWIR
    return testflags


def _start(region: Region, rng: np.random.Generator) -> datetime:
    """About eleven o'clock by the sun, on a day of the region's dry season."""
    day = datetime(int(rng.integers(2023, 2026)), region.month, int(rng.integers(1, 29)))
    utc_hours = (11.0 - region.longitude / 15.0 + rng.normal(0.0, 0.15)) % 24
    return day + timedelta(seconds=float(round(utc_hours * 3600)), microseconds=int(rng.integers(1_000_000)))


def _sun(region: Region, start: datetime) -> tuple[float, float]:
    """Elevation and azimuth, degrees, by the usual declination and hour-angle formulas."""
    day = start.timetuple().tm_yday
    declination = np.deg2rad(-23.44 * np.cos(2 * np.pi * (day + 10) / 365.25))
    hours = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / 3600
    angle = np.deg2rad(15.0 * ((hours + region.longitude / 15.0) % 24 - 12.0))
    latitude = np.deg2rad(region.latitude)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    east = -np.cos(declination) * np.sin(angle)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(angle)
    return float(np.rad2deg(np.arcsin(up))), float(np.rad2deg(np.arctan2(east, north)) % 360)


def _cube_name(sensor: Sensor, region: Region, start: datetime) -> str:
    return f"{sensor.name.upper()}_{region.name}_{start:%Y%m%dT%H%M%SZ}"


def _product_name(start: datetime, rng: np.random.Generator) -> str:
    processed = start.replace(microsecond=0) + timedelta(seconds=int(rng.integers(2 * 86_400, 9 * 86_400)))
    datatake, tile = int(rng.integers(10_000, 100_000)), int(rng.integers(1, 20))
    return (
        f"ENMAP01-____L2A-DT{datatake:010d}_{start:%Y%m%dT%H%M%SZ}_{tile:03d}"
        f"_{_VERSION}_{processed:%Y%m%dT%H%M%SZ}"
    )
