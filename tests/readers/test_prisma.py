"""PRISMA L2D files: each trap of the format, and every way a product can contradict itself."""

from __future__ import annotations

import concurrent.futures
import itertools
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.readers.prisma_file import (
    COLUMNS,
    FIELDS,
    LEFT,
    NAME,
    ROWS,
    SORTED,
    SWIR,
    TOP,
    VAPOUR,
    VNIR,
    PrismaFile,
)

import deepsalt as ds
from deepsalt.errors import DeepSaltError, ProductError, UsageError
from deepsalt.readers.describe import describe
from deepsalt.readers.prisma import READER
from deepsalt.spectra import MaskReason, Sensor, Window

NO_LAYERS = "PRISMA L2D has no layer of clouds, shadows, snow or water: pixels under them are not masked"
SORTING = "bands are in another order in the file: delivered sorted by wavelength"


@pytest.fixture
def product(tmp_path: Path) -> PrismaFile:
    return PrismaFile(tmp_path)


def test_facts_of_the_product(product: PrismaFile) -> None:
    scene = ds.read(product.write())
    assert (scene.name, scene.level, scene.crs) == (NAME, "L2D", "EPSG:32632")
    assert (scene.height, scene.width, scene.block) == (ROWS, COLUMNS, (1, COLUMNS))
    assert scene.acquired == datetime(2024, 4, 2, 10, 28, 37, 932000, tzinfo=UTC)
    assert scene.sensor.name == "prisma"
    assert scene.facts["cloud cover"] == "3.5"
    assert scene.facts["scale SWIR"] == "-0.05 to 0.9"
    assert scene.notes == (SORTING, NO_LAYERS)
    assert not scene.empty.any()


def test_falling_wavelengths_are_sorted_and_unused_bands_left_out(product: PrismaFile) -> None:
    scene = ds.read(product.write())
    assert scene.sensor.axis.values.tolist() == SORTED
    assert len(scene.sensor) == len(VNIR) + len(SWIR) - 2
    detector = ["VNIR" if c in VNIR else "SWIR" for c in SORTED]
    assert list(scene.sensor.detector) == detector
    values = scene.read().values
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, product.reflectance(), atol=1e-6)


@given(low=st.floats(-0.25, 0.25, width=32), span=st.floats(0.25, 3, width=32), number=st.integers(1, 65535))
def test_each_detector_has_its_own_scale(
    tmp_path_factory: pytest.TempPathFactory, low: float, span: float, number: int
) -> None:
    product = PrismaFile(tmp_path_factory.mktemp("scale"))
    product.attributes |= {"L2ScaleVnirMin": np.float32(low), "L2ScaleVnirMax": np.float32(low + span)}
    product.set(655.4, 3, 4, number)
    product.set(2199.1, 3, 4, number)
    values = ds.read(product.write()).read(Window(3, 4, 1, 1)).values[0, 0]
    assert values[SORTED.index(655.4)] == pytest.approx(low + number * span / 65535, abs=1e-6)
    assert values[SORTED.index(2199.1)] == pytest.approx(-0.05 + number * 0.95 / 65535, abs=1e-6)


def test_wavelengths_are_those_of_the_product_and_usable_bands_of_the_table(product: PrismaFile) -> None:
    shifted = {c: c + 4.5 for c in VNIR + SWIR if c}
    for name, centres in (("Vnir", VNIR), ("Swir", SWIR)):
        product.attributes[f"List_Cw_{name}"] = np.array([shifted.get(c, 0) for c in centres], np.float32)
    sensor = ds.read(product.write()).sensor
    np.testing.assert_allclose(sensor.axis.values, np.array(SORTED) + 4.5, rtol=1e-6)
    assert np.flatnonzero(~np.asarray(sensor.good)).tolist() == VAPOUR
    assert np.asarray(sensor.axis.widths).tolist() == [12.0] * len(SORTED)


@pytest.mark.parametrize(
    ("overlap", "left_out"), [("both", []), ("vnir", [943.4, 960.0]), ("swir", [967.0, 977.4])]
)
def test_which_detector_serves_where_both_do(
    product: PrismaFile, overlap: str, left_out: list[float]
) -> None:
    scene = ds.read(product.write(), overlap=overlap)
    kept = [i for i, c in enumerate(SORTED) if c not in left_out]
    np.testing.assert_allclose(scene.sensor.axis.values, np.array(SORTED)[kept], rtol=1e-6)
    np.testing.assert_allclose(scene.read().values, product.reflectance()[..., kept], atol=1e-6)
    assert (scene.mask() == MaskReason.VALID).all()


