"""Climate zone and soil class of a region as rasters of classes, for results by stratum.

The soil class follows texture, gypsum and carbonate, never the salt: a stratum must not tell the label.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.fields import smooth_field
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.settings import WorldSettings, stream
from deepsalt.simulate.tiff import write_tiff

#: Koeppen-Geiger classes by the numbers of Beck et al. (2018), and the neighbour at a region's margin.
CLIMATES = {4: "BWh", 5: "BWk", 6: "BSh", 7: "BSk", 8: "Csa"}
_MARGIN = {"BWh": "BSh", "BWk": "BSk", "BSk": "BWk", "Csa": "BSk"}
#: Share of a region that lies in the neighbouring zone.
_MARGIN_SHARE = 0.2

#: Groups named as in WRB (2022), by rough limits of their diagnostic horizons, percent by mass.
SOILS = {1: "Cambisols", 2: "Calcisols", 3: "Gypsisols", 4: "Vertisols", 5: "Arenosols"}
_CALCIC, _GYPSIC, _VERTIC_CLAY, _ARENIC_SAND = 15.0, 5.0, 30.0, 70.0
#: Shrinking clays make a Vertisol: share of smectite.
_VERTIC_SMECTITE = 0.5
_SMALLEST_PX = 9
_NO_CLASS = 0


def write_zones(land: Landscape, settings: WorldSettings, folder: Path) -> Path:
    """Write REGION.tif (uint8, bands climate_zone and soil_class, 0 = no class) and the names of its classes
    in REGION.tif.aux.xml; give the path of the raster."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{land.region.name}.tif"
    rng = stream(settings.seed, land.region.name, "zones")
    layers = {"climate_zone": (_climate(land, rng), CLIMATES), "soil_class": (_soil(land), SOILS)}

    def describe(file: Any) -> None:
        for number, name in enumerate(layers, start=1):
            file.set_band_description(number, name)

    values = np.stack([codes for codes, _ in layers.values()])
    write_tiff(
        path, values, grid_of(land.region, land.shape), {"nodata": _NO_CLASS, "compress": "deflate"}, describe
    )
    _write_names(path.with_name(f"{path.name}.aux.xml"), [names for _, names in layers.values()])
    return path


def _climate(land: Landscape, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The zone of the region, and its neighbour where a smooth field is lowest."""
    code = {name: number for number, name in CLIMATES.items()}
    own = next(name for name in CLIMATES.values() if name in land.region.climate)
    field = smooth_field(rng, land.shape, 25)
    margin = field < np.quantile(field, _MARGIN_SHARE)
    return np.where(margin, code[_MARGIN[own]], code[own]).astype(np.uint8)


def _soil(land: Landscape) -> NDArray[np.uint8]:
    """The last rule that holds decides; patches too small for a map are drawn into what surrounds them."""
    from rasterio.features import sieve

    soil = land.soil
    rules = (
        (2, soil.carbonate >= _CALCIC),
        (3, soil.gypsum >= _GYPSIC),
        (4, (soil.clay >= _VERTIC_CLAY) & (soil.smectite >= _VERTIC_SMECTITE)),
        (5, soil.sand >= _ARENIC_SAND),
    )
    codes = np.ones(len(soil.clay), np.uint8)
    for code, holds in rules:
        codes[holds] = code
    drawn = sieve(codes.reshape(land.shape), _SMALLEST_PX)
    return np.where(land.water, _NO_CLASS, drawn).astype(np.uint8)


def _write_names(path: Path, bands: list[Mapping[int, str]]) -> None:
    """Category names as GDAL keeps them beside a raster: the order is the code, empty where there is none."""
    root = ET.Element("PAMDataset")
    for number, names in enumerate(bands, start=1):
        categories = ET.SubElement(ET.SubElement(root, "PAMRasterBand", band=str(number)), "CategoryNames")
        for code in range(max(names) + 1):
            ET.SubElement(categories, "Category").text = names.get(code, "")
    ET.indent(root)
    path.write_text(ET.tostring(root, encoding="unicode") + "\n", encoding="utf-8")
