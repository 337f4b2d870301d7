"""Which bands and rows lack values: told by sums, the same as value by value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from deepsalt.preprocessing.present import bands_held, rows_lacking

TABLES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.sampled_from([0.0, 0.25, -0.01, np.nan, np.inf, -np.inf, 3e38]).map(np.float32),
)


@given(values=TABLES, seed=st.integers(0, 100))
def test_sums_tell_what_every_value_tells(values: np.ndarray, seed: int) -> None:
    bands = np.random.default_rng(seed).random(values.shape[1]) < 0.6
    missing = np.isnan(values)
    assert np.array_equal(rows_lacking(values, bands), (missing & bands).any(axis=1))
    assert np.array_equal(bands_held(values), ~missing.all(axis=0))


@pytest.mark.filterwarnings("error")
def test_infinite_values_of_both_signs_and_empty_tables_do_not_warn() -> None:
    values = np.array([[np.inf, 1.0], [-np.inf, np.nan]], np.float32)
    assert rows_lacking(values, np.array([True, True])).tolist() == [False, True]
    assert bands_held(np.empty((0, 2), np.float32)).tolist() == [False, False]
    assert rows_lacking(np.empty((0, 2), np.float32), np.ones(2, bool)).shape == (0,)