def test_an_unknown_overlap_is_told(product: PrismaFile) -> None:
    with pytest.raises(UsageError, match=r"overlap='best'.*both, vnir, swir"):
        ds.read(product.write(), overlap="best")


def test_corners_are_the_centres_of_pixels(product: PrismaFile) -> None:
    scene = ds.read(product.write())
    assert scene.transform == (30.0, 0.0, LEFT - 15, 0.0, -30.0, TOP + 15)
    x, y = scene.xy(np.array([0, ROWS - 1]), np.array([0, COLUMNS - 1]))
    assert x.tolist() == [LEFT, LEFT + 30 * (COLUMNS - 1)]
    assert y.tolist() == [TOP, TOP - 30 * (ROWS - 1)]


def test_zero_everywhere_is_outside_the_swath(product: PrismaFile) -> None:
    for name in ("VNIR", "SWIR"):
        product.cubes[name][:, :, 0] = 0
        product.cubes[name][2, :, 5] = 0
    scene = ds.read(product.write())
    expected = np.zeros((ROWS, COLUMNS), np.uint8)
    expected[:, 0] = expected[2, 5] = MaskReason.BACKGROUND
    np.testing.assert_array_equal(scene.mask(), expected)
    np.testing.assert_array_equal(np.isnan(scene.read().values).all(axis=-1), expected > 0)


def test_zero_in_some_bands_is_missing_there_alone(product: PrismaFile) -> None:
    """Failed retrievals in the water-vapour bands do not cost the pixel; a silent detector does."""
    for wavelength in (1900.0, 1405.6, 655.4):
        product.set(wavelength, 1, 1, 0)
    product.cubes["SWIR"][4, :, 4] = 0
    product.cubes["VNIR"][5, :, 5] = 0
    scene = ds.read(product.write())
    missing = np.isnan(scene.read().values)
    assert np.flatnonzero(missing[1, 1]).tolist() == sorted([*VAPOUR, SORTED.index(655.4)])
    assert missing[4, 4].sum() == len(SWIR) - 1
    mask = scene.mask()
    assert np.argwhere(mask == MaskReason.DEFECTIVE).tolist() == [[4, 4], [5, 5]]
    assert (mask > 0).sum() == 2


@pytest.mark.parametrize(
    ("code", "wavelength", "kept"),
    [
        (0, 655.4, True),
        (1, 655.4, False),
        (2, 655.4, False),  # the scale of the VNIR begins at 0: a negative value was not stored
        (2, 2199.1, True),  # that of the SWIR below it
        (3, 2199.1, False),  # bad at level 1 and negative
        (4, 655.4, False),
        (6, 2199.1, False),  # negative and saturated
        (8, 655.4, False),  # not known
    ],
)
def test_error_matrix_spoils_single_values(
    product: PrismaFile, code: int, wavelength: float, kept: bool
) -> None:
    product.mark(wavelength, 6, 7, code)
    missing = np.isnan(ds.read(product.write()).read().values)
    assert missing[6, 7, SORTED.index(wavelength)] != kept
    assert missing.sum() == (not kept)


def test_a_negative_value_that_the_scale_can_hold_is_kept(product: PrismaFile) -> None:
    product.set(2199.1, 0, 0, 1500)
    product.mark(2199.1, 0, 0, 2)
    value = ds.read(product.write()).read().values[0, 0, SORTED.index(2199.1)]
    assert value == pytest.approx(-0.05 + 1500 * 0.95 / 65535, abs=1e-6)
    assert value < 0


