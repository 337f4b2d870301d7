"""EnMAP L2A folders: bands, values, masks, and every way a product can contradict itself."""

from __future__ import annotations

import concurrent.futures
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from tests.readers.conftest import (
    CENTRES,
    COLUMNS,
    DETECTORS,
    EMPTY,
    NAME,
    NODATA,
    ROWS,
    Product,
    stored_value,
)

import deepsalt as ds
from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.enmap import READER
from deepsalt.readers.enmap_xml import describe_metadata
from deepsalt.spectra import MaskReason, Window


def listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in folder.rglob("*") if f.is_file())


def test_facts_of_the_product(product: Product) -> None:
    scene = ds.read(product.write())
    assert (scene.name, scene.level, scene.crs) == (NAME, "L2A", "EPSG:32632")
    assert (scene.height, scene.width, scene.block) == (ROWS, COLUMNS, (3, COLUMNS))
    assert scene.transform == (30.0, 0.0, 600_000.0, 0.0, -30.0, 5_800_000.0)
    assert scene.acquired == datetime(2023, 6, 15, 10, 30, 12, 123456, tzinfo=UTC)
    assert scene.sensor.name == "enmap"
    assert scene.sensor.axis.values.tolist() == CENTRES
    assert scene.sensor.axis.fwhm is not None
    assert scene.sensor.axis.fwhm[0] == pytest.approx(6.1)
    assert list(scene.sensor.detector) == DETECTORS
    assert np.flatnonzero(scene.empty).tolist() == list(EMPTY)
    assert scene.notes == ()
    assert scene.facts["cloud cover"] == "4"


def test_values_are_fractions_and_nodata_is_nan(product: Product) -> None:
    assert product.image is not None
    product.image[1, 4, 5] = -150
    product.image[2, 0, 0] = NODATA
    spectra = ds.read(product.write()).read()
    assert spectra.data.dims == ("y", "x", "band")
    assert spectra.values.dtype == np.float32
    assert spectra.values[7, 3, 0] == pytest.approx(1e-4 * (stored_value(0) + 3))
    assert spectra.values[4, 5, 1] == pytest.approx(-0.015), "negative reflectance is real"
    assert np.isnan(spectra.values[0, 0, 2])
    assert np.isnan(spectra.values[..., list(EMPTY)]).all()
    assert np.isnan(spectra.values).sum() == ROWS * COLUMNS * len(EMPTY) + 1


def test_a_window_is_that_part_of_the_whole(product: Product) -> None:
    assert product.image is not None
    product.image[:, :, :] = np.arange(product.image.size).reshape(product.image.shape) % 9000
    scene = ds.read(product.write())
    whole = scene.read().values
    window = Window(4, 2, 5, 7)
    np.testing.assert_array_equal(scene.read(window).values, whole[window.slices])
    parts = np.concatenate([scene.read(w).values for w in scene.windows(pixels=30)])
    np.testing.assert_array_equal(parts, whole)


def test_detector_order_is_delivered_sorted(product: Product) -> None:
    order = np.array(
        [i for i, d in enumerate(DETECTORS) if d == "VNIR"]
        + [i for i, d in enumerate(DETECTORS) if d == "SWIR"]
    )
    straight = ds.read(Product(product.folder / "straight", empty=(4, 8)).write())
    product.centres = [CENTRES[i] for i in order]
    product.detectors = [DETECTORS[i] for i in order]
    product.empty = tuple(int(np.flatnonzero(order == band)[0]) for band in (4, 8))
    product.image = Product(product.folder, empty=(4, 8)).image[order]
    scene = ds.read(product.write())
    assert scene.sensor.axis.values.tolist() == CENTRES
    assert list(scene.sensor.detector) == DETECTORS
    np.testing.assert_array_equal(scene.empty, straight.empty)
    np.testing.assert_array_equal(scene.read().values, straight.read().values)
    assert "sorted by wavelength" in " ".join(scene.notes)


