"""EMIT L2A granules: bands, values and places, and each trap of the format."""

from __future__ import annotations

import concurrent.futures
import os
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.readers.emit_granule import (
    BAD,
    CENTRES,
    COLUMNS,
    FILL,
    KEY,
    LINES,
    ROWS,
    SAMPLES,
    Granule,
    stored,
    table,
)

import deepsalt as ds
from deepsalt.errors import UsageError
from deepsalt.readers import readers
from deepsalt.spectra import MaskReason, Window

KEPT = [band for band in range(len(CENTRES)) if band not in BAD]


@pytest.fixture
def granule(tmp_path: Path) -> Granule:
    return Granule(tmp_path / "granule")


def expected() -> np.ndarray:
    """(ROWS, COLUMNS, band) what the grid shows, by the table itself."""
    line, sample = table()
    values = stored(line[..., None], sample[..., None], np.arange(len(CENTRES)))
    values[line < 0] = np.nan
    values[..., BAD] = np.nan
    return values


def test_facts_of_the_granule(granule: Granule) -> None:
    scene = ds.read(granule.write())
    assert (scene.name, scene.level, scene.sensor.name) == (f"EMIT_L2A_RFL_001_{KEY}", "L2A", "emit")
    assert (scene.height, scene.width, scene.crs) == (ROWS, COLUMNS, "EPSG:4326")
    assert scene.acquired == datetime(2024, 6, 1, 10, 11, 12, tzinfo=UTC)
    assert scene.sensor.axis.values.tolist() == CENTRES
    assert scene.sensor.axis.widths.tolist() == [8.5] * len(CENTRES)
    assert scene.facts["product version"] == "V001"
    assert scene.facts["flight line"] == "emit20240601t101112_o15307_s000"
    assert scene.facts["time coverage start"] == "2024-06-01T10:11:12+0000"
    assert scene.facts["mask file"] == granule.file("MASK").name
    assert scene.notes == ()


def test_the_table_counts_from_one_and_x_is_crosstrack(granule: Granule) -> None:
    """A table taken from 0, or with its axes swapped, would show another pixel everywhere."""
    spectra = ds.read(granule.write()).read()
    assert spectra.data.dims == ("y", "x", "band")
    assert spectra.values.dtype == np.float32
    np.testing.assert_array_equal(spectra.values, expected())
    assert np.isfinite(spectra.values[..., KEPT]).any(axis=2).sum() == (table()[0] >= 0).sum() > 0


@pytest.mark.parametrize("which", [("glt_x",), ("glt_y",), ("glt_x", "glt_y")])
def test_negative_numbers_of_the_table_are_filled_pixels(granule: Granule, which: tuple[str, ...]) -> None:
    for name in which:
        getattr(granule, name)[::2] *= -1
    np.testing.assert_array_equal(ds.read(granule.write()).read().values, expected())


def test_where_one_of_both_is_zero_there_is_no_pixel(granule: Granule) -> None:
    granule.glt_x[2, 3] = 0
    granule.glt_y[3, 3] = 0
    scene = ds.read(granule.write())
    assert np.isnan(scene.read().values[2:4, 3]).all()
    assert (scene.mask()[2:4, 3] == MaskReason.BACKGROUND).all()


def test_bad_bands_hold_a_number_and_become_nan(granule: Granule) -> None:
    granule.reflectance[..., BAD] = -0.01
    scene = ds.read(granule.write())
    assert np.isnan(scene.read().values[..., BAD]).all()
    reason = "water vapour: good_wavelengths = 0"
    assert scene.band_faults == tuple(reason if band in BAD else "" for band in range(len(CENTRES)))
    assert not np.asarray(scene.sensor.good)[BAD].any()


def test_a_good_band_may_be_minus_a_hundredth(granule: Granule) -> None:
    granule.reflectance[0, 1, 1] = -0.01
    scene = ds.read(granule.write(), geometry="swath")
    assert scene.read().values[0, 1, 1] == np.float32(-0.01)


def test_fill_is_nan_and_background(granule: Granule) -> None:
    line, sample = table()
    granule.reflectance[line[2, 3], sample[2, 3]] = FILL
    scene = ds.read(granule.write())
    values, mask = scene.read().values, scene.mask()
    assert np.isnan(values[2, 3]).all()
    background = np.isnan(values[..., KEPT]).all(axis=2)
    np.testing.assert_array_equal(mask == MaskReason.BACKGROUND, background)
    assert background.sum() == (line < 0).sum() + 1


