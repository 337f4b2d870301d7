"""Map units of a region as a survey publishes them: polygons, components with percents, horizons with ECe.

A unit is a level of relief within a soil district; it holds several soils that no polygon tells apart. The
tables follow the true ECe of the unit's pixels, with the error and its gaps: a soil without an EC,
litter without one, horizons that end within the surface layer, water, percents rounded one by one.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.simulate.fields import Floats, smooth_field
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.library import TOP_LAYER_CM
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.settings import WorldSettings, stream

#: Lower edges of plain and low ground, standard deviations below the mean height.
_LEVELS = (-0.4, 0.6)
#: Fewer pixels than this are drawn into the unit around them.
_SMALLEST_PX = 12
#: Shares of the soils of a unit, from the least to the most saline.
_SOILS = (0.55, 0.30, 0.15)
#: Error of a surveyor's ECe (sd of ln), and the quantiles that "low" and "high" stand for.
_SURVEY_ERROR, _LOW, _HIGH = 0.15, 0.10, 0.90
#: Depths at which a topsoil may end, cm: two of them within the surface layer; and where descriptions end.
_TOPSOIL_CM, _END_CM = (3, 4, 15), 60
_LITTER = 0.2
#: Decimals of degrees: about 1 cm.
_DECIMALS = 7


def write_map_units(land: Landscape, settings: WorldSettings, folder: Path) -> tuple[Path, Path, Path]:
    """Write REGION.geojson (WGS84, column mukey), REGION_component.csv, REGION_chorizon.csv; give the paths.

    Keys are unique over regions, so that tables of several may be joined.
    """
    rng = stream(settings.seed, land.region.name, "map units")
    units = _units(land, rng)
    components, horizons = _tables(land, units, rng)
    folder.mkdir(parents=True, exist_ok=True)
    name = land.region.name
    paths = folder / f"{name}.geojson", folder / f"{name}_component.csv", folder / f"{name}_chorizon.csv"
    collection = {
        "type": "FeatureCollection",
        "name": f"{name} map units",
        "features": _features(land, units),
    }
    paths[0].write_text(json.dumps(collection) + "\n", encoding="utf-8")
    components.to_csv(paths[1], index=False, lineterminator="\n")
    horizons.to_csv(paths[2], index=False, lineterminator="\n")
    return paths


def unit_key(land: Landscape, unit: int) -> str:
    """The mukey of a unit."""
    return f"{land.region.name}-u{unit:02d}"


def _units(land: Landscape, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(y, x) number of the unit of each pixel, from 1."""
    from rasterio.features import sieve

    level = np.digitize(land.lowness.reshape(land.shape), _LEVELS)
    district = smooth_field(rng, land.shape, 20) > 0
    drawn = sieve((1 + level + (len(_LEVELS) + 1) * district).astype(np.uint8), _SMALLEST_PX)
    return np.asarray(drawn, np.uint8)


def _features(land: Landscape, units: NDArray[np.uint8]) -> list[dict[str, Any]]:
    """A polygon for each connected part of a unit, in degrees; neighbours share their borders."""
    from rasterio.features import shapes
    from rasterio.transform import Affine
    from rasterio.warp import transform_geom

    grid = grid_of(land.region, land.shape)
    found = sorted(shapes(units, transform=Affine(*grid.transform)), key=lambda one: one[1])
    degrees = transform_geom(grid.crs, "EPSG:4326", [shape for shape, _ in found], precision=_DECIMALS)
    return [
        {"type": "Feature", "properties": {"mukey": unit_key(land, int(unit))}, "geometry": shape}
        for shape, (_, unit) in zip(degrees, found, strict=True)
    ]


def _tables(
    land: Landscape, units: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    components: list[dict[str, Any]] = []
    horizons: list[dict[str, Any]] = []
    ece = land.ece.reshape(land.shape)
    for unit in np.unique(units):
        here, key = units == unit, unit_key(land, int(unit))
        wet = round(100 * float(land.water[here].mean()))
        unknown = int(rng.integers(3, 9))
        percents = [round((100 - wet - unknown) * share) for share in _SOILS]
        soils = _soils(ece[here & ~land.water], rng)
        for number, (percent, soil) in enumerate(zip(percents, soils, strict=True), start=1):
            components.append(_component(key, number, f"{land.region.name} soil {number}", percent))
            horizons += _horizons(f"{key}-c{number}", soil, rng)
        components.append(_component(key, 4, "not described", unknown, major=False))
        horizons.append(_horizon(f"{key}-c4", 1, (0, _END_CM), None))
        if wet:
            components.append(_component(key, 5, "Water", wet, "Miscellaneous area", major=False))
    return pd.DataFrame(components), pd.DataFrame(horizons)


def _soils(ece: Floats, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """(low, representative, high) ECe of the soils of a unit, as a surveyor puts them."""
    edges = np.quantile(ece, [0.0, *np.cumsum(_SOILS)])
    found = []
    for low, high in pairwise(edges):
        values = np.quantile(ece[(ece >= low) & (ece <= high)], [_LOW, 0.5, _HIGH])
        found.append(values * np.exp(rng.normal(0.0, _SURVEY_ERROR)))
    return found


def _component(
    key: str, number: int, name: str, percent: int, kind: str = "Series", *, major: bool = True
) -> dict[str, Any]:
    return {
        "mukey": key,
        "cokey": f"{key}-c{number}",
        "compname": name,
        "comppct_r": percent,
        "majcompflag": "Yes" if major else "No",
        "compkind": kind,
    }


def _horizons(cokey: str, soil: NDArray[np.float64], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Horizons whose mean over the surface layer is the soil's ECe; litter has none and does not count."""
    surface = TOP_LAYER_CM[1]
    start = int(rng.random() < _LITTER)
    end = int(rng.choice(_TOPSOIL_CM))
    uneven, below = rng.uniform(0.9, 1.1), float(np.exp(rng.normal(-0.3, 0.3)))
    if end < surface:
        rest = ((surface - start) - uneven * (end - start)) / (surface - end)
        layers = [((start, end), uneven), ((end, surface + 10), rest), ((surface + 10, _END_CM), below)]
    else:
        layers = [((start, end), 1.0), ((end, _END_CM), below)]
    rows = [_horizon(cokey, 0, (0, start), None)] if start else []
    return rows + [
        _horizon(cokey, number, depth, soil * factor)
        for number, (depth, factor) in enumerate(layers, start=1)
    ]


def _horizon(
    cokey: str, number: int, depth: tuple[int, int], ece: NDArray[np.float64] | None
) -> dict[str, Any]:
    values = [None] * 3 if ece is None else [round(float(value), 2) for value in np.sort(ece)]
    return {
        "cokey": cokey,
        "chkey": f"{cokey}-h{number}",
        "hzdept_r": depth[0],
        "hzdepb_r": depth[1],
        "ec_l": values[0],
        "ec_r": values[1],
        "ec_h": values[2],
    }