def test_pixels_are_left_out_above_a_tenth_of_the_usable_bands(product: PrismaFile) -> None:
    """Ten bands count here: twelve without those at 1400 and 1900 nm."""
    marks = {
        (1, 1): [(655.4, 1)],  # one of ten: not more than 10 %
        (2, 2): [(655.4, 1), (2199.1, 1)],
        (3, 3): [(1900.0, 1), (1405.6, 1), (655.4, 1)],  # water vapour does not count
        (4, 4): [(655.4, 4), (902.8, 4)],
        (5, 5): [(655.4, 4), (902.8, 1), (967.0, 1)],  # mostly not saturated
        (6, 6): [(2199.1, 2), (1647.2, 2)],  # negative, and kept
        (7, 7): [(655.4, 2), (902.8, 2)],  # negative, and lost
    }
    for (row, column), codes in marks.items():
        for wavelength, code in codes:
            product.mark(wavelength, row, column, code)
    mask = ds.read(product.write()).mask()
    expected = np.zeros((ROWS, COLUMNS), np.uint8)
    for at in ((2, 2), (5, 5), (7, 7)):
        expected[at] = MaskReason.DEFECTIVE
    expected[4, 4] = MaskReason.SATURATED
    np.testing.assert_array_equal(mask, expected)
    assert (ds.read(product.path).mask(Window(4, 3, 1, 2)) == [[0, MaskReason.SATURATED]]).all()


def test_a_band_without_data_is_named(product: PrismaFile) -> None:
    product.cubes["SWIR"][:, SWIR.index(1900.0)] = 0
    product.cubes["SWIR"][:, SWIR.index(1647.2)] = 0
    scene = ds.read(product.write())
    assert np.flatnonzero(scene.empty).tolist() == [SORTED.index(1647.2), SORTED.index(1900.0)]
    assert (scene.mask() == MaskReason.VALID).all()
    assert describe(scene)["empty_bands"]["count"] == 2


def test_a_band_with_data_in_a_few_rows_is_not_empty(tmp_path: Path) -> None:
    product = PrismaFile(tmp_path, rows=60)
    product.cubes["SWIR"][:, SWIR.index(2199.1)] = 0
    product.set(2199.1, 1, 5, 7000)
    assert not ds.read(product.write()).empty.any()
    product.set(2199.1, 1, 5, 0)
    assert np.flatnonzero(ds.read(product.write()).empty).tolist() == [SORTED.index(2199.1)]


def test_a_window_is_that_part_of_the_whole(product: PrismaFile) -> None:
    scene = ds.read(product.write())
    whole, mask = scene.read().values, scene.mask()
    window = Window(4, 2, 5, 7)
    np.testing.assert_array_equal(scene.read(window).values, whole[window.slices])
    np.testing.assert_array_equal(scene.mask(window), mask[window.slices])
    parts = np.concatenate([scene.read(w).values for w in scene.windows(pixels=30)])
    np.testing.assert_array_equal(parts, whole)
    with pytest.raises(UsageError, match="is no window of 12 x 10 pixels"):
        scene.read(Window(8, 0, 5, 1))


def test_windows_follow_the_chunks(product: PrismaFile) -> None:
    product.chunks = (4, 2, 5)
    scene = ds.read(product.write())
    assert scene.block == (4, 5)
    np.testing.assert_allclose(scene.read().values, product.reflectance(), atol=1e-6)


def test_nothing_stays_open_and_threads_may_read(product: PrismaFile) -> None:
    scene = ds.read(product.write())
    whole = scene.read().values
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda w: scene.read(w).values, scene.windows(pixels=10)))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    with h5py.File(product.path, "a") as file:  # fails where a handle is left open for reading
        file.attrs["touched"] = 1
    assert [f.name for f in product.folder.iterdir()] == [product.name]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_of_axes_gives_the_same_pixels(product: PrismaFile, order: tuple[int, int, int]) -> None:
    product.mark(655.4, 6, 7, 1)
    expected = product.reflectance()
    expected[6, 7, SORTED.index(655.4)] = np.nan
    product.order = order
    scene = ds.read(product.write())
    assert (scene.height, scene.width) == (ROWS, COLUMNS)
    np.testing.assert_allclose(scene.read().values, expected, atol=1e-6)
    turned = any("the other way round" in note for note in scene.notes)
    assert turned == (order.index(0) > order.index(2))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_of_a_square_image_latitude_tells_the_rows(tmp_path: Path, order: tuple[int, int, int]) -> None:
    product = PrismaFile(tmp_path, rows=9, columns=9, order=order)
    scene = ds.read(product.write())
    np.testing.assert_allclose(scene.read().values, product.reflectance(), atol=1e-6)


def test_without_latitude_the_corners_tell_the_rows(product: PrismaFile) -> None:
    product.places, product.order = False, (2, 1, 0)
    scene = ds.read(product.write())
    np.testing.assert_allclose(scene.read().values, product.reflectance(), atol=1e-6)
    assert "no latitude and longitude to check by" in " ".join(scene.notes)


