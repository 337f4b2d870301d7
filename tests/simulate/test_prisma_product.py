"""The simulated PRISMA product: stored as the real ones are, and read back to what was photographed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from rasterio.warp import transform

import deepsalt as ds
from deepsalt.readers.describe import describe
from deepsalt.simulate import WorldSettings
from deepsalt.simulate.acquisition import Acquisition, acquire
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.prisma_product import write_prisma
from deepsalt.simulate.regions import REGIONS
from deepsalt.spectra import MaskReason, Scene, Sensor

#: A degree of latitude, metres; half a step of float32 in longitude is 4 m at most.
DEGREE_M = 111_320.0
FIELDS = "HDFEOS/SWATHS/PRS_L2D_HCO"


@pytest.fixture(scope="module")
def taken() -> Acquisition:
    settings = replace(WorldSettings.small(), cloud_cover=0.1, seed=1)
    land = landscape(REGIONS["gypsum_marl"], settings)
    return acquire(land, settings, sensor=Sensor.load("prisma"), look=1)


@pytest.fixture(scope="module")
def product(taken: Acquisition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_prisma(taken, tmp_path_factory.mktemp("prisma"))


@pytest.fixture(scope="module")
def scene(product: Path) -> Scene:
    return ds.read(product)


def test_it_is_stored_as_the_real_one(product: Path, taken: Acquisition) -> None:
    assert re.fullmatch(r"PRS_L2D_STD_\d{14}_\d{14}_0001\.he5", product.name)
    rows, columns = taken.view.shape
    with h5py.File(product) as file:
        for name, bands in (("VNIR", 66), ("SWIR", 173)):
            cube = file[f"{FIELDS}/Data Fields/{name}_Cube"]
            errors = file[f"{FIELDS}/Data Fields/{name}_PIXEL_L2_ERR_MATRIX"]
            assert (cube.shape, cube.dtype, cube.chunks) == ((rows, bands, columns), np.uint16, None)
            assert (errors.shape, errors.dtype) == (cube.shape, np.uint8)
            assert set(np.unique(errors)) <= {0, 1, 2, 4}
            centres, widths, flags = (
                file.attrs[f"List_{key}"] for key in (f"Cw_{name.title()}", f"Fwhm_{name.title()}",
                                                      f"Cw_{name.title()}_Flags")
            )  # fmt: skip
            used = centres > 0
            assert (np.diff(centres[used]) < 0).all()
            assert np.flatnonzero(~used).tolist() == {"VNIR": [0, 1, 2], "SWIR": [171, 172]}[name]
            assert ((widths > 0) == used).all()
            assert ((flags == 1) == used).all()
            assert not cube[:][:, ~used].any()
        assert file["HDFEOS INFORMATION"].attrs["HDFEOSVersion"] == b"HDFEOS_5.1.15"
        assert file[f"{FIELDS}/Geolocation Fields/Latitude"].dtype == np.float32
        sun = file[f"{FIELDS}/Geometric Fields/Solar_Zenith_Angle"][:]
        assert ((sun > 0) == taken.inside).all()
        days = file[f"{FIELDS}/Geolocation Fields/Time"][:]
        assert days[0] == pytest.approx(
            (taken.start - taken.start.replace(2000, 1, 1, 0, 0, 0, 0)).total_seconds() / 86400
        )
        assert b"SIMULATED" in file.attrs["Comment"]


def test_both_detectors_have_a_scale_of_their_own(product: Path, taken: Acquisition) -> None:
    with h5py.File(product) as file:
        ends = [float(file.attrs[f"L2Scale{n}{e}"]) for n in ("Vnir", "Swir") for e in ("Min", "Max")]
    assert ends[0] == 0
    assert ends[2] < 0
    assert len({1.0, ends[1], ends[3]}) == 3


def test_it_reads_back_to_what_was_photographed(scene: Scene, taken: Acquisition) -> None:
    """Within half a step of the stored numbers, wherever the error matrix does not speak against it."""
    values = np.moveaxis(scene.read().values, -1, 0)
    bad = taken.defective == 1
    for detector, bit in (("VNIR", 32), ("SWIR", 16)):
        glare = (taken.flags["TESTFLAGS"] & bit) > 0
        bad |= (np.array(taken.sensor.detector) == detector)[:, None, None] & glare
    np.testing.assert_array_equal(np.isnan(values), np.isnan(taken.reflectance) | bad)
    for cube in scene.cubes:
        seen, wanted = values[cube.place], taken.reflectance[cube.place]
        assert np.nanmax(np.abs(seen - wanted)) <= cube.detector.step / 2 + 1e-7
    assert (values < 0).any(), "negative reflectance is real"


def test_bands_are_those_of_the_sensor(scene: Scene, taken: Acquisition) -> None:
    np.testing.assert_allclose(scene.sensor.axis.values, taken.sensor.axis.values, rtol=1e-6)
    np.testing.assert_allclose(scene.sensor.axis.widths, taken.sensor.axis.widths, rtol=1e-6)
    assert scene.sensor.detector == taken.sensor.detector
    np.testing.assert_array_equal(scene.empty, ~np.asarray(taken.sensor.good))
    np.testing.assert_array_equal(scene.sensor.good, taken.sensor.good)


def test_it_lies_where_it_was_photographed(scene: Scene, taken: Acquisition) -> None:
    row, column = np.mgrid[: scene.height, : scene.width]
    x, y = scene.xy(row.ravel(), column.ravel())
    longitude, latitude = (np.reshape(of, row.shape) for of in transform(scene.crs, "EPSG:4326", x, y))
    assert np.abs(latitude - taken.view.latitude).max() * DEGREE_M < 0.01
    assert np.abs(longitude - taken.view.longitude).max() * DEGREE_M < 0.01
    assert scene.transform == taken.grid.transform


def test_masks_are_background_and_bad_pixels_alone(scene: Scene, taken: Acquisition) -> None:
    mask = scene.mask()
    np.testing.assert_array_equal(mask == MaskReason.BACKGROUND, ~taken.inside)
    glare = (taken.flags["TESTFLAGS"] & 48) > 0
    assert glare.any()
    np.testing.assert_array_equal(mask == MaskReason.SATURATED, glare)
    cloud = (taken.flags["CLOUD"] > 0) & ~glare
    assert cloud.any()
    assert (mask[cloud] == MaskReason.VALID).all(), "there is no layer of clouds in PRISMA L2D"


def test_what_inspect_tells(scene: Scene, taken: Acquisition) -> None:
    facts = describe(scene)
    assert (facts["sensor"], facts["level"], facts["bands"]) == ("prisma", "L2D", 234)
    assert facts["acquired"] == f"{taken.start.isoformat(timespec='microseconds')}Z"
    assert facts["detectors"] == {"SWIR": 171, "VNIR": 63}
    assert facts["empty_bands"]["count"] == (~np.asarray(taken.sensor.good)).sum()
    assert set(facts["masks"]) == {"valid", "background", "saturated"}
    assert facts["pixel_size"] == [30.0, 30.0]
    assert float(facts["facts"]["sun zenith angle"]) == pytest.approx(90 - taken.sun_elevation, abs=1e-4)
    share = 100 * taken.flags["CLOUD"][taken.inside].mean()
    assert float(facts["facts"]["cloud cover"]) == pytest.approx(share, rel=1e-5)


def test_the_same_image_gives_the_same_bytes(product: Path, taken: Acquisition, tmp_path: Path) -> None:
    assert write_prisma(taken, tmp_path / "again").read_bytes() == product.read_bytes()
    with h5py.File(product) as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda _, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        assert len(arrays) == 10
        assert {h5py.h5o.get_info(array.id).ctime for array in arrays} == {0}, "no time of writing"


def test_another_sensor_is_refused(tmp_path: Path, taken: Acquisition) -> None:
    with pytest.raises(ValueError, match="0 VNIR bands are not the 63 of PRISMA"):
        write_prisma(replace(taken, sensor=Sensor.load("emit")), tmp_path)
    assert list(tmp_path.iterdir()) == []
