"""Hyperspectral GeoTIFFs: wavelengths from tags and descriptions, scale, order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

import deepsalt as ds
from deepsalt.errors import AxisError, ProductError, UsageError
from deepsalt.spectra import MaskReason

CENTRES = [700.0, 500.0, 600.0]


def cube(dtype: str = "int16", factor: float = 1) -> np.ndarray:
    """Three bands whose value is 700, 500, 600 times a factor, plus the column."""
    values = np.array(CENTRES)[:, None, None] + np.arange(4)[None, None, :]
    return (np.broadcast_to(values, (3, 6, 4)) * factor).astype(dtype)


def band_tags(unit: str = "Nanometers", factor: float = 1, **more: str) -> list[dict[str, str]]:
    return [{"wavelength": str(c * factor), "wavelength_units": unit, **more} for c in CENTRES]


def test_tags_tell_everything(make_tiff) -> None:
    values = cube()
    values[:, 2, 1] = -32768
    tags = band_tags(fwhm="7.5", bbl="1")
    tags[0]["bbl"] = "0"
    scene = ds.read(
        make_tiff(values, nodata=-32768, band_tags=tags, tags={"start_time": "2022-07-24T10:45:26"})
    )
    assert scene.sensor.axis.values.tolist() == [500, 600, 700]
    assert scene.sensor.axis.fwhm.tolist() == [7.5] * 3
    assert scene.sensor.good.tolist() == [True, True, False]
    assert scene.acquired == datetime(2022, 7, 24, 10, 45, 26, tzinfo=UTC)
    spectra = scene.read().values
    np.testing.assert_allclose(spectra[0, 3], [0.0503, 0.0603, np.nan], rtol=1e-5)
    assert np.isnan(spectra[2, 1]).all()
    assert scene.band_faults == ("", "", "marked bad in the file (bbl = 0)")
    kept = ds.read(scene.path, keep_bad=True)
    assert kept.band_faults == ("", "", "")
    assert kept.sensor.good.tolist() == [True, True, False]
    np.testing.assert_allclose(kept.read().values[0, 3], [0.0503, 0.0603, 0.0703], rtol=1e-5)
    assert np.argwhere(scene.mask() == MaskReason.BACKGROUND).tolist() == [[2, 1]]
    notes = " | ".join(scene.notes)
    for part in (
        "sorted by wavelength",
        "1 bands are marked bad",
        "int16 values up to 703 are taken as 1/10000",
    ):
        assert part in notes


def test_micrometres_and_descriptions(make_tiff) -> None:
    micro = ds.read(make_tiff(cube(), band_tags=band_tags("Micrometers", 1e-3, fwhm="0.01")))
    assert micro.sensor.axis.values.tolist() == pytest.approx([500, 600, 700])
    assert micro.sensor.axis.fwhm.tolist() == pytest.approx([10] * 3)
    told = tuple(f"band {i} ({c} Nanometers)" for i, c in enumerate(CENTRES, 1))
    described = ds.read(make_tiff(cube(), "d.tif", descriptions=told))
    assert described.sensor.axis.values.tolist() == [500, 600, 700]
    assert "no nodata value" in " ".join(described.notes)


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        (cube("float32", 1e-3), {}, 0.5),
        (cube("int16"), {"scale": 0.001}, 0.5),
        (cube("uint16", 10), {}, 0.5),
        (cube("float32", 0.1), {"scale": 0.01}, 0.5),
    ],
)
def test_the_scale(make_tiff, values: np.ndarray, options: dict, expected: float) -> None:
    scene = ds.read(make_tiff(values, band_tags=band_tags()), **options)
    assert scene.read().values[0, 0, 0] == pytest.approx(expected)


def test_the_imagery_tags_of_gdal(make_tiff) -> None:
    path = make_tiff(cube())
    with rasterio.open(path, "r+") as data:
        for band, centre in enumerate(CENTRES, 1):
            data.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=str(centre / 1000), FWHM_UM="0.008")
    axis = ds.read(path).sensor.axis
    assert axis.values.tolist() == pytest.approx([500, 600, 700])
    assert axis.fwhm.tolist() == pytest.approx([8] * 3)


def test_the_scale_of_the_file_is_used(make_tiff) -> None:
    path = make_tiff(cube(), band_tags=band_tags())
    with rasterio.open(path, "r+") as data:
        data.scales, data.offsets = (0.001,) * 3, (0.1,) * 3
    assert ds.read(path).read().values[0, 0, 0] == pytest.approx(0.6)


@pytest.mark.parametrize("values", [cube("float32"), cube("uint8", 0.1), cube("uint16", 60)])
def test_a_scale_that_is_not_told_is_asked_for(make_tiff, values: np.ndarray) -> None:
    with pytest.raises(ProductError, match=r"the scale is not told \(.*Say scale=, for example scale=0.0001"):
        ds.read(make_tiff(values, band_tags=band_tags()))


def test_bands_without_wavelength(make_tiff) -> None:
    path = make_tiff(cube())
    with pytest.raises(ProductError, match=r"no band has a wavelength .* Say sensor=NAME .*enmap"):
        ds.read(path)
    tags = band_tags()
    tags[1] = {}
    with pytest.raises(ProductError, match=r"1 of 3 bands have no wavelength .* first: band 2"):
        ds.read(make_tiff(cube(), band_tags=tags))
    with pytest.raises(ProductError, match="3 bands in the file, 224 in sensor 'enmap'"):
        ds.read(path, sensor="enmap")
    with pytest.raises(UsageError, match="unknown sensor 'enmpa'"):
        ds.read(path, sensor="enmpa")
    with pytest.raises(ProductError, match=r"wavelength 0.7 of band 1 has the unit ''"):
        ds.read(make_tiff(cube(), band_tags=band_tags("", 1e-3)))
    with pytest.raises(AxisError, match=r"image.tif: 600 nm stands there twice"):
        ds.read(make_tiff(cube(), band_tags=[*band_tags()[1:], band_tags()[2]]))


def test_the_stated_sensor(make_tiff) -> None:
    table = ds.Sensor.load("sentinel2")
    values = np.full((len(table), 3, 3), 1500, np.int16)
    values[2] = -1
    scene = ds.read(make_tiff(values, nodata=-1), sensor="sentinel2")
    assert scene.sensor.name == "sentinel2"
    assert scene.sensor.axis == table.axis
    assert np.flatnonzero(scene.empty).tolist() == [2]
    assert scene.read().values[0, 0, 0] == pytest.approx(0.15)
    with pytest.raises(UsageError, match="scale=-1"):
        ds.read(scene.path, sensor="sentinel2", scale=-1)


def test_the_sensor_named_by_a_tag(make_tiff) -> None:
    """A shipped sensor's name counts, and brings the noise of those of its bands; then the bands count."""
    emit = ds.Sensor.load("emit")
    centres = [float(emit.axis.values[i]) + shift for i, shift in ((20, 0.5), (60, 0.0), (90, 3.0))]
    tags = [{"wavelength": str(c), "wavelength_units": "nm"} for c in centres]
    sensor = ds.read(make_tiff(cube(), band_tags=tags, tags={"sensor": " EMIT"})).sensor
    assert sensor.name == "emit"
    assert sensor.axis.values.tolist() == pytest.approx(centres)
    assert sensor.noise[:2].tolist() == emit.noise[[20, 60]].tolist()
    assert np.isnan(sensor.noise[2])
    own = ds.read(make_tiff(cube(), "own.tif", band_tags=tags, tags={"sensor": "HySpex"}))
    assert own.sensor.name == "hyspex"
    assert "sensor 'hyspex' by the file's tag" in own.notes
    assert ds.read(make_tiff(cube(), "none.tif", band_tags=tags)).sensor.name == "geotiff"
    table = ds.Sensor.load("sentinel2")
    same = [{"wavelength": str(c), "wavelength_units": "nm"} for c in table.axis.values]
    values = np.full((len(table), 3, 3), 1500, np.int16)
    loose = ds.read(make_tiff(values, "s2.tif", band_tags=same, tags={"sensor": "Sentinel-2 MSI"}))
    assert loose.sensor.name == "sentinel2"


