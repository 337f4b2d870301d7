"""Metrics against hand-computed values, scikit-learn, and their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from deepsalt.errors import UsageError
from deepsalt.evaluation.metrics import regression_metrics, salinity_metrics
from deepsalt.evaluation.protocol import COLUMNS, metrics_of


def test_by_hand() -> None:
    found = regression_metrics([0, 2, 4, 6], [1, 2, 3, 8])
    assert found["n"] == 4
    assert found["rmse"] == pytest.approx(np.sqrt(6 / 4))
    assert found["mae"] == 1.0
    assert found["bias"] == 0.5
    assert found["r2"] == pytest.approx(1 - 6 / 20)
    assert found["rpiq"] == pytest.approx((4.5 - 1.5) / np.sqrt(1.5))
    # means 3 and 3.5, population variances 5 and 7.25, covariance 5.5
    assert found["ccc"] == pytest.approx(2 * 5.5 / (5 + 7.25 + 0.25))


@given(st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_agreement_with_scikit_learn(size: int, seed: int) -> None:
    truth, guess = np.random.default_rng(seed).lognormal(1, 1, (2, size))
    found = regression_metrics(truth, guess)
    assert found["rmse"] == pytest.approx(np.sqrt(mean_squared_error(truth, guess)), abs=1e-9)
    assert found["mae"] == pytest.approx(mean_absolute_error(truth, guess), abs=1e-9)
    assert found["r2"] == pytest.approx(r2_score(truth, guess), abs=1e-9)


@given(st.integers(2, 30), st.integers(0, 1000))
def test_a_perfect_prediction(size: int, seed: int) -> None:
    truth = np.random.default_rng(seed).uniform(0, 9, size)
    found = regression_metrics(truth, truth)
    assert (found["rmse"], found["bias"], found["r2"]) == (0, 0, 1)
    assert found["ccc"] == pytest.approx(1)
    assert np.isnan(found["rpiq"])


def test_a_constant_prediction_has_no_concordance() -> None:
    assert regression_metrics([1, 2, 3], [2, 2, 2])["ccc"] == 0


def test_the_log_scale_is_computed_on_ln_of_one_plus_ece() -> None:
    found = salinity_metrics([0.0, np.e - 1], [0.0, np.e**2 - 1])
    assert found["ln"]["rmse"] == pytest.approx(np.sqrt(0.5))  # type: ignore[index]
    assert found["dS_m"]["mae"] == pytest.approx((np.e**2 - np.e) / 2)  # type: ignore[index]


@pytest.mark.parametrize(
    ("truth", "guess"), [([], []), ([1, 2], [1]), ([1, np.nan], [1, 2]), ([1, 2], [1, np.inf])]
)
def test_what_cannot_be_judged_is_refused(truth: list, guess: list) -> None:
    with pytest.raises(UsageError):
        regression_metrics(truth, guess)


def test_each_method_and_part_is_judged_on_its_own_rows() -> None:
    """Published fault: per-class tables that used one sample's prediction for every sample."""
    rows = [
        ("a", "test", "1", "g", "r", 1.0, 1.0),
        ("a", "test", "2", "g", "r", 3.0, 5.0),
        ("a", "unseen", "3", "h", "s", 2.0, 2.0),
        ("b", "test", "1", "g", "r", 1.0, 2.0),
        ("b", "test", "2", "g", "r", 3.0, 3.0),
        ("b", "unseen", "3", "h", "s", 2.0, 6.0),
    ]
    found = {(r["method"], r["part"]): r for r in metrics_of(pd.DataFrame(rows, columns=COLUMNS))}
    assert found["a", "test"]["dS_m"]["mae"] == 1.0
    assert found["b", "test"]["dS_m"]["mae"] == 0.5
    assert found["b", "unseen"]["dS_m"]["bias"] == 4.0
    assert [found[key]["n"] for key in found] == [2, 1, 2, 1]
