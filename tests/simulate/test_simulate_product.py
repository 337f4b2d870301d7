"""The simulated EnMAP product against what is known of the real format."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from deepsalt.simulate import World, WorldSettings
from deepsalt.simulate.acquisition import Acquisition, acquire
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.regions import REGIONS
from deepsalt.spectra import Sensor

#: The bands, counted from 1, that processor V010110 delivers without data.
EMPTY = {*range(127, 142), *range(161, 168)}
VNIR = {*range(1, 80), 81, 82, 84, 86, 88, 90, 92, 93, 95, 97, 99, 100}
LAYERS = ("CIRRUS", "CLASSES", "CLOUD", "CLOUDSHADOW", "HAZE", "SNOW", "TESTFLAGS")
KINDS = {
    "METADATA.XML", "SPECTRAL_IMAGE.TIF", "QL_PIXELMASK.TIF", "QL_VNIR.TIF", "QL_SWIR.TIF",
    *(f"QL_QUALITY_{layer}.TIF" for layer in LAYERS),
}  # fmt: skip


@pytest.fixture(scope="module")
def product(world: World) -> Path:
    return world.scene("alluvial_basin")


@pytest.fixture(scope="module")
def taken() -> Acquisition:
    settings = WorldSettings(cloud_cover=0.08)
    return acquire(landscape(REGIONS["clay_delta"], settings), settings)


def layer(product: Path, kind: str) -> np.ndarray:
    with rasterio.open(product / f"{product.name}-{kind}.TIF") as file:
        return file.read()


def text(product: Path, path: str) -> str:
    found = ET.parse(product / f"{product.name}-METADATA.XML").find(path)
    assert found is not None, path
    return found.text or ""


def test_names(product):
    pattern = r"ENMAP01-____L2A-DT\d{10}_\d{8}T\d{6}Z_\d{3}_V010110_\d{8}T\d{6}Z"
    assert re.fullmatch(pattern, product.name)
    assert {file.name for file in product.iterdir()} == {f"{product.name}-{kind}" for kind in KINDS}


def test_spectral_image_is_stored_as_the_real_one(product):
    with rasterio.open(product / f"{product.name}-SPECTRAL_IMAGE.TIF") as file:
        assert file.count == 224
        assert set(file.dtypes) == {"int16"}
        assert set(file.nodatavals) == {-32768}
        assert file.interleaving.name == "band"
        assert file.compression.name == "deflate"
        assert not file.profile["tiled"]
        assert file.block_shapes[0] == (3, file.width)
        assert file.tags() == {"AREA_OR_POINT": "Area"}
        assert all(file.tags(i) == {} for i in file.indexes)
        assert set(file.descriptions) == {None}
        assert set(file.scales) == {1.0}
        assert set(file.offsets) == {0.0}
        assert (file.transform.a, file.transform.e) == (30.0, -30.0)
        assert file.transform.c % 30 == 15
        assert file.crs.to_epsg() == 32642


def test_masks_are_stored_as_the_real_ones(product):
    for kind in sorted(KINDS - {"METADATA.XML", "SPECTRAL_IMAGE.TIF"}):
        with rasterio.open(product / f"{product.name}-{kind}") as file:
            assert set(file.dtypes) == {"uint8"}, kind
            assert file.nodata == (3 if "CLASSES" in kind else None), kind
            bands = 224 if "PIXELMASK" in kind else 1 if "QUALITY" in kind else 4
            assert file.count == bands, kind
    with rasterio.open(product / f"{product.name}-QL_VNIR.TIF") as file:
        assert file.colorinterp[:3] == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def test_empty_bands_and_background_agree_everywhere(product):
    image, classes = layer(product, "SPECTRAL_IMAGE"), layer(product, "QL_QUALITY_CLASSES")[0]
    pixelmask = layer(product, "QL_PIXELMASK")
    background = classes == 3
    empty = {i + 1 for i, band in enumerate(image) if (band == -32768).all()}
    assert empty == EMPTY
    held = image[[i - 1 for i in range(1, 225) if i not in EMPTY]]
    assert ((held == -32768) == background).all()
    assert (pixelmask[:, background] == 255).all()
    assert set(np.unique(pixelmask[:, ~background])) == {0, 1}
    corners = background[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.all()
    assert 0.05 < background.mean() < 0.4
    assert not background[background.shape[0] // 2, background.shape[1] // 2]


def test_xml_says_what_the_image_holds(product):
    root = ET.parse(product / f"{product.name}-METADATA.XML").getroot()
    assert root.tag == "level_X"
    schema = root.get("{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation")
    assert schema == "metadata_Lx_00-06-00.xsd"
    bands = root.findall("specific/bandCharacterisation/bandID")
    assert [int(b.get("number", 0)) for b in bands] == list(range(1, 225))
    centre = np.array([float(b.findtext("wavelengthCenterOfBand", "nan")) for b in bands])
    width = np.array([float(b.findtext("FWHMOfBand", "nan")) for b in bands])
    sensor = Sensor.load("enmap")
    np.testing.assert_allclose(centre, sensor.axis.values, rtol=1e-5)
    np.testing.assert_allclose(width, sensor.axis.widths, rtol=1e-5)
    assert (np.diff(centre) > 0).all()
    assert {b.findtext("GainOfBand") for b in bands} == {"0.0001"}
    for detector, wanted in (("vnir", VNIR), ("swir", set(range(1, 225)) - VNIR)):
        numbers = root.findtext(f"specific/{detector}ProductQuality/expectedChannelsList", "")
        assert {int(n) for n in numbers.split(",")} == wanted
        assert int(root.findtext(f"specific/{detector}ProductQuality/numChannelsExpected", "0")) == len(
            wanted
        )
    image = layer(product, "SPECTRAL_IMAGE")
    assert int(root.findtext("product/image/merge/channels", "0")) == len(image)
    for band, told in zip(image, root.findall("product/bandStatistics/bandID"), strict=True):
        values = band[band != -32768] / 1e4
        mean, spread = float(told.findtext("mean", "nan")), float(told.findtext("stdDeviation", "nan"))
        wanted = (values.mean(), values.std()) if len(values) else (-1_000_000, 0)
        assert (mean, spread) == pytest.approx(wanted, rel=1e-5)


def test_xml_says_where_when_and_that_it_is_simulated(product):
    assert "SIMULATED" in text(product, "metadata/comment")
    assert text(product, "product/ortho/projection") == "UTM_Zone42_North"
    start = text(product, "base/temporalCoverage/startTime")
    assert start[:19].replace("-", "").replace(":", "") + "Z" == product.name.split("_")[5]
    assert text(product, "base/format") == "ENMAP_L2A"
    assert 20 < float(text(product, "specific/sunElevationAngle/center")) < 80
    assert text(product, "product/image/merge/name") == f"{product.name}-SPECTRAL_IMAGE.TIF"
    root = ET.parse(product / f"{product.name}-METADATA.XML").getroot()
    listed = {f.findtext("name") for f in root.findall("product/productFileInformation/file")}
    assert listed == {file.name for file in product.iterdir()}
    inside = layer(product, "QL_QUALITY_CLASSES")[0] != 3
    share = 100 * layer(product, "QL_QUALITY_CLOUD")[0][inside].mean()
    assert int(text(product, "specific/qualityFlag/cloudCover")) == pytest.approx(share, abs=0.51)


def test_scene_has_clouds_shadows_water_and_negative_numbers(taken):
    for flag in ("CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE"):
        assert taken.flags[flag].any(), flag
        assert not taken.flags[flag][~taken.inside].any(), flag
    assert set(np.unique(taken.flags["CIRRUS"])) <= {0, 1, 2, 3}
    assert not (set(np.unique(taken.flags["TESTFLAGS"])) - {0, 1, 16, 32, 48, 17, 33, 49})
    assert (taken.classes == 2).any()
    clear = (taken.flags["CLOUD"] == 0) & (taken.flags["HAZE"] == 0) & (taken.flags["CIRRUS"] == 0)
    red = taken.dn[int(np.abs(taken.sensor.axis.values - 650).argmin())]
    cloud = taken.flags["CLOUD"] > 0
    land = (taken.classes == 1) & clear
    assert np.median(red[cloud]) > 2 * np.median(red[land & (taken.flags["CLOUDSHADOW"] == 0)])
    assert np.median(red[land & (taken.flags["CLOUDSHADOW"] > 0)]) < np.median(red[land])
    water = taken.dn[:, (taken.classes == 2) & clear]
    assert ((water < 0) & (water > -32768)).any()


def test_detectors_differ_in_their_overlap(taken):
    """Neighbouring bands of the two detectors jump; neighbours of one detector do not."""
    detector = np.array(taken.sensor.detector)
    overlap = np.arange(80, 100)
    clear = (taken.classes == 1) & (taken.flags["CLOUD"] == 0)
    mean = taken.dn[:, clear].mean(axis=1)
    step = np.abs(np.diff(mean[overlap])) / mean[overlap].mean()
    across = detector[overlap][1:] != detector[overlap][:-1]
    assert across.sum() > 10
    assert np.median(step[across]) > 0.003


def test_noise_is_that_of_the_sensor(taken):
    """Half the second difference along a smooth stretch of bands is no quieter than the sensor table."""
    clear = (taken.classes == 1) & (taken.flags["CLOUD"] == 0) & (taken.flags["HAZE"] == 0)
    values = taken.dn[:, clear].astype(float) / 1e4
    middle = slice(150, 155)
    bend = values[middle][1:-1] - (values[middle][:-2] + values[middle][2:]) / 2
    noise = np.median((bend - bend.mean(axis=1, keepdims=True)).std(axis=1)) / np.sqrt(1.5)
    table = float(np.mean(taken.sensor.noise[middle]))
    assert 0.4 * table < noise < 3 * table


def test_salinity_can_be_learnt_but_not_read_off(taken):
    """A plain linear model on half of the fields, judged on the other half: neither nothing nor all."""
    from sklearn.cross_decomposition import PLSRegression

    land = landscape(REGIONS["clay_delta"], WorldSettings(cloud_cover=0.08))
    clear = (taken.classes == 1) & (taken.flags["CLOUD"] == 0) & (taken.flags["CLOUDSHADOW"] == 0)
    held = taken.dn[np.asarray(taken.sensor.good)][:, clear].T[::3]
    spectra = np.log(np.clip(held / 1e4, 0.005, None))
    target = np.log1p(land.ece.reshape(land.shape)[clear])[::3]
    odd = land.fields.number[clear][::3] % 2 == 1
    guess = PLSRegression(10, scale=False).fit(spectra[odd], target[odd]).predict(spectra[~odd]).ravel()
    error = np.sum((guess - target[~odd]) ** 2) / np.sum((target[~odd] - target[~odd].mean()) ** 2)
    assert 0.3 < 1 - error < 0.9


def test_southern_scene_is_named_south():
    from deepsalt.simulate.place import grid_of

    grid = grid_of(REGIONS["coastal_sand"], (48, 44))
    assert (grid.crs, grid.projection) == ("EPSG:32750", "UTM_Zone50_South")
    latitude, longitude = grid.places(np.array([24.0]), np.array([22.0]))
    assert latitude[0] == pytest.approx(REGIONS["coastal_sand"].latitude, abs=0.001)
    assert longitude[0] == pytest.approx(REGIONS["coastal_sand"].longitude, abs=0.001)


@pytest.mark.real_data
def test_simulated_tiffs_are_stored_like_real_ones(product, shared_data):
    """Every property that the real layers show, ours show too, except their size, place and zone."""
    real = next((shared_data / "enmap").glob("ENMAP01-____L2A-DT0000004950*"))
    for kind in sorted(KINDS - {"METADATA.XML"}):
        with (
            rasterio.open(real / f"{real.name}-{kind}") as theirs,
            rasterio.open(product / f"{product.name}-{kind}") as ours,
        ):
            for key in ("driver", "dtype", "nodata", "count", "tiled", "compress", "interleave"):
                assert ours.profile[key] == theirs.profile[key], (kind, key)
            assert ours.tags() == theirs.tags(), kind
            assert ours.colorinterp[:3] == theirs.colorinterp[:3], kind
            assert (ours.transform.c - theirs.transform.c) % 30 == 0
            if "SPECTRAL" in kind:
                bad = [(b == -32768).all() for b in theirs.read()]
                assert bad == [(b == -32768).all() for b in ours.read()]
