"""ENVI images: every order of bytes and bands, the header's facts, and headers that lie."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

import deepsalt as ds
from deepsalt.errors import AxisError, ProductError, UsageError
from deepsalt.readers import reader_for
from deepsalt.readers.envi_header import EnviHeader
from deepsalt.readers.envi_map import transform_of
from deepsalt.spectra import MaskReason, Window

ROWS, COLUMNS = 6, 4
CENTRES = [700.0, 500.0, 600.0]
#: Axes of (band, y, x) in the order of the file.
STORED = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}
UTM = "{UTM, 1, 1, 600000, 5800000, 30, 30, 32, North, WGS-84, units=Meters}"


def cube() -> np.ndarray:
    """(band, y, x) 1000 times the band, 10 times the row, and the column."""
    band, row, column = np.ogrid[1:4, :ROWS, :COLUMNS]
    return 1000 * band + 10 * row + column


@dataclass
class Image:
    """What to write; change a field or an entry of `fields`, then call `write`."""

    values: np.ndarray = field(default_factory=cube)
    dtype: str = "<i2"
    interleave: str = "bsq"
    name: str = "image.img"
    header: str = "image.hdr"
    offset: int = 0
    fields: dict[str, str | None] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        stored = self.values.transpose(STORED[self.interleave]).astype(self.dtype)
        path = folder / self.name
        path.write_bytes(b"\xab" * self.offset + stored.tobytes())
        codes = {"i2": 2, "i4": 3, "f4": 4, "f8": 5, "u2": 12, "u1": 1, "i8": 14}
        told = {
            "samples": COLUMNS, "lines": ROWS, "bands": len(self.values), "header offset": self.offset,
            "file type": "ENVI Standard", "data type": codes[self.dtype[1:]], "interleave": self.interleave,
            "byte order": int(self.dtype[0] == ">"), "wavelength": "{700, 500, 600}",
            "wavelength units": "Nanometers", "fwhm": "{7, 5, 6}", "reflectance scale factor": "10000",
            "map info": UTM,
        } | self.fields  # fmt: skip
        lines = [f"{key} = {value}" for key, value in told.items() if value is not None]
        (folder / self.header).write_text("\n".join(["ENVI", *lines, ""]))
        return path


@pytest.mark.parametrize("interleave", STORED)
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u2", "<i4", ">f4", "<f8"])
@pytest.mark.parametrize("offset", [0, 17])
def test_every_order_gives_the_same(tmp_path: Path, interleave: str, dtype: str, offset: int) -> None:
    scene = ds.read(Image(dtype=dtype, interleave=interleave, offset=offset).write(tmp_path))
    assert (scene.name, scene.sensor.name, scene.crs) == ("image", "envi_cube", "EPSG:32632")
    assert (scene.height, scene.width, scene.block) == (ROWS, COLUMNS, (1, COLUMNS))
    assert scene.transform == (30, 0, 600_000, 0, -30, 5_800_000)
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.sensor.axis.fwhm.tolist() == [5, 6, 7]
    expected = np.moveaxis(cube()[[1, 2, 0]], 0, -1) / 10_000
    np.testing.assert_allclose(scene.read().values, expected, rtol=1e-6)
    window = Window(2, 1, 3, 2)
    np.testing.assert_allclose(scene.read(window).values, expected[window.slices], rtol=1e-6)
    assert "bands are in another order in the file: delivered sorted by wavelength" in scene.notes


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("image", "image.hdr"),
        ("image.dat", "image.hdr"),
        ("image.BSQ", "image.HDR"),
        ("image.bil", "image.bil.hdr"),
        ("f170509t01p00r11_rfl_v1.2", "f170509t01p00r11_rfl_v1.2.hdr"),
    ],
)
def test_the_header_opens_it_too(tmp_path: Path, name: str, header: str) -> None:
    path = Image(name=name, header=header).write(tmp_path)
    told = tmp_path / header
    assert reader_for(path).name == reader_for(told).name == "envi_cube"
    np.testing.assert_array_equal(ds.read(told).read().values, ds.read(path).read().values)
    assert ds.read(told).path == str(path)


def test_a_band_is_bad_by_the_header_and_by_what_it_holds(tmp_path: Path) -> None:
    values = cube() / 10_000
    values[0] = -0.01
    values[:, 0, 0] = -9999
    image = Image(
        values, "<f4", "bil",
        fields={"reflectance scale factor": None, "bbl": "{0, 1, 1}", "data ignore value": "-9999"},
    )  # fmt: skip
    scene = ds.read(image.write(tmp_path))
    assert scene.band_faults == ("", "", "marked bad in the file (bbl = 0), -0.01 in every pixel looked at")
    assert scene.sensor.good.tolist() == [True, True, False]
    read = scene.read().values
    assert np.isnan(read[..., 2]).all()
    assert np.isnan(read[0, 0]).all()
    assert np.argwhere(scene.mask() == MaskReason.BACKGROUND).tolist() == [[0, 0]]
    image.fields["bbl"] = None
    assert ds.read(image.write(tmp_path)).band_faults == ("", "", "-0.01 in every pixel looked at")


def test_micrometres_time_and_facts(tmp_path: Path) -> None:
    fields = {
        "wavelength": "{0.7, 0.5, 0.6}", "wavelength units": "Micrometers", "fwhm": "{0.007, 0.005, 0.006}",
        "acquisition time": "2024-03-05T10:11:12Z", "description": "{a cut\n of a scene}",
    }  # fmt: skip
    scene = ds.read(Image(fields=fields).write(tmp_path))
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.sensor.axis.fwhm.tolist() == [5, 6, 7]
    assert scene.acquired == datetime(2024, 3, 5, 10, 11, 12, tzinfo=UTC)
    assert scene.facts["description"] == "a cut of a scene"
    assert scene.facts["interleave"] == "bsq"
    untold = ds.read(Image(fields=fields | {"wavelength units": "Unknown"}).write(tmp_path))
    assert untold.sensor.axis.values.tolist() == [500, 600, 700]
    assert "the unit of the wavelengths is not told: 0.5 to 0.7 can only be um" in untold.notes
    with pytest.raises(AxisError, match="in the unit 'Wavenumber'"):
        ds.read(Image(fields={"wavelength units": "Wavenumber"}).write(tmp_path))


def test_the_scale_is_stated_or_noted_or_asked_for(tmp_path: Path) -> None:
    unscaled = {"reflectance scale factor": None}
    scene = ds.read(Image(fields=unscaled).write(tmp_path))
    assert scene.read().values[0, 0, 2] == pytest.approx(0.1)
    assert "no scale in the file: int16 values up to 3043 are taken as 1/10000" in scene.notes
    percent = Image(cube() / 100, "<f4", fields=unscaled).write(tmp_path)
    with pytest.raises(ProductError, match="the scale is not told"):
        ds.read(percent)
    assert ds.read(percent, scale=0.01).read().values[0, 0, 2] == pytest.approx(0.1)
    with pytest.raises(ProductError, match="reflectance scale factor = 0"):
        ds.read(Image(fields={"reflectance scale factor": "0"}).write(tmp_path))


def test_wavelengths_of_another_file_or_a_sensor(tmp_path: Path) -> None:
    path = Image(fields={"wavelength": None, "fwhm": None}).write(tmp_path)
    with pytest.raises(ProductError, match="no band has a wavelength"):
        ds.read(path)
    with pytest.raises(ProductError, match="3 bands in the file, 224 in sensor 'enmap'"):
        ds.read(path, sensor="enmap")
    path.with_suffix(".csv").write_text("centre_nm\n700\n500\n600\n")
    assert ds.read(path).sensor.axis.values.tolist() == [500, 600, 700]


@given(
    angle=st.floats(-180, 180),
    reference=st.tuples(st.floats(1, 9), st.floats(1, 9)),
    size=st.tuples(st.floats(1, 60), st.floats(1, 60)),
)
def test_a_rotated_grid(angle: float, reference, size) -> None:
    """Steps keep the size of a pixel and stay square to each other; the reference corner stays."""
    column, row = reference
    width, height = size
    info = f"{{UTM, {column}, {row}, 600000, 5800000, {width}, {height}, 32, North, rotation={angle}}}"
    a, b, c, d, e, f = transform_of(EnviHeader(Path("image.hdr"), {"map info": info}), [])
    assert np.hypot(a, d) == pytest.approx(width)
    assert np.hypot(b, e) == pytest.approx(height)
    assert a * b + d * e == pytest.approx(0, abs=1e-9)
    assert np.rad2deg(np.arctan2(d, a)) == pytest.approx(angle)
    x, y = a * (column - 1) + b * (row - 1) + c, d * (column - 1) + e * (row - 1) + f
    assert (x, y) == pytest.approx((600_000, 5_800_000))


def test_a_rotated_square_grid_is_that_of_gdal(tmp_path: Path) -> None:
    info = "{UTM, 2.5, 1, 600000, 5800000, 30, 30, 32, North, WGS-84, units=Meters, rotation=30}"
    path = Image(fields={"map info": info}).write(tmp_path)
    with rasterio.open(path) as data:
        assert ds.read(path).transform[:2] == pytest.approx(tuple(data.transform)[:2])
        assert ds.read(path).transform[3:5] == pytest.approx(tuple(data.transform)[3:5])
    assert "the grid is rotated by 30 degrees (map info): from east towards north" in ds.read(path).notes


def test_a_reference_pixel_of_one_and_a_half_is_its_centre(tmp_path: Path) -> None:
    info = "{UTM, 1.5, 1.5, 600015, 5799985, 30, 30, 32, North, WGS-84, units=Meters}"
    scene = ds.read(Image(fields={"map info": info}).write(tmp_path))
    assert scene.transform == (30, 0, 600_000, 0, -30, 5_800_000)


def test_no_map_info_and_a_coordinate_system_string(tmp_path: Path) -> None:
    bare = ds.read(Image(fields={"map info": None}).write(tmp_path))
    assert bare.crs == ""
    assert "no coordinate system in the file: maps of it have none either" in bare.notes
    wkt = rasterio.crs.CRS.from_epsg(32719).to_wkt(version="WKT1_ESRI")
    fields = {"coordinate system string": f"{{{wkt}}}", "map info": UTM.replace("32, North", "19, South")}
    south = ds.read(Image(fields=fields).write(tmp_path))
    assert rasterio.crs.CRS.from_string(south.crs) == rasterio.crs.CRS.from_epsg(32719)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lines": "7"}, r"7 lines and 4 samples .168 bytes., the file has 144 bytes: it is truncated"),
        ({"lines": "5"}, r"\(120 bytes\), the file has 144 bytes"),
        ({"data type": "4"}, "it is truncated"),
        ({"data type": "6"}, "data type '6'"),
        ({"byte order": None}, "no field 'byte order'"),
        ({"interleave": "tile"}, "interleave = tile"),
        ({"interleave": None}, "no field 'interleave'"),
        ({"bands": None}, "no field 'bands'"),
        ({"file compression": "1"}, "compressed"),
        ({"wavelength": "{500, 600}"}, "3 bands in the file, 2 in image.hdr"),
        ({"wavelength": "{500, 600, many}"}, "'wavelength' holds what is no number"),
        ({"wavelength": "{500, 600, 600}"}, "600 nm stands there twice"),
        ({"wavelength": "{500, 600, 700, 800}"}, r"axes are swapped: 3 bands .* but image.hdr has 4 bands"),
        ({"bbl": "{1, 1}"}, "2 entries of 'bbl' for 3"),
        ({"bbl": "{0, 0, 0}"}, "no band is left"),
        ({"map info": "{UTM, 1, 1, 600000}"}, "map info is damaged"),
        ({"map info": "{UTM, 1, 1, 0, 0, 0, 30}"}, "a pixel measures 0 x 30"),
    ],
)
def test_a_header_that_lies(tmp_path: Path, fields: dict[str, str | None], message: str) -> None:
    path = Image(fields=fields).write(tmp_path)
    with pytest.raises((ProductError, AxisError), match=message) as caught:
        ds.read(path)
    assert "\n" not in str(caught.value)


def test_half_of_the_pair(tmp_path: Path) -> None:
    path = Image().write(tmp_path)
    path.rename(tmp_path / "image.tif")
    with pytest.raises(UsageError, match=r"image.hdr: the header has no image beside it. Give image.tif"):
        ds.read(tmp_path / "image.hdr")
    (tmp_path / "image.hdr").unlink()
    with pytest.raises(UsageError, match=r"no header beside it. Copy image.hdr"):
        ds.read(tmp_path / "image.tif", reader="envi_cube")


def test_libraries_and_tiffs_beside_a_header_are_not_its_images(tmp_path: Path, make_tiff) -> None:
    Image(name="a.sli", header="a.hdr", fields={"file type": "ENVI Spectral Library"}).write(tmp_path)
    assert reader_for(tmp_path / "a.sli").name == reader_for(tmp_path / "a.hdr").name == "envi_library"
    path = make_tiff(np.full((3, ROWS, COLUMNS), 1500, np.int16), "b.tif")
    Image(name="c.img", header="b.hdr").write(tmp_path)
    assert reader_for(path).name == "geotiff"
    Image(name="c.img", header="c.hdr", fields={"file type": "ENVI Classification"}).write(tmp_path)
    with pytest.raises(ProductError, match="'ENVI Classification' is no image cube"):
        ds.read(tmp_path / "c.img")


def test_names_in_the_encoding_of_old_systems(tmp_path: Path) -> None:
    path = Image(fields={"band names": "{@1, @2, @3}", "description": "{25 @C}"}).write(tmp_path)
    header = path.with_suffix(".hdr")
    header.write_bytes(header.read_bytes().replace(b"@", b"\xb0"))
    scene = ds.read(path)
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.facts["description"] == "25 °C"


def test_nothing_is_written_beside_it(tmp_path: Path) -> None:
    scene = ds.read(Image().write(tmp_path))
    scene.read(), scene.mask()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["image.hdr", "image.img"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["emit20250324t221005_jpl_unmix_ex", "emit20250324t221005_jpl_unmix_ex.hdr"])
def test_the_real_emit_cube(shared_data: Path, name: str) -> None:
    scene = ds.read(shared_data / "emit" / name)
    assert (scene.sensor.name, len(scene.sensor), scene.height, scene.width) == ("emit", 285, 10, 10)
    assert scene.acquired == datetime(2025, 3, 24, 22, 10, 5, tzinfo=UTC)
    bad = np.flatnonzero(scene.empty)
    assert len(bad) == 41
    assert set(scene.band_faults) == {"", "marked bad in the file (bbl = 0), -0.01 in every pixel looked at"}
    np.testing.assert_array_equal(scene.empty, ~ds.Sensor.load("emit").good)
    values = scene.read().values
    assert np.isnan(values[..., bad]).all()
    assert not np.isnan(values[..., ~scene.empty]).any()
    raw = np.fromfile(shared_data / "emit" / "emit20250324t221005_jpl_unmix_ex", "<f4").reshape(10, 285, 10)
    np.testing.assert_array_equal(values[..., ~scene.empty], raw.transpose(0, 2, 1)[..., ~scene.empty])
    assert (raw[:, bad] == np.float32(-0.01)).all()


@pytest.mark.real_data
def test_the_real_emit_cube_without_its_list_of_bad_bands(shared_data: Path, tmp_path: Path) -> None:
    name = "emit20250324t221005_jpl_unmix_ex"
    shutil.copy(shared_data / "emit" / name, tmp_path / name)
    text = (shared_data / "emit" / f"{name}.hdr").read_text()
    (tmp_path / f"{name}.hdr").write_text(text.replace("bbl =", "spare ="))
    scene = ds.read(tmp_path / name)
    assert set(scene.band_faults) == {"", "-0.01 in every pixel looked at"}
    assert int(scene.empty.sum()) == 41
