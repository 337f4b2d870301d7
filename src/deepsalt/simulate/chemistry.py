"""From the mass of salts to electrical conductivity, in the paste and in a 1:2 extract.

The readily soluble salts of a soil dissolve in full. Gypsum dissolves only to its solubility, so that
no amount of it lifts the conductivity beyond about 2.2 dS/m.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.soil import Soil

Floats = NDArray[np.floating]

#: Grams of dissolved salt in a litre that conduct 1 dS/m (TDS = 640 mg/L per dS/m; USDA Handbook 60).
GRAMS_PER_LITRE_PER_DS = 0.64

#: Solubility of gypsum in water at 25 C, g/L, and the conductivity of its saturated solution, dS/m
#: (2.2; USDA Handbook 60 and later manuals give 2.0-2.5).
GYPSUM_SOLUBILITY_G_L = 2.4
GYPSUM_SATURATED_DS_M = 2.2

#: Sulphate salt (g/L) that halves the solubility of gypsum by the common ion. Larger than
#: 0.64 * 2.2 = 1.4, so that adding any salt always raises the conductivity.
_COMMON_ION_G_L = 4.0

#: Families of `regions.FAMILIES` that bring sulphate.
_SULPHATES = (1, 2)


def saturation_water(clay_pct: Floats, organic_carbon_pct: Floats) -> Floats:
    """Water content of the saturated paste, kg water per kg soil.

    A line through the texture classes of Slavich & Petterson (1993): 0.20 sand, 0.27-0.40 loams,
    0.60 medium clay, 0.90 heavy clay; organic matter holds water besides.
    """
    return 0.20 + 0.0075 * np.asarray(clay_pct) + 0.02 * np.asarray(organic_carbon_pct)


def salts_from_ece(ece_ds_m: Floats, saturation: Floats) -> Floats:
    """Soluble salt, g/kg, that gives this ECe without gypsum: 0.64 * ECe * theta_SP."""
    return GRAMS_PER_LITRE_PER_DS * np.asarray(ece_ds_m) * np.asarray(saturation)


def ece_ds_m(soil: Soil) -> Floats:
    """(n,) conductivity of the saturated-paste extract, dS/m."""
    water = saturation_water(soil.clay, soil.organic_carbon)
    return _conductivity(soil, water)


def ec_1_2_ds_m(soil: Soil) -> Floats:
    """(n,) conductivity of the extract of 1 part soil in 2 parts water by weight, dS/m.

    The salts are diluted, but two parts of water release more than a paste does: from exchange,
    hydrolysis and slowly dissolving minerals. The release 1.25 theta_SP**-0.6 reproduces the three
    lines of Hogg & Henry (ECe / EC1:2 = 2.79, 2.35, 2.16 for coarse, medium, fine soils) within
    a tenth. Gypsum dissolves afresh: up to five times as much of it as in the paste.
    """
    paste = saturation_water(soil.clay, soil.organic_carbon)
    released = soil.with_(salts_g_kg=soil.salts_g_kg * (1.25 * paste**-0.6)[:, None])
    return _conductivity(released, np.full(len(soil), 2.0))


def dissolved_gypsum_ds_m(gypsum_pct: Floats, sulphate_g_kg: Floats, water_kg_kg: Floats) -> Floats:
    """Conductivity, dS/m, of what dissolves of the gypsum in this much water (kg per kg of soil)."""
    present_g_l = 10.0 * np.asarray(gypsum_pct) / water_kg_kg
    common_ion = 1.0 + (np.asarray(sulphate_g_kg) / water_kg_kg) / _COMMON_ION_G_L
    share = np.minimum(present_g_l / GYPSUM_SOLUBILITY_G_L, 1.0 / common_ion)
    return GYPSUM_SATURATED_DS_M * share


def _conductivity(soil: Soil, water_kg_kg: Floats) -> Floats:
    salts = soil.total_salts_g_kg / (GRAMS_PER_LITRE_PER_DS * water_kg_kg)
    sulphate = soil.salts_g_kg[:, _SULPHATES].sum(axis=1)
    return salts + dissolved_gypsum_ds_m(soil.gypsum, sulphate, water_kg_kg)