def test_a_truncated_geotiff(make_tiff) -> None:
    path = make_tiff(cube(), band_tags=band_tags())
    for keep in (0.1, 0.5, 0.99):
        cut = path.with_name("cut.tif")
        cut.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        with pytest.raises(ProductError, match=r"cut.tif: the TIFF is truncated"):
            ds.read(cut)


@pytest.mark.real_data
def test_the_real_potsdam_image(shared_data: Path) -> None:
    scene = ds.read(next((shared_data / "enmap").glob("*potsdam*.tif")))
    assert scene.sensor.name == "enmap"
    assert (np.diff(scene.sensor.axis.values) > 0).all()
    assert (np.flatnonzero(scene.empty) + 1).tolist() == [130, 131, 132, 133, 134, 135]
    assert scene.acquired == datetime(2022, 7, 24, 10, 45, 26, tzinfo=UTC)
    mask = scene.mask()
    assert (mask == MaskReason.VALID).mean() == pytest.approx(0.6)
    values = scene.read().values
    assert np.isnan(values[mask == MaskReason.BACKGROUND]).all()
    valid = values[mask == MaskReason.VALID][:, ~scene.empty]
    assert 0.1 < np.nanmedian(valid) < 0.2
    overlap = (scene.sensor.axis.values > 902) & (scene.sensor.axis.values < 994)
    steps = np.abs(np.diff(np.nanmedian(values[..., overlap], axis=(0, 1))))
    assert steps.max() < 0.05, "interleaved detectors agree once they are sorted"
