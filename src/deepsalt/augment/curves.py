"""Shapes over wavelength that the draws are made of, as a few nodes each; straight lines lie between.

They are shapes, not measurements of a place: every draw scales them at random.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Nodes = Sequence[tuple[float, float]]
Floats = NDArray[np.float64]

#: Absorption coefficient of liquid water, 1/cm. Every 200 nm from 1200 nm on, and below 1000 nm: Hale &
#: Querry (1973), Appl. Opt. 12, 555. The nodes between follow Kou, Labrie & Chylek (1993), Appl. Opt. 32,
#: 3531, to a tenth or two: the draws vary the path by a factor of seventy.
WATER: Nodes = (
    (350, 0.0), (600, 0.0023), (700, 0.006), (750, 0.026), (800, 0.0196), (850, 0.0433), (900, 0.0679),
    (925, 0.144), (950, 0.387), (975, 0.449), (1000, 0.363), (1060, 0.13), (1120, 0.22), (1155, 1.0),
    (1200, 1.04), (1265, 1.0), (1330, 1.9), (1370, 4.0), (1400, 12.4), (1430, 26.0), (1455, 28.5),
    (1500, 19.0), (1540, 12.2), (1600, 6.72), (1670, 5.3), (1740, 6.4), (1800, 8.03), (1860, 13.0),
    (1890, 50.0), (1930, 124.0), (1960, 110.0), (2000, 69.1), (2060, 38.0), (2120, 23.5),
    (2200, 16.5), (2270, 18.5), (2340, 29.0), (2400, 50.1), (2450, 68.0), (2500, 90.0),
)  # fmt: skip

#: A green leaf: chlorophyll to 700 nm, cell walls to 1300, then the water of the leaf.
GREEN: Nodes = (
    (350, 0.04), (450, 0.045), (550, 0.10), (670, 0.04), (700, 0.15), (740, 0.42), (800, 0.48), (950, 0.47),
    (1000, 0.48), (1100, 0.49), (1180, 0.45), (1280, 0.46), (1450, 0.15), (1650, 0.32), (1800, 0.25),
    (1930, 0.06), (2100, 0.13), (2200, 0.18), (2300, 0.13), (2500, 0.06),
)  # fmt: skip

#: Straw and litter: rising to 1300 nm, cellulose and lignin at 2090 and 2300 nm.
DRY: Nodes = (
    (350, 0.09), (450, 0.14), (550, 0.21), (670, 0.29), (800, 0.38), (1000, 0.45), (1200, 0.47), (1300, 0.49),
    (1450, 0.42), (1650, 0.49), (1730, 0.44), (1800, 0.45), (1930, 0.31), (2000, 0.33), (2090, 0.27),
    (2200, 0.33), (2270, 0.27), (2350, 0.26), (2500, 0.22),
)  # fmt: skip

#: Gypsum, (centre nm, width at half depth nm, depth in -ln R): triplet of Bishop et al. (2014), Am.
#: Mineral. 99, 2105; 1750, 1940 and 2200 nm as Moreira et al. (2014), Remote Sens. 6, 2647, use them.
GYPSUM = (
    (1000, 60, 0.05), (1205, 60, 0.12), (1446, 40, 0.45), (1490, 35, 0.40), (1538, 40, 0.35),
    (1750, 45, 0.25), (1944, 60, 0.60), (2178, 40, 0.20), (2217, 45, 0.30), (2265, 40, 0.20),
)  # fmt: skip

#: Water vapour, (centre nm, width nm, relative depth): the bands that a wrong column leaves traces of.
VAPOUR = (
    (760, 8, 0.3), (820, 30, 0.3), (940, 60, 1.0), (1130, 70, 1.0), (1270, 40, 0.4), (1470, 60, 0.5),
    (1980, 60, 0.8), (2060, 30, 0.3), (2450, 80, 0.5),
)  # fmt: skip

_FWHM_PER_SD = 2.3548


def line(nodes: Nodes, wavelengths_nm: ArrayLike) -> Floats:
    """(wavelength,) the nodes joined by straight lines, level beyond the ends."""
    x, y = np.asarray(nodes, np.float64).T
    return np.asarray(np.interp(np.asarray(wavelengths_nm, np.float64), x, y))


def bumps(table: Sequence[tuple[float, float, float]], wavelengths_nm: ArrayLike) -> Floats:
    """(wavelength,) the sum of Gaussians (centre nm, width nm, height)."""
    at = np.asarray(wavelengths_nm, np.float64)
    return np.asarray(sum(h * np.exp(-0.5 * ((at - c) * _FWHM_PER_SD / w) ** 2) for c, w, h in table))


def hats(wavelengths_nm: ArrayLike, count: int, low_nm: float = 400.0, high_nm: float = 2500.0) -> Floats:
    """(count, wavelength) hat functions that sum to one: coefficients of a smooth curve."""
    knots = np.linspace(low_nm, high_nm, count)
    at = np.asarray(wavelengths_nm, np.float64)
    return np.stack([np.interp(at, knots, unit) for unit in np.eye(count)])
