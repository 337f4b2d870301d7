"""Sentinel-2 L2A: scale and offset, three grids, the scene classification, and parts that do not fit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from tests.readers.malformed import Damage, damages, told_of_scene
from tests.readers.safe import BANDS, COLUMNS, LEFT, NATIVE, PRODUCT, ROWS, TOP, Safe, stored_value

import deepsalt as ds
from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.registry import reader_for
from deepsalt.readers.sentinel2 import READER
from deepsalt.spectra import MaskReason, Sensor, Window

B2, B8, B11 = (BANDS.index(band) for band in ("B2", "B8", "B11"))
AT_20 = (3 * ROWS, 3 * COLUMNS)


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    return Safe(tmp_path)


def code_of(band: str) -> str:
    return band if band == "B8A" else f"B{int(band[1:]):02d}"


def test_facts_of_the_product(safe: Safe) -> None:
    scene = ds.read(safe.write())
    assert (scene.name, scene.level, scene.crs) == (PRODUCT, "L2A", "EPSG:32632")
    assert (scene.height, scene.width) == AT_20
    assert scene.transform == (20.0, 0.0, LEFT, 0.0, -20.0, TOP)
    assert scene.acquired == datetime(2023, 6, 15, 10, 15, 59, 24000, tzinfo=UTC)
    assert scene.sensor.name == "sentinel2"
    assert list(scene.sensor.detector) == BANDS
    assert [band for band, fault in zip(BANDS, scene.band_faults, strict=True) if fault] == ["B10"]
    assert scene.band_faults[BANDS.index("B10")] == "not delivered at level 2A"
    assert scene.facts == {
        "spacecraft": "Sentinel-2A", "processing baseline": "05.09", "relative orbit": "65",
        "cloud cover": "3.5", "scale": "(stored -1000) / 10000", "tile": "32TQM",
        "sun zenith angle": "25.5", "sun azimuth angle": "148.25",
    }  # fmt: skip
    assert scene.notes == ("scene classification: dark areas (2) and unclassified pixels (7) count as valid",)


@pytest.mark.parametrize("resolution", [10, 20, 60])
def test_every_band_at_every_resolution(safe: Safe, resolution: int) -> None:
    scene = ds.read(safe.write(), resolution=resolution)
    n = 60 // resolution
    assert (scene.height, scene.width) == (n * ROWS, n * COLUMNS)
    assert scene.transform == (resolution, 0.0, LEFT, 0.0, -resolution, TOP)
    spectra = scene.read()
    assert spectra.values.dtype == np.float32
    for at, band in enumerate(BANDS):
        if band == "B10":
            assert np.isnan(spectra.values[..., at]).all()
        else:
            expected = (stored_value(code_of(band)) - 1000) / 10_000
            np.testing.assert_allclose(spectra.values[..., at], expected, rtol=1e-6)
    assert (scene.mask() == MaskReason.VALID).all()


@pytest.mark.parametrize(
    ("baseline", "offset", "expected", "note"),
    [
        ("03.01", None, 0.22, ""),
        ("05.09", -1000, 0.12, ""),
        ("04.00", -1000, 0.12, ""),
        ("02.14", -1000, 0.12, ""),  # processed anew: the list counts, not the number
        ("05.00", 0, 0.22, ""),
        ("04.00", None, 0.12, "baseline 04.00, but no BOA_ADD_OFFSET: -1000 is assumed"),
    ],
)
def test_the_offset_comes_with_baseline_04(
    safe: Safe, baseline: str, offset: int | None, expected: float, note: str
) -> None:
    """The classic trap: stored numbers are shifted by 1000 since January 2022, and not before."""
    safe.baseline, safe.offset = baseline, offset
    safe.images["B02", 10][:] = 2200
    scene = ds.read(safe.write())
    np.testing.assert_allclose(scene.read().values[..., B2], expected, rtol=1e-6)
    assert note in " ".join(scene.notes)
    assert ("BOA_ADD_OFFSET" in " ".join(scene.notes)) == bool(note)


@pytest.mark.parametrize(("number", "band"), [(0, "B1"), (7, "B8"), (8, "B8A"), (9, "B9"), (12, "B12")])
def test_each_band_has_its_own_offset(safe: Safe, number: int, band: str) -> None:
    """Numbers of bands (band_id) run by wavelength, so that B8A is 8 and B9 is 9."""
    safe.xml = lambda text: text.replace(f'band_id="{number}">-1000', f'band_id="{number}">-500')
    values = ds.read(safe.write()).read().values[0, 0]
    for at, other in enumerate(BANDS):
        if other != "B10":
            offset = 500 if other == band else 1000
            assert values[at] == pytest.approx((stored_value(code_of(other)) - offset) / 1e4)


def test_reflectance_below_zero_is_real(safe: Safe) -> None:
    safe.images["B02", 10][:] = 900
    np.testing.assert_allclose(ds.read(safe.write()).read().values[..., B2], -0.01, rtol=1e-5)


def test_zero_is_no_data_and_no_tag_says_so(safe: Safe) -> None:
    safe.images["B11", 20][2, 3] = 0
    values = ds.read(safe.write()).read().values
    assert np.argwhere(np.isnan(values[..., B11])).tolist() == [[2, 3]]


def test_saturated_is_no_reflectance(safe: Safe) -> None:
    safe.images["B11", 20][2, 3] = 65_535
    safe.images["B08", 10][8:10, 4:6] = [[65_535, 2000], [2000, 2000]]
    values = ds.read(safe.write()).read().values
    assert np.argwhere(np.isnan(values[..., B11])).tolist() == [[2, 3]]
    assert np.argwhere(np.isnan(values[..., B8])).tolist() == [[4, 2]], "the mean of the four is not known"


def test_finer_pixels_are_averaged_over_whole_blocks(safe: Safe) -> None:
    rng = np.random.default_rng(0)
    safe.images["B08", 10] = rng.integers(1, 9000, (6 * ROWS, 6 * COLUMNS)).astype(np.uint16)
    path = safe.write()
    fine = safe.images["B08", 10].astype(float) / 1e4 - 0.1
    for resolution, n in ((20, 2), (60, 6)):
        mean = fine.reshape(fine.shape[0] // n, n, fine.shape[1] // n, n).mean(axis=(1, 3))
        found = ds.read(path, resolution=resolution).read().values[..., B8]
        np.testing.assert_allclose(found, mean, atol=1e-6)


def test_no_data_is_left_out_of_a_mean(safe: Safe) -> None:
    safe.images["B08", 10][0:2, 0:2] = [[0, 3000], [2000, 0]]
    safe.images["B08", 10][0:2, 2:4] = 0
    values = ds.read(safe.write()).read().values[..., B8]
    assert values[0, 0] == pytest.approx(0.15)
    assert np.isnan(values[0, 1])


def test_coarser_pixels_are_repeated(safe: Safe) -> None:
    safe.images["B01", 60] = np.arange(1000, 1000 + ROWS * COLUMNS).reshape(ROWS, COLUMNS).astype(np.uint16)
    values = ds.read(safe.write()).read().values[..., 0]
    expected = (safe.images["B01", 60].repeat(3, axis=0).repeat(3, axis=1) - 1000.0) / 1e4
    np.testing.assert_allclose(values, expected, atol=1e-7)


def test_an_image_of_the_resolution_comes_before_averaging(safe: Safe) -> None:
    safe.images["B02", 20] = safe.full(20, 4321, np.uint16)
    path = safe.write()
    assert ds.read(path).read().values[0, 0, B2] == pytest.approx(0.3321)
    assert ds.read(path, resolution=60).read().values[0, 0, B2] == pytest.approx(0.3321)
    assert ds.read(path, resolution=10).read().values[0, 0, B2] == pytest.approx(0.11)


@pytest.mark.parametrize("resolution", [10, 20, 60])
def test_a_window_is_that_part_of_the_whole(safe: Safe, resolution: int) -> None:
    """Windows that begin and end within the pixels of a coarser image among them."""
    rng = np.random.default_rng(1)
    for key, values in safe.images.items():
        high = 12 if key[0] == "SCL" else 9000
        safe.images[key] = rng.integers(0, high, values.shape).astype(values.dtype)
    scene = ds.read(safe.write(), resolution=resolution)
    whole, mask = scene.read().values, scene.mask()
    for row, column, rows, columns in ((1, 1, 2, 1), (0, 0, 1, 2), (2, 1, 2, 2), (3, 0, 1, 3)):
        window = Window(row, column, rows, columns)
        np.testing.assert_array_equal(scene.read(window).values, whole[window.slices])
        np.testing.assert_array_equal(scene.mask(window), mask[window.slices])
    with pytest.raises(UsageError, match="no window of"):
        scene.read(Window(0, 0, scene.height + 1, 1))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, MaskReason.BACKGROUND),
        (1, MaskReason.DEFECTIVE),
        (2, MaskReason.VALID),
        (3, MaskReason.CLOUD_SHADOW),
        (4, MaskReason.VALID),
        (5, MaskReason.VALID),
        (6, MaskReason.WATER),
        (7, MaskReason.VALID),
        (8, MaskReason.CLOUD),
        (9, MaskReason.CLOUD),
        (10, MaskReason.CIRRUS),
        (11, MaskReason.SNOW),
    ],
)
def test_each_class_masks_its_pixel(safe: Safe, code: int, reason: MaskReason) -> None:
    safe.images["SCL", 20][7, 4] = code
    path = safe.write()
    expected = np.zeros(AT_20, np.uint8)
    expected[7, 4] = reason
    np.testing.assert_array_equal(ds.read(path).mask(), expected)
    green = ds.read(path, vegetation=True).mask()
    assert green[7, 4] == (MaskReason.VEGETATION if code == 4 else reason)
    fine = ds.read(path, resolution=10).mask()
    np.testing.assert_array_equal(fine, expected.repeat(2, axis=0).repeat(2, axis=1))


def test_a_coarse_pixel_is_masked_by_any_class_within(safe: Safe) -> None:
    safe.images["SCL", 20][3:6, 0:3] = [[5, 5, 6], [5, 8, 5], [5, 5, 5]]
    mask = ds.read(safe.write(), resolution=60).mask()
    assert mask[1, 0] == MaskReason.CLOUD, "cloud comes before water"
    assert (mask != MaskReason.VALID).sum() == 1


def test_without_classification_the_bands_tell_the_outline(safe: Safe) -> None:
    del safe.images["SCL", 20]
    for (_, metres), values in safe.images.items():
        values[: 60 // metres] = 0
    safe.images["B12", 20][5, 5] = 0
    scene = ds.read(safe.write())
    mask = scene.mask()
    assert (mask[:3] == MaskReason.BACKGROUND).all()
    assert mask[5, 5] == MaskReason.DEFECTIVE
    assert (mask[3:] != MaskReason.VALID).sum() == 1
    assert scene.notes == ("no scene classification (SCL): clouds, shadows, snow and water are not masked",)


def test_a_band_that_is_not_there_is_told(safe: Safe) -> None:
    del safe.images["B05", 20]
    scene = ds.read(safe.write())
    assert scene.band_faults[BANDS.index("B5")] == "no file in the product"
    assert np.isnan(scene.read().values[..., BANDS.index("B5")]).all()
    assert "no file of B5: NaN throughout" in scene.notes


@pytest.mark.parametrize(
    ("spacecraft", "table", "note"),
    [
        ("Sentinel-2A", "sentinel2", ""),
        ("Sentinel-2B", "sentinel2b", ""),
        ("Sentinel-2C", "sentinel2", "bands of Sentinel-2A are assumed for Sentinel-2C"),
        ("", "sentinel2", "bands of Sentinel-2A are assumed for a spacecraft not named"),
    ],
)
def test_bands_are_those_of_the_spacecraft(safe: Safe, spacecraft: str, table: str, note: str) -> None:
    safe.spacecraft = spacecraft
    scene = ds.read(safe.write())
    assert scene.sensor.name == table
    assert scene.sensor.axis == Sensor.load(table).axis
    assert note in " ".join(scene.notes)


def test_geotiffs_in_place_of_jpeg2000(safe: Safe) -> None:
    safe.suffix = "tif"
    scene = ds.read(safe.write())
    np.testing.assert_allclose(scene.read().values[..., B2], (stored_value("B02") - 1000) / 1e4, rtol=1e-6)


def test_the_xml_or_the_folder_opens_it_whatever_its_name(safe: Safe) -> None:
    path = safe.write()
    other = path.rename(path.with_name("renamed"))
    for place in (other, other / "MTD_MSIL2A.xml"):
        assert reader_for(place).name == "sentinel2"
        assert ds.read(place).name == PRODUCT
    assert not READER.matches(other / "GRANULE")
    assert not READER.matches(next(other.rglob("MTD_TL.xml")))


# Products that cannot be right.


def test_level_1c_is_refused(safe: Safe) -> None:
    safe.level = "1C"
    with pytest.raises(ProductError, match=r"the product is Level-1C, not Level-2A.*surface reflectance"):
        ds.read(safe.write())


def test_an_unknown_resolution_is_refused(safe: Safe) -> None:
    with pytest.raises(UsageError, match=r"resolution=30.*10, 20 or 60"):
        ds.read(safe.write(), resolution=30)


def test_a_resolution_without_images_is_refused(safe: Safe) -> None:
    for code in NATIVE[10]:
        del safe.images[code, 10]
    with pytest.raises(ProductError, match=r"no band is there at 10 m.*resolution=20"):
        ds.read(safe.write(), resolution=10)


def test_a_folder_without_xml_is_refused(safe: Safe) -> None:
    safe.without_xml = True
    with pytest.raises(ProductError, match=r"there is no MTD_MSIL2A.xml.*scale and offset"):
        ds.read(safe.write())


def test_images_of_another_product_are_refused(safe: Safe) -> None:
    safe.xml = lambda text: text.replace("T32TQM_20230615", "T32TPM_20230610")
    with pytest.raises(ProductError, match=r"describes .*, to which T32TQM.* does not belong"):
        ds.read(safe.write())


def test_images_of_another_zone_are_refused(safe: Safe) -> None:
    safe.epsg["B11", 20] = "EPSG:32633"
    with pytest.raises(ProductError, match=r"B11_20m.*do not lie on one grid: .*EPSG:32633 and EPSG:32632"):
        ds.read(safe.write())


@pytest.mark.parametrize(
    ("key", "origin", "why"),
    [
        (("B11", 20), (LEFT + 7, TOP), "corners"),
        (("B08", 10), (LEFT + 10, TOP), "does not cover"),
        (("SCL", 20), (LEFT, TOP - 20), "does not cover"),
    ],
)
def test_images_beside_the_grid_are_refused(
    safe: Safe, key: tuple[str, int], origin: tuple, why: str
) -> None:
    safe.origins[key] = origin
    with pytest.raises(ProductError, match=f"{key[0]}_.*do not lie on one grid: .*{why}"):
        ds.read(safe.write())


def test_an_image_that_is_too_small_is_refused(safe: Safe) -> None:
    safe.images["B12", 20] = safe.images["B12", 20][:-1]
    with pytest.raises(ProductError, match=r"B12_20m.jp2 \(11 x 9\).*\(12 x 9\).*does not cover"):
        ds.read(safe.write())


def test_pixels_of_another_size_than_named_are_refused(safe: Safe) -> None:
    path = safe.write()
    for code in NATIVE[20]:
        safe.file(code, 20).unlink()
    safe.file("B02", 10).rename(safe.file("B02", 20))
    with pytest.raises(ProductError, match="pixels are 10 m wide, the name says 20 m"):
        ds.read(path)


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_an_image_that_is_cut_off_is_refused(safe: Safe, share: float) -> None:
    rng = np.random.default_rng(0)
    safe.images["B08", 10] = rng.integers(1, 9000, (6 * ROWS, 6 * COLUMNS)).astype(np.uint16)
    path = safe.write()
    file = safe.file("B08", 10)
    raw = file.read_bytes()
    file.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(ProductError, match=r"B08_10m.jp2.*cut off"):
        ds.read(path)


def test_an_empty_image_is_refused(safe: Safe) -> None:
    path = safe.write()
    safe.file("B12", 20).write_bytes(b"")
    with pytest.raises(ProductError, match=r"B12_20m.jp2: the file is empty"):
        ds.read(path)


def test_one_band_twice_is_refused(safe: Safe) -> None:
    path = safe.write()
    file = safe.file("B12", 20)
    other = path / "GRANULE" / "L2A_other" / file.name
    other.parent.mkdir()
    other.write_bytes(file.read_bytes())
    with pytest.raises(ProductError, match="are the same band"):
        ds.read(path)


@pytest.mark.parametrize(
    ("found", "instead", "match"),
    [
        (">10000<", ">many<", "BOA_QUANTIFICATION_VALUE is 'many'"),
        (">10000<", ">nan<", "BOA_QUANTIFICATION_VALUE is 'nan'"),
        (">10000<", ">0<", "BOA_QUANTIFICATION_VALUE is 0"),
        (">-1000<", "><", "BOA_ADD_OFFSET is None"),
        ('band_id="12"', 'band_id="B12"', "BOA_ADD_OFFSET of a band 'B12'"),
        ("</Product_Info>", "", "damaged or cut off"),
    ],
)
def test_metadata_that_cannot_be_used(safe: Safe, found: str, instead: str, match: str) -> None:
    safe.xml = lambda text: text.replace(found, instead)
    with pytest.raises(ProductError, match=match):
        ds.read(safe.write())


def test_reading_writes_nothing(safe: Safe) -> None:
    path = safe.write()
    before = sorted((f.name, f.stat().st_mtime_ns) for f in path.rglob("*"))
    scene = ds.read(path)
    scene.read()
    scene.mask()
    assert sorted((f.name, f.stat().st_mtime_ns) for f in path.rglob("*")) == before


@given(damage=damages())
def test_damage_anywhere_in_the_metadata_is_told(
    damage: Damage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged_safe"
    path = Safe(folder).path if folder.exists() else Safe(folder).write()
    told_of_scene(path / "MTD_MSIL2A.xml", damage)
