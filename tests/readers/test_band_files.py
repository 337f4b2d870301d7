"""Grids that nest: every pixel of a window is where it is in the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.readers.safe import write_image

from deepsalt.errors import ProductError
from deepsalt.readers.band_files import BandFile, Nesting, header_of, nesting_of
from deepsalt.readers.jp2_layout import check_whole_jp2
from deepsalt.spectra import Window

HEIGHT, WIDTH = 12, 9


@st.composite
def nestings(draw: st.DrawFn) -> Nesting:
    factor, finer = draw(st.integers(1, 6)), draw(st.booleans())
    row, column = draw(st.integers(0, 7)), draw(st.integers(0, 7))
    return Nesting(factor, 1, row, column) if finer else Nesting(1, factor, row, column)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    row, column = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 1))
    return Window(row, column, draw(st.integers(1, HEIGHT - row)), draw(st.integers(1, WIDTH - column)))


@given(nestings(), windows())
def test_a_window_sees_what_the_whole_sees(nesting: Nesting, window: Window) -> None:
    """Each small pixel by its place on the ground, counted one by one."""
    fine, coarse = nesting.finer, nesting.coarser
    size = [(n * fine + 8) // coarse + 1 for n in (HEIGHT, WIDTH)]
    stored = np.arange(size[0] * size[1]).reshape(size)
    found = nesting.stacked(stored[nesting.window(window).slices], window)
    assert found.shape == (fine * fine, window.rows, window.columns)
    for row in range(window.rows):
        for column in range(window.columns):
            expected = {
                stored[
                    ((window.row + row) * fine + y + nesting.row) // coarse,
                    ((window.column + column) * fine + x + nesting.column) // coarse,
                ]
                for y in range(fine)
                for x in range(fine)
            }
            assert set(found[:, row, column]) == expected


def test_a_larger_image_is_cut_to_the_grid(tmp_path: Path) -> None:
    """A crop at 20 m beside a band at 60 m that begins before it, and one at 10 m that ends after it."""
    write_image(tmp_path / "grid.tif", np.zeros((4, 5), np.uint16), 20, 600_020, 5_000_000, "EPSG:32632")
    coarse = np.arange(12).reshape(3, 4).astype(np.uint16)
    write_image(tmp_path / "coarse.tif", coarse, 60, 599_940, 5_000_020, "EPSG:32632")
    fine = np.arange(20 * 24).reshape(20, 24).astype(np.uint16)
    write_image(tmp_path / "fine.tif", fine, 10, 600_000, 5_000_010, "EPSG:32632")
    grid = header_of(tmp_path / "grid.tif")
    whole = Window(0, 0, 4, 5)
    nesting = nesting_of(header_of(tmp_path / "coarse.tif"), grid)
    assert nesting == Nesting(1, 3, 1, 4)
    found = BandFile(tmp_path / "coarse.tif", nesting).reflectance(whole)
    np.testing.assert_array_equal(found, coarse.repeat(3, 0).repeat(3, 1)[1:5, 4:9])
    nesting = nesting_of(header_of(tmp_path / "fine.tif"), grid)
    assert nesting == Nesting(2, 1, 1, 2)
    found = BandFile(tmp_path / "fine.tif", nesting).reflectance(whole)
    np.testing.assert_allclose(found, fine[1:9, 2:12].reshape(4, 2, 5, 2).mean(axis=(1, 3)))


@pytest.mark.parametrize("metres", [30, 15.5, 8])
def test_sizes_that_do_not_nest_are_refused(tmp_path: Path, metres: float) -> None:
    write_image(tmp_path / "grid.tif", np.zeros((4, 5), np.uint16), 20, 600_000, 5_000_000, "EPSG:32632")
    write_image(tmp_path / "odd.tif", np.zeros((40, 50), np.uint16), metres, 600_000, 5_000_000, "EPSG:32632")
    with pytest.raises(ProductError, match=rf"odd.tif.*grid.tif.*pixels of {metres:g} x .* do not nest"):
        nesting_of(header_of(tmp_path / "odd.tif"), header_of(tmp_path / "grid.tif"))


@given(st.integers(0, 10_000))
@example(102)  # between two boxes, before the image
def test_any_cut_of_a_jpeg2000_file_is_seen(tmp_path_factory, cut: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "jp2"
    whole = folder / "whole.jp2"
    if not whole.exists():
        noise = np.random.default_rng(0).integers(0, 9000, (30, 40)).astype(np.uint16)
        write_image(whole, noise, 20, 600_000, 5_000_000, "EPSG:32632")
    check_whole_jp2(whole)
    raw = whole.read_bytes()
    short = folder / "short.jp2"
    short.write_bytes(raw[: cut % len(raw)])
    with pytest.raises(ProductError, match=r"cut off|first bytes"):
        check_whole_jp2(short)
