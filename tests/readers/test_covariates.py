"""Covariate rasters: values at places, and on the grid of a scene."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from rasterio.warp import transform
from tests.readers.conftest import COLUMNS, ROWS, Product

import deepsalt as ds
from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.covariates import CovariateRaster
from deepsalt.spectra import Window

NAMES = ("sand_pct", "clay_pct")


def values() -> np.ndarray:
    sand = np.arange(ROWS * COLUMNS, dtype=np.float32).reshape(ROWS, COLUMNS)
    both = np.stack([sand, 1000 + sand])
    both[1, 0, 0] = np.nan
    return both


def lat_lon(rows: list[float], columns: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of pixel positions (0.5 = the middle of the first) on the grid of the fixture."""
    x, y = 600_000 + 30 * np.array(columns), 5_800_000 - 30 * np.array(rows)
    longitude, latitude = transform("EPSG:32632", "EPSG:4326", x, y)
    return np.array(latitude), np.array(longitude)


def test_at_gives_the_pixel_that_holds_the_place(make_tiff) -> None:
    raster = CovariateRaster.open(make_tiff(values(), descriptions=NAMES, nodata=np.nan))
    assert raster.names == NAMES
    latitude, longitude = lat_lon([0.5, 3.9, 11.1, 0.5, -0.5], [9.5, 2.1, 0.9, 0.5, 3])
    found = raster.at(latitude, longitude)
    np.testing.assert_array_equal(found["sand_pct"], [9, 32, 110, 0, np.nan])
    np.testing.assert_array_equal(found["clay_pct"], [1009, 1032, 1110, np.nan, np.nan])
    assert np.isnan(raster.at([np.nan, 10.0], [5.0, np.nan])).all(axis=None)


def test_nodata_and_scale_are_honoured(make_tiff, product: Product) -> None:
    stored = np.full((1, ROWS, COLUMNS), 215, np.int16)
    stored[0, 0, 0] = -9999
    path = make_tiff(stored, descriptions=("temperature_c",), nodata=-9999)
    with rasterio.open(path, "r+") as data:
        data.scales = (0.1,)
    raster = CovariateRaster.open(path)
    found = raster.at(*lat_lon([0.5, 0.5], [0.5, 1.5]))
    np.testing.assert_allclose(found["temperature_c"], [np.nan, 21.5])
    on_scene = raster.on(ds.read(product.write()))["temperature_c"]
    np.testing.assert_allclose(on_scene[0, :2], [np.nan, 21.5])


def test_on_the_same_grid_changes_nothing(make_tiff, product: Product) -> None:
    raster = CovariateRaster.open(make_tiff(values(), descriptions=NAMES, nodata=np.nan))
    scene = ds.read(product.write())
    whole = raster.on(scene)
    np.testing.assert_array_equal(whole["clay_pct"], values()[1])
    window = Window(2, 3, 4, 5)
    part = raster.on(scene, window)
    assert part["sand_pct"].dtype == np.float32
    np.testing.assert_array_equal(part["sand_pct"], values()[0][window.slices])


def test_on_another_grid(make_tiff, product: Product) -> None:
    scene = ds.read(product.write())
    coarse = np.array([[[1.0, 2.0], [3.0, 4.0]]], np.float32)
    raster = CovariateRaster.open(
        make_tiff(
            coarse,
            descriptions=("sand_pct",),
            nodata=-9999,
            transform=Affine(150, 0, 600_000, 0, -150, 5_800_000),
        )
    )
    sand = raster.on(scene)["sand_pct"]
    assert (sand[:5, :5] == 1).all()
    assert (sand[5:10, 5:] == 4).all()
    assert np.isnan(sand[10:]).all(), "outside the raster"
    smooth = raster.on(scene, resampling="bilinear")["sand_pct"]
    assert 1 < smooth[2, 5] < 2


def test_rasters_that_cannot_be_used(make_tiff, product: Product, tmp_path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        CovariateRaster.open(tmp_path / "none.tif")
    with pytest.raises(ProductError, match="two bands are called 'sand_pct'"):
        CovariateRaster.open(make_tiff(values(), descriptions=("sand_pct", "sand_pct")))
    with pytest.raises(ProductError, match="raster has no coordinate system"):
        CovariateRaster.open(make_tiff(values(), crs=None))
    product.crs = None
    raster = CovariateRaster.open(make_tiff(values()))
    assert raster.names == ("band_1", "band_2")
    with pytest.raises(ProductError, match="scene has no coordinate system"):
        raster.on(ds.read(product.write()))
