"""Reflectance of a dry, loose soil, 350-2500 nm.

The dark soil matrix (quartz, feldspar, clay, iron oxides, organic matter, sorbed water) absorbs along
-ln R. Carbonate, gypsum and salt crystals are mixed into it by Kubelka-Munk, each weighted by its mass
and by how strongly its grains scatter. Halite has no band: what it does, it does through sorbed water
and through the brightness of fine crystals that coat the grains.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate import minerals
from deepsalt.simulate.bands import WAVELENGTHS_NM, bands, curve, reflectance_of, remission
from deepsalt.simulate.soil import Soil

Floats = NDArray[np.floating]

#: Reflectance of a light mineral soil without iron oxides, organic matter and water.
_MATRIX = (
    (350.0, 0.36), (450.0, 0.45), (550.0, 0.51), (650.0, 0.555), (850.0, 0.60), (1250.0, 0.65),
    (1650.0, 0.67), (2100.0, 0.65), (2300.0, 0.61), (2500.0, 0.55),
)  # fmt: skip

# Centres of clay, iron-oxide and water bands: the project's band priors (Hunt & Salisbury 1970 and
# followers); depths in -ln R for the unit named in `_absorbers`.
_ALOH = ((1413.0, 28.0, 0.30), (2206.0, 42.0, 0.55))
_KAOLINITE = ((1396.0, 22.0, 0.20), (2162.0, 28.0, 0.30), (2206.0, 34.0, 0.30), (2320.0, 50.0, 0.12))
_ILLITE = ((2345.0, 45.0, 0.18), (2440.0, 50.0, 0.12))
_CLAY_WATER = ((1415.0, 60.0, 0.10), (1460.0, 120.0, 0.04), (1915.0, 75.0, 0.22), (1970.0, 130.0, 0.06))
# Water at salt crystals lies longer: halite H-3A shows it at 1454 and 1946 nm, 120-140 nm wide.
_SALT_WATER = ((1454.0, 122.0, 0.10), (1946.0, 130.0, 0.26))
_GOETHITE = ((480.0, 90.0, 0.25), (670.0, 90.0, 0.06), (920.0, 150.0, 0.16))
_HEMATITE = ((530.0, 110.0, 0.35), (650.0, 70.0, 0.05), (870.0, 120.0, 0.18))

#: Water sorbed from room air at about 40 % humidity, percent of the mass of the salt family. Natural
#: chlorides carry Mg and Ca chlorides, which draw water; pure halite would sorb next to none.
_SORBED_BY_SALTS = np.array([0.45, 0.12, 0.55, 0.25], dtype=np.float32)

#: How much more than soil grains of the same mass they scatter. Salts dry as fine coats on grains.
_SCATTER_CARBONATE, _SCATTER_GYPSUM, _SCATTER_SALT = 0.8, 1.8, 8.0


def sorbed_water_pct(soil: Soil) -> tuple[Floats, Floats]:
    """(n,) and (n,): percent of water that air-dry soil holds at clay and organic matter, and at salts."""
    at_clay = 0.045 * soil.clay * (0.5 + 1.2 * soil.smectite) + 0.1 * soil.organic_carbon
    return at_clay, 0.1 * (soil.salts_g_kg @ _SORBED_BY_SALTS)


def dry_reflectance(soil: Soil, humidity: Floats | float = 1.0) -> NDArray[np.float32]:
    """(n, band) reflectance on `WAVELENGTHS_NM`.

    humidity   (n,) or one number: sorbed water relative to a usual laboratory
    """
    absorption = _matrix_absorption(soil) + _water_absorption(soil, humidity)
    return mixed_with_crystals(np.exp(-absorption), soil)


def _matrix_absorption(soil: Soil) -> NDArray[np.float32]:
    """(n, band) -ln R of the matrix."""
    unit = _absorbers()
    clay = soil.clay / 100.0
    amounts = np.stack(
        [
            np.ones(len(soil), dtype=np.float32),
            clay * (0.35 + 0.65 * soil.smectite + 0.2 * (1 - soil.smectite - soil.kaolinite)),
            clay * soil.kaolinite,
            clay * np.clip(1 - soil.smectite - soil.kaolinite, 0, 1),
            1.0 - np.exp(-soil.goethite / 1.2),
            1.0 - np.exp(-soil.hematite / 0.6),
            np.maximum(soil.organic_carbon, 0.0) ** 0.8,
            0.45 * clay - 0.10 * (soil.sand / 100.0 - 0.3),
        ],
        axis=1,
    )
    return (amounts.astype(np.float32) @ unit).astype(np.float32)


def _water_absorption(soil: Soil, humidity: Floats | float) -> NDArray[np.float32]:
    water = np.stack(sorbed_water_pct(soil), axis=1) * np.reshape(humidity, (-1, 1))
    return water.astype(np.float32) @ _water()


def mixed_with_crystals(matrix: NDArray[np.float32], soil: Soil) -> NDArray[np.float32]:
    """Kubelka-Munk mix of the soil matrix with carbonate, gypsum and salts, (n, band)."""
    pure = _crystals()
    share = np.concatenate(
        [
            _SCATTER_CARBONATE * soil.carbonate[:, None] / 100.0,
            _SCATTER_GYPSUM * soil.gypsum[:, None] / 100.0,
            _SCATTER_SALT * soil.salts_g_kg / 1000.0,
        ],
        axis=1,
    ).astype(np.float32)
    rest = np.clip(1.0 - (soil.carbonate + soil.gypsum) / 100.0 - soil.total_salts_g_kg / 1000.0, 0.05, 1.0)[
        :, None
    ].astype(np.float32)
    total = rest + share.sum(axis=1, keepdims=True)
    return reflectance_of((rest * remission(matrix) + share @ pure) / total).astype(np.float32)


@cache
def _absorbers() -> NDArray[np.float32]:
    """(8, band) -ln R of: matrix, Al-OH, kaolinite, illite, goethite, hematite, organic, fineness."""
    nm = WAVELENGTHS_NM
    matrix = -np.log(curve(nm, _MATRIX))
    charge_transfer = np.exp(-np.clip(nm - 350.0, 0, None) / 130.0)
    red_edge = 1.0 / (1.0 + np.exp((nm - 575.0) / 22.0))
    goethite = 1.1 * charge_transfer + bands(nm, _GOETHITE)
    hematite = 0.5 * charge_transfer + 0.75 * red_edge + bands(nm, _HEMATITE)
    organic = 0.10 + 0.30 * np.exp(-np.clip(nm - 450.0, 0, None) / 450.0)
    return np.stack(
        [
            matrix,
            bands(nm, _ALOH),
            bands(nm, _KAOLINITE),
            bands(nm, _ILLITE),
            goethite,
            hematite,
            organic,
            np.ones_like(nm),
        ]
    ).astype(np.float32)


@cache
def _water() -> NDArray[np.float32]:
    """(2, band) -ln R of 1 % water at clay, and of 1 % water at salts."""
    nm = WAVELENGTHS_NM
    slope = 0.02 * np.clip((nm - 1300.0) / 1000.0, 0, None)
    return np.stack([0.5 * bands(nm, table) + slope for table in (_CLAY_WATER, _SALT_WATER)]).astype(
        np.float32
    )


@cache
def _crystals() -> NDArray[np.float32]:
    """(6, band) Kubelka-Munk function, times its scattering in the mix, of carbonate, gypsum, salts."""
    every = (minerals.CALCITE, minerals.GYPSUM, *minerals.SALTS)
    return np.stack([remission(mineral.reflectance()) for mineral in every]).astype(np.float32)
