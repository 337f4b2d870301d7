"""Detection at thresholds, and the share of the error that is the label's, against what is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from deepsalt.errors import UsageError
from deepsalt.evaluation.bootstrap import group_draws
from deepsalt.evaluation.detection import THRESHOLDS, detection
from deepsalt.evaluation.detection_intervals import detection_with_intervals, drawn_detection
from deepsalt.evaluation.label_error import label_error
from deepsalt.evaluation.metrics import regression_metrics


def close(found: float, expected: float) -> bool:
    return found == pytest.approx(expected, abs=1e-9)


def test_two_hundred_random_cases_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = int(rng.integers(20, 200))
        truth = np.round(rng.lognormal(1, 1, size), 1)
        guess = np.round(truth * rng.lognormal(0, 0.8, size), 1)
        (found,) = detection(truth, guess, [rng.choice(THRESHOLDS)])
        saline, called = truth >= found["threshold"], guess >= found["threshold"]
        counts = confusion_matrix(saline, called, labels=[False, True]).ravel()
        assert [found[key] for key in ("tn", "fp", "fn", "tp")] == list(counts)
        if saline.any() and not saline.all():
            assert close(found["auc"], roc_auc_score(saline, guess))
        if saline.any() and called.any():
            theirs = precision_recall_fscore_support(saline, called, average="binary")
            ours = [found[key] for key in ("precision", "recall", "f1")]
            assert all(close(one, other) for one, other in zip(ours, theirs[:3], strict=True))


def test_two_hundred_random_cases_of_concordance_and_rpiq_by_their_definitions() -> None:
    """Lin 1989, eq. 1 with population moments; Bellon-Maurel et al. 2010: (Q3 - Q1) / RMSE."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        truth, guess = rng.lognormal(1, 1, (2, int(rng.integers(3, 100))))
        found = regression_metrics(truth, guess)
        covariance = np.cov(truth, guess, bias=True)
        total = covariance[0, 0] + covariance[1, 1] + (truth.mean() - guess.mean()) ** 2
        assert close(found["ccc"], 2 * covariance[0, 1] / total)
        ranked = np.sort(truth)
        at = [np.interp(q * (len(truth) - 1), np.arange(len(truth)), ranked) for q in (0.25, 0.75)]
        assert close(found["rpiq"], (at[1] - at[0]) / np.sqrt(np.mean((truth - guess) ** 2)))
        assert close(found["bias"], np.mean(guess) - np.mean(truth))


def test_a_sample_at_the_threshold_is_saline_as_in_the_classes() -> None:
    (found,) = detection([4.0, 3.9], [4.0, 4.0], [4.0])
    assert (found["tp"], found["fp"], found["fn"], found["tn"]) == (1, 1, 0, 0)
    assert found["auc"] == 0.5  # a tie counts half
    assert THRESHOLDS == (2.0, 4.0, 8.0)


def test_without_saline_samples_there_is_nothing_to_detect() -> None:
    (found,) = detection([1.0, 2.0], [1.0, 2.0], [8.0])
    assert np.isnan([found["auc"], found["f1"], found["precision"], found["recall"]]).all()
    assert found["tn"] == 2


def test_a_draw_of_groups_is_detection_on_the_drawn_rows() -> None:
    rng = np.random.default_rng(2)
    for trial in range(20):
        truth, guess = np.round(rng.lognormal(1, 1, (2, 60)), 0)  # many ties
        index = rng.permutation(np.arange(60) % 7)
        (weights,) = group_draws(7, 10, trial)
        drawn = drawn_detection(truth, guess, index, weights, [2.0, 4.0])
        for draw in range(10):
            rows = np.repeat(np.arange(60), weights[draw][index].astype(int))
            (expected,) = detection(truth[rows], guess[rows], [4.0])
            for name in ("auc", "f1"):
                assert drawn[name][draw, 1] == pytest.approx(expected[name], abs=1e-9, nan_ok=True)


def test_intervals_hold_the_numbers_and_are_wide_where_one_field_holds_the_salt() -> None:
    rng = np.random.default_rng(3)
    truth = rng.lognormal(0.5, 1, 300)
    guess = truth * rng.lognormal(0, 0.7, 300)
    spread, clumped = np.arange(300) % 30, np.argsort(np.argsort(truth)) // 10
    for groups in (spread, clumped):
        for one in detection_with_intervals(truth, guess, groups):
            assert one["intervals"]["auc"][0] <= one["auc"] <= one["intervals"]["auc"][1]
            assert one["intervals"]["f1"][0] <= one["f1"] <= one["intervals"]["f1"][1]
    wide, narrow = (
        np.ptp(detection_with_intervals(truth, guess, groups)[2]["intervals"]["f1"])
        for groups in (clumped, spread)
    )
    assert wide > 1.3 * narrow


def test_without_groups_enough_or_salt_there_is_no_interval() -> None:
    assert all("intervals" not in one for one in detection_with_intervals([1.0, 9.0], [1.0, 9.0], ["a", "b"]))
    mild = detection_with_intervals([1.0, 3.0, 1.0, 3.0, 1.0, 3.0], [1.0] * 6, range(6))
    assert ["intervals" in one for one in mild] == [True, False, False]


def test_the_share_of_the_label_by_hand() -> None:
    found = label_error([1.0, 3.0], [3.0, 1.0], [1.0, 1.0])
    assert found is not None
    assert found["dS_m"] == pytest.approx(
        {"n": 2, "label_rmse": 1.0, "share": 0.25, "true_rmse": np.sqrt(3), "best_r2": 0.0}
    )
    noise = (1 / 2**2 + 1 / 4**2) / 2  # sd / (1 + value)
    assert found["ln"]["label_rmse"] == pytest.approx(np.sqrt(noise))
    assert found["ln"]["share"] == pytest.approx(noise / np.log(2) ** 2)


def test_the_error_against_the_truth_is_recovered_from_noisy_labels() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(15, 35, 40_000)
    labels = true + rng.normal(0, 1.5, true.size)
    guess = true + rng.normal(0, 2.0, true.size)
    found = label_error(labels, guess, np.full(true.size, 1.5))
    assert found is not None
    assert found["dS_m"]["true_rmse"] == pytest.approx(2.0, rel=0.02)
    assert found["dS_m"]["share"] == pytest.approx(1.5**2 / (1.5**2 + 2.0**2), rel=0.02)
    perfect = regression_metrics(labels, true)["r2"]
    assert found["dS_m"]["best_r2"] == pytest.approx(perfect, abs=0.005)


def test_labels_without_a_known_error_do_not_count() -> None:
    assert label_error([1.0, 2.0], [1.0, 2.0], [0.0, np.nan]) is None
    found = label_error([1.0, 2.0, 9.0], [2.0, 2.0, 0.0], [0.5, 0.5, np.nan])
    assert found is not None
    assert found["dS_m"]["n"] == 2
    assert found["dS_m"]["share"] == pytest.approx(0.5)


def test_stated_errors_larger_than_those_seen_leave_no_error_of_the_method() -> None:
    found = label_error([1.0, 2.0], [1.1, 2.1], [1.0, 1.0])
    assert found is not None
    assert found["dS_m"]["share"] > 1
    assert found["dS_m"]["true_rmse"] == 0


def test_errors_of_another_length_are_refused() -> None:
    with pytest.raises(UsageError, match="standard errors"):
        label_error([1.0, 2.0], [1.0, 2.0], [0.1])
