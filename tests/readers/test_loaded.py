"""A window in memory gives the numbers of `read`, whichever bands and pixels are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.toys import toy_scene

import deepsalt as ds
from deepsalt.readers import raster_scene
from deepsalt.spectra import Scene, Window

WINDOW = Window(1, 1, 3, 2)


@pytest.fixture
def stored(make_tiff) -> Scene:
    """Four bands out of order, one of them marked bad, one with an offset; two pixels miss a band."""
    rng = np.random.default_rng(0)
    values = rng.integers(-200, 9000, (4, 6, 4)).astype(np.int16)
    values[1, 2, 2] = values[3, 3, 1] = -32768
    tags = [
        {"wavelength": str(centre), "wavelength_units": "Nanometers", "bbl": str(int(centre != 600))}
        for centre in (700.0, 500.0, 600.0, 850.0)
    ]
    path = make_tiff(values, nodata=-32768, band_tags=tags)
    with rasterio.open(path, "r+") as data:
        data.scales, data.offsets = [1e-4] * 4, [0.0, 0.01, 0.0, 0.0]
    return ds.read(path)


def test_what_is_stored_is_scaled_by_hand(stored: Scene) -> None:
    with rasterio.open(stored.path) as data:
        raw = data.read().astype(np.float64)[[1, 2, 0, 3]]
    raw[raw == -32768] = np.nan
    expected = raw * 1e-4 + np.array([0.01, 0, 0, 0])[:, None, None]
    expected[1] = np.nan  # marked bad
    np.testing.assert_allclose(stored.read().values, np.moveaxis(expected, 0, -1), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("of_file", [True, False], ids=["stored", "as reflectance"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=4, max_size=4).filter(any), st.lists(st.integers(0, 5), max_size=8))
def test_some_bands_and_some_pixels_are_those_of_the_whole(
    stored: Scene, of_file: bool, bands: list[bool], flat: list[int]
) -> None:
    scene = stored if of_file else toy_scene()
    chosen = np.resize(bands, len(scene.sensor))
    loaded, whole = scene.load(WINDOW), scene.read(WINDOW)
    some, rows = loaded.image(chosen), loaded.pixels(np.array(flat, np.intp))
    np.testing.assert_array_equal(some.values, whole.values[..., chosen])
    np.testing.assert_array_equal(some.axis.values, whole.axis.values[chosen])
    np.testing.assert_array_equal(rows.values, whole.values.reshape(6, -1)[flat])
    assert rows.axis == whole.axis
    assert len(rows.samples) == len(flat)
    assert rows.provenance == whole.provenance


@pytest.mark.parametrize("at_a_time", [1, 13, 10**6])
def test_it_does_not_matter_how_many_bands_are_scaled_at_a_time(
    stored: Scene, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    expected = stored.read().values
    monkeypatch.setattr(raster_scene, "_SCALED_AT_A_TIME", at_a_time)
    np.testing.assert_array_equal(stored.read().values, expected)
    rows = stored.load(WINDOW).pixels(np.array([4, 0, 4]))
    np.testing.assert_array_equal(rows.values, expected[1:4, 1:3].reshape(6, -1)[[4, 0, 4]])
