"""Absorption features of soil that are known: where they lie, what makes them, and who says so.

They help to read which wavelengths a model uses. A window that a model reads and that holds a known feature
is a reason to look closer, no proof: features overlap, and everything in a soil goes together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: What every picture of an explanation must say.
HALITE = (
    "Halite (rock salt) has no band of its own between 400 and 2500 nm, and none in the mid infrared: a "
    "model sees it through water, brightness, structure and what goes with it. No window here is its band."
)
GYPSUM = "Gypsum shows strongly and cannot raise ECe above about 2-2.5 dS/m: its bands are not high salinity."

_MEASURED = "measured on samples of the ECOSTRESS library (Baldridge et al. 2009, Meerdink et al. 2019)"
_BISHOP = "Bishop et al. (2014), American Mineralogist 99:2105"
_MOREIRA = "Moreira et al. (2014), Remote Sensing 6:2647"
_TETRACORDER = "inside a continuum window of USGS Tetracorder 5.26"
_CURCIO = "Curcio and Petty (1951), Journal of the Optical Society of America 41:302"
_GAUSMAN = "Gausman and Allen (1973), Plant Physiology 52:57"
_CLARK = "Clark et al. (1990), Journal of Geophysical Research 95:12653"
_NGUYEN = "Nguyen, Janik and Raupach (1991), Australian Journal of Soil Research 29:49"
_VOLKOV = "Volkov et al. (2021), Agronomy 11:1879"


@dataclass(frozen=True)
class Feature:
    """One absorption feature.

    name       short, for a label in a figure; no two share one
    material   what absorbs: water, gypsum, clay, ...
    low, high  the window that it fills, in `unit`
    what       the cause in a few words
    source     where its place is from
    """

    name: str
    material: str
    low: float
    high: float
    what: str
    source: str
    unit: str = "nm"

    def holds(self, centres: ArrayLike) -> NDArray[np.bool_]:
        """(band,) whether each band centre, in the feature's unit, lies in the window.

        >>> Feature("clay 2200", "clay", 2180, 2230, "Al-OH", "").holds([2100.0, 2180.0, 2230.0]).tolist()
        [False, True, True]
        """
        at = np.asarray(centres, np.float64)
        return np.asarray((at >= self.low) & (at <= self.high))


#: Visible to shortwave infrared, by wavelength.
SOLAR = (
    Feature("iron 460-560", "iron oxide", 457, 562, "goethite and its kin", _TETRACORDER),
    Feature("chlorophyll 650", "plants", 635, 685, "chlorophyll of green plants", _GAUSMAN),
    Feature("iron 850-950", "iron oxide", 850, 945, "goethite and its kin; broad, 776-1266 nm", _TETRACORDER),
    Feature("water 970", "water", 950, 985, "liquid water, overtone", _CURCIO),
    Feature("gypsum 1000", "gypsum", 988, 1010, "water of crystals, overtone; weak", _MEASURED),
    Feature("water 1190", "water", 1170, 1230, "liquid water 1190, gypsum 1200", f"{_CURCIO}; {_MEASURED}"),
    Feature("OH 1400", "clay", 1390, 1425, "OH of clay and thin water, overtone", _CLARK),
    Feature("gypsum 1446-1538", "gypsum", 1436, 1550, "triplet of gypsum; liquid water 1450", _BISHOP),
    Feature("gypsum 1750", "gypsum", 1730, 1770, "water of crystals; used on salinised soil", _MOREIRA),
    Feature("water 1900-1950", "water", 1880, 1965, "liquid water, gypsum, every hydrated salt",
            f"{_GAUSMAN}; {_MEASURED}"),
    Feature("cellulose 2100", "dry plants", 2075, 2144, "cellulose and lignin of dry plants", _TETRACORDER),
    Feature("clay 2200", "clay", 2180, 2230, "Al-OH of clay; gypsum 2214", f"{_TETRACORDER}; {_MEASURED}"),
    Feature("carbonate 2330", "carbonate", 2300, 2355, "calcite 2335, dolomite 2312; dry plants", _MEASURED),
    Feature("hydrates 2390-2435", "hydrated salts", 2385, 2440, "epsomite 2394, gypsum 2425", _MEASURED),
)  # fmt: skip

#: Mid infrared, by wavenumber.
MID_INFRARED = (
    Feature("sulphate 600-680", "sulphate", 600, 680, "bend of the sulphate ion", _BISHOP, "cm-1"),
    Feature("carbonate 714", "carbonate", 706, 722, "calcite", _MEASURED, "cm-1"),
    Feature("carbonate 876", "carbonate", 868, 884, "calcite", _MEASURED, "cm-1"),
    Feature("sulphate 1100-1200", "sulphate", 1100, 1200, "stretch of the sulphate ion", _BISHOP, "cm-1"),
    Feature("gypsum 1620", "gypsum", 1610, 1640, "bend of the water of crystals", _BISHOP, "cm-1"),
    Feature("quartz 1650-2000", "quartz", 1650, 2000, "quartz and kaolinite, overtones", _NGUYEN, "cm-1"),
    Feature("carbonate 2500-2600", "carbonate", 2500, 2600, "calcite, dolomite; overtones", _NGUYEN, "cm-1"),
    Feature("organic 2850-2930", "organic matter", 2850, 2930, "CH of organic matter", _VOLKOV, "cm-1"),
    Feature("water 3400", "water", 3290, 3510, "water in gypsum and on salt", _MEASURED, "cm-1"),
    Feature("clay 3680", "clay", 3670, 3700, "OH of silicates, bound to water", _VOLKOV, "cm-1"),
)  # fmt: skip


def features_on(centres: Sequence[float] | NDArray[np.float64], unit: str) -> tuple[Feature, ...]:
    """The known features that at least one band lies in, by their place.

    centres  (band,) nm or cm-1, as `unit` says

    >>> [one.name for one in features_on([560.0, 1750.0], "nm")]
    ['iron 460-560', 'gypsum 1750']
    """
    return tuple(one for one in (*SOLAR, *MID_INFRARED) if one.unit == unit and one.holds(centres).any())
