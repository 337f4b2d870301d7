"""Maps with known layers on disk, and what a polygon holds of them by cutting every pixel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from deepsalt.mapping.cog import Grid, Layer, LayerWriter
from deepsalt.salinity.classes import USDA
from deepsalt.spectra import MaskReason, Window

UTM = "EPSG:32614"
LEFT, TOP = 500_000.0, 2_000_000.0
NORTH_UP = (30.0, 0.0, LEFT, 0.0, -30.0, TOP)


def write_map(
    folder: Path,
    ece: Any,
    *,
    mask: Any = None,
    crs: str = UTM,
    transform: tuple[float, ...] = NORTH_UP,
    level: str = "0.9",
    simulated: bool = True,
    **more: Any,
) -> Path:
    """A map folder with ece, class and mask, and further layers by name (ece_low=..., outside=...)."""
    values = np.asarray(ece, np.float32)
    reasons = np.where(np.isnan(values), MaskReason.CLOUD, 0) if mask is None else np.asarray(mask)
    layers = {"ece": values, "class": USDA.classify(values), "mask": reasons.astype(np.uint8), **more}
    folder.mkdir(parents=True)
    for name, pixels in layers.items():
        kind = "uint8" if name in ("class", "mask", "outside") else "float32"
        nodata = {"class": 255, "outside": 255, "mask": None}.get(name, float("nan"))
        writer = LayerWriter(
            folder, Layer(name, kind, nodata, name), Grid(*values.shape, crs, transform), {"LEVEL": level}
        )
        writer.write(Window(0, 0, *values.shape), np.asarray(pixels))
        writer.finish()
    facts = {
        "layers": {name: f"{name}.tif" for name in layers},
        "classes": [{"name": one.name, "lower": one.lower} for one in USDA.classes],
        "provenance": {"SIMULATED": "yes: toy"} if simulated else {},
    }
    (folder / "map.json").write_text(json.dumps(facts), "utf-8")
    return folder


def rectangle(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    """Given in columns and rows of a map at NORTH_UP."""
    return shapely.box(LEFT + 30 * left, TOP - 30 * bottom, LEFT + 30 * right, TOP - 30 * top)


def frame(*shapes: Any, crs: str = UTM, **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


def brute_shares(
    shape: shapely.Geometry, height: int, width: int, transform: tuple[float, ...] = NORTH_UP
) -> NDArray[np.float64]:
    """(y, x) share of each pixel under a shape: every pixel is cut, one by one."""
    a, b, c, d, e, f = transform
    shares = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
            pixel = shapely.Polygon([(a * x + b * y + c, d * x + e * y + f) for x, y in corners])
            shares[row, column] = shapely.intersection(pixel, shape).area / pixel.area
    return shares


def brute_quantile(values: NDArray[Any], weights: NDArray[np.float64], share: float) -> float:
    """The smallest value at or below which at least this share of the weight lies."""
    for value in np.sort(values):
        if weights[values <= value].sum() >= share * weights.sum() * (1 - 1e-9):
            return float(value)
    return float("nan")


def near(found: Mapping[str, Any], wanted: Mapping[str, float]) -> None:
    """Every wanted number to 1e-6, relative or in hectares."""
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
