"""EnMAP products as they are delivered: zipped, as COG, in lower case; parts that do not belong together."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.readers.conftest import CENTRES, COLUMNS, DETECTORS, EMPTY, NAME, NODATA, ROWS, Product

import deepsalt as ds
from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.enmap import READER
from deepsalt.readers.product_files import Member, gdal_name
from deepsalt.spectra import MaskReason, Window

OTHER = NAME.replace("0000009999", "0000008888")


def in_lower_case(folder: Path) -> None:
    for file in list(folder.iterdir()):
        head, tail = file.name[: len(NAME)], file.name[len(NAME) :]
        file.rename(folder / (head + tail.lower()))


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("inside", ["", f"{NAME}/", f"delivery/{NAME}/"])
def test_a_zip_is_read_as_its_folder(product: Product, how: int, inside: str) -> None:
    product.layers["CLOUD"][0, 3, 3] = 1
    folder = ds.read(product.write())
    window = Window(2, 1, 5, 7)
    values, mask = folder.read(window).values, folder.mask()
    path = product.zipped(how, inside)
    shutil.rmtree(product.path)
    scene = ds.read(path)
    assert (scene.name, scene.path, scene.acquired) == (NAME, str(path), folder.acquired)
    assert scene.facts == folder.facts
    assert scene.transform == folder.transform
    np.testing.assert_array_equal(scene.read(window).values, values)
    np.testing.assert_array_equal(scene.mask(), mask)
    packed = "the image is compressed within the zip: unpack the zip to read windows faster"
    assert scene.notes == ((packed,) if how == zipfile.ZIP_DEFLATED else ())
    assert list(path.parent.iterdir()) == [path], "nothing is unpacked beside it"


def test_a_zip_by_another_name_and_with_the_doubles_of_another_system(product: Product) -> None:
    product.write()
    path = product.zipped().rename(product.folder / "delivery.2023")
    with zipfile.ZipFile(path, "a") as archive:
        for file in product.path.iterdir():
            archive.writestr(f"__MACOSX/{NAME}/._{file.name}", b"no image")
    assert ds.read(path).mask().shape == (ROWS, COLUMNS)


def test_one_of_several_products_in_a_zip(product: Product) -> None:
    product.write()
    path = product.zipped()
    with zipfile.ZipFile(path, "a") as archive:
        for file in product.path.iterdir():
            text = file.read_bytes().replace(NAME.encode(), OTHER.encode())
            archive.writestr(f"{OTHER}/{file.name.replace(NAME, OTHER)}", text)
    with pytest.raises(ProductError, match=rf"2 spectral images lie in one zip.*product='{OTHER}'"):
        ds.read(path)
    assert ds.read(path, product="DT0000008888").name == OTHER
    assert ds.read(path, product=NAME).name == NAME
    with pytest.raises(ProductError, match="none of 2 spectral images has 'DT7' in its name"):
        ds.read(path, product="DT7")


def test_a_zip_that_is_cut_off_or_holds_a_cut_image(product: Product) -> None:
    product.write()
    path = product.zipped(zipfile.ZIP_STORED)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ProductError, match="the zip is damaged, cut off or locked"):
        ds.read(path, reader="enmap")
    assert not READER.matches(path)
    image = product.file("SPECTRAL_IMAGE.TIF")
    image.write_bytes(image.read_bytes()[:-40])
    with pytest.raises(ProductError, match=r"delivery.zip/ENMAP.*SPECTRAL_IMAGE.TIF: the TIFF is truncated"):
        ds.read(product.zipped())


def test_a_zip_of_something_else_is_no_enmap(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert not READER.matches(path)


def test_the_name_for_gdal_ends_where_the_zip_does() -> None:
    """A zip need not end in .zip, and /vsizip/ would then look for its own end."""
    member = Member(Path("/data/a.b"), "one/two.TIF")
    assert gdal_name(member) == "/vsizip/{/data/a.b}/one/two.TIF"
    assert (member.name, member.stem, member.suffix, str(member)) == (
        "two.TIF",
        "two",
        ".TIF",
        "/data/a.b/one/two.TIF",
    )


def test_cog_variants_are_read_tile_by_tile(product: Product) -> None:
    straight = ds.read(Product(product.folder / "straight").write())
    product.cog = True
    scene = ds.read(product.write())
    assert scene.name == NAME
    assert scene.block == (16, 16)
    assert scene.notes == ()
    np.testing.assert_array_equal(scene.read().values, straight.read().values)


def test_windows_of_a_cog_are_whole_tiles(product: Product) -> None:
    product.cog = True
    product.image = np.tile(product.image, (1, 4, 4))
    product.layers = {layer: np.tile(values, (1, 4, 4)) for layer, values in product.layers.items()}
    scene = ds.read(product.write())
    windows = list(scene.windows(pixels=256))
    assert {(w.row % 16, w.column % 16) for w in windows} == {(0, 0)}
    assert len(windows) == 9
    assert sum(w.rows * w.columns for w in windows) == 48 * 40


def test_names_in_lower_case(product: Product) -> None:
    product.layers["SNOW"][0, 1, 1] = 1
    in_lower_case(product.write())
    scene = ds.read(product.path)
    assert scene.notes == ()
    assert scene.sensor.axis.values.tolist() == CENTRES
    assert scene.mask()[1, 1] == MaskReason.SNOW


def test_the_background_value_of_the_xml_is_not_nodata(product: Product) -> None:
    """It says 0, and 0 is a reflectance; nodata is what the TIFF says."""
    product.image[0, 2, 2] = 0
    product.nodata = -9999
    product.image[product.image == NODATA] = -9999
    product.image[1, 2, 3] = -9999
    scene = ds.read(product.write())
    values = scene.read().values
    assert values[2, 2, 0] == 0
    assert np.isnan(values[2, 3, 1])
    assert np.argwhere(scene.mask() != MaskReason.VALID).tolist() == [[2, 3]]


@pytest.mark.parametrize("empty", [(8, 9), (9,), ()])
def test_which_bands_are_empty_differs_by_processor(product: Product, empty: tuple[int, ...]) -> None:
    scene = ds.read(Product(product.folder / "p", empty=empty).write())
    assert np.flatnonzero(scene.empty).tolist() == list(empty)
    assert set(scene.band_faults) == ({"", "no data in the product"} if empty else {""})
    assert (scene.mask() == MaskReason.VALID).all()


def test_statistics_that_are_no_number_are_an_empty_band(product: Product) -> None:
    product.xml = lambda text: text.replace("<mean>-1000000</mean>", "<mean>nan</mean>")
    scene = ds.read(product.write())
    assert np.flatnonzero(scene.empty).tolist() == list(EMPTY)
    assert (scene.mask() == MaskReason.VALID).all()


def test_saturation_is_told_before_defects(product: Product) -> None:
    product.layers["TESTFLAGS"][0, 1, 1:3] = (16, 32 | 2)
    product.layers["PIXELMASK"][:4, 1, 2] = 1
    product.layers["PIXELMASK"][:4, 1, 3] = 1
    mask = ds.read(product.write()).mask()
    assert mask[1, :4].tolist() == [0, MaskReason.SATURATED, MaskReason.SATURATED, MaskReason.DEFECTIVE]


@pytest.mark.parametrize(("overlap", "dropped"), [("vnir", "SWIR"), ("swir", "VNIR")])
def test_one_detector_serves_the_overlap(product: Product, overlap: str, dropped: str) -> None:
    both = ds.read(product.write())
    scene = ds.read(product.path, overlap=overlap)
    kept = [
        band
        for band, (centre, detector) in enumerate(zip(CENTRES, DETECTORS, strict=True))
        if not (902.3 <= centre <= 993.5 and detector == dropped)
    ]
    assert scene.sensor.axis.values.tolist() == [CENTRES[band] for band in kept]
    np.testing.assert_array_equal(scene.read().values, both.read().values[..., kept])
    np.testing.assert_array_equal(scene.mask(), both.mask())
    with pytest.raises(UsageError, match="overlap='nir'"):
        ds.read(product.path, overlap="nir")
    product.xml = lambda text: text.replace("expectedChannelsList", "other")
    product.write()
    with pytest.raises(ProductError, match="detectors of the bands are not told"):
        ds.read(product.path, overlap=overlap)


def test_the_xml_of_another_acquisition_is_an_error(product: Product) -> None:
    product.xml = lambda text: text.replace(NAME, OTHER)
    with pytest.raises(ProductError, match=rf"is that of {OTHER}, the image is {NAME}-SPECTRAL_IMAGE"):
        ds.read(product.write())
    file = product.file("METADATA.XML")
    file.rename(file.with_name("METADATA.XML"))
    with pytest.raises(ProductError, match=rf"METADATA.XML is that of {OTHER}"):
        ds.read(product.path)


def test_the_xml_of_another_processing_is_noted(product: Product) -> None:
    product.xml = lambda text: text.replace("V010303", "V010110")
    (note,) = ds.read(product.write()).notes
    assert "is that of processor V010110, the image of V010303" in note


def test_an_xml_by_the_name_of_another_product_is_not_used(product: Product) -> None:
    table = ds.Sensor.load("enmap")
    whole = Product(product.folder, list(table.axis.values), list(table.detector), ())
    whole.write()
    file = whole.file("METADATA.XML")
    file.rename(file.with_name(file.name.replace(NAME, OTHER)))
    notes = ds.read(whole.file("SPECTRAL_IMAGE.TIF")).notes
    assert notes[:2] == (
        "no METADATA.XML: wavelengths and widths of the shipped EnMAP table, scale 0.0001, are assumed",
        f"metadata of other products are not used: {OTHER}-METADATA.XML",
    )


@pytest.mark.parametrize("part", ["QL_QUALITY_CLOUD.TIF", "SPECTRAL_IMAGE.TIF", "QL_PIXELMASK.TIF"])
def test_a_part_without_a_byte(product: Product, part: str) -> None:
    product.write()
    product.file(part).write_bytes(b"")
    with pytest.raises(ProductError, match=rf"{part}: the file is empty \(0 bytes\)"):
        ds.read(product.path)
    product.file(part).write_bytes(b"II*\x00")
    with pytest.raises(ProductError, match=rf"{part}: the TIFF is truncated or damaged"):
        ds.read(product.path)


def test_an_image_without_a_layer_is_read_without_it(product: Product) -> None:
    product.layers["SNOW"][:] = 1
    product.without = ("CLOUD", "PIXELMASK")
    scene = ds.read(product.write())
    assert (scene.mask() == MaskReason.SNOW).all()
    assert scene.notes == ("quality layers missing, not masked by them: CLOUD, PIXELMASK",)


def test_an_image_with_swapped_axes(product: Product) -> None:
    product.image = product.image.transpose(1, 0, 2)[:10]
    product.layers = {"CLASSES": product.layers["CLASSES"]}
    with pytest.raises(ProductError, match=r"describes 12 bands, .*TIF has 10 \(are its axes swapped\?\)"):
        ds.read(product.write())


@pytest.mark.real_data
def test_the_shipped_table_pairs_wavelength_and_detector_as_products_do(shared_data: Path) -> None:
    """One published listing pairs bands 80-101 with the wavelengths of their neighbours."""
    table = ds.Sensor.load("enmap")
    told = pd.read_csv(shared_data / "srf" / "enmap_L2A_DT0000001049_inflight.csv").sort_values("center_nm")
    assert np.abs(table.axis.values - told["center_nm"].to_numpy()).max() < 1
    vnir = [*range(1, 80), 81, 82, 84, 86, 88, 90, 92, 93, 95, 97, 99, 100]
    assert (np.flatnonzero(np.array(table.detector) == "VNIR") + 1).tolist() == vnir