@pytest.mark.parametrize(
    ("layer", "value", "reason"),
    [
        ("CLASSES", 3, MaskReason.BACKGROUND),
        ("CLOUD", 1, MaskReason.CLOUD),
        ("CLOUDSHADOW", 1, MaskReason.CLOUD_SHADOW),
        ("CIRRUS", 1, MaskReason.CIRRUS),
        ("CIRRUS", 3, MaskReason.CIRRUS),
        ("CIRRUS", 255, MaskReason.VALID),
        ("HAZE", 1, MaskReason.HAZE),
        ("SNOW", 1, MaskReason.SNOW),
        ("CLASSES", 2, MaskReason.WATER),
        ("TESTFLAGS", 16, MaskReason.SATURATED),
        ("TESTFLAGS", 32, MaskReason.SATURATED),
        ("TESTFLAGS", 4 + 8 + 64 + 128, MaskReason.VALID),
    ],
)
def test_each_layer_masks_its_pixel(product: Product, layer: str, value: int, reason: MaskReason) -> None:
    product.layers[layer][0, 5, 6] = value
    mask = ds.read(product.write()).mask()
    expected = np.zeros((ROWS, COLUMNS), np.uint8)
    expected[5, 6] = reason
    np.testing.assert_array_equal(mask, expected)


def test_the_first_reason_is_kept(product: Product) -> None:
    for layer, value in (("CLOUD", 1), ("CIRRUS", 2), ("CLASSES", 2), ("TESTFLAGS", 16)):
        product.layers[layer][0, 0, 0] = value
    product.layers["CLASSES"][0, 0, 1] = 2
    product.layers["TESTFLAGS"][0, 0, 1] = 32
    mask = ds.read(product.write()).mask(Window(0, 0, 1, 3))
    assert mask.tolist() == [[MaskReason.CLOUD, MaskReason.WATER, MaskReason.VALID]]


def test_cirrus_from_says_which_level_counts(product: Product) -> None:
    product.layers["CIRRUS"][0, 0, :4] = [0, 1, 2, 3]
    path = product.write()
    cirrus = [(ds.read(path, cirrus_from=n).mask()[0, :4] == MaskReason.CIRRUS).tolist() for n in (1, 2, 3)]
    assert cirrus == [[False, True, True, True], [False, False, True, True], [False, False, False, True]]
    with pytest.raises(UsageError, match=r"1 .thin., 2 or 3"):
        ds.read(path, cirrus_from=0)


def test_pixelmask_counts_above_a_tenth_of_the_filled_bands(product: Product) -> None:
    pixelmask = product.layers["PIXELMASK"]
    pixelmask[0, 1, 1] = 1  # one of ten bands with data: not more than 10 %
    pixelmask[:2, 2, 2] = 1
    pixelmask[list(EMPTY), 3, 3] = 1  # defective bands that hold nothing anyway
    pixelmask[:, 4, 4] = 255  # background value, no defect
    mask = ds.read(product.write()).mask()
    assert np.argwhere(mask == MaskReason.DEFECTIVE).tolist() == [[2, 2]]


def test_nodata_is_background_and_half_a_spectrum_defective(product: Product) -> None:
    assert product.image is not None
    product.image[:, 0, :] = NODATA
    swir = [i for i, d in enumerate(DETECTORS) if d == "SWIR"]
    product.image[swir, 1, 0] = NODATA
    product.without = ("CLASSES",)
    scene = ds.read(product.write())
    mask = scene.mask()
    assert (mask[0] == MaskReason.BACKGROUND).all()
    assert mask[1, 0] == MaskReason.DEFECTIVE
    assert (mask[1, 1:] == MaskReason.VALID).all()
    assert scene.notes == ("quality layers missing, not masked by them: CLASSES",)


def test_without_xml_the_empty_bands_are_found_in_the_image(product: Product) -> None:
    table = ds.Sensor.load("enmap")
    empty = (129, 130, 131)
    whole = Product(product.folder, list(table.axis.values), list(table.detector), empty, without=("XML",))
    scene = ds.read(whole.write())
    assert np.flatnonzero(scene.empty).tolist() == list(empty)
    assert scene.sensor.axis == table.axis
    assert scene.acquired == datetime(2023, 6, 15, 10, 30, 12, tzinfo=UTC)
    assert scene.level == "L2A"
    assert "no METADATA.XML" in scene.notes[0]


def test_without_xml_and_with_other_bands_it_is_an_error(product: Product) -> None:
    product.without = ("XML",)
    with pytest.raises(ProductError, match=r"no METADATA\.XML, and 12 bands are not the 224 of EnMAP.*Put"):
        ds.read(product.write())


def test_xml_and_image_must_agree_on_the_bands(product: Product) -> None:
    assert product.image is not None
    product.image = product.image[:-1]
    product.layers["PIXELMASK"] = product.layers["PIXELMASK"][:-1]
    with pytest.raises(
        ProductError, match=rf"{NAME}-METADATA.XML describes 12 bands, {NAME}-SPECTRAL_IMAGE.TIF has 11"
    ):
        ds.read(product.write())


