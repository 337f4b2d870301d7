"""Landsat 8/9 Collection 2 Level-2: scales of the right level, quality bits, and parts that do not fit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from tests.readers.malformed import Damage, damages, told_of_scene
from tests.readers.safe import write_image

import deepsalt as ds
from deepsalt.errors import ProductError
from deepsalt.readers.landsat import READER
from deepsalt.readers.registry import reader_for
from deepsalt.spectra import MaskReason, Sensor, Window

NAME = "LC08_L2SP_193027_20230615_20230623_02_T1"
ROWS, COLUMNS = 8, 6
LEFT, TOP = 600_015, 5_000_025
BANDS = [f"B{n}" for n in range(1, 8)]
MTL = f"""GROUP = LANDSAT_METADATA_FILE
  GROUP = PRODUCT_CONTENTS
    LANDSAT_PRODUCT_ID = "{NAME}"
    PROCESSING_LEVEL = "L2SP"
    COLLECTION_CATEGORY = "T1"
    FILE_NAME_BAND_1 = "{NAME}_SR_B1.TIF"
  END_GROUP = PRODUCT_CONTENTS
  GROUP = IMAGE_ATTRIBUTES
    SPACECRAFT_ID = "LANDSAT_8"
    SENSOR_ID = "OLI_TIRS"
    WRS_PATH = 193
    WRS_ROW = 27
    DATE_ACQUIRED = 2023-06-15
    SCENE_CENTER_TIME = "10:03:41.1234560Z"
    CLOUD_COVER = 1.25
    SUN_ELEVATION = 61.5
  END_GROUP = IMAGE_ATTRIBUTES
  GROUP = LEVEL2_PROCESSING_RECORD
    PROCESSING_SOFTWARE_VERSION = "LPGS_16.2.0"
  END_GROUP = LEVEL2_PROCESSING_RECORD
  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
{{level2}}
  END_GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
  GROUP = LEVEL1_PROCESSING_RECORD
    LANDSAT_PRODUCT_ID = "LC08_L1TP_193027_20230615_20230623_02_T1"
    PROCESSING_LEVEL = "L1TP"
  END_GROUP = LEVEL1_PROCESSING_RECORD
  GROUP = LEVEL1_RADIOMETRIC_RESCALING
{{level1}}
  END_GROUP = LEVEL1_RADIOMETRIC_RESCALING
