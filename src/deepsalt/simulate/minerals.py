"""Reflectance of pure salts, gypsum and carbonate, and of plants, from a few published figures.

Levels (reflectance at nine wavelengths) and bands (centre nm, width at half depth nm,
continuum-removed depth) are figures measured on spectra of the ECOSTRESS spectral library (JPL, JHU
and USGS samples; Baldridge et al. 2009, Meerdink et al. 2019). The sample and grain size stand beside
each. Levels inside a band are replaced by the level that the band is cut from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import WAVELENGTHS_NM, curve, gaussian

_LEVELS_NM = (450.0, 550.0, 650.0, 850.0, 1250.0, 1650.0, 2100.0, 2200.0, 2350.0)


@dataclass(frozen=True)
class Mineral:
    """levels: continuum (nm, reflectance); bands: (centre nm, width nm, depth as a share)."""

    levels: tuple[tuple[float, float], ...]
    bands: tuple[tuple[float, float, float], ...]

    def reflectance(self) -> NDArray[np.float32]:
        """On the simulation grid, (band,)."""
        spectrum = curve(WAVELENGTHS_NM, self.levels)
        for centre, width, depth in self.bands:
            spectrum = spectrum * (1.0 - depth * gaussian(WAVELENGTHS_NM, centre, width))
        return np.clip(spectrum, 0.02, 0.97)


def _levels(*values: float) -> tuple[tuple[float, float], ...]:
    return tuple(zip(_LEVELS_NM, values, strict=True))


# Halite H-3A, medium: no band of its own; fluid and adsorbed water at 1454 and 1946.
HALITE = Mineral(
    _levels(0.873, 0.896, 0.910, 0.914, 0.918, 0.920, 0.922, 0.921, 0.923),
    ((1454.0, 122.0, 0.020), (1946.0, 143.0, 0.034)),
)
# Thenardite, coarse (USGS): featureless but for a little hydrate water.
THENARDITE = Mineral(
    _levels(0.578, 0.655, 0.690, 0.712, 0.742, 0.732, 0.695, 0.712, 0.696),
    ((1462.0, 114.0, 0.039), (1952.0, 121.0, 0.140), (2436.0, 63.0, 0.044)),
)
# Epsomite, coarse (USGS): hydrate water. The levels beyond 1250 nm are the continuum under its bands.
EPSOMITE = Mineral(
    ((450.0, 0.738), (550.0, 0.805), (650.0, 0.850), (850.0, 0.854), (1250.0, 0.70), (1700.0, 0.40),
     (2200.0, 0.19), (2500.0, 0.14)),
    ((990.0, 82.0, 0.077), (1226.0, 74.0, 0.10), (1482.0, 319.0, 0.69), (1944.0, 259.0, 0.77),
     (2394.0, 123.0, 0.34)),
)  # fmt: skip
# Trona C-4A, fine.
TRONA = Mineral(
    ((450.0, 0.726), (550.0, 0.809), (650.0, 0.848), (850.0, 0.872), (1250.0, 0.836), (1650.0, 0.68),
     (1800.0, 0.58), (2200.0, 0.40), (2500.0, 0.30)),
    ((1206.0, 86.0, 0.022), (1512.0, 81.0, 0.19), (1742.0, 84.0, 0.11), (1944.0, 219.0, 0.50),
     (2392.0, 52.0, 0.10)),
)  # fmt: skip
# Gypsum SO-2B, medium: the triplet near 1446/1490/1538, 1748, 1944, 2214. Its 1446 band is one
# asymmetric feature 150 nm wide; here it is the triplet itself.
GYPSUM = Mineral(
    ((450.0, 0.909), (650.0, 0.917), (850.0, 0.906), (1250.0, 0.840), (1650.0, 0.780), (1850.0, 0.70),
     (2100.0, 0.52), (2300.0, 0.47), (2500.0, 0.40)),
    ((994.0, 53.0, 0.039), (1198.0, 68.0, 0.087), (1446.0, 48.0, 0.40), (1490.0, 28.0, 0.30),
     (1538.0, 34.0, 0.27), (1746.0, 60.0, 0.234), (1942.0, 110.0, 0.747), (2178.0, 30.0, 0.15),
     (2217.0, 45.0, 0.24), (2265.0, 30.0, 0.10), (2422.0, 95.0, 0.25)),
)  # fmt: skip
# Calcite C-3E, medium, its band measured at 2332-2336.
CALCITE = Mineral(
    _levels(0.79, 0.823, 0.837, 0.847, 0.829, 0.839, 0.833, 0.81, 0.79),
    ((1994.0, 80.0, 0.03), (2160.0, 60.0, 0.02), (2334.0, 75.0, 0.26)),
)

#: In the order of `regions.FAMILIES`.
SALTS: tuple[Mineral, ...] = (HALITE, THENARDITE, EPSOMITE, TRONA)

# Green and dry plants: reflectance read at nodes from the endmember medians that come with the EMIT
# fractional-cover algorithm (JPL, Apache-2.0), water bands smoothed in.
GREEN_PLANTS = Mineral(
    ((350.0, 0.03), (450.0, 0.034), (500.0, 0.042), (550.0, 0.080), (600.0, 0.055), (650.0, 0.046),
     (680.0, 0.040), (705.0, 0.13), (750.0, 0.45), (800.0, 0.50), (900.0, 0.52), (1080.0, 0.52),
     (1270.0, 0.45), (1350.0, 0.34), (1450.0, 0.11), (1550.0, 0.20), (1650.0, 0.25), (1750.0, 0.21),
     (1850.0, 0.12), (1940.0, 0.03), (2080.0, 0.08), (2200.0, 0.112), (2300.0, 0.085), (2450.0, 0.045)),
    ((975.0, 70.0, 0.06), (1190.0, 90.0, 0.10)),
)  # fmt: skip
DRY_PLANTS = Mineral(
    ((350.0, 0.05), (450.0, 0.080), (550.0, 0.139), (650.0, 0.198), (750.0, 0.293), (850.0, 0.339),
     (1050.0, 0.399), (1250.0, 0.426), (1350.0, 0.42), (1660.0, 0.42), (1850.0, 0.36), (2020.0, 0.315),
     (2200.0, 0.29), (2260.0, 0.28), (2450.0, 0.19)),
    ((1450.0, 90.0, 0.20), (1730.0, 40.0, 0.05), (1930.0, 90.0, 0.18), (2100.0, 90.0, 0.13),
     (2320.0, 80.0, 0.12)),
)  # fmt: skip
