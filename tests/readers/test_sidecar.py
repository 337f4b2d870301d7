"""GeoTIFFs whose wavelengths lie in another file, and cubes that lie on their side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import deepsalt as ds
from deepsalt.errors import AxisError, ProductError, UsageError

CENTRES = [700.0, 500.0, 600.0]


def cube(dtype: str = "int16") -> np.ndarray:
    return np.broadcast_to(np.array(CENTRES)[:, None, None] + np.arange(4), (3, 6, 4)).astype(dtype)


def hdr(path: Path, **fields: str) -> Path:
    lines = [f"{key.replace('_', ' ')} = {value}" for key, value in fields.items()]
    path.write_text("\n".join(["ENVI", *lines, ""]))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "centre_nm,fwhm_nm\n700,7\n500,5\n600,6\n",
        "# read from the product\nband,wavelength,fwhm\n1,700,7\n2,500,5\n3,600,6\n",
        "band;center_um;width_um\n3;0.6;0.006\n1;0.7;0.007\n2;0.5;0.005\n",
        "Wavelength (nm),FWHM (nm)\n700,7\n500,5\n600,6\n",
        "700\t7\n500\t5\n600\t6\n",
        "700, 7\n500, 5\n600, 6",
    ],
)
@pytest.mark.parametrize("name", ["image.csv", "wavelengths.csv", "mine.txt"])
def test_a_list_beside_the_image_or_named(make_tiff, text: str, name: str) -> None:
    path = make_tiff(cube())
    beside = path.with_name(name)
    beside.write_text(text)
    stated = name == "mine.txt"
    scene = ds.read(path, wavelengths=beside) if stated else ds.read(path)
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.sensor.axis.fwhm.tolist() == [5, 6, 7]
    np.testing.assert_allclose(scene.read().values[0, 1], [0.0501, 0.0601, 0.0701], rtol=1e-5)
    told = ", as stated with wavelengths=" if stated else " beside it"
    assert f"wavelengths of {name}{told}" in scene.notes


def test_one_column_of_centres_and_one_of_good(make_tiff) -> None:
    path = make_tiff(cube())
    path.with_suffix(".csv").write_text("700\n500\n600\n")
    scene = ds.read(path)
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.sensor.axis.fwhm is None
    path.with_suffix(".csv").write_text("centre_nm,good\n700,1\n500,0\n600,1\n")
    assert ds.read(path).band_faults == ("marked bad in the file (bbl = 0)", "", "")


def test_an_envi_header_beside_the_image(make_tiff) -> None:
    path = make_tiff(cube("float32"))
    envi = hdr(
        path.with_suffix(".hdr"), bands="3", wavelength="{0.7, 0.5, 0.6}", wavelength_units="Micrometers",
        fwhm="{0.007, 0.005, 0.006}", bbl="{1, 1, 0}", reflectance_scale_factor="10000",
        data_ignore_value="703",
    )  # fmt: skip
    scene = ds.read(path)
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.sensor.axis.fwhm.tolist() == [5, 6, 7]
    assert scene.band_faults == ("", "marked bad in the file (bbl = 0)", "")
    np.testing.assert_allclose(scene.read().values[0, :, 2], [0.07, 0.0701, 0.0702, np.nan], rtol=1e-5)
    assert set(scene.notes) >= {
        "wavelengths of image.hdr beside it",
        "reflectance scale factor 10000 of image.hdr",
        "nodata 703 by image.hdr beside it",
        "1 bands are marked bad by the file (bbl)",
    }
    named = envi.rename(envi.with_name("other.txt"))
    assert ds.read(path, wavelengths=named, scale=1e-4).sensor.axis.values.tolist() == [500, 600, 700]


def test_tags_come_before_what_lies_beside(make_tiff) -> None:
    tags = [{"wavelength": str(c), "wavelength_units": "nm"} for c in CENTRES]
    path = make_tiff(cube(), band_tags=tags)
    path.with_suffix(".csv").write_text("centre_nm\n800\n900\n1000\n")
    assert ds.read(path).sensor.axis.values.tolist() == [500, 600, 700]
    stated = ds.read(path, wavelengths=path.with_suffix(".csv"))
    assert stated.sensor.axis.values.tolist() == [800, 900, 1000]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("centre_nm\n700\n500\n", ProductError, "3 bands in the file, 2 in image.csv"),
        ("centre_nm\n700\n\n", ProductError, "3 bands in the file, 1 in image.csv"),
        ("centre_nm\n700\nmany\n600\n", AxisError, "entry 2 of column 'centre_nm' is no number"),
        ("centre_nm\n700\n700\n600\n", AxisError, "700 nm stands there twice"),
        ("centre\n7\n5\n6\n", AxisError, "wavelengths from 5 to 7 in the unit ''"),
        ("site,ec\na,4\n", ProductError, "no band has a wavelength"),
        ("", ProductError, "no list of wavelengths"),
        ("a,b\n1,2,3\n1,2,3,4,5\n", ProductError, "no list of wavelengths"),
    ],
)
def test_a_list_that_cannot_be_one(make_tiff, text: str, error: type, message: str) -> None:
    path = make_tiff(cube())
    path.with_suffix(".csv").write_text(text)
    with pytest.raises(error, match=message):
        ds.read(path)


def test_what_is_stated_must_be_there_and_be_one(make_tiff) -> None:
    path = make_tiff(cube())
    with pytest.raises(UsageError, match=r"no such file: wavelengths='none\.csv'"):
        ds.read(path, wavelengths="none.csv")
    with pytest.raises(UsageError, match="both sensor= and wavelengths="):
        ds.read(path, wavelengths="none.csv", sensor="emit")
    other = path.with_name("sites.csv")
    other.write_text("site,ec\na,4\n")
    with pytest.raises(ProductError, match=r"sites\.csv: no column of wavelengths"):
        ds.read(path, wavelengths=other)


@pytest.mark.parametrize("shape", [(6, 224, 5), (6, 5, 285)])
def test_swapped_axes_are_one_clear_error(make_tiff, shape: tuple[int, int, int]) -> None:
    """A cube stored (row, band, column) is a well-formed image of another shape."""
    path = make_tiff(np.full(shape, 1500, np.int16))
    count, name = (224, "enmap") if 224 in shape else (285, "emit")
    with pytest.raises(ProductError, match=rf"axes are swapped: 6 bands.*'{name}' has {count} bands.*again"):
        ds.read(path)
    with pytest.raises(ProductError, match="the axes are swapped"):
        ds.read(path, sensor=name)
    path.with_suffix(".csv").write_text("\n".join(map(str, np.linspace(400, 2400, count))))
    with pytest.raises(ProductError, match=f"the axes are swapped: .* but image.csv has {count} bands"):
        ds.read(path)


def test_a_band_of_one_number_at_or_below_zero_is_no_band(make_tiff) -> None:
    values = cube("float32") / 1000
    values[1] = -0.01
    values[:, :, 0] = -9999
    tags = [{"wavelength": str(c), "wavelength_units": "nm"} for c in CENTRES]
    path = make_tiff(values, nodata=-9999, band_tags=tags)
    scene = ds.read(path)
    assert scene.band_faults == ("-0.01 in every pixel looked at", "", "")
    assert np.isnan(scene.read().values[..., 0]).all()
    assert ds.read(path, keep_bad=True).read().values[0, 1, 0] == pytest.approx(-0.01)
    values[1] = 0.3
    assert ds.read(make_tiff(values, "flat.tif", nodata=-9999, band_tags=tags)).band_faults == ("",) * 3
    dark = make_tiff(np.zeros_like(values), "dark.tif", nodata=-9999, band_tags=tags)
    assert ds.read(dark).band_faults == ("",) * 3, "a background that is not told is no bad band"


def test_where_every_band_is_bad_it_is_an_error(make_tiff) -> None:
    tags = [{"wavelength": str(c), "wavelength_units": "nm", "bbl": "0"} for c in CENTRES]
    path = make_tiff(cube(), band_tags=tags)
    with pytest.raises(ProductError, match="no band is left: band 1 is marked bad"):
        ds.read(path)
    assert ds.read(path, keep_bad=True).read().values.shape == (6, 4, 3)