def test_layers_must_lie_on_the_grid_of_the_image(product: Product) -> None:
    product.layers["CLOUD"] = product.layers["CLOUD"][:, :-1]
    with pytest.raises(ProductError, match=r"QL_QUALITY_CLOUD.TIF is 1 x 11 x 10 .* image 12 x 12 x 10"):
        ds.read(product.write())


def test_pixelmask_must_have_all_bands(product: Product) -> None:
    product.layers["PIXELMASK"] = product.layers["PIXELMASK"][:-1]
    with pytest.raises(ProductError, match=r"QL_PIXELMASK.TIF is 11 x 12 x 10"):
        ds.read(product.write())


def test_layers_of_another_product_are_not_taken(product: Product) -> None:
    product.layers["CLOUD"][:] = 1
    product.write()
    layer = product.layer_file("CLOUD")
    layer.rename(layer.with_name(layer.name.replace("0000009999", "0000008888")))
    scene = ds.read(product.file("SPECTRAL_IMAGE.TIF"))
    assert not scene.mask().any()
    assert scene.notes == ("quality layers missing, not masked by them: CLOUD",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda xml: xml[: len(xml) // 2], "damaged or cut off"),
        (lambda xml: xml.replace("<level>L2A", "<level>L1C"), "product is L1C, not L2A"),
        (
            lambda xml: xml.replace(">550.0<", ">?<"),
            "wavelengthcenterofband of band 2 is '[?]', not a number",
        ),
        (lambda xml: xml.replace(">550.0<", ">418.2<"), "418.2 nm stands there twice"),
        (lambda xml: xml.replace('number="2"><wave', 'number="1"><wave'), "number='1' is repeated"),
        (lambda xml: xml.replace("bandCharacterisation", "other"), "no bands are characterised"),
        (lambda xml: '<!DOCTYPE a [<!ENTITY b "c">]>' + xml.partition("?>")[2], "declares entities"),
    ],
)
def test_a_bad_xml_is_one_clear_line(product: Product, change, message: str) -> None:
    product.xml = change
    with pytest.raises(ProductError, match=message) as caught:
        ds.read(product.write())
    assert str(product.path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_xml_may_have_namespaces_and_lack_gains_and_statistics(product: Product) -> None:
    def change(xml: str) -> str:
        xml = xml.replace("<level_X>", '<level_X xmlns="urn:enmap">').replace(
            "<GainOfBand>0.0001</GainOfBand>", ""
        )
        return xml.replace("bandStatistics", "spare")

    product.xml = change
    scene = ds.read(product.write())
    assert np.flatnonzero(scene.empty).tolist() == list(EMPTY)
    assert scene.read().values[0, 0, 0] == pytest.approx(0.01)
    assert scene.notes == ("gainofband missing for bands 1-12: 0.0001 assumed",)


def test_no_crs_and_no_nodata_are_noted(product: Product) -> None:
    product.crs, product.nodata = None, None
    scene = ds.read(product.write())
    assert scene.crs == ""
    assert np.isnan(scene.read().values[0, 0, EMPTY[0]])
    assert any("no coordinate system" in note for note in scene.notes)
    assert any("no nodata value: -32768 is assumed" in note for note in scene.notes)


@pytest.mark.parametrize("compress", ["deflate", "none"])
@pytest.mark.parametrize("keep", [0.05, 0.3, 0.7, 0.98, 0.9999])
def test_a_truncated_image_is_never_read_as_zeros(product: Product, keep: float, compress: str) -> None:
    product.compress = compress
    product.write()
    image = product.file("SPECTRAL_IMAGE.TIF")
    image.write_bytes(image.read_bytes()[: int(image.stat().st_size * keep)])
    with pytest.raises(ProductError, match=r"truncated|cut off|could not open") as caught:
        ds.read(product.path)
    assert image.name in str(caught.value)


def test_damaged_data_name_the_file_and_the_window(product: Product) -> None:
    product.write()
    image = product.file("SPECTRAL_IMAGE.TIF")
    with rasterio.open(image) as data:
        strip = int(data.get_tag_item("BLOCK_OFFSET_0_1", "TIFF", bidx=5))
    with image.open("r+b") as stream:
        stream.seek(strip)
        stream.write(b"\xff" * 12)
    scene = ds.read(product.path)
    with pytest.raises(ProductError, match=r"SPECTRAL_IMAGE.TIF: could not read rows 0-11, columns 0-9"):
        scene.read()


def test_a_window_outside_is_an_error(product: Product) -> None:
    scene = ds.read(product.write())
    for window in (Window(0, 0, 13, 1), Window(-1, 0, 2, 2), Window(0, 9, 1, 2), Window(0, 0, 0, 1)):
        with pytest.raises(UsageError, match="no window of 12 x 10 pixels"):
            scene.read(window)
        with pytest.raises(UsageError, match="no window of 12 x 10 pixels"):
            scene.mask(window)


def test_the_parts_open_the_product_too(product: Product) -> None:
    product.write()
    for part in ("SPECTRAL_IMAGE.TIF", "METADATA.XML"):
        assert ds.read(product.file(part)).name == NAME
    product.file("SPECTRAL_IMAGE.TIF").unlink()
    with pytest.raises(ProductError, match=r"no SPECTRAL_IMAGE.TIF beside the metadata"):
        ds.read(product.file("METADATA.XML"))


def test_two_products_in_one_folder_are_told_apart(product: Product) -> None:
    product.write()
    other = product.path / product.file("SPECTRAL_IMAGE.TIF").name.replace("0000009999", "0000008888")
    other.write_bytes(product.file("SPECTRAL_IMAGE.TIF").read_bytes())
    with pytest.raises(ProductError, match="2 spectral images lie in one folder"):
        ds.read(product.path)
    assert ds.read(product.file("SPECTRAL_IMAGE.TIF")).notes == ()


def test_images_of_other_missions_are_not_enmap(product: Product) -> None:
    product.without = ("XML",)
    product.write()
    for file in product.path.iterdir():
        file.rename(file.with_name(file.name.replace("ENMAP01", "DESIS")))
    assert not READER.matches(product.path)


def test_nothing_is_written_and_no_handle_stays_open(product: Product) -> None:
    folder = product.write()
    before = listing(folder)
    scene = ds.read(folder)
    scene.read(), scene.mask()
    assert listing(folder) == before
    handles = Path("/proc/self/fd")
    if handles.is_dir():
        still_open = [os.readlink(handle) for handle in handles.iterdir() if handle.is_symlink()]
        assert not [name for name in still_open if str(folder) in name]


def test_threads_read_the_same(product: Product) -> None:
    scene = ds.read(product.write())
    windows = list(scene.windows(pixels=30)) * 4
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda w: scene.read(w).values, windows))
    whole = scene.read().values
    for window, part in zip(windows, parts, strict=True):
        np.testing.assert_array_equal(part, whole[window.slices])


