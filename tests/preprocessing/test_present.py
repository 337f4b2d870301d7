"""What is there is averaged as numpy averages it; nothing there is NaN, told without a warning."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from deepsalt.preprocessing.present import mean_present, median_present, range_present
from deepsalt.quiet import quiet

holed = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=3, max_side=6),
    elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)),
)


@given(holed, st.sampled_from([0, -1]))
def test_they_answer_as_numpy_does(values: np.ndarray, axis: int) -> None:
    low, high = range_present(values, axis)
    found = (mean_present(values, axis), median_present(values, axis), low, high)
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)
        expected = [f(values, axis=axis) for f in (np.nanmean, np.nanmedian, np.nanmin, np.nanmax)]
    for own, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-12, atol=1e-8)


def test_the_type_of_the_values_is_kept() -> None:
    values = np.array([[1, 2, np.nan]], np.float32)
    assert {mean_present(values).dtype, median_present(values).dtype} == {np.dtype(np.float32)}


def test_quiet_holds_in_threads_that_overlap() -> None:
    """As many threads as windows: none sees a warning that it silenced, and none loses another's filters."""

    def work(_: int) -> None:
        with quiet(RuntimeWarning):
            np.nanmean(np.full(3, np.nan))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(400)))
    with pytest.raises(RuntimeWarning):
        np.nanmean(np.full(3, np.nan))