@pytest.mark.parametrize("code", [None, np.bytes_("none"), np.uint32(0), np.uint32(99)])
def test_without_a_coordinate_system_there_is_a_note(product: PrismaFile, code: object) -> None:
    product.attributes["Epsg_Code"] = code
    scene = ds.read(product.write())
    assert scene.crs == ""
    assert "no coordinate system" in " ".join(scene.notes)
    np.testing.assert_allclose(scene.read().values, product.reflectance(), atol=1e-6)
    assert describe(scene)["extent"] is None


def test_geolocation_that_contradicts_the_corners(product: PrismaFile) -> None:
    product.shift_m = 15.0
    assert "lie 15 m from the corner coordinates: the corners count" in " ".join(
        ds.read(product.write()).notes
    )
    product.shift_m = 3.0
    assert ds.read(product.write()).notes == (SORTING, NO_LAYERS)
    product.shift_m = 900.0
    with pytest.raises(ProductError, match=r"lie 900 m from the corner coordinates \(EPSG:32632\).*Download"):
        ds.read(product.write())


def test_places_that_are_none_are_not_compared(product: PrismaFile) -> None:
    path = product.write()
    with h5py.File(path, "a") as file:
        file["HDFEOS/SWATHS/PRS_L2D_HCO/Geolocation Fields/Latitude"][0, 0] = -9999
    assert "no latitude and longitude to check by" in " ".join(ds.read(path).notes)


def test_another_zone_is_a_contradiction(product: PrismaFile) -> None:
    product.attributes["Epsg_Code"] = np.uint32(32633)
    with pytest.raises(ProductError, match=r"m from the corner coordinates \(EPSG:32633\)"):
        ds.read(product.write())


@pytest.mark.parametrize("name", ["VNIR", "SWIR"])
def test_a_missing_error_matrix_is_noted(product: PrismaFile, name: str) -> None:
    other = {"VNIR": "SWIR", "SWIR": "VNIR"}[name]
    product.errors[name] = None
    product.errors[other][3, :, 3] = 1
    scene = ds.read(product.write())
    assert (
        f"{name}_PIXEL_L2_ERR_MATRIX is missing: bad values of the {name} are not masked by it" in scene.notes
    )
    assert np.argwhere(scene.mask() == MaskReason.DEFECTIVE).tolist() == [[3, 3]]
    assert np.isnan(scene.read().values[3, 3]).sum() == sum(
        c > 0 for c in {"VNIR": VNIR, "SWIR": SWIR}[other]
    )


def test_an_error_matrix_of_another_shape_is_noted(product: PrismaFile) -> None:
    product.errors["VNIR"] = np.ones((3, 4, 5), np.uint8)
    scene = ds.read(product.write())
    assert "of another shape (3 x 4 x 5)" in " ".join(scene.notes)
    np.testing.assert_allclose(scene.read().values, product.reflectance(), atol=1e-6)


@pytest.mark.parametrize("level", ["L1", "L2B", "L2C"])
def test_another_level_is_to_be_ordered_anew(product: PrismaFile, level: str) -> None:
    product.level = level
    path = product.write()
    assert READER.matches(path)
    with pytest.raises(ProductError, match=rf"the product is {level}, not L2D.*Order level L2D"):
        ds.read(path)


def test_content_decides_not_the_name(product: PrismaFile) -> None:
    product.name = "scene.dat"
    product.attributes["Product_Name"] = np.bytes_(NAME)
    scene = ds.read(product.write())
    assert scene.name == NAME
    assert f"the file is named scene, the product in it {NAME}" in scene.notes


def test_a_level_in_words_that_contradicts_the_data_is_noted(product: PrismaFile) -> None:
    product.attributes["Processing_Level"] = np.bytes_("2C")
    assert "Processing_Level says '2C'" in " ".join(ds.read(product.write()).notes)


def test_the_name_tells_the_time_where_the_file_does_not(product: PrismaFile) -> None:
    product.attributes["Product_StartTime"] = None
    assert ds.read(product.write()).acquired == datetime(2024, 4, 2, 10, 28, 37, tzinfo=UTC)
    product.name = "cut.he5"
    scene = ds.read(product.write())
    assert scene.acquired is None
    assert "when it was taken" in " ".join(scene.notes)


