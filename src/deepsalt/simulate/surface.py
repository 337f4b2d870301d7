"""What a satellite sees of a field: wet soil, salt crust, plants, light.

Order: the loose soil is wetted; crust covers a part of it; green and dry plants cover a part of both;
the slope's light scales all.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate import minerals
from deepsalt.simulate.bands import WAVELENGTHS_NM, curve, reflectance_of, remission
from deepsalt.simulate.soil import Soil
from deepsalt.simulate.visnir import dry_reflectance

Floats = NDArray[np.floating]

# Saturated soil reflects this share of what dry soil does, and the rate of darkening with the degree
# of saturation: faster in the VNIR (it saturates early), slower in the SWIR, as Lobell & Asner
# (2002) found; levels set after the dry / wet albedo of .279/.155 and .221/.114 of smooth soils.
_SATURATED_SHARE = (
    (350.0, 0.52), (700.0, 0.54), (1100.0, 0.52), (1300.0, 0.47), (1380.0, 0.36), (1450.0, 0.18),
    (1550.0, 0.28), (1680.0, 0.36), (1830.0, 0.28), (1940.0, 0.06), (2050.0, 0.13), (2200.0, 0.24),
    (2350.0, 0.16), (2500.0, 0.09),
)  # fmt: skip
_RATE = (
    (350.0, 4.5), (900.0, 4.2), (1300.0, 3.2), (1450.0, 3.6), (1650.0, 2.6), (1940.0, 4.0), (2200.0, 2.6),
    (2500.0, 2.9),
)  # fmt: skip

#: Brightness of a crust relative to the pure fine salt: smooth for chloride and soda, puffy and
#: rough, hence shadowed, for sulphates.
_CRUST_BRIGHTNESS = np.array([0.80, 0.70, 0.66, 0.78], dtype=np.float32)

#: Share of soil dust in a crust, by the light it absorbs.
_DUST = 0.10

#: Degree of saturation of a crust, relative to that of the ground below.
CRUST_WETNESS = 0.25


@dataclass(frozen=True, eq=False)
class Surface:
    """State of the surface on the day of the image; every array (n,), a share 0-1 unless said.

    moisture   degree of saturation of the top centimetre
    crust      share covered by salt crust
    green, dry   shares covered by green and by dry plants
    light      brightness by slope and roughness, 1 = level and smooth
    """

    moisture: Floats
    crust: Floats
    green: Floats
    dry: Floats
    light: Floats

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, np.asarray(getattr(self, item.name), dtype=np.float32))

    def take(self, rows: NDArray[np.intp] | slice) -> Surface:
        return Surface(*(getattr(self, item.name)[rows] for item in fields(self)))


def surface_reflectance(soil: Soil, surface: Surface) -> NDArray[np.float32]:
    """(n, band) reflectance on `WAVELENGTHS_NM` of the ground as it lies."""
    loose = dry_reflectance(soil)
    ground = wetted(loose, surface.moisture)
    crust = wetted(crust_reflectance(loose, soil), CRUST_WETNESS * surface.moisture)
    ground += surface.crust[:, None] * (crust - ground)
    plants = surface.green[:, None] * green_plants() + surface.dry[:, None] * dry_plants()
    bare = (1.0 - surface.green - surface.dry)[:, None]
    return ((bare * ground + plants) * surface.light[:, None]).astype(np.float32)


def wetted(dry: NDArray[np.float32], saturation: Floats) -> NDArray[np.float32]:
    """(n, band) reflectance at a degree of saturation, (n,) 0 = air-dry, 1 = all pores full.

    R = Rsat + (Rdry - Rsat) exp(-c S); Lobell & Asner (2002), Soil Sci. Soc. Am. J. 66, 722.
    """
    share, rate = _wetness()
    kept = share + (1.0 - share) * np.exp(-np.asarray(saturation, dtype=np.float32)[:, None] * rate)
    return dry * kept


def crust_reflectance(loose: NDArray[np.float32], soil: Soil) -> NDArray[np.float32]:
    """(n, band) reflectance of a crust of the soil's own salts and gypsum, with dust of the soil in it."""
    mass = np.concatenate([soil.salts_g_kg + 1e-3, soil.gypsum[:, None] * 0.5], axis=1)
    share = (mass / mass.sum(axis=1, keepdims=True)).astype(np.float32)
    pure = share @ _crust_remission()
    mixed = reflectance_of((1.0 - _DUST) * pure + _DUST * remission(np.clip(loose, 0.02, 0.97)))
    brightness = share[:, :4] @ _CRUST_BRIGHTNESS + share[:, 4] * 0.72
    return (mixed * brightness[:, None]).astype(np.float32)


@cache
def _wetness() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return curve(WAVELENGTHS_NM, _SATURATED_SHARE), curve(WAVELENGTHS_NM, _RATE)


@cache
def _crust_remission() -> NDArray[np.float32]:
    every = (*minerals.SALTS, minerals.GYPSUM)
    return np.stack([remission(mineral.reflectance()) for mineral in every]).astype(np.float32)


@cache
def green_plants() -> NDArray[np.float32]:
    """(band,) reflectance of a closed green canopy."""
    return minerals.GREEN_PLANTS.reflectance()


@cache
def dry_plants() -> NDArray[np.float32]:
    """(band,) reflectance of dry plants."""
    return minerals.DRY_PLANTS.reflectance()
