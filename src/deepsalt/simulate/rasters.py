"""Truth and covariates of a region as GeoTIFFs on the grid of its scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.simulate.fields import smooth_field
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.settings import WorldSettings, stream

Floats = NDArray[np.floating]


def truth_layers(land: Landscape) -> dict[str, Floats]:
    """(y, x) by name; ECe and what makes or hides it. NaN on open water."""
    soil, surface = land.soil, land.surface
    layers = {
        "ece_ds_m": land.ece,
        "salts_g_kg": soil.total_salts_g_kg,
        "gypsum_pct": soil.gypsum,
        "salt_crust": surface.crust,
        "moisture": surface.moisture,
        "green_vegetation": surface.green,
        "dry_vegetation": surface.dry,
    }
    return {name: np.where(land.water, np.nan, v.reshape(land.shape)) for name, v in layers.items()}


def covariate_layers(land: Landscape, settings: WorldSettings) -> dict[str, Floats]:
    """(y, x) by name: texture as a soil map gives it (smoothed, in error), climate as a coarse grid does."""
    rng = stream(settings.seed, land.region.name, "covariates")
    shape = land.shape

    def mapped(truth: Floats, prior: tuple[float, float]) -> Floats:
        pulled = prior[0] + 0.7 * (truth.reshape(shape) - prior[0])
        return np.clip(pulled + 0.5 * prior[1] * smooth_field(rng, shape, 9), 0.0, 100.0)

    north = np.linspace(0.5, -0.5, shape[0])[:, None] * np.ones(shape)
    region = land.region
    return {
        "sand_pct": mapped(land.soil.sand, region.sand),
        "clay_pct": mapped(land.soil.clay, region.clay),
        "temperature_c": region.temperature_c - 0.2 * north + 0.05 * smooth_field(rng, shape, 20),
        "precipitation_mm": region.precipitation_mm
        * (1 + 0.03 * north + 0.01 * smooth_field(rng, shape, 20)),
    }


def write_raster(path: Path, layers: Mapping[str, Floats], land: Landscape) -> None:
    """A float32 GeoTIFF, nodata NaN, one described band a layer."""
    import rasterio
    from rasterio.transform import Affine

    grid = grid_of(land.region, land.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="float32",
        count=len(layers),
        height=grid.rows,
        width=grid.columns,
        crs=grid.crs,
        transform=Affine(*grid.transform),
        nodata=float("nan"),
        compress="deflate",
        predictor=3,
    ) as file:
        for number, (name, values) in enumerate(layers.items(), start=1):
            file.write(values.astype(np.float32), number)
            file.set_band_description(number, name)