def test_a_folder_with_one_product_and_a_zip(product: PrismaFile) -> None:
    path = product.write()
    assert ds.read(path.parent).name == NAME
    packed = path.with_suffix(".zip")
    with ZipFile(packed, "w") as out:
        out.write(path, path.name)
    with pytest.raises(ProductError, match=r"still packed.*Unpack it"):
        ds.read(packed)
    product.name = f"{NAME[:-1]}2.he5"
    product.write()
    with pytest.raises(ProductError, match=r"2 PRISMA files lie in one folder.*Give one of them"):
        ds.read(path.parent)


def test_what_is_no_product_is_not_claimed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.he5", "w") as file:
        file["HDFEOS/SWATHS/MODIS/x"] = 1
    (tmp_path / "PRS_text.he5").write_text("no HDF5")
    (tmp_path / "a.zip").write_text("no zip")
    assert not any(READER.matches(file) for file in tmp_path.iterdir())
    with pytest.raises(ProductError, match="no PRISMA swath"):
        ds.read(tmp_path / "other.he5", reader="prisma")


def test_cut_off_and_empty_files(product: PrismaFile) -> None:
    path = product.write()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProductError, match=r"could not open it .*Copy or download"):
        ds.read(path)
    path.write_bytes(b"")
    with pytest.raises(ProductError, match="empty"):
        ds.read(path)


def test_damage_below_the_header_is_told_when_it_is_read(product: PrismaFile) -> None:
    product.chunks = (4, 2, 5)
    path = product.write()
    scene = ds.read(path)
    with h5py.File(path, "r") as file:
        where = file[f"{FIELDS}/VNIR_Cube"].id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(where.byte_offset)
        raw.write(b"\xff" * where.size)
    with pytest.raises(ProductError, match=r"could not read rows 0-11"):
        scene.read()


@pytest.mark.parametrize("chunks", [None, (4, 2, 5)])
def test_damage_anywhere_is_told_or_harmless(
    product: PrismaFile, chunks: tuple[int, int, int] | None
) -> None:
    product.chunks = chunks
    path = product.write()
    whole, random = path.read_bytes(), np.random.default_rng(4)
    told = 0
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[random.integers(len(whole), size=random.integers(1, 12))] = random.integers(256)
        path.write_bytes(damaged.tobytes())
        try:
            scene = ds.read(path, reader="prisma")
            assert scene.read().values.shape[:2] == scene.mask().shape
        except DeepSaltError as error:
            told += "\n" not in str(error)
    assert told > 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"List_Cw_Vnir": np.array(VNIR[:-1], np.float32)}, r"VNIR bands|List_Cw_Vnir names"),
        ({"List_Cw_Vnir": np.zeros(6, np.float32)}, r"names 0 bands in use of 6"),
        ({"List_Cw_Swir": None}, r"List_Cw_Swir"),
        ({"List_Cw_Vnir": np.array([0, 960.0, *VNIR[2:]], np.float32)}, r"960 nm stands there twice"),
        ({"List_Fwhm_Swir": np.bytes_("wide")}, r"List_Fwhm_Swir is no list of numbers"),
        ({"L2ScaleVnirMax": None}, r"L2ScaleVnirMax"),
        ({"L2ScaleSwirMax": np.float32(-0.05)}, r"SWIR runs from -0\.05 to -0\.05"),
        ({"L2ScaleSwirMin": np.bytes_("low")}, r"L2ScaleSwirMin is .*not a number"),
        ({"L2ScaleVnirMin": np.float32(np.nan)}, r"VNIR runs from nan"),
        ({"Product_LRcorner_easting": None}, r"Product_LRcorner_easting"),
        ({"Product_LRcorner_easting": 0.0}, r"corners are no rectangle"),
        ({"Product_ULcorner_northing": np.nan}, r"corners are no rectangle"),
    ],
)
def test_contradictions_are_one_clear_error(
    product: PrismaFile, change: dict[str, object], message: str
) -> None:
    product.attributes |= change
    with pytest.raises(ProductError, match=message) as error:
        ds.read(product.write())
    assert "\n" not in str(error.value)
    assert product.name in str(error.value)


def test_a_list_of_wavelengths_that_fits_no_axis(product: PrismaFile) -> None:
    for name in ("List_Cw_Vnir", "List_Fwhm_Vnir", "List_Cw_Vnir_Flags"):
        product.attributes[name] = product.attributes[name][1:]
    with pytest.raises(ProductError, match=r"VNIR_Cube is 12 x 6 x 10 with 5 wavelengths, SWIR_Cube is"):
        ds.read(product.write())


