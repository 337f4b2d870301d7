"""Levels of dates: what brings them together where they show the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.preprocessing.levels import common_level


@given(st.integers(0, 10_000), st.integers(2, 5), st.floats(0.0, 0.6))
def test_levels_are_found_whatever_pixels_the_dates_miss(seed: int, dates: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    ground = rng.uniform(0.05, 0.6, (400, 3))
    level = np.exp(rng.normal(0, 0.2, (dates, 3)))
    level /= np.exp(np.log(level).mean(axis=0))
    looks = ground * level[:, None, :]
    looks[rng.random((dates, 400)) < missing] = np.nan
    assert common_level(looks) * level == pytest.approx(np.ones_like(level), rel=2e-3)


def test_a_date_that_shares_next_to_nothing_stays_as_it_is() -> None:
    looks = np.full((4, 30, 2), np.nan)
    looks[0, :8], looks[1, :8], looks[2, 8:], looks[3, :7] = 0.2, 0.4, 0.9, 0.5
    found = common_level(looks)
    assert found[2:].tolist() == [[1.0, 1.0]] * 2  # none is shared by the one, seven by the other
    assert found[0] / found[1] == pytest.approx([2.0, 2.0])
    assert np.prod(found, axis=0) == pytest.approx([1.0, 1.0])


def test_a_band_that_has_no_light_stays_as_it_is() -> None:
    looks = np.stack([np.full((9, 2), 0.3), np.full((9, 2), 0.6)])
    looks[:, :, 1] = np.nan
    assert common_level(looks)[:, 1].tolist() == [1.0, 1.0]
    dark = np.stack([np.full((9, 1), 0.3), np.full((9, 1), -0.1)])
    assert np.isfinite(common_level(dark)).all()
    assert (common_level(dark) > 0).all()