END_GROUP = LANDSAT_METADATA_FILE
END
"""


def scales(gain: float, offset: float) -> str:
    lines = [f"    REFLECTANCE_MULT_BAND_{n} = {gain}" for n in range(1, 8)]
    return "\n".join([*lines, *(f"    REFLECTANCE_ADD_BAND_{n} = {offset}" for n in range(1, 8))])


def odl() -> str:
    return MTL.format(level2=scales(2.75e-05, -0.2), level1=scales(2.0e-05, -0.1))


def groups(text: str) -> dict[str, dict[str, str]]:
    """The same as nested dicts, from the text: what the XML and JSON files say."""
    found: dict[str, dict[str, str]] = {}
    for name, body in re.findall(r"  GROUP = (\w+)\n(.*?)\n  END_GROUP", text, flags=re.DOTALL):
        pairs = (line.strip().partition(" = ") for line in body.splitlines())
        found[name] = {key: value.strip('"') for key, _, value in pairs}
    return found


def as_xml(text: str) -> str:
    inner = "".join(
        f"<{group}>{''.join(f'<{key}>{value}</{key}>' for key, value in keys.items())}</{group}>"
        for group, keys in groups(text).items()
    )
    return f'<?xml version="1.0"?><LANDSAT_METADATA_FILE>{inner}</LANDSAT_METADATA_FILE>'


def as_json(text: str) -> str:
    return json.dumps({"LANDSAT_METADATA_FILE": groups(text)})


@dataclass
class Landsat:
    """What to write; change a field, then call `write`."""

    folder: Path
    mtl: dict[str, str] = field(default_factory=lambda: {"txt": odl()})
    name: str = NAME
    images: dict[str, np.ndarray] = field(default_factory=dict)
    lefts: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for n, band in enumerate(BANDS):
            self.images[f"SR_{band}"] = np.full((ROWS, COLUMNS), 10_000 + 1000 * n, np.uint16)
        self.images["ST_B10"] = np.full((ROWS, COLUMNS), 44_000, np.uint16)
        self.images["QA_PIXEL"] = np.full((ROWS, COLUMNS), 0b01010101_01000000, np.uint16)
        self.images["QA_RADSAT"] = np.zeros((ROWS, COLUMNS), np.uint16)
        self.images["SR_QA_AEROSOL"] = np.full((ROWS, COLUMNS), 0b0100_0010, np.uint8)

    def file(self, layer: str) -> Path:
        return self.folder / f"{self.name}_{layer}.TIF"

    def write(self) -> Path:
        for layer, values in self.images.items():
            write_image(self.file(layer), values, 30, self.lefts.get(layer, LEFT), TOP, "EPSG:32632")
        for suffix, text in self.mtl.items():
            (self.folder / f"{self.name}_MTL.{suffix}").write_text(text, encoding="utf-8")
        return self.folder


@pytest.fixture
def landsat(tmp_path: Path) -> Landsat:
    return Landsat(tmp_path / "scene")


def reflectance(band: int) -> float:
    return 2.75e-05 * (10_000 + 1000 * band) - 0.2


def test_facts_of_the_product(landsat: Landsat) -> None:
    scene = ds.read(landsat.write())
    assert (scene.name, scene.level, scene.crs) == (NAME, "L2SP", "EPSG:32632")
    assert (scene.height, scene.width) == (ROWS, COLUMNS)
    assert scene.transform == (30.0, 0.0, LEFT, 0.0, -30.0, TOP)
    assert scene.acquired == datetime(2023, 6, 15, 10, 3, 41, 123456, tzinfo=UTC)
    assert scene.sensor.name == "landsat8"
    assert list(scene.sensor.detector) == BANDS
    assert scene.sensor.axis == Sensor.load("landsat8").axis
    assert not scene.empty.any()
    assert scene.notes == ()
    assert scene.facts == {
        "spacecraft": "LANDSAT_8", "cloud cover": "1.25", "sun elevation": "61.5", "path": "193", "row": "27",
        "processing level": "L2SP", "collection category": "T1", "processor": "LPGS_16.2.0",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["txt", "xml", "json"])
def test_the_scale_is_that_of_level_2(landsat: Landsat, form: str) -> None:
    """The group of level 1 has keys of the same names, and other values."""
    landsat.mtl = {form: {"txt": odl(), "xml": as_xml(odl()), "json": as_json(odl())}[form]}
    scene = ds.read(landsat.write())
    spectra = scene.read()
    assert spectra.values.dtype == np.float32
    for band in range(7):
        np.testing.assert_allclose(spectra.values[..., band], reflectance(band), rtol=1e-5)
    assert scene.acquired is not None
    assert scene.level == "L2SP"


def test_the_scale_of_the_metadata_counts(landsat: Landsat) -> None:
    landsat.mtl["txt"] = odl().replace(
        "REFLECTANCE_MULT_BAND_3 = 2.75e-05", "REFLECTANCE_MULT_BAND_3 = 5e-05"
    )
    values = ds.read(landsat.write()).read().values
    assert values[0, 0, 2] == pytest.approx(5e-05 * 12_000 - 0.2)
    assert values[0, 0, 3] == pytest.approx(reflectance(3))


def test_fill_is_no_data(landsat: Landsat) -> None:
    landsat.images["SR_B4"][2, 3] = 0
    values = ds.read(landsat.write()).read().values
    assert np.argwhere(np.isnan(values)).tolist() == [[2, 3, 3]]


def test_surface_temperature_is_not_read(landsat: Landsat) -> None:
    scene = ds.read(landsat.write())
    assert len(scene.sensor) == 7
    assert np.nanmax(scene.read().values) < 1


@pytest.mark.parametrize(
    ("bit", "reason"),
    [
        (0, MaskReason.BACKGROUND),
        (1, MaskReason.CLOUD),
        (2, MaskReason.CIRRUS),
        (3, MaskReason.CLOUD),
        (4, MaskReason.CLOUD_SHADOW),
        (5, MaskReason.SNOW),
        (6, MaskReason.VALID),
        (7, MaskReason.WATER),
        *((bit, MaskReason.VALID) for bit in range(8, 16)),
    ],
)
def test_each_bit_of_qa_pixel(landsat: Landsat, bit: int, reason: MaskReason) -> None:
    landsat.images["QA_PIXEL"][5, 2] = 1 << bit
    expected = np.zeros((ROWS, COLUMNS), np.uint8)
    expected[5, 2] = reason
    np.testing.assert_array_equal(ds.read(landsat.write()).mask(), expected)


@pytest.mark.parametrize("bit", range(16))
def test_each_bit_of_qa_radsat(landsat: Landsat, bit: int) -> None:
    """Bit n is band n + 1; the band is NaN there. 11 is hidden ground; 8 the cirrus band."""
    landsat.images["QA_RADSAT"][5, 2] = 1 << bit
    scene = ds.read(landsat.write())
    mask, values = scene.mask(), scene.read().values
    reason = {11: MaskReason.DEFECTIVE}.get(bit, MaskReason.SATURATED if bit < 7 else MaskReason.VALID)
    assert mask[5, 2] == reason
    assert (mask != MaskReason.VALID).sum() == (reason != MaskReason.VALID)
    assert np.argwhere(np.isnan(values)).tolist() == ([[5, 2, bit]] if bit < 7 else [])


def test_the_first_reason_is_kept(landsat: Landsat) -> None:
    landsat.images["QA_PIXEL"][0, :3] = [0b10011010, 0b10010000, 0b10000000]
    landsat.images["QA_RADSAT"][0, :3] = 1
    mask = ds.read(landsat.write()).mask(Window(0, 0, 1, 3))
    assert mask.tolist() == [[MaskReason.CLOUD, MaskReason.CLOUD_SHADOW, MaskReason.WATER]]


def test_aerosol_is_haze_where_asked_for(landsat: Landsat) -> None:
    levels = np.array([0b00, 0b01, 0b10, 0b11], np.uint8)
    landsat.images["SR_QA_AEROSOL"][3, :4] = (levels << 6) | 0b10
    path = landsat.write()
    assert (ds.read(path).mask() == MaskReason.VALID).all()
    assert np.argwhere(ds.read(path, aerosol=True).mask() == MaskReason.HAZE).tolist() == [[3, 3]]


def test_without_quality_layers_the_bands_tell_the_outline(landsat: Landsat) -> None:
    for layer in ("QA_PIXEL", "QA_RADSAT", "SR_QA_AEROSOL"):
        del landsat.images[layer]
    for layer in landsat.images:
        landsat.images[layer][0] = 0
    landsat.images["SR_B7"][4, 4] = 0
    path = landsat.write()
    scene = ds.read(path)
    mask = scene.mask()
    assert (mask[0] == MaskReason.BACKGROUND).all()
    assert mask[4, 4] == MaskReason.DEFECTIVE
    assert (mask[1:] != MaskReason.VALID).sum() == 1
    assert scene.notes == ("quality layers missing, not masked by them: QA_PIXEL, QA_RADSAT",)
    assert "SR_QA_AEROSOL" in ds.read(path, aerosol=True).notes[0]


def test_a_window_is_that_part_of_the_whole(landsat: Landsat) -> None:
    rng = np.random.default_rng(0)
    for layer in ("SR_B2", "QA_PIXEL", "QA_RADSAT"):
        landsat.images[layer] = rng.integers(0, 60_000, (ROWS, COLUMNS)).astype(np.uint16)
    scene = ds.read(landsat.write())
    window = Window(2, 1, 4, 3)
    np.testing.assert_array_equal(scene.read(window).values, scene.read().values[window.slices])
    np.testing.assert_array_equal(scene.mask(window), scene.mask()[window.slices])


def test_landsat_9_takes_the_same_table(landsat: Landsat) -> None:
    landsat.mtl["txt"] = odl().replace("LANDSAT_8", "LANDSAT_9")
    scene = ds.read(landsat.write())
    assert scene.sensor.name == "landsat8"
    assert "the bands of Landsat 8 are taken for Landsat 9" in scene.notes[0]


def test_without_mtl_scale_and_date_are_assumed(landsat: Landsat) -> None:
    landsat.mtl = {}
    scene = ds.read(landsat.write())
    assert (scene.name, scene.level) == (NAME, "L2SP")
    assert scene.acquired == datetime(2023, 6, 15, tzinfo=UTC)
    np.testing.assert_allclose(scene.read().values[..., 6], reflectance(6), rtol=1e-5)
    assert scene.notes[0].startswith(
        "no MTL file: the scale of Collection 2 (2.75e-05 * stored -0.2) is assumed"
    )


def test_a_band_that_is_not_there_is_told(landsat: Landsat) -> None:
    del landsat.images["SR_B1"]
    scene = ds.read(landsat.write())
    assert scene.band_faults == ("no file in the product", *[""] * 6)
    assert np.isnan(scene.read().values[..., 0]).all()
    assert scene.notes == ("no file of B1: NaN throughout",)


def test_folder_and_each_metadata_file_open_it(landsat: Landsat) -> None:
    landsat.mtl = {"txt": odl(), "xml": as_xml(odl()), "json": as_json(odl())}
    folder = landsat.write()
    for place in (folder, *(folder / f"{NAME}_MTL.{suffix}" for suffix in landsat.mtl)):
        assert reader_for(place).name == "landsat"
        assert ds.read(place).name == NAME
    assert not READER.matches(landsat.file("SR_B1"))
    assert not READER.matches(folder.parent)


# Products that cannot be right.


def test_level_1_is_refused(landsat: Landsat) -> None:
    landsat.mtl["txt"] = odl().replace('"L2SP"', '"L1TP"')
    with pytest.raises(ProductError, match=r"the product is L1TP, not level 2.*Order surface reflectance"):
        ds.read(landsat.write())


def test_a_level_1_scale_is_never_taken(landsat: Landsat) -> None:
    """Without its own group there is no scale, though that of level 1 has one."""
    landsat.mtl["txt"] = odl().replace("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", "SOMETHING_ELSE")
    with pytest.raises(ProductError, match="no scale of band B1"):
        ds.read(landsat.write())


def test_another_landsat_is_refused(landsat: Landsat) -> None:
    landsat.mtl["txt"] = odl().replace("LANDSAT_8", "LANDSAT_7")
    with pytest.raises(ProductError, match="the spacecraft is LANDSAT_7"):
        ds.read(landsat.write())


def test_metadata_of_another_product_are_refused(landsat: Landsat) -> None:
    landsat.mtl["txt"] = odl().replace(NAME, NAME.replace("0615", "0701"))
    with pytest.raises(ProductError, match=rf"describes LC08_L2SP_193027_20230701.*the images are of {NAME}"):
        ds.read(landsat.write())


def test_two_products_in_one_folder_are_refused(landsat: Landsat) -> None:
    other = NAME.replace("0615", "0701")
    path = landsat.write()
    mine = path / f"{NAME}_MTL.txt"
    (path / f"{other}_MTL.txt").write_text(odl().replace(NAME, other))
    with pytest.raises(ProductError, match=r"2 products lie in one folder.*Give the MTL file"):
        ds.read(path)
    assert ds.read(mine).name == NAME


def test_a_band_of_another_grid_is_refused(landsat: Landsat) -> None:
    landsat.lefts["QA_PIXEL"] = LEFT + 15
    with pytest.raises(ProductError, match=r"QA_PIXEL.*do not lie on one grid: the corners"):
        ds.read(landsat.write())


def test_a_folder_of_metadata_alone_is_refused(landsat: Landsat) -> None:
    path = landsat.write()
    for file in path.glob("*.TIF"):
        file.unlink()
    with pytest.raises(ProductError, match="no surface reflectance is there"):
        ds.read(path)


def test_a_band_that_is_cut_off_is_refused(landsat: Landsat) -> None:
    path = landsat.write()
    file = landsat.file("SR_B5")
    file.write_bytes(file.read_bytes()[:150])
    with pytest.raises(ProductError, match=r"SR_B5\.TIF"):
        ds.read(path)


@pytest.mark.parametrize(
    ("form", "text", "match"),
    [
        ("txt", odl()[:-5], "cut off: no END"),
        ("txt", odl().replace("= 2.75e-05", "= many"), "REFLECTANCE_MULT_BAND_1 is 'many'"),
        ("xml", as_xml(odl())[:-30], "damaged or cut off"),
        ("json", as_json(odl())[:-30], "the JSON is damaged or cut off"),
        ("json", '{"LANDSAT_METADATA_FILE": [1]}', "the JSON is damaged or cut off"),
    ],
)
def test_metadata_that_cannot_be_used(landsat: Landsat, form: str, text: str, match: str) -> None:
    landsat.mtl = {form: text}
    with pytest.raises(ProductError, match=match):
        ds.read(landsat.write())


@pytest.mark.parametrize("form", ["txt", "xml", "json"])
@given(damage=damages())
def test_damage_anywhere_in_the_metadata_is_told(
    damage: Damage, tmp_path_factory: pytest.TempPathFactory, form: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"damaged_{form}"
    landsat = Landsat(folder, mtl={form: {"txt": odl(), "xml": as_xml(odl()), "json": as_json(odl())}[form]})
    if not folder.exists():
        landsat.write()
    told_of_scene(folder / f"{NAME}_MTL.{form}", damage)
