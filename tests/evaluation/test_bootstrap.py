"""Intervals over groups: the same numbers as drawing the rows by hand, and as wide as the groups allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import UsageError
from deepsalt.evaluation import bootstrap
from deepsalt.evaluation.bootstrap import group_draws, salinity_intervals, weighted_metrics
from deepsalt.evaluation.metrics import METRICS, regression_metrics


@given(st.integers(0, 100_000), st.integers(6, 60), st.integers(2, 8))
def test_a_draw_is_the_metric_of_the_drawn_rows(seed: int, rows: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    truth, guess = rng.lognormal(0, 1, (2, rows))
    truth = np.round(truth, 1)  # ties
    index = rng.permutation(np.arange(rows) % groups)
    (weights,) = group_draws(groups, 20, seed)
    found = weighted_metrics(truth, guess, index, weights)
    for draw in range(20):
        drawn = np.repeat(np.arange(rows), weights[draw][index].astype(int))
        expected = regression_metrics(truth[drawn], guess[drawn])
        for name in METRICS:
            if name in ("r2", "ccc") and np.ptp(truth[drawn]) == 0:
                continue
            assert found[name][draw] == pytest.approx(expected[name], abs=1e-9, rel=1e-9, nan_ok=True)


def test_large_values_lose_no_digits() -> None:
    truth = 1e6 + np.arange(30.0)
    guess = truth + np.tile([0.5, -0.25, 0.1], 10)
    found = weighted_metrics(truth, guess, np.arange(30), np.ones((1, 30)))
    expected = regression_metrics(truth, guess)
    for name in METRICS:
        assert found[name][0] == pytest.approx(expected[name], rel=1e-9)


def test_blocks_of_draws_give_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    asked = (rng.lognormal(0, 1, 90), rng.lognormal(0, 1, 90), np.arange(90) // 3)
    whole = salinity_intervals(*asked, draws=100)
    monkeypatch.setattr(bootstrap, "_BLOCK", 200)
    parts = salinity_intervals(*asked, draws=100)
    assert whole is not None
    assert parts is not None
    for scale in ("dS_m", "ln"):
        for name in METRICS:
            assert parts[scale][name] == pytest.approx(whole[scale][name], rel=1e-12)


def test_the_interval_holds_the_metric_and_the_seed_decides() -> None:
    rng = np.random.default_rng(1)
    truth = rng.lognormal(0, 1, 400)
    guess = truth * rng.lognormal(0, 0.3, 400)
    groups = np.arange(400) // 8
    found = salinity_intervals(truth, guess, groups, seed=3)
    assert found is not None
    exact = regression_metrics(np.log1p(truth), np.log1p(guess))
    for name in METRICS:
        low, high = found["ln"][name]
        assert low < exact[name] < high
    assert found == salinity_intervals(truth, guess, groups, seed=3)
    assert found != salinity_intervals(truth, guess, groups, seed=4)


def test_rows_of_one_group_are_no_independent_evidence() -> None:
    """Errors shared by a field: drawing rows would make the interval of the bias several times too narrow."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(20), 25)
    truth = rng.uniform(1, 9, 500)
    guess = truth + rng.normal(0, 0.5, 20)[groups]
    by_group = salinity_intervals(truth, guess, groups)
    by_row = salinity_intervals(truth, guess, np.arange(500))
    assert by_group is not None
    assert by_row is not None
    wide, narrow = (np.ptp(found["dS_m"]["bias"]) for found in (by_group, by_row))
    assert wide > 3 * narrow


def test_the_interval_of_a_mean_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for trial in range(300):
        shift = rng.normal(0, 0.5, 30)
        guess = np.repeat(shift, 4) + 5.0
        found = salinity_intervals(
            np.full(120, 5.0), guess, np.repeat(np.arange(30), 4), draws=200, seed=trial
        )
        assert found is not None
        inside += found["dS_m"]["bias"][0] <= 0 <= found["dS_m"]["bias"][1]
    assert 0.90 <= inside / 300 <= 0.98


def test_four_groups_give_no_interval() -> None:
    assert salinity_intervals(np.ones(8), np.ones(8), np.arange(8) // 2) is None


def test_an_undefined_metric_has_no_interval() -> None:
    found = salinity_intervals(np.full(12, 3.0), np.full(12, 3.0), np.arange(12))
    assert found is not None
    assert found["dS_m"]["rmse"] == [0, 0]
    assert np.isnan(found["dS_m"]["r2"]).all()


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(2,\) groups for \(3,\) samples"):
        salinity_intervals([1, 2, 3], [1, 2, 3], [1, 2])