def test_cubes_of_different_images(product: PrismaFile) -> None:
    product.cubes["SWIR"] = product.cubes["SWIR"][:-1]
    with pytest.raises(ProductError, match=r"do not fit.*SWIR_Cube is 11 x 8 x 10"):
        ds.read(product.write())


def test_cubes_that_hold_no_stored_numbers(product: PrismaFile) -> None:
    product.cubes["VNIR"] = product.cubes["VNIR"].astype(np.float32)
    with pytest.raises(ProductError, match="a cube holds float32, not uint16"):
        ds.read(product.write())


def test_a_missing_cube(product: PrismaFile) -> None:
    product.cubes["VNIR"] = None
    with pytest.raises(ProductError, match="VNIR_Cube"):
        ds.read(product.write())


def test_corners_that_make_no_square_pixels(product: PrismaFile) -> None:
    for corner in ("UR", "LR"):
        product.attributes[f"Product_{corner}corner_easting"] += 100.0
    with pytest.raises(ProductError, match=r"12 x 10 pixels between the corner coordinates are not square"):
        ds.read(product.write())


def test_corners_that_fall_together(product: PrismaFile) -> None:
    product.attributes |= {f"Product_{corner}corner_easting": LEFT for corner in ("UR", "LR")}
    with pytest.raises(ProductError, match=r"corners are no rectangle"):
        ds.read(product.write())


def test_flags_decide_and_their_absence_is_noted(product: PrismaFile) -> None:
    flags = product.attributes["List_Cw_Vnir_Flags"].copy()
    flags[VNIR.index(655.4)] = 0
    product.attributes["List_Cw_Vnir_Flags"] = flags
    scene = ds.read(product.write())
    kept = [i for i, c in enumerate(SORTED) if c != 655.4]
    np.testing.assert_allclose(scene.read().values, product.reflectance()[..., kept], atol=1e-6)
    assert "VNIR bands 5 have a wavelength but are flagged as unused" in " ".join(scene.notes)
    product.attributes["List_Cw_Vnir_Flags"] = None
    scene = ds.read(product.write())
    assert len(scene.sensor) == len(SORTED)
    assert "List_Cw_Vnir_Flags is missing" in " ".join(scene.notes)


def test_an_image_that_holds_nothing_is_background(product: PrismaFile) -> None:
    for name in ("VNIR", "SWIR"):
        product.cubes[name][:] = 0
    scene = ds.read(product.write())
    assert (scene.mask() == MaskReason.BACKGROUND).all()
    assert np.isnan(scene.read().values).all()


@pytest.mark.real_data
def test_a_file_with_the_bands_and_size_of_a_real_product(shared_data: Path, tmp_path: Path) -> None:
    """Wavelengths, flags, corners and places as SNAP reads them in the product of 2024-04-02; no pixels."""
    from tests.readers.real_prisma import coordinates_of, empty_product, sampled

    path = empty_product(tmp_path / f"{NAME}.he5", shared_data)
    scene = ds.read(path)
    assert (scene.height, scene.width, len(scene.sensor)) == (1213, 1239, 234)
    table = Sensor.load("prisma")
    np.testing.assert_allclose(scene.sensor.axis.values, table.axis.values, atol=6e-4)
    np.testing.assert_allclose(scene.sensor.axis.widths, table.axis.widths, atol=6e-4)
    assert scene.sensor.detector == table.detector
    np.testing.assert_array_equal(scene.sensor.good, table.good)
    for name, axis in (("HCO_Longitude", 0), ("HCO_Latitude", 1)):
        for column, row, told in sampled(shared_data, name):
            assert coordinates_of(scene, row, column)[axis] == pytest.approx(told, abs=2e-6)


@pytest.mark.real_data
def test_real_reflectances_are_whole_numbers_on_that_scale(shared_data: Path) -> None:
    """The scale of that product runs from 0 to 1: value x 65535 is a whole number for all of 468 samples."""
    from tests.readers.real_prisma import sampled_reflectance

    numbers = sampled_reflectance(shared_data) * 65535
    assert len(numbers) == 2 * 234
    assert np.abs(numbers - np.rint(numbers)).max() < 0.005
