"""A Sentinel-2 product of the land: in the real structure, at the right place, and true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

import deepsalt as ds
from deepsalt.files import fingerprint
from deepsalt.simulate import REGIONS, WorldSettings
from deepsalt.simulate.acquisition import BACKGROUND, WATER
from deepsalt.simulate.instrument import gaussian_response, noise_of
from deepsalt.simulate.landscape import landscape, on_day
from deepsalt.simulate.place import Grid, grid_of
from deepsalt.simulate.sentinel2_overpass import NATIVE, Overpass, fly_over, sentinel2_views
from deepsalt.simulate.sentinel2_product import stored_numbers, write_sentinel2
from deepsalt.simulate.sentinel2_xml import tile_of
from deepsalt.simulate.surface import surface_reflectance
from deepsalt.spectra import MaskReason, Scene, Sensor

SETTINGS = WorldSettings.small()
REGION = REGIONS["alluvial_basin"]
LAND = landscape(REGION, SETTINGS)
GRID = grid_of(REGION, LAND.shape)
BANDS = Sensor.load("sentinel2").detector


@pytest.fixture(scope="module")
def overpass() -> Overpass:
    return fly_over(LAND, SETTINGS)


@pytest.fixture(scope="module")
def product(overpass: Overpass, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sentinel2(overpass, tmp_path_factory.mktemp("s2"))


def clear_land(scene: Scene, overpass: Overpass) -> np.ndarray:
    flags = overpass.main.flags
    return (scene.mask() == MaskReason.VALID) & (flags["CIRRUS"] == 0) & (flags["HAZE"] == 0)


def test_the_three_grids_share_their_corner_and_hold_the_land() -> None:
    views = sentinel2_views(REGION, LAND.shape)
    for metres, view in views.items():
        grid = view.grid
        assert grid is not None
        assert (grid.epsg, grid.pixel_m) == (GRID.epsg, metres)
        assert grid.left % 60 == 0
        assert grid.top % 60 == 0
        assert 0 <= GRID.left - grid.left < 60
        assert 0 <= grid.top - GRID.top < 60
        assert 0 <= grid.left + grid.columns * metres - (GRID.left + GRID.columns * 30) < 60
        assert 0 <= (GRID.top - GRID.rows * 30) - (grid.top - grid.rows * metres) < 60
        assert view.weights is not None
        np.testing.assert_allclose(view.weights.sum() * metres**2, LAND.water.size * 900.0, rtol=1e-9)


def test_one_sky_and_one_instrument_for_all_pixels(overpass: Overpass) -> None:
    """Means of 10 m pixels agree with 20 m pixels to the noise: gain and veil are the same in both."""
    assert len({taken.start for taken in overpass.taken.values()}) == 1
    fine, main = overpass.taken[10], overpass.main
    rows, columns = main.classes.shape
    mean = fine.reflectance.reshape(13, rows, 2, columns, 2).mean(axis=(2, 4))
    clean = np.isfinite(mean) & np.isfinite(main.reflectance) & (main.defective == 0)
    clean &= fine.defective.reshape(13, rows, 2, columns, 2).max(axis=(2, 4)) == 0
    for at, band in enumerate(BANDS):
        if band != "B10":
            ratio = main.reflectance[at][clean[at]] / mean[at][clean[at]]
            assert np.median(ratio) == pytest.approx(1.0, abs=0.001)
            assert np.median(np.abs(ratio - 1)) < 0.01
    cloudy = fine.flags["CLOUD"].reshape(rows, 2, columns, 2).any(axis=(1, 3))
    assert 10 < main.flags["CLOUD"].sum() <= cloudy.sum()
    assert (cloudy | (main.flags["CLOUD"] == 0)).all()


@pytest.mark.parametrize("metres", NATIVE)
def test_what_is_read_is_what_was_seen(overpass: Overpass, product: Path, metres: int) -> None:
    scene, taken = ds.read(product, resolution=metres), overpass.taken[metres]
    assert (scene.height, scene.width) == taken.classes.shape
    assert (scene.crs, scene.transform) == (taken.grid.crs, taken.grid.transform)
    values = scene.read().values
    for band in NATIVE[metres]:
        at = BANDS.index(band)
        read, seen = values[..., at], taken.reflectance[at]
        np.testing.assert_array_equal(np.isnan(read), np.isnan(seen))
        assert np.isnan(seen).any()
        np.testing.assert_allclose(read, seen, atol=0.51e-4)


def test_the_product_agrees_with_the_ground(overpass: Overpass, product: Path) -> None:
    """Clear land against its noise-free reflectance: within the error of the gain and the noise."""
    scene, table = ds.read(product), Sensor.load("sentinel2")
    truth = surface_reflectance(LAND.soil, LAND.surface) @ gaussian_response(
        table.axis.values, table.axis.widths
    )
    view = overpass.main.view
    wet = view.averaged(LAND.water) > 0
    clear = clear_land(scene, overpass) & ~wet
    assert clear.mean() > 0.5
    noise = noise_of(table) / 0.3
    values = scene.read().values
    for at, band in enumerate(BANDS):
        if band in ("B10", "B1", "B9"):  # not delivered; 60 m
            continue
        wanted = view.averaged(truth[:, at].reshape(LAND.shape))
        ratio = values[..., at][clear] / wanted[clear]
        assert abs(np.median(ratio) - 1) < 0.08
        assert np.median(np.abs(ratio / np.median(ratio) - 1)) < 4 * noise[at] + 0.01


@pytest.mark.parametrize("metres", [10, 20])
def test_pixels_lie_where_the_land_lies(overpass: Overpass, product: Path, metres: int) -> None:
    """By geographic coordinates alone: any shift of the image by half a pixel or more fits worse."""
    scene = ds.read(product, resolution=metres)
    at = BANDS.index("B4")
    red = gaussian_response(np.array([664.6]), np.array([30.0]))
    truth = (surface_reflectance(LAND.soil, LAND.surface) @ red).reshape(LAND.shape)
    clear = scene.mask() == MaskReason.VALID
    rows, columns = np.nonzero(clear)
    x, y = scene.xy(rows, columns)
    longitude, latitude = transform(scene.crs, "EPSG:4326", x.tolist(), y.tolist())
    east, north = (np.array(c) for c in transform("EPSG:4326", GRID.crs, longitude, latitude))
    seen = scene.read().values[..., at][clear]

    def fit(dx: float, dy: float) -> float:
        row = np.clip((GRID.top - north - dy) // 30, 0, LAND.shape[0] - 1).astype(int)
        column = np.clip((east + dx - GRID.left) // 30, 0, LAND.shape[1] - 1).astype(int)
        return float(np.corrcoef(seen, truth[row, column])[0, 1])

    here = fit(0, 0)
    assert here > 0.9
    for dx, dy in ((12, 0), (-12, 0), (0, 12), (0, -12)):
        assert fit(dx, dy) < here


def test_the_classification_is_that_of_the_sky(overpass: Overpass, product: Path) -> None:
    scene, taken = ds.read(product), overpass.main
    mask, flags = scene.mask(), taken.flags
    background = np.isnan(scene.read().values[..., 0])  # of 60 m, the widest pixels
    np.testing.assert_array_equal(mask == MaskReason.BACKGROUND, background | (taken.classes == BACKGROUND))
    inside = mask != MaskReason.BACKGROUND
    cloud = (flags["CLOUD"] > 0) & inside
    assert cloud.sum() > 10
    assert (mask[cloud] == MaskReason.CLOUD).all()
    assert (mask[(flags["CLOUDSHADOW"] > 0) & inside] == MaskReason.CLOUD_SHADOW).all()
    plain = inside & ~np.logical_or.reduce([f > 0 for f in flags.values()])
    assert set(mask[plain & (taken.classes == WATER)]) <= {MaskReason.WATER, MaskReason.DEFECTIVE}
    assert (mask[plain] == MaskReason.DEFECTIVE).any()
    assert not np.isnan(scene.read().values[mask == MaskReason.VALID][:, :10]).any()
    green = ds.read(product, vegetation=True).mask() == MaskReason.VEGETATION
    assert green.any()
    cover = taken.view.averaged(LAND.surface.green.reshape(LAND.shape))
    assert cover[green].min() > cover[(mask == MaskReason.VALID) & ~green].mean()


def test_stored_as_real_products_are(overpass: Overpass, product: Path) -> None:
    assert product.name.startswith("S2A_MSIL2A_")
    assert product.name.endswith(".SAFE")
    images = sorted(product.rglob("*.jp2"))
    assert len(images) == 4 + 10 + 12
    assert {file.name for file in product.rglob("*") if file.is_file()} == {
        "MTD_MSIL2A.xml", "MTD_TL.xml", *(file.name for file in images),
    }  # fmt: skip
    for file in images:
        metres = int(file.stem.rpartition("_")[2][:-1])
        with rasterio.open(file) as image:
            assert image.driver == "JP2OpenJPEG"
            assert image.dtypes == (("uint8",) if "_SCL_" in file.name else ("uint16",))
            assert (image.nodata, image.scales, image.offsets) == (None, (1.0,), (0.0,))
            assert (image.res, image.crs.to_string()) == ((metres, metres), GRID.crs)
    b11 = next(product.rglob("*_B11_20m.jp2"))
    with rasterio.open(b11) as image:
        stored = image.read(1)
    taken = overpass.main
    np.testing.assert_array_equal(stored == 0, ~taken.inside)
    inside = taken.reflectance[BANDS.index("B11")][taken.inside]
    np.testing.assert_array_equal(stored[taken.inside], np.rint(inside * 10_000 + 1000))
    assert "SIMULATED" in (product / "MTD_MSIL2A.xml").read_text()


def test_facts_and_notes_of_the_product(overpass: Overpass, product: Path) -> None:
    scene = ds.read(product)
    assert scene.name == product.name.removesuffix(".SAFE")
    assert scene.acquired is not None
    assert abs((scene.acquired.replace(tzinfo=None) - overpass.main.start).total_seconds()) < 0.001
    assert scene.facts["scale"] == "(stored -1000) / 10000"
    assert scene.facts["processing baseline"] == "05.10"
    assert float(scene.facts["sun zenith angle"]) == pytest.approx(90 - overpass.main.sun_elevation, abs=1e-3)
    assert scene.facts["tile"] == tile_of(overpass.main.grid, REGION.latitude)
    assert [bool(fault) for fault in scene.band_faults] == [band == "B10" for band in BANDS]
    assert len(scene.notes) == 1


def test_same_seed_same_bytes_other_look_others(overpass: Overpass, product: Path, tmp_path: Path) -> None:
    again = write_sentinel2(fly_over(LAND, SETTINGS), tmp_path / "again")
    assert again.name == product.name
    assert fingerprint(again) == fingerprint(product)
    later = fly_over(on_day(LAND, SETTINGS, 1), SETTINGS, look=1)
    assert 22 <= (later.main.start - overpass.main.start).days <= 25
    assert write_sentinel2(later, tmp_path).name != product.name


def test_numbers_keep_clear_of_those_with_a_meaning(overpass: Overpass) -> None:
    values = overpass.main.reflectance.copy()
    at = BANDS.index("B11")
    values[at, 0, :4] = [np.nan, -0.2, 9.0, -0.05]
    found = stored_numbers(replace(overpass.main, reflectance=values), "B11")
    assert found[0, :4].tolist() == [0, 1, 65_534, 500]


@pytest.mark.parametrize(
    ("epsg", "left", "top", "latitude", "tile"),
    [
        (32631, 300_000.0, 4_900_020.0, 43.8, "31TCJ"),  # Toulouse
        (32632, 699_960.0, 4_700_040.0, 41.9, "32TQM"),  # west of Rome
        (32750, 399_960.0, 6_500_020.0, -32.1, "50HMK"),  # Perth
    ],
)
def test_tiles_are_named_by_the_military_grid(
    epsg: int, left: float, top: float, latitude: float, tile: str
) -> None:
    assert tile_of(Grid(epsg, left, top, 5490, 5490, 20.0), latitude) == tile
