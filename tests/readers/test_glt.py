"""Lookup tables: pieces cover the window once, and their boxes stay small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.readers import glt
from deepsalt.readers.glt import Box, Table, box_of, ortho_rectified, pieces, table_of


class Stored:
    """An array that counts what is read of it, as an h5py data set would be asked."""

    def __init__(self, values: np.ndarray, chunks: tuple[int, ...] | None = None) -> None:
        self.values, self.chunks, self.largest = values, chunks, 0
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        part = self.values[key]
        self.largest = max(self.largest, part.nbytes)
        return part


def turned(height: int, width: int, degrees: float) -> Table:
    """The table of a square swath that is turned and larger than the window."""
    y, x = np.mgrid[:height, :width]
    turn = np.deg2rad(degrees)
    size = height + width
    line = np.rint(y * np.cos(turn) + x * np.sin(turn)).astype(np.intp)
    sample = np.rint(x * np.cos(turn) - y * np.sin(turn)).astype(np.intp) + height
    none = (line < 0) | (line >= size) | (sample < 0) | (sample >= size)
    return Table(np.where(none, -1, line), np.where(none, -1, sample))


def test_numbers_count_from_one_and_signs_do_not_count() -> None:
    table = table_of(np.array([[3, -2, 0, 1]]), np.array([[1, -4, 5, 0]]), (4, 3), "here")
    assert table.sample.tolist() == [[2, 1, -1, -1]]
    assert table.line.tolist() == [[0, 3, -1, -1]]
    assert table.known.tolist() == [[True, True, False, False]]


@given(
    height=st.integers(1, 40), width=st.integers(1, 40), degrees=st.floats(0, 90),
    chunk=st.tuples(st.integers(1, 9), st.integers(1, 9)), holes=st.integers(0, 3),
)  # fmt: skip
def test_every_known_pixel_lies_in_one_piece(
    height: int, width: int, degrees: float, chunk: tuple[int, int], holes: int
) -> None:
    table = turned(height, width, degrees)
    gaps = np.random.default_rng(holes).random(table.shape) < 0.3 * holes
    table.line[gaps] = table.sample[gaps] = -1
    seen = np.zeros(table.shape, int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glt, "BOX_BYTES", 400)
        patch.setattr(glt, "_SMALL_BYTES", 40)
        for piece, box in pieces(table, 4, chunk):
            part = table.cut(piece)
            seen[piece] += 1
            assert box == box_of(part)
            assert box.pixels() * 4 <= 400 or part.shape == (1, 1)
    assert seen.max() <= 1
    assert (seen[table.known] == 1).all()


@pytest.mark.parametrize("chunks", [None, (7, 5, 2)])
def test_a_flat_window_across_a_turned_swath_reads_little(chunks: tuple[int, ...] | None) -> None:
    """One box would be most of the swath: 300 x 300 pixels for 300 in the window."""
    table = turned(1, 400, 45.0)
    values = np.arange(401 * 401 * 3, dtype=np.float32).reshape(401, 401, 3)
    stored = Stored(values, chunks)
    box = box_of(table)
    assert box is not None
    assert box.pixels() > 100 * table.known.sum()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glt, "_SMALL_BYTES", 4096)
        cut = [box for _, box in pieces(table, 12, (1, 1))]
        got = ortho_rectified(stored, table, np.nan)
    assert sum(box.pixels() for box in cut) < 0.07 * box.pixels()
    assert stored.largest <= 0.01 * values.nbytes
    np.testing.assert_array_equal(got[0], values[table.line[0], table.sample[0]])


def test_a_box_larger_than_the_limit_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glt, "BOX_BYTES", 1000)
    table = turned(30, 30, 0.0)
    values = np.random.default_rng(0).random((60, 60, 3)).astype(np.float32)
    stored = Stored(values)
    got = ortho_rectified(stored, table, -1.0, slice(1, 3))
    np.testing.assert_array_equal(got, values[table.line, table.sample, 1:])
    assert 0 < stored.largest <= 1000


def test_a_box_is_counted_in_whole_chunks() -> None:
    box = Box(3, 5, 10, 11)
    assert box.pixels() == 2
    assert box.pixels((4, 8)) == 8 * 8