def test_the_geotransform_is_in_the_order_of_gdal(granule: Granule) -> None:
    granule.attributes["geotransform"] = np.array([70.0, 0.0005, 0.0001, 40.0, 0.0002, -0.0004])
    scene = ds.read(granule.write())
    assert scene.transform == (0.0005, 0.0001, 70.0, 0.0002, -0.0004, 40.0)
    x, y = scene.xy(np.array([2]), np.array([5]))
    assert x[0] == pytest.approx(70.0 + 5.5 * 0.0005 + 2.5 * 0.0001, abs=1e-12)
    assert y[0] == pytest.approx(40.0 + 5.5 * 0.0002 - 2.5 * 0.0004, abs=1e-12)


@given(data=st.data(), chunked=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_is_that_part_of_the_whole(tmp_path: Path, data: st.DataObject, chunked: bool) -> None:
    folder = tmp_path / str(chunked)
    if not folder.exists():
        Granule(folder, chunks=(3, 2, 4) if chunked else None).write()
    scene = ds.read(folder)
    row, column = data.draw(st.integers(0, ROWS - 1)), data.draw(st.integers(0, COLUMNS - 1))
    rows, columns = data.draw(st.integers(1, ROWS - row)), data.draw(st.integers(1, COLUMNS - column))
    window = Window(row, column, rows, columns)
    np.testing.assert_array_equal(scene.read(window).values, expected()[window.slices])
    np.testing.assert_array_equal(scene.mask(window), scene.mask()[window.slices])


def test_only_the_box_under_the_window_is_read(granule: Granule, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, ...]] = []
    original = h5py.Dataset.__getitem__

    def spy(self: h5py.Dataset, key: object, *rest: object) -> object:
        values = original(self, key, *rest)
        if self.name == "/reflectance":
            taken.append(values.shape)
        return values

    scene = ds.read(granule.write())
    monkeypatch.setattr(h5py.Dataset, "__getitem__", spy)
    scene.read(Window(2, 3, 1, 1))
    assert taken == [(1, 1, len(CENTRES))]
    taken.clear()
    scene.read(Window(1, 2, 2, 3))
    line, sample = (part[1:3, 2:5] for part in table())
    assert taken == [(np.ptp(line) + 1, np.ptp(sample) + 1, len(CENTRES))]
    taken.clear()
    scene.read(Window(0, 0, 1, 1))
    assert table()[0][0, 0] < 0
    assert taken == [], "nothing of the swath lies there"


