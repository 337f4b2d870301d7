"""The ground truth of one region: soil, salt and the state of the surface, pixel by pixel.

Salt gathers where water ends: in low spots with a shallow water table, in badly drained fields, in
fallow land that no irrigation leaches. Fields have edges; texture and relief have none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from deepsalt.simulate.chemistry import ece_ds_m, salts_from_ece, saturation_water
from deepsalt.simulate.fields import Mosaic, mosaic, smooth_field, standardised
from deepsalt.simulate.regions import Region
from deepsalt.simulate.settings import WorldSettings, stream
from deepsalt.simulate.soil import Soil
from deepsalt.simulate.surface import Surface

Floats = NDArray[np.floating]

#: Uses of a field.
CROP, STUBBLE, FALLOW, BARE = range(4)

#: ECe below which salts count as leached away, dS/m: gives the many zeros of real data.
_LEACHED_DS_M = 0.5
#: No soil solution gets saltier than its salts allow; 70 dS/m is about twice sea water.
_CEILING_DS_M = 70.0
#: Green cover halves at this ECe (mid of the tolerances of barley, cotton and beet, Maas & Hoffman).
_CROP_HALVED_DS_M = 11.0


@dataclass(frozen=True, eq=False)
class Landscape:
    """One region. Arrays of `soil` and `surface` run over pixels row by row.

    region, shape   (rows, columns)
    soil            composition of 0-5 cm
    ece             (n,) true ECe of 0-5 cm, dS/m
    surface         the state on the day of the image
    lowness         (n,) standard deviations below the mean height
    fields, use     field number of each pixel, (y, x), and the use of each field
    water           (y, x) open water
    """

    region: Region
    shape: tuple[int, int]
    soil: Soil
    ece: Floats
    surface: Surface
    lowness: Floats
    fields: Mosaic
    use: NDArray[np.intp]
    water: NDArray[np.bool_]


def landscape(region: Region, settings: WorldSettings) -> Landscape:
    """Grow the region from the seed."""
    shape = (settings.rows, settings.columns)
    rng = stream(settings.seed, region.name, "landscape")
    lowness = standardised(1.0 * smooth_field(rng, shape, 16) + 0.45 * smooth_field(rng, shape, 5))
    fields = mosaic(rng, shape)
    crop, stubble, fallow = region.crops
    use = rng.choice(4, size=fields.count, p=[crop, stubble, fallow, 1 - crop - stubble - fallow])
    matrix = _matrix(region, rng, lowness)
    salty = _salt_index(rng, lowness, fields, use, matrix)
    soil = _with_salts(region, rng, matrix, salty, shape)
    ece = ece_ds_m(soil)
    water = _water(rng, lowness)
    surface = _surface(region, rng, soil, ece, lowness, fields, use)
    return Landscape(region, shape, soil, ece, surface, lowness.ravel(), fields, use, water)


def on_day(land: Landscape, settings: WorldSettings, look: int) -> Landscape:
    """The land on the day of a later look: the soil is the same, moisture, crust and plants are not."""
    if look == 0:
        return land
    rng = stream(settings.seed, land.region.name, "surface", str(look))
    lowness = land.lowness.reshape(land.shape)
    return replace(
        land, surface=_surface(land.region, rng, land.soil, land.ece, lowness, land.fields, land.use)
    )


def _matrix(region: Region, rng: np.random.Generator, lowness: Floats) -> Soil:
    """Texture and minerals without salt; finer and darker towards the low ground."""

    def varied(prior: tuple[float, float], trend: float, length_px: float, floor: float) -> Floats:
        field = standardised(trend * lowness + smooth_field(rng, lowness.shape, length_px))
        fine = 0.25 * rng.standard_normal(lowness.shape)
        return np.clip(prior[0] + prior[1] * (0.95 * field + fine), floor, 92.0).ravel()

    clay = varied(region.clay, 0.6, 14, 2.0)
    sand = np.minimum(varied(region.sand, -0.5, 14, 2.0), 97.0 - clay)
    count = lowness.size
    return Soil(
        sand=sand,
        clay=clay,
        organic_carbon=varied(region.organic_carbon, 0.2, 8, 0.1),
        carbonate=varied(region.carbonate, 0.1, 12, 0.0),
        gypsum=_gypsum(region, rng, lowness),
        goethite=varied(region.goethite, 0.1, 18, 0.02),
        hematite=varied(region.hematite, -0.2, 18, 0.0),
        smectite=np.full(count, region.smectite),
        kaolinite=np.full(count, region.kaolinite),
        salts_g_kg=np.zeros((count, 4)),
    )


def _gypsum(region: Region, rng: np.random.Generator, lowness: Floats) -> Floats:
    """Percent; it lies where the rock bears it, or, where the rock has little, in low ground."""
    share, mean = region.gypsum
    where = standardised(smooth_field(rng, lowness.shape, 11) + (0.3 if share > 0.5 else 1.2) * lowness)
    above = where - np.quantile(where, 1 - share)
    amount = mean * 1.1 * np.clip(above, 0, None) * np.exp(0.3 * rng.standard_normal(lowness.shape))
    return np.clip(amount, 0, 60.0).ravel()


def _salt_index(
    rng: np.random.Generator, lowness: Floats, fields: Mosaic, use: NDArray[np.intp], matrix: Soil
) -> Floats:
    """(n,) mean 0, standard deviation 1: where salt gathers."""
    drainage = rng.standard_normal(fields.count) + np.choose(use, [-0.7, -0.2, 0.6, 0.2])
    capillary = -(((matrix.clay - 24.0) / 20.0) ** 2).reshape(lowness.shape)  # silt loams lift the most
    index = (
        0.9 * lowness
        + 0.55 * fields.spread(drainage)
        + 0.4 * standardised(np.clip(capillary, -1, 0))
        + 0.6 * smooth_field(rng, lowness.shape, 6)
        + 0.25 * smooth_field(rng, lowness.shape, 1.2)
    )
    return standardised(index).ravel()


def _with_salts(
    region: Region, rng: np.random.Generator, matrix: Soil, salty: Floats, shape: tuple[int, int]
) -> Soil:
    median, spread = region.ece
    wanted = np.maximum(median * np.exp(spread * salty) - _LEACHED_DS_M, 0.0)
    wanted = _CEILING_DS_M * np.tanh(wanted / _CEILING_DS_M)
    logits = np.log(region.salts) + np.stack(
        [0.5 * smooth_field(rng, shape, 12).ravel() for _ in range(4)], 1
    )
    logits[:, 0] += 0.12 * salty  # the most soluble salts are left where most has gathered
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    saturation = saturation_water(matrix.clay, matrix.organic_carbon)
    starved = matrix.organic_carbon * (1.0 - 0.35 * np.tanh(wanted / 12.0))  # little grows, little rots
    salts = shares * salts_from_ece(wanted, saturation)[:, None]
    return matrix.with_(salts_g_kg=salts, organic_carbon=starved)


def _water(rng: np.random.Generator, lowness: Floats) -> NDArray[np.bool_]:
    """Ponds and drains in the lowest ground, one to two percent."""
    return lowness > np.quantile(lowness, 1.0 - rng.uniform(0.010, 0.020))


def _surface(
    region: Region,
    rng: np.random.Generator,
    soil: Soil,
    ece: Floats,
    lowness: Floats,
    fields: Mosaic,
    use: NDArray[np.intp],
) -> Surface:
    shape, count = lowness.shape, fields.count
    land_use = fields.spread(use).ravel()
    just_irrigated = fields.spread((use == CROP) * rng.random(count) ** 3).ravel()
    moisture = _moisture(region, rng, soil, lowness, just_irrigated)
    crust = _crust(rng, ece, moisture, land_use, shape)
    green = _green(region, rng, ece, land_use, fields, shape)
    dry = np.where(
        land_use == STUBBLE, fields.spread(rng.uniform(0.08, 0.5, count)).ravel(), 0.0
    ) + 0.06 * np.abs(smooth_field(rng, shape, 3).ravel())
    dry = np.clip(dry, 0.0, 0.9 - green)
    roughness = fields.spread(rng.uniform(-0.10, 0.02, count)).ravel()
    slope = 0.03 * smooth_field(rng, shape, 4).ravel() + 0.01 * rng.standard_normal(lowness.size)
    sealed = 0.06 * np.tanh(ece / 8.0)  # sodium disperses the clay: the surface seals and lies smoother
    light = np.clip(1.0 + roughness + slope + sealed, 0.7, 1.15)
    return Surface(moisture, crust * (1 - green), green, dry, light)


def _moisture(
    region: Region, rng: np.random.Generator, soil: Soil, lowness: Floats, just_irrigated: Floats
) -> Floats:
    """Degree of saturation: wetter in low ground, after irrigation, and where salts draw water."""
    hygroscopic = 0.12 * (1.0 - np.exp(-(0.6 * soil.salts_g_kg[:, 0] + soil.salts_g_kg[:, 2]) / 8.0))
    patches = np.exp(0.25 * smooth_field(rng, lowness.shape, 5)).ravel()
    base = region.moisture * patches * np.exp(0.25 * lowness.ravel())
    return np.clip(base + 0.35 * just_irrigated + hygroscopic, 0.01, 0.95)


def _crust(
    rng: np.random.Generator,
    ece: Floats,
    moisture: Floats,
    land_use: NDArray[np.intp],
    shape: tuple[int, int],
) -> Floats:
    """Share of the pixel under salt crust: from 4-8 dS/m up, on dry ground that is not tilled."""
    ready = expit(2.2 * (np.log1p(ece) - np.log1p(12.0)))
    whim = np.exp(0.4 * smooth_field(rng, shape, 2.5).ravel() - 0.08)
    tilled = np.choose(land_use, [0.4, 0.7, 1.0, 0.9])
    return np.clip(0.7 * ready * whim * tilled * np.exp(-2.0 * moisture), 0.0, 0.85)


def _green(
    region: Region,
    rng: np.random.Generator,
    ece: Floats,
    land_use: NDArray[np.intp],
    fields: Mosaic,
    shape: tuple[int, int],
) -> Floats:
    """Green cover: crops thinned by salt, sparse wild plants elsewhere."""
    sown = fields.spread(rng.uniform(0.3, 0.9, fields.count)).ravel()
    stress = 1.0 / (1.0 + (ece / _CROP_HALVED_DS_M) ** 2.0)
    wild = region.natural_green * np.exp(0.4 * smooth_field(rng, shape, 4).ravel()) * (0.3 + 0.7 * stress)
    fallow = np.where(land_use == BARE, 0.3, 1.0)
    return np.clip(np.where(land_use == CROP, sown * stress, wild * fallow), 0.0, 0.92)