def test_describe_metadata_of_a_lone_xml(product: Product) -> None:
    product.write()
    facts = describe_metadata(product.file("METADATA.XML"))
    assert facts["product"] == NAME
    assert facts["bands"] == 12
    assert facts["wavelength_nm"] == [418.2, 2200.0]
    assert facts["detectors"] == {"SWIR": 6, "VNIR": 6}
    assert facts["empty_bands"] == {"count": 2, "numbers": "9-10"}
    assert facts["acquired"] == "2023-06-15T10:30:12.123456Z"
    with pytest.raises(UsageError, match="no such file"):
        describe_metadata(product.path / "missing.xml")


@pytest.mark.real_data
def test_the_real_product(shared_data: Path) -> None:
    folder = next(f for f in (shared_data / "enmap").iterdir() if f.is_dir())
    before = listing(folder)
    scene = ds.read(folder)
    assert len(scene.sensor) == 224
    assert scene.acquired == datetime(2022, 11, 3, 16, 24, 38, tzinfo=UTC)
    assert (np.flatnonzero(scene.empty) + 1).tolist() == [*range(127, 142), *range(161, 168)]
    assert scene.crs == "EPSG:32618"
    assert (scene.mask() == MaskReason.WATER).all()
    values = scene.read().values
    assert np.isnan(values[..., scene.empty]).all()
    assert not np.isnan(values[..., ~scene.empty]).any()
    assert -0.06 < values[..., ~scene.empty].min() < 0
    assert listing(folder) == before


@pytest.mark.real_data
def test_the_real_metadata(shared_data: Path) -> None:
    facts = describe_metadata(next((shared_data / "enmap").glob("*METADATA.XML")))
    assert (facts["bands"], facts["level"], facts["acquired"]) == (218, "L2A", "2017-06-26T10:20:20.999936Z")
    assert facts["detectors"] == {"SWIR": 130, "VNIR": 88}
    assert facts["wavelength_nm"] == [423.03, 2438.6]
