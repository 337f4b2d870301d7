"""Five invented regions: parent material, climate, salts. The places only fix zone, sun and season.

The numbers are priors of ordinary soils of each kind, chosen for plausibility and not fitted to any
data. Salts by region follow the usual order of salt types: sulphate-chloride in inland alluvium,
magnesium sulphate in loess and marl, chloride near the coast, chloride and soda in deltas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from deepsalt.errors import UsageError

#: Salt families, in the order of every array of salts.
FAMILIES = ("NaCl", "Na2SO4", "MgSO4", "Na2CO3")


@dataclass(frozen=True)
class Region:
    """Priors of a landscape. A pair is (mean, standard deviation) over the region.

    clay, sand, carbonate, organic_carbon, goethite, hematite   percent by mass
    smectite, kaolinite   shares of the clay; the rest is illite
    gypsum                (share of the land with gypsum, mean percent there)
    salts                 mean shares of FAMILIES
    ece                   (median dS/m, standard deviation of ln) of the part that salts make
    moisture              mean degree of saturation of the top centimetre on the day of the image
    crops                 shares of fields that are under crop, stubble, and fallow; the rest is bare
    natural_green         mean green cover outside fields
    temperature_c, precipitation_mm   annual means
    month                 month of the image
    """

    name: str
    parent_material: str
    climate: str
    latitude: float
    longitude: float
    clay: tuple[float, float]
    sand: tuple[float, float]
    carbonate: tuple[float, float]
    organic_carbon: tuple[float, float]
    goethite: tuple[float, float]
    hematite: tuple[float, float]
    smectite: float
    kaolinite: float
    gypsum: tuple[float, float]
    salts: tuple[float, float, float, float]
    ece: tuple[float, float]
    moisture: float
    crops: tuple[float, float, float]
    natural_green: float
    temperature_c: float
    precipitation_mm: float
    month: int

    @property
    def utm_zone(self) -> int:
        return int((self.longitude + 180) // 6) + 1

    @property
    def epsg(self) -> int:
        """EPSG code of the UTM zone on WGS84."""
        return (32600 if self.latitude >= 0 else 32700) + self.utm_zone


_ALL = (
    Region(
        name="alluvial_basin",
        parent_material="river alluvium, silt loam to silty clay loam, irrigated",
        climate="cold semi-arid (BSk)",
        latitude=40.62,
        longitude=71.24,
        clay=(24.0, 6.0),
        sand=(22.0, 8.0),
        carbonate=(8.0, 3.0),
        organic_carbon=(0.9, 0.3),
        goethite=(1.0, 0.3),
        hematite=(0.2, 0.1),
        smectite=0.3,
        kaolinite=0.15,
        gypsum=(0.10, 4.0),
        salts=(0.35, 0.45, 0.18, 0.02),
        ece=(2.2, 1.20),
        moisture=0.16,
        crops=(0.28, 0.22, 0.2),
        natural_green=0.08,
        temperature_c=13.5,
        precipitation_mm=230.0,
        month=9,
    ),
    Region(
        name="loess_plain",
        parent_material="loess, calcareous silt loam",
        climate="cold desert margin (BWk)",
        latitude=39.38,
        longitude=100.21,
        clay=(17.0, 4.0),
        sand=(28.0, 7.0),
        carbonate=(14.0, 3.0),
        organic_carbon=(0.7, 0.25),
        goethite=(0.9, 0.25),
        hematite=(0.25, 0.1),
        smectite=0.2,
        kaolinite=0.15,
        gypsum=(0.08, 3.0),
        salts=(0.25, 0.35, 0.37, 0.03),
        ece=(2.0, 1.30),
        moisture=0.12,
        crops=(0.25, 0.25, 0.2),
        natural_green=0.06,
        temperature_c=7.8,
        precipitation_mm=140.0,
        month=10,
    ),
    Region(
        name="gypsum_marl",
        parent_material="gypsiferous marl and its colluvium, silty clay loam",
        climate="Mediterranean semi-arid (BSk)",
        latitude=41.49,
        longitude=-0.58,
        clay=(26.0, 6.0),
        sand=(24.0, 8.0),
        carbonate=(22.0, 6.0),
        organic_carbon=(1.0, 0.35),
        goethite=(0.8, 0.3),
        hematite=(0.35, 0.2),
        smectite=0.25,
        kaolinite=0.2,
        gypsum=(0.55, 18.0),
        salts=(0.38, 0.34, 0.26, 0.02),
        ece=(1.5, 1.35),
        moisture=0.14,
        crops=(0.22, 0.3, 0.2),
        natural_green=0.12,
        temperature_c=15.1,
        precipitation_mm=330.0,
        month=8,
    ),
    Region(
        name="coastal_sand",
        parent_material="sandy coastal plain over weathered kaolinitic clay",
        climate="Mediterranean, dry summer (Csa)",
        latitude=-33.62,
        longitude=116.18,
        clay=(9.0, 4.0),
        sand=(78.0, 8.0),
        carbonate=(1.0, 1.0),
        organic_carbon=(1.1, 0.45),
        goethite=(0.9, 0.5),
        hematite=(0.5, 0.3),
        smectite=0.05,
        kaolinite=0.75,
        gypsum=(0.02, 2.0),
        salts=(0.86, 0.06, 0.07, 0.01),
        ece=(1.8, 1.40),
        moisture=0.10,
        crops=(0.2, 0.35, 0.2),
        natural_green=0.14,
        temperature_c=16.4,
        precipitation_mm=480.0,
        month=2,
    ),
    Region(
        name="clay_delta",
        parent_material="deltaic smectitic clay (vertisol)",
        climate="hot desert, irrigated (BWh)",
        latitude=31.13,
        longitude=31.31,
        clay=(48.0, 8.0),
        sand=(14.0, 6.0),
        carbonate=(3.5, 1.5),
        organic_carbon=(1.3, 0.4),
        goethite=(1.6, 0.4),
        hematite=(0.3, 0.15),
        smectite=0.75,
        kaolinite=0.1,
        gypsum=(0.05, 2.5),
        salts=(0.58, 0.18, 0.10, 0.14),
        ece=(3.0, 1.15),
        moisture=0.22,
        crops=(0.34, 0.2, 0.16),
        natural_green=0.08,
        temperature_c=20.8,
        precipitation_mm=90.0,
        month=5,
    ),
)

REGIONS: dict[str, Region] = {region.name: region for region in _ALL}


def known_regions(names: Sequence[str]) -> tuple[Region, ...]:
    """The regions of these names. Raises UsageError for one that is unknown, repeated, or for none."""
    if not names:
        raise UsageError("no region", where="settings", fix=f"Known: {', '.join(REGIONS)}.")
    for name in names:
        if name not in REGIONS:
            close = get_close_matches(name, REGIONS, n=1)
            raise UsageError(
                f"unknown region {name!r}",
                where="settings",
                fix=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(REGIONS)}.",
            )
    if len(set(names)) < len(names):
        raise UsageError("a region is named twice", where="settings", fix="Name each region once.")
    return tuple(REGIONS[name] for name in names)
