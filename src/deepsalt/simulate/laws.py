"""How water, crust and plants change the light of the ground: by the usual laws, or by others.

The other laws ask what becomes of a map when nature does not keep to what its maker assumed. They
touch nothing but the scenes: land, library and ground points are the same under both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import WAVELENGTHS_NM, curve
from deepsalt.simulate.settings import WorldSettings, stream
from deepsalt.simulate.soil import Soil
from deepsalt.simulate.surface import (
    CRUST_WETNESS,
    Surface,
    crust_reflectance,
    dry_plants,
    green_plants,
    surface_reflectance,
)
from deepsalt.simulate.visnir import dry_reflectance
from deepsalt.simulate.water import film_reflectance

Floats = NDArray[np.floating]
Calibration = tuple[NDArray[np.float32], NDArray[np.float32]]

# Ranges that a world draws from; our choice, except where a source stands.
#: Film on a surface whose pores are full, cm: it leaves a few percent of the light at 1940 nm and a
#: tenth to a third at 2200 nm.
_FILM_CM = (0.03, 0.08)
#: Wet share 1 - (1 - S)^a: above 1, films join up before the pores are full.
_SPREADING = (1.2, 2.5)
#: Yule-Nielsen exponent; MARMIT-2 mostly finds values above 1.
_YULE_NIELSEN = (1.5, 2.5)
#: Standard deviations of gain (all bands together; between stretches of the spectrum) and of offset.
#: Cogliati et al. (2021, RSE 262, 112499) found PRISMA within 2-7 % of ground spectra in the visible
#: and 5 % beyond.
_GAIN_ALL, _GAIN_BETWEEN, _OFFSET = 0.04, 0.03, 0.004
#: Gain and offset change smoothly between these wavelengths, nm.
_STRETCHES_NM = (380.0, 700.0, 1100.0, 1600.0, 2100.0, 2500.0)
#: Shares of light below this are not told from black.
_BLACK = 1e-4


class Laws(Protocol):
    """What the ground does to the light, and what a whole scene gets wrong."""

    def ground(self, soil: Soil, surface: Surface) -> NDArray[np.float32]:
        """(n, wavelength) reflectance on `WAVELENGTHS_NM` of the ground as it lies."""
        ...

    def calibration(self, region: str, centre_nm: Floats, /) -> Calibration:
        """Gain and offset (band,) that the whole scene of a region bears; 1 and 0 = none."""
        ...


class UsualLaws:
    """Moisture by Lobell & Asner (2002), crust and plants side by side, no error of the scene."""

    def ground(self, soil: Soil, surface: Surface) -> NDArray[np.float32]:
        return surface_reflectance(soil, surface)

    def calibration(self, _region: str, centre_nm: Floats, /) -> Calibration:
        return np.ones(len(centre_nm), np.float32), np.zeros(len(centre_nm), np.float32)


@dataclass(frozen=True)
class OtherLaws:
    """A film of water, an intimate mixture, and a scene that is off by a smooth gain and offset.

    seed        of the world; the gain and offset of a scene follow from it
    film_cm     thickness of the film where all pores are full, cm
    spreading   exponent of the share of ground that is under the film
    v           Yule-Nielsen exponent of all mixtures; 1 = side by side

    Sources: film and mixture of wet and dry ground, Bablet et al. (2018), RSE 217, 1 (MARMIT) and
    its successor MARMIT-2 (RSE 2022); the exponent, Yule & Nielsen (1951). That crust
    and plants mix by the same exponent, and that film and wet share follow the degree of saturation
    by a power, is our assumption.
    """

    seed: int
    film_cm: float
    spreading: float
    v: float

    @classmethod
    def drawn(cls, seed: int) -> OtherLaws:
        """The other laws of a world, the same in all its regions."""
        rng = stream(seed, "laws")
        return cls(seed, *(float(rng.uniform(*r)) for r in (_FILM_CM, _SPREADING, _YULE_NIELSEN)))

    def ground(self, soil: Soil, surface: Surface) -> NDArray[np.float32]:
        """As `surface_reflectance` orders it: wetted, crusted, overgrown, lit."""
        loose = dry_reflectance(soil)
        crust = self.wetted(crust_reflectance(loose, soil), CRUST_WETNESS * surface.moisture)
        below = mixed(
            [(1.0 - surface.crust, self.wetted(loose, surface.moisture)), (surface.crust, crust)], self.v
        )
        bare = 1.0 - surface.green - surface.dry
        parts = [(bare, below), (surface.green, green_plants()), (surface.dry, dry_plants())]
        return (mixed(parts, self.v) * surface.light[:, None]).astype(np.float32)

    def wetted(self, dry: NDArray[np.float32], saturation: Floats) -> NDArray[np.float32]:
        """(n, wavelength) reflectance at a degree of saturation, (n,) 0 = air-dry, 1 = all pores full."""
        full = np.clip(np.asarray(saturation, dtype=np.float32), 0.0, 1.0)
        wet = 1.0 - (1.0 - full) ** self.spreading
        return mixed([(1.0 - wet, dry), (wet, film_reflectance(dry, self.film_cm * full))], self.v)

    def calibration(self, region: str, centre_nm: Floats, /) -> Calibration:
        rng = stream(self.seed, region, "laws")
        level = 1.0 + rng.normal(0.0, _GAIN_ALL)
        gain = [(nm, level + rng.normal(0.0, _GAIN_BETWEEN)) for nm in _STRETCHES_NM]
        offset = [(nm, rng.normal(0.0, _OFFSET)) for nm in _STRETCHES_NM]
        return curve(centre_nm, gain), curve(centre_nm, offset)


def laws_of(settings: WorldSettings) -> Laws:
    """The laws that a world keeps."""
    return OtherLaws.drawn(settings.seed) if settings.laws == "other" else UsualLaws()


def mixed(parts: Sequence[tuple[Floats, Floats]], v: float) -> NDArray[np.float32]:
    """(n, wavelength) mixture (sum f R^(1/v))^v of spectra R, (n, wavelength) or (wavelength,).

    parts   (share (n,), spectrum) of each; the shares sum to 1
    v       1 = side by side; the larger, the more the dark parts count, as light that goes from one
            part into another is absorbed by both (Yule & Nielsen 1951)
    """
    total = np.zeros((len(parts[0][0]), len(WAVELENGTHS_NM)), dtype=np.float32)
    for share, spectrum in parts:
        root = np.clip(spectrum, _BLACK, None).astype(np.float32) ** np.float32(1.0 / v)
        total += np.asarray(share, dtype=np.float32)[:, None] * root
    return np.clip(total, 0.0, None) ** np.float32(v)
