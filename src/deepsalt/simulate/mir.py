"""Absorbance of a dried, ground soil in the mid infrared, 600-4000 cm-1, as a DRIFT spectrometer gives it.

Each component adds its bands, with a height that saturates with its mass: in a neat powder strong
bands stop growing. Chlorides have no band here; they show through the water they draw and because they
dilute everything else. Below about 1100 cm-1 strong bands of neat powders invert (Nguyen, Janik &
Raupach 1991): there the bands of salts are given little height.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.bands import bands
from deepsalt.simulate.soil import Soil
from deepsalt.simulate.visnir import sorbed_water_pct

Floats = NDArray[np.floating]

WAVENUMBERS_CM1: NDArray[np.float32] = np.arange(600.0, 4001.0, 4.0, dtype=np.float32)

# (centre cm-1, width cm-1, absorbance of the pure powder). Salts, gypsum and calcite: measured on
# spectra of the ECOSTRESS library (JPL and USGS samples named in minerals.py; gypsum SO-2B fine,
# calcite C-3D/C-3E fine); bands below 1100 cm-1 weakened because they invert in neat powders.
_GYPSUM = (
    (3494, 443, 1.56), (3402, 90, 0.5), (2234, 216, 0.68), (2116, 60, 0.25), (1686, 24, 0.44),
    (1626, 48, 0.98), (1260, 120, 1.08), (1150, 60, 0.5), (702, 60, 0.23), (670, 22, 0.35),
    (604, 26, 0.35),
)  # fmt: skip
_CALCITE = (
    (2982, 30, 0.25), (2874, 100, 0.55), (2514, 80, 1.0), (2140, 39, 0.18), (1796, 23, 1.15),
    (1620, 100, 0.4), (1430, 120, 0.65), (876, 22, 0.86), (714, 18, 0.9),
)  # fmt: skip
_THENARDITE = (
    (3404, 500, 0.25), (2248, 92, 0.24), (2184, 40, 0.15), (2102, 118, 0.96), (1748, 38, 0.08),
    (1612, 94, 0.25), (1270, 153, 1.35), (1150, 70, 0.5), (640, 30, 0.4),
)  # fmt: skip
_EPSOMITE = (
    (3560, 286, 1.03), (3250, 400, 0.7), (2316, 377, 0.25), (1696, 60, 0.5), (1200, 211, 1.2),
    (1136, 40, 0.3), (838, 107, 0.35),
)  # fmt: skip
_TRONA = (
    (3238, 500, 0.48), (2600, 600, 0.3), (1786, 420, 0.6), (1548, 116, 0.3), (1420, 179, 0.5),
    (1046, 30, 0.2), (848, 30, 0.3), (698, 73, 0.48),
)  # fmt: skip

# Silicates, organic matter and water: centres after Nguyen et al. (1991) and Volkov et al. (2021), the
# quartz, kaolinite and goethite ones from general knowledge; heights set to look like
# ordinary DRIFT spectra of soils.
_QUARTZ = (
    (1990, 40, 0.22), (1870, 46, 0.34), (1790, 34, 0.20), (1685, 40, 0.12), (1610, 40, 0.10),
    (1360, 60, 0.30), (1160, 60, 0.30), (1090, 70, 0.15), (806, 34, 0.35), (780, 24, 0.30),
    (696, 18, 0.30),
)  # fmt: skip
_SILICATE = ((1630, 60, 0.15), (1030, 190, 0.55), (915, 36, 0.25), (830, 60, 0.15), (630, 80, 0.20))
_CLAY_OH = ((3620, 46, 0.75), (3420, 320, 0.45), (920, 30, 0.20))
_KAOLINITE = (
    (3695, 24, 0.80), (3668, 30, 0.25), (3652, 20, 0.25), (3620, 26, 0.55), (936, 20, 0.20), (914, 22, 0.30),
)  # fmt: skip
_ORGANIC = (
    (3340, 300, 0.05), (2925, 52, 0.075), (2855, 32, 0.045), (1725, 60, 0.035), (1610, 90, 0.06),
    (1400, 100, 0.035), (1260, 90, 0.02),
)  # fmt: skip
_CLAY_WATER = ((3410, 330, 0.060), (3250, 240, 0.030), (2130, 300, 0.004), (1634, 58, 0.030))
# Halite H-3A fine: the water that salts draw lies at 3392 (383 wide) and 1638 (67 wide).
_SALT_WATER = ((3392, 383, 0.075), (2100, 320, 0.006), (1640, 72, 0.036))
_GOETHITE = ((3150, 160, 0.05), (890, 26, 0.04), (795, 24, 0.04), (620, 60, 0.05))

#: How soon a strong band stops growing: height (1 - exp(-k m)) / (1 - exp(-k)) at mass fraction m.
_SATURATION = 7.0


def absorbance(soil: Soil, rng: np.random.Generator) -> NDArray[np.float32]:
    """(n, band) log10(1/R) on `WAVENUMBERS_CM1`, with the instrument's and the filling's errors."""
    return measured(clean_absorbance(soil, humidity=rng.normal(1.0, 0.05, len(soil))), rng)


def clean_absorbance(soil: Soil, humidity: Floats | float = 1.0) -> NDArray[np.float32]:
    """(n, band) absorbance without error; sorbed water relative to a usual laboratory."""
    crystals = np.stack(
        [soil.carbonate / 100.0, soil.gypsum / 100.0, *(soil.salts_g_kg[:, 1:] / 1000.0).T], axis=1
    )
    clay = soil.clay / 100.0
    matrix = np.clip(1.0 - crystals.sum(axis=1) - soil.salts_g_kg[:, 0] / 1000.0, 0.05, 1.0)
    linear = np.stack(
        [
            0.35 + 0.9 * soil.sand / 100.0,
            0.5 + 0.6 * clay,
            clay * (1.0 - 0.6 * soil.kaolinite),
            clay * soil.kaolinite,
            soil.organic_carbon,
            soil.goethite,
        ],
        axis=1,
    )
    strong = (1.0 - np.exp(-_SATURATION * crystals)) / (1.0 - np.exp(-_SATURATION))
    water = np.stack(sorbed_water_pct(soil), axis=1) * np.reshape(humidity, (-1, 1))
    parts = np.concatenate([matrix[:, None] * linear, strong, water], axis=1)
    return (parts @ _components()).astype(np.float32)


def measured(clean: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Path length, scatter offset and slope, noise: what still differs between means of four fillings."""
    count, channels = clean.shape
    gain = rng.normal(1.0, 0.03, (count, 1))
    offset = rng.normal(0.30, 0.04, (count, 1))
    x = np.linspace(-1.0, 1.0, channels)
    slope = rng.normal(-0.06, 0.03, (count, 1)) * x + rng.normal(0.0, 0.012, (count, 1)) * x**2
    noise = 0.0006 * rng.standard_normal(clean.shape) * (1.0 + 1.5 * (WAVENUMBERS_CM1 < 700))
    return (gain * clean + offset + slope + noise).astype(np.float32)


@cache
def _components() -> NDArray[np.float32]:
    """(component, band) in the order of `clean_absorbance`."""
    tables = (
        _QUARTZ, _SILICATE, _CLAY_OH, _KAOLINITE, _ORGANIC, _GOETHITE,
        _CALCITE, _GYPSUM, _THENARDITE, _EPSOMITE, _TRONA, _CLAY_WATER, _SALT_WATER,
    )  # fmt: skip
    return np.stack([bands(WAVENUMBERS_CM1, table) for table in tables]).astype(np.float32)
