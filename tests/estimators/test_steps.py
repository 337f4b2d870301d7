"""Steps: the same as a search, for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepsalt.estimators.steps import Steps

NUMBERS = st.floats(-50, 50, allow_subnormal=False)


@given(
    arrays(np.float64, st.integers(1, 40), elements=NUMBERS),
    arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e6, 1e6)),
    st.floats(0.0, 1e-12),
)
def test_it_finds_what_a_search_finds(breaks: np.ndarray, asked: np.ndarray, near: float) -> None:
    steps = Steps(breaks)
    asked = np.concatenate([asked, breaks, breaks - near, breaks + near, [np.inf, -np.inf]])
    expected = np.searchsorted(np.unique(breaks), asked, side="right")
    np.testing.assert_array_equal(steps.of(asked), expected)


@given(arrays(np.float64, st.integers(1, 40), elements=NUMBERS.map(lambda one: round(one, 3))))
def test_a_middle_stands_on_its_own_step(breaks: np.ndarray) -> None:
    steps = Steps(breaks)
    assert steps.of(steps.middles()).tolist() == list(range(len(np.unique(breaks)) + 1))


def test_breaks_that_share_a_cell_are_told_apart() -> None:
    """A million times nearer to each other than a cell is wide."""
    breaks = np.concatenate([1.0 + 1e-9 * np.arange(5), [2.0]])
    asked = breaks + 5e-10
    assert Steps(breaks).of(asked).tolist() == [1, 2, 3, 4, 5, 6]


def test_a_missing_number_stands_on_the_first_step_and_missing_breaks_are_refused() -> None:
    assert Steps(np.array([0.5])).of(np.array([np.nan])).tolist() == [0]
    for breaks in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="must be finite"):
            Steps(breaks)
