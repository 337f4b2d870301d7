"""Spectra and Scene: what cannot be is refused, what is taken stays together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import SpectraError
from deepsalt.spectra import Axis, Scene, Sensor, Spectra, Window

AXIS = Axis(np.array([500.0, 600, 700]), "nm")


def table(rows: int = 4) -> Spectra:
    values = np.arange(rows * 3, dtype=float).reshape(rows, 3) / 20
    return Spectra.of_table(
        values, AXIS, "reflectance", samples=pd.DataFrame({"id": list("abcdefgh")[:rows]})
    )


def test_values_are_float32_and_read_only() -> None:
    spectra = table()
    assert spectra.values.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        spectra.values[0, 0] = 9


def test_the_argument_is_not_changed_by_what_is_made_of_it() -> None:
    values = np.full((2, 3), 0.5, np.float32)
    spectra = Spectra.of_table(values, AXIS, "reflectance")
    values[:] = 9
    assert spectra.values.max() == 0.5


def test_take_keeps_rows_and_samples_together() -> None:
    chosen = table().take(np.array([2, 0]))
    assert chosen.samples["id"].tolist() == ["c", "a"]
    assert chosen.values[:, 0] == pytest.approx([0.3, 0.0])
    assert table().take(np.array([False, True, False, True])).samples["id"].tolist() == ["b", "d"]


def test_take_bands_keeps_axis_and_values_together() -> None:
    chosen = table().take_bands(np.array([True, False, True]))
    assert chosen.axis.values.tolist() == [500, 700]
    assert chosen.values[1] == pytest.approx([0.15, 0.25])


def test_pixels_are_rows_of_the_image_in_order() -> None:
    cube = np.arange(12, dtype=float).reshape(2, 2, 3) / 20
    image = Spectra.of_image(cube, AXIS)
    chosen = image.pixels(np.array([[True, False], [False, True]]))
    assert chosen.values[1] == pytest.approx(cube[1, 1])
    assert len(image) == 4
    assert image.is_image


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[np.nan, np.nan, np.nan], [0.1, 0.2, 0.3]], r"1 of 2 spectra have no value .* row 1"),
        ([[0.1, np.inf, 0.2]], "row 1, band 2 is infinite"),
        ([[20.0, 30.0, 40.0]], "Divide percent by 100"),
        ([0.1, 0.2, 0.3], "shape"),
    ],
)
def test_impossible_values_are_refused_with_the_file_named(values: list, message: str) -> None:
    with pytest.raises(SpectraError, match=message) as caught:
        Spectra.of_table(values, AXIS, "reflectance", where="soil.csv")
    assert "soil.csv" in str(caught.value)


def test_numbers_of_rows_and_bands_must_agree() -> None:
    with pytest.raises(SpectraError, match="2 bands of values but 3 band centres"):
        Spectra.of_table(np.zeros((1, 2)), AXIS, "reflectance")
    with pytest.raises(SpectraError, match="1 spectra but 2 rows of samples"):
        Spectra.of_table(np.zeros((1, 3)), AXIS, "reflectance", samples=pd.DataFrame({"id": [1, 2]}))


class Grid(Scene):
    """A scene without pixels: only its geometry is asked."""

    def read(self, window: Window | None = None) -> Spectra:
        return Spectra.of_image(np.zeros((1, 1, len(self.sensor))), self.sensor.axis)

    def mask(self, window: Window | None = None) -> np.ndarray:
        return np.zeros((1, 1), np.uint8)


def grid(height: int, width: int, block_rows: int = 1) -> Grid:
    return Grid(
        name="grid",
        path="grid",
        sensor=Sensor.load("sentinel2"),
        height=height,
        width=width,
        crs="EPSG:32632",
        transform=(30.0, 0.0, 500_000.0, 0.0, -30.0, 5_000_000.0),
        block=(block_rows, width),
    )


@given(st.integers(1, 300), st.integers(1, 50), st.integers(1, 40), st.integers(1, 5000))
def test_windows_cover_every_row_once_and_start_on_blocks(height, width, block_rows, pixels) -> None:
    windows = list(grid(height, width, block_rows).windows(pixels))
    assert [row for w in windows for row in range(w.row, w.row + w.rows)] == list(range(height))
    assert all(w.row % block_rows == 0 and w.columns == width for w in windows)


@given(st.integers(0, 99), st.integers(0, 79))
def test_pixel_centres_lead_back_to_their_pixel(row: int, column: int) -> None:
    scene = grid(100, 80)
    x, y = scene.xy(np.array([row]), np.array([column]))
    assert (x[0], y[0]) == (500_000 + 30 * (column + 0.5), 5_000_000 - 30 * (row + 0.5))
    assert [int(v[0]) for v in scene.rowcol(x, y)] == [row, column]
