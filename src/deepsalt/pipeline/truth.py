"""What a simulated world knows and no survey does: the true ECe of the pixels of a whole scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.config import Config
from deepsalt.pairing import far_from
from deepsalt.pipeline.prepare import Prepared
from deepsalt.sampling import add_covariates, random_pixels
from deepsalt.simulate import World
from deepsalt.spectra import Spectra

_BLOCK = 10  # rows and columns of the pixels that count as neighbours, 300 m


def true_pixels(world: World, data: Prepared, config: Config, count: int) -> Spectra:
    """About `count` valid pixels of the unseen scene, drawn by seed, with covariates and true `ece_ds_m`.

    Ground points hold an error of measurement and lie in a few fields; these have none and lie everywhere.
    None lies within `pair_within_m` of a laboratory site. `group` is a block of 300 m.
    """
    region = str(config.split.unseen_region)
    names = set(data.part("unseen").samples["scene"])
    scenes = [scene for scene in data.scenes if scene.name in names]
    rules = config.satellite.rules() if config.satellite else None
    assert rules is not None
    found = random_pixels(scenes, data.sites.axis, count, config.seed, rules)
    table = found.samples
    ece = _at(world.truth(region), table)
    keep = np.isfinite(ece)
    for library in data.libraries.values():
        if {"latitude", "longitude"} <= set(library.samples):
            sites = library.samples[["latitude", "longitude"]].dropna()
            near_m = config.method.pair_within_m
            keep &= far_from(
                table["latitude"], table["longitude"], sites["latitude"], sites["longitude"], near_m
            )
    block = [f"{region}-{row // _BLOCK}-{column // _BLOCK}" for row, column in _cells(table)]
    about = {"id": [f"{region}-{row}-{column}" for row, column in _cells(table)], "region": region}
    told = found.with_samples(**about, group=block, ece_ds_m=ece).take(np.flatnonzero(keep))
    return add_covariates(told, data.covariates)


def _cells(table: pd.DataFrame) -> list[tuple[int, int]]:
    return list(zip(table["row"].astype(int), table["column"].astype(int), strict=True))


def _at(raster: Path, places: pd.DataFrame) -> NDArray[np.float64]:
    """(n,) the value of a raster's pixel at each place, NaN outside."""
    import rasterio
    from rasterio.transform import rowcol
    from rasterio.warp import transform

    with rasterio.open(raster) as opened:
        x, y = transform("EPSG:4326", opened.crs, places["longitude"], places["latitude"])
        values = opened.read(1, masked=True).astype(np.float64).filled(np.nan)
        rows, columns = (np.asarray(side, np.intp) for side in rowcol(opened.transform, x, y, op=np.floor))
    inside = (rows >= 0) & (rows < values.shape[0]) & (columns >= 0) & (columns < values.shape[1])
    found = np.full(len(places), np.nan)
    found[inside] = values[rows[inside], columns[inside]]
    return found
