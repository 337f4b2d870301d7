"""The simulated EMIT granule: its form, and what our reader and others find in it."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

import deepsalt as ds
from deepsalt.readers.describe import describe
from deepsalt.readers.emit import EmitScene
from deepsalt.simulate import WorldSettings
from deepsalt.simulate.acquisition import Acquisition, acquire
from deepsalt.simulate.emit_product import write_emit
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.regions import REGIONS
from deepsalt.simulate.swath import swath_view
from deepsalt.spectra import MaskReason, Sensor

SHAPE = (48, 44)
#: Metres in a degree of latitude, near enough for a place within a pixel.
METRES = 111_195.0


@pytest.fixture(scope="module")
def taken() -> Acquisition:
    settings = WorldSettings.small()
    land = landscape(REGIONS["alluvial_basin"], settings)
    return acquire(land, settings, sensor=Sensor.load("emit"), view=swath_view(land.region, land.shape))


@pytest.fixture(scope="module")
def product(taken: Acquisition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_emit(taken, tmp_path_factory.mktemp("emit"))


@pytest.fixture(scope="module")
def scene(product: Path) -> EmitScene:
    found = ds.read(product)
    assert isinstance(found, EmitScene)
    return found


def file(product: Path, kind: str) -> Path:
    return product / f"{product.name.replace('_RFL_', f'_{kind}_')}.nc"


def metres(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    narrow = np.cos(np.deg2rad(REGIONS["alluvial_basin"].latitude))
    return METRES * np.stack([latitude.ravel(), narrow * longitude.ravel()], axis=1)


@pytest.mark.parametrize("turn", [0.0, 15.0, 30.0, 50.0, -20.0])
def test_a_swath_covers_the_land_and_no_cell_counts_more(turn: float) -> None:
    region = REGIONS["clay_delta"]
    view = swath_view(region, SHAPE, turn)
    assert view.weights is not None
    seen = np.asarray(view.weights.sum(axis=0)).ravel()
    assert view.weights.sum() == pytest.approx(SHAPE[0] * SHAPE[1] / 4, rel=0.02)
    assert seen.min() > 0, "every cell of 30 m lies in a pixel of 60 m"
    assert seen.max() < 0.5
    assert view.weights.sum(axis=1).max() <= 1 + 1e-12


def test_a_swath_that_is_not_turned_is_the_mean_of_four_cells() -> None:
    land = np.random.default_rng(0).random(SHAPE)
    view = swath_view(REGIONS["clay_delta"], SHAPE, 0.0)
    assert view.shape == (24, 22)
    np.testing.assert_allclose(view.averaged(land), land.reshape(24, 2, 22, 2).mean(axis=(1, 3)))
    assert view.whole.all()


def test_pixels_of_a_swath_stand_60_metres_apart_where_their_land_is() -> None:
    region = REGIONS["alluvial_basin"]
    view = swath_view(region, SHAPE)
    places = metres(view.latitude, view.longitude).reshape(*view.shape, 2)
    for axis in (0, 1):
        step = np.linalg.norm(np.diff(places, axis=axis), axis=2)
        np.testing.assert_allclose(step, 60.0, rtol=0.005)
    grid = grid_of(region, SHAPE)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    latitude, longitude = grid.places(rows.ravel(), columns.ravel())
    for land, centre in ((latitude, view.latitude), (longitude, view.longitude)):
        seen = view.averaged(land.reshape(SHAPE))
        np.testing.assert_allclose(seen[view.whole], centre[view.whole], atol=3 / METRES)
    east = view.longitude[:, -1] - view.longitude[:, 0]
    south = view.latitude[0] - view.latitude[-1]
    assert (east > 0).all()
    assert (south > 0).all()


def test_names_and_attributes(product: Path, taken: Acquisition) -> None:
    assert re.fullmatch(r"EMIT_L2A_RFL_001_\d{8}T\d{6}_\d{7}_001", product.name)
    kinds = ("RFL", "MASK", "RFLUNCERT")
    assert set(product.iterdir()) == {file(product, kind) for kind in kinds}
    for kind in kinds:
        with h5py.File(file(product, kind)) as there:
            assert there.attrs["product_version"] == "V001"
            assert there.attrs["geotransform"].shape == (6,)
            assert there.attrs["spatialResolution"] == 0.000542232520256367
            assert there.attrs["time_coverage_start"] == f"{taken.start:%Y-%m-%dT%H:%M:%S}+0000"
            assert "SIMULATED" in there.attrs["comment"]
            dimensions = {name for name in there if there[name].attrs.get("CLASS") == b"DIMENSION_SCALE"}
            assert {"downtrack", "crosstrack", "bands", "ortho_y", "ortho_x"} <= dimensions


def test_the_files_are_stored_as_the_producers(product: Path, taken: Acquisition) -> None:
    with h5py.File(file(product, "RFL")) as there:
        stored = there["reflectance"]
        assert (stored.shape, stored.dtype, stored.chunks) == ((*taken.view.shape, 285), np.float32, None)
        assert stored.attrs["_FillValue"] == [-9999]
        good = there["sensor_band_parameters/good_wavelengths"][:]
        assert (good == 0).sum() == 41
        assert (stored[:][taken.inside][:, good == 0] == np.float32(-0.01)).all()
        assert (stored[:][~taken.inside] == -9999).all()
        glt = there["location/glt_x"]
        assert (glt.dtype, glt.compression, glt.attrs["_FillValue"].tolist()) == (np.int32, "gzip", [0])
        assert glt[:].max() == taken.view.shape[1]
        assert there["location/glt_y"][:].max() == taken.view.shape[0]
        assert (glt[:] < 0).any()
        assert ((glt[:] == 0) == (there["location/glt_y"][:] == 0)).all()
    with h5py.File(file(product, "MASK")) as there:
        assert there["mask"].shape == (*taken.view.shape, 8)
        assert (there["band_mask"].shape[2], there["band_mask"].dtype) == (36, np.uint8)
        assert there["band_mask"].attrs["_FillValue"] == [241]
        assert there["sensor_band_parameters/mask_bands"][0] == b"Cloud Flag"


def test_each_pixel_of_the_grid_is_the_nearest_raw_one(scene: EmitScene, taken: Acquisition) -> None:
    """By an own search over places: values to the last bit, and no further away than one pixel."""
    rows, columns = np.mgrid[: scene.height, : scene.width]
    longitude, latitude = scene.xy(rows, columns)
    raw = metres(taken.view.latitude, taken.view.longitude)
    distance, nearest = cKDTree(raw).query(metres(latitude, longitude))
    values = np.moveaxis(taken.reflectance, 0, -1).reshape(-1, 285)[nearest]
    near, far = distance < 42.0, distance > 43.0
    shown = scene.read().values.reshape(-1, 285)
    np.testing.assert_array_equal(shown[near], values[near])
    assert np.isnan(shown[far]).all()
    assert np.isfinite(shown[near]).any(axis=1).sum() > 400
    there = metres(*scene.places())
    known = np.isfinite(there[:, 0])
    apart = np.linalg.norm(there - metres(latitude, longitude), axis=1)
    assert known.sum() >= near.sum()
    assert apart[known].max() < 60.0


def test_the_swath_is_what_was_taken(product: Path, taken: Acquisition) -> None:
    scene = ds.read(product, geometry="swath")
    assert isinstance(scene, EmitScene)
    np.testing.assert_array_equal(scene.read().values, np.moveaxis(taken.reflectance, 0, -1))
    latitude, longitude = scene.places()
    np.testing.assert_array_equal(latitude, taken.view.latitude)
    np.testing.assert_array_equal(longitude, taken.view.longitude)


def test_masks_are_those_of_the_sky(product: Path, taken: Acquisition) -> None:
    mask = ds.read(product, geometry="swath").mask()
    cloud, inside = taken.flags["CLOUD"] == 1, taken.inside
    cirrus = taken.flags["CIRRUS"] >= 2
    np.testing.assert_array_equal(mask == MaskReason.BACKGROUND, ~inside)
    np.testing.assert_array_equal(mask == MaskReason.CLOUD, cloud & inside)
    buffer = (binary_dilation(cloud | cirrus) | (taken.flags["CLOUDSHADOW"] == 1)) & ~cloud & ~cirrus & inside
    np.testing.assert_array_equal(mask == MaskReason.CLOUD_SHADOW, buffer)
    assert cloud.any()
    assert buffer.any()
    assert ((taken.classes == 2) & (mask == MaskReason.WATER)).sum() == (mask == MaskReason.WATER).sum() > 0


def test_uncertainty_is_there_wherever_reflectance_is(scene: EmitScene) -> None:
    uncertainty = scene.uncertainty()
    assert uncertainty is not None
    np.testing.assert_array_equal(np.isfinite(uncertainty), np.isfinite(scene.read().values))
    assert 0 < np.nanmin(uncertainty) < np.nanmax(uncertainty) < 0.1


def test_the_same_land_gives_the_same_bytes(product: Path, taken: Acquisition, tmp_path: Path) -> None:
    again = write_emit(taken, tmp_path)
    for written in product.iterdir():
        assert (again / written.name).read_bytes() == written.read_bytes()


def test_what_inspect_tells(scene: EmitScene, taken: Acquisition) -> None:
    facts = describe(scene)
    told = {"kind": "scene", "sensor": "emit", "level": "L2A", "bands": 285, "crs": "EPSG:4326"}
    assert told.items() <= facts.items()
    assert facts["wavelength_nm"] == [381.006, 2492.924]
    assert facts["acquired"] == f"{taken.start:%Y-%m-%dT%H:%M:%SZ}"
    assert facts["empty_bands"]["count"] == 41
    assert facts["empty_bands"]["numbers"] == "128-142, 188-213"
    view = taken.view
    for name in ("latitude", "longitude"):
        low, high = facts["extent"][name]
        centres = getattr(view, name)
        assert centres.min() - 0.0011 < low < centres.min()
        assert centres.max() < high < centres.max() + 0.0011
    assert facts["masks"]["cloud"]["pixels"] > 0
    assert facts["notes"] == []
