"""A scene's windows, faults of bands and reasons of pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.toys import toy_scene

from deepsalt.errors import BandError
from deepsalt.spectra import MaskReason, first_reason


@given(
    rows=st.integers(1, 70),
    columns=st.integers(1, 70),
    block=st.tuples(st.integers(1, 40), st.integers(1, 80)),
    pixels=st.integers(1, 3000),
)
def test_windows_tile_the_scene_once_and_cut_no_block(
    rows: int, columns: int, block: tuple[int, int], pixels: int
) -> None:
    scene = replace(toy_scene(), height=rows, width=columns, block=block)
    seen = np.zeros((rows, columns), int)
    for window in scene.windows(pixels):
        seen[window.slices] += 1
        assert window.row % block[0] == 0
        assert window.column % block[1] == 0 or window.columns == columns
        assert (window.row + window.rows) % block[0] == 0 or window.row + window.rows == rows
        assert (window.column + window.columns) % block[1] == 0 or window.column + window.columns == columns
        assert window.rows * window.columns <= max(pixels, block[0] * block[1])
    assert (seen == 1).all()


def test_a_scene_of_strips_is_read_over_its_whole_width() -> None:
    scene = replace(toy_scene(), height=90, width=60, block=(3, 60))
    assert [w.columns for w in scene.windows(500)] == [60] * 15


def test_bands_with_a_fault_are_empty() -> None:
    scene = replace(toy_scene(), band_faults=("", "no data in the product", "", "", "water vapour"))
    assert scene.empty.tolist() == [False, True, False, False, True]
    assert not toy_scene().empty.any()
    with pytest.raises(BandError, match="5 bands but 2 faults"):
        replace(toy_scene(), band_faults=("", ""))


def test_the_first_reason_in_the_order_given_is_kept() -> None:
    a, b = np.array([[True, False, True]]), np.array([[True, True, False]])
    one = first_reason((1, 3), {MaskReason.SATURATED: a, MaskReason.CLOUD: b})
    other = first_reason((1, 3), {MaskReason.CLOUD: b, MaskReason.SATURATED: a})
    assert one.tolist() == [[10, 2, 10]]
    assert other.tolist() == [[2, 2, 10]]
    assert first_reason((1, 2), {}).tolist() == [[0, 0]]
