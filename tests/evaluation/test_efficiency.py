"""Points saved on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from deepsalt.errors import UsageError
from deepsalt.evaluation.efficiency import falling, points_saved

BASELINE = {10: 1.0, 100: 0.6, 1000: 0.2}


def test_the_factor_on_a_curve_straight_in_log_points() -> None:
    """The baseline loses 0.4 for each factor of ten: 0.8 is reached at 10^1.5 points."""
    (saved,) = points_saved({10: 0.8}, BASELINE)
    assert saved.other_points == pytest.approx(10**1.5)
    assert saved.factor == pytest.approx(10**0.5)
    assert saved.limit == "exact"


def test_a_curve_against_itself_saves_nothing() -> None:
    assert [saved.factor for saved in points_saved(BASELINE, BASELINE)] == pytest.approx([1, 1, 1])


def test_an_error_never_reached_is_not_extrapolated() -> None:
    (saved,) = points_saved({50: 0.1}, BASELINE)
    assert (saved.other_points, saved.factor, saved.limit, saved.longest) == (None, None, "not reached", 1000)


def test_a_method_worse_than_the_smallest_baseline_gets_a_bound() -> None:
    (saved,) = points_saved({100: 1.4}, BASELINE)
    assert (saved.other_points, saved.limit, saved.factor) == (10, "at most", 0.1)


def test_no_point_at_all_has_points_but_no_factor() -> None:
    (saved,) = points_saved({0: 0.6}, {0: 3.0, **BASELINE})
    assert (saved.other_points, saved.factor) == (pytest.approx(100), None)


def test_a_dip_by_chance_does_not_count_for_the_baseline() -> None:
    """0.3 at 100 points, but 0.7 at 200: on average 0.5, so 0.4 is reached only beyond 200 points."""
    (saved,) = points_saved({20: 0.4}, {10: 1.0, 100: 0.3, 200: 0.7, 400: 0.2})
    assert saved.other_points is not None
    assert 200 < saved.other_points < 400


def test_falling_never_rises_and_keeps_what_falls() -> None:
    errors = np.array([0.9, 0.5, 0.8, 0.3, 0.4, 0.1])
    assert (np.diff(falling(errors)) <= 0).all()
    assert falling(np.array([3.0, 2.0, 1.0])).tolist() == [3, 2, 1]


def test_a_baseline_without_points_cannot_be_compared_with() -> None:
    with pytest.raises(UsageError, match="no entry with ground points"):
        points_saved({10: 0.5}, {0: 0.4})