def test_the_raw_swath(granule: Granule) -> None:
    granule.lat[3, 2] = granule.lon[4, 1] = FILL
    scene = ds.read(granule.write(), geometry="swath")
    assert (scene.height, scene.width, scene.crs, scene.block) == (LINES, SAMPLES, "", (1, SAMPLES))
    assert "raw swath" in scene.notes[0]
    window = Window(2, 1, 3, 4)
    raw = granule.reflectance.copy()
    raw[..., BAD] = np.nan
    np.testing.assert_array_equal(scene.read().values, raw)
    np.testing.assert_array_equal(scene.read(window).values, raw[window.slices])
    latitude, longitude = scene.places(window)
    np.testing.assert_array_equal(np.isnan(latitude), [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(np.isnan(longitude), np.isnan(latitude))
    assert (latitude[0, 0], longitude[0, 0]) == (granule.lat[2, 1], granule.lon[2, 1])


def test_windows_of_a_chunked_swath_are_its_chunks(granule: Granule) -> None:
    granule.chunks = (3, 2, 4)
    assert ds.read(granule.write(), geometry="swath").block == (3, 2)


def test_places_on_the_grid_are_those_of_the_raw_pixel_shown(granule: Granule) -> None:
    latitude, longitude = ds.read(granule.write()).places()
    line, sample = table()
    known = line >= 0
    np.testing.assert_array_equal(np.isfinite(latitude), known)
    np.testing.assert_array_equal(latitude[known], granule.lat[line[known], sample[known]])
    np.testing.assert_array_equal(longitude[known], granule.lon[line[known], sample[known]])


def test_uncertainty_follows_the_reflectance(granule: Granule) -> None:
    scene = ds.read(granule.write())
    uncertainty = scene.uncertainty(Window(1, 1, 4, 5))
    np.testing.assert_allclose(uncertainty, expected()[1:5, 1:6] / 10, rtol=1e-6)
    granule.file("RFLUNCERT").unlink()
    scene = ds.read(granule.folder)
    assert scene.uncertainty() is None
    assert scene.notes == ("no RFLUNCERT file beside the reflectance: no uncertainty",)


@pytest.mark.parametrize("good", [None, [1, 1, 1, 241, 241, 1, 241, 1]], ids=["missing", "fill"])
def test_without_good_wavelengths_the_producers_rule_holds(granule: Granule, good: list[int] | None) -> None:
    granule.good = good
    scene = ds.read(granule.write())
    assert np.flatnonzero(scene.empty).tolist() == BAD
    assert any("1325-1435 and 1770-1962 nm are taken as bad" in note for note in scene.notes)


def test_bands_in_another_order_are_delivered_sorted(granule: Granule) -> None:
    order = np.array([3, 0, 7, 1, 2, 6, 5, 4])
    granule.wavelengths = [CENTRES[at] for at in order]
    granule.good = [int(at not in BAD) for at in order]
    granule.reflectance, granule.uncertainty = (
        granule.reflectance[..., order],
        granule.uncertainty[..., order],
    )
    granule.band_mask[1, 2] = np.packbits(order == 7)
    scene = ds.read(granule.write())
    np.testing.assert_array_equal(scene.read().values, expected())
    line, sample = table()
    shown = (line == 1) & (sample == 2)
    np.testing.assert_array_equal(scene.mask() == MaskReason.DEFECTIVE, shown)
    assert any("sorted by wavelength" in note for note in scene.notes)


def test_options_and_windows_are_checked(granule: Granule) -> None:
    folder = granule.write()
    with pytest.raises(UsageError, match=r"geometry='raw'. Use one of ortho, swath"):
        ds.read(folder, geometry="raw")
    for window in (Window(0, 0, ROWS + 1, 1), Window(0, COLUMNS, 1, 1)):
        for read in (ds.read(folder).read, ds.read(folder).mask, ds.read(folder).uncertainty):
            with pytest.raises(UsageError, match="no window of 6 x 8 pixels"):
                read(window)


def test_nothing_is_written_and_no_handle_stays_open(granule: Granule) -> None:
    folder = granule.write()
    before = sorted((file.name, file.stat().st_mtime_ns) for file in folder.iterdir())
    scene = ds.read(folder)
    scene.read(), scene.mask(), scene.uncertainty(), scene.places()
    assert sorted((file.name, file.stat().st_mtime_ns) for file in folder.iterdir()) == before
    handles = Path("/proc/self/fd")
    if handles.is_dir():
        still_open = [os.readlink(handle) for handle in handles.iterdir() if handle.is_symlink()]
        assert not [name for name in still_open if str(folder) in name]


def test_threads_read_the_same(granule: Granule) -> None:
    scene = ds.read(granule.write())
    windows = [Window(row, 0, 2, COLUMNS) for row in (0, 2, 4)] * 8
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda window: scene.read(window).values, windows))
    for window, part in zip(windows, parts, strict=True):
        np.testing.assert_array_equal(part, expected()[window.slices])


def test_the_reader_is_registered() -> None:
    assert readers()["emit"].specificity == 30


@pytest.mark.real_data
def test_the_shipped_table_is_that_of_real_products(shared_data: Path) -> None:
    real = pd.read_csv(shared_data / "srf" / "emit_l2a_285_precise.csv")
    shipped = ds.Sensor.load("emit")
    np.testing.assert_allclose(shipped.axis.values, real["center_nm"], atol=6e-4)
    np.testing.assert_allclose(shipped.axis.widths, real["fwhm_nm"], atol=6e-4)
    np.testing.assert_array_equal(shipped.good, real["good"] == 1)


@pytest.mark.real_data
def test_real_pixels_in_a_granule(shared_data: Path, tmp_path: Path) -> None:
    """The reflectance of 100 real pixels: what is -0.01 in all of them are the bands taken out."""
    real = pd.read_csv(shared_data / "srf" / "emit_l2a_285_precise.csv")
    flat = np.fromfile(shared_data / "emit" / "emit20250324t221005_jpl_unmix_ex", "<f4")
    cube = np.moveaxis(flat.reshape(10, 285, 10), 1, 2)
    granule = Granule(tmp_path, wavelengths=real["center_nm"].tolist(), good=real["good"].tolist())
    granule.reflectance = granule.uncertainty = cube[:LINES, :SAMPLES]
    scene = ds.read(granule.write(), geometry="swath")
    np.testing.assert_array_equal(scene.empty, (cube == np.float32(-0.01)).all(axis=(0, 1)))
    assert scene.empty.sum() == 41
    values = scene.read().values
    np.testing.assert_array_equal(values[..., ~scene.empty], granule.reflectance[..., ~scene.empty])
