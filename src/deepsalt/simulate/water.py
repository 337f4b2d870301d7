"""A film of liquid water on the ground: what it absorbs and what it turns back."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import WAVELENGTHS_NM, curve

Floats = NDArray[np.floating]

#: Absorption coefficient of liquid water, 1/cm (to base e), by wavelength, nm. Rounded from the optical
#: constants of water that NASA/JPL distributes with its MARMIT data (Apache-2.0); below 700 nm they are
#: those of Pope & Fry (1997), Appl. Opt. 36, 8710. 4 pi k / wavelength of Hale & Querry (1973), Appl.
#: Opt. 12, 555, gives 1.0 at 1200, 69 at 2000 and 16.5 at 2200 nm: within a fifth.
_ABSORPTION = (
    (350.0, 0.0001), (450.0, 0.00009), (550.0, 0.00057), (600.0, 0.0022), (650.0, 0.0034), (700.0, 0.0062),
    (750.0, 0.028), (800.0, 0.022), (850.0, 0.042), (900.0, 0.064), (950.0, 0.30), (975.0, 0.49),
    (1000.0, 0.41), (1050.0, 0.17), (1100.0, 0.19), (1150.0, 0.98), (1200.0, 1.27), (1250.0, 1.12),
    (1300.0, 1.32), (1350.0, 3.2), (1380.0, 5.8), (1400.0, 17.0), (1420.0, 27.7), (1450.0, 32.7),
    (1480.0, 27.9), (1500.0, 21.9), (1550.0, 11.9), (1600.0, 7.7), (1650.0, 6.2), (1700.0, 5.9),
    (1750.0, 7.4), (1800.0, 9.2), (1850.0, 10.9), (1880.0, 33.2), (1900.0, 95.4), (1920.0, 129.0),
    (1930.0, 137.0), (1950.0, 126.0), (1980.0, 95.0), (2000.0, 77.0), (2050.0, 47.7), (2100.0, 30.5),
    (2150.0, 22.7), (2215.0, 20.1), (2250.0, 21.1), (2300.0, 26.1), (2350.0, 36.7), (2400.0, 50.4),
    (2450.0, 71.2), (2500.0, 100.5),
)  # fmt: skip
#: Refractive index of liquid water, from the same constants.
_INDEX = ((350.0, 1.358), (450.0, 1.344), (700.0, 1.329), (1250.0, 1.317), (1900.0, 1.299),
          (2200.0, 1.286), (2500.0, 1.253))  # fmt: skip
#: Share of diffuse light from above that a flat water surface turns back (index 1.33).
_DIFFUSE_TURNED_BACK = 0.066


def film_reflectance(dry: Floats, thickness_cm: Floats) -> NDArray[np.float32]:
    """(n, wavelength) reflectance of dry ground, (n, wavelength), under a film of water, (n,) cm.

    Light enters the film, is scattered by the ground, crosses the film again, and a good part of it is
    turned back at the surface to meet the ground once more: (1 - r) t R T^2 / (1 - (1 - t) R T^2), with
    T = exp(-absorption * thickness) of one crossing and t the share of diffuse light that gets out.
    A film darkens the ground however thin it is. Lekner & Dorf (1988), Appl. Opt. 27, 1278; the two
    crossings by Beer-Lambert as in MARMIT, Bablet et al. (2018), RSE 217, 1.
    """
    absorption, enters, leaves = _film()
    depth = np.asarray(thickness_cm, dtype=np.float32)[:, None]
    returned = np.asarray(dry, dtype=np.float32) * np.exp(-2.0 * depth * absorption)
    return (enters * leaves * returned / (1.0 - (1.0 - leaves) * returned)).astype(np.float32)


@cache
def _film() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """(wavelength,) absorption, 1/cm; share of sunlight that enters; share of diffuse light that leaves."""
    index = curve(WAVELENGTHS_NM, _INDEX)
    enters = 1.0 - ((index - 1.0) / (index + 1.0)) ** 2  # Fresnel, from straight above
    leaves = (1.0 - _DIFFUSE_TURNED_BACK) / index**2
    return curve(WAVELENGTHS_NM, _ABSORPTION), enters.astype(np.float32), leaves.astype(np.float32)
