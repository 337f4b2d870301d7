"""Tables of a comparison from predictions whose errors are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.evaluation.comparison import (
    TUNED,
    Tried,
    default_reference,
    efficiency_of,
    part_of,
    results_of,
    tables_of,
    with_tuned,
)
from deepsalt.evaluation.metrics import rank_correlation
from deepsalt.evaluation.protocol import UNSEEN, UNSEEN_COVERED


def predicted(method: str, case: str, error: float, part: str = "test") -> pd.DataFrame:
    """30 samples of 6 fields; the error on the log scale is `error` everywhere."""
    truth = np.linspace(0.5, 3, 30)
    return pd.DataFrame(
        {
            "method": method,
            "part": part,
            "id": [f"p{i}" for i in range(30)],
            "group": [f"f{i % 6}" for i in range(30)],
            "region": "r",
            "observed": np.expm1(truth),
            "predicted": np.expm1(truth + error),
            "case": case,
            "cluster": case.split(",", maxsplit=1)[0],
        }
    )


def tried(method: str, case: str, kind: str = "baseline", **facts: object) -> Tried:
    known: dict = {"cover": "covered", "points": 50, "learned": 52, "seconds": 1.0, **facts}
    return Tried(method, kind, case, case.split(",", maxsplit=1)[0], **known)


def test_the_tuned_baseline_is_chosen_by_its_cross_validation_not_by_the_outcome() -> None:
    predictions = pd.concat(
        [predicted(m, c, e) for m, c, e in (("plsr", "w0", 0.9), ("svr", "w0", 0.1), ("plsr", "w1", 0.2))]
    )
    attempts = [
        tried("plsr", "w0", cv_rmse=0.3),
        tried("svr", "w0", cv_rmse=0.4),
        tried("plsr", "w1", cv_rmse=0.5),
        tried("svr", "w1", cv_rmse=0.1, failure="collapsed"),
        tried("paper", "w1", kind="preset", cv_rmse=0.01),
    ]
    whole, added = with_tuned(predictions, attempts)
    by_case = {one["case"]: one["ln"]["rmse"] for one in results_of(whole[whole["method"] == TUNED])}
    assert by_case == {"w0": pytest.approx(0.9), "w1": pytest.approx(0.2)}
    assert [one.case for one in added if one.method == TUNED] == ["w0", "w1"]


def test_without_a_tuned_baseline_nothing_is_added() -> None:
    predictions, attempts = predicted("mean", "w0", 0.5), [tried("mean", "w0")]
    whole, added = with_tuned(predictions, attempts)
    assert len(whole) == len(predictions)
    assert added == attempts


def test_two_kinds_of_unseen_never_share_a_table() -> None:
    predictions = pd.concat(
        [predicted("plsr", "w0, covered", 0.2, "unseen"), predicted("plsr", "w0, unknown", 0.6, "unseen")]
    )
    attempts = [tried("plsr", "w0, covered"), tried("plsr", "w0, unknown", cover="unknown")]
    tables = tables_of(predictions, attempts, ["plsr"], "plsr")
    assert [(table["title"], table["rows"][0]["rmse"]) for table in tables] == [
        ("Unseen region, covered by the library", pytest.approx(0.2)),
        ("Unseen region", pytest.approx(0.6)),
    ]
    assert part_of("unseen", "covered") is UNSEEN_COVERED
    assert part_of("unseen", "unknown") is UNSEEN


def test_a_row_holds_means_failures_and_the_difference() -> None:
    pairs = [("plsr", "w0", 0.4), ("plsr", "w1", 0.6), ("paper", "w0", 0.2)]
    predictions = pd.concat([predicted(*pair) for pair in pairs])
    attempts = [
        tried("plsr", "w0"),
        tried("plsr", "w1"),
        tried("paper", "w0", kind="preset"),
        tried("paper", "w1", kind="preset", failure="collapsed to a constant"),
    ]
    (table,) = tables_of(predictions, attempts, ["plsr", "paper"], "plsr")
    plsr, paper = table["rows"]
    assert (plsr["rmse"], plsr["cases"], plsr["against"]) == (pytest.approx(0.5), 2, None)
    assert plsr["ln"]["rmse"] == pytest.approx(0.5)
    assert plsr["ln"]["spearman"] == pytest.approx(1)
    assert (paper["cases"], paper["failed"], paper["failures"]) == (1, 1, ["collapsed to a constant"])
    assert paper["against"]["cases"] == 1
    assert paper["against"]["difference"] == pytest.approx(-0.2)
    assert paper["against"]["ratio"] == pytest.approx(0.5)
    assert paper["against"]["outcome"] == "better"
    assert table["best_baseline_in_hindsight"] == "plsr"
    assert (table["points"], table["learned"], table["clusters"]) == (50, 52, 2)


def test_a_method_that_failed_everywhere_stays_in_the_table() -> None:
    attempts = [tried("plsr", "w0"), tried("svr", "w0", failure="needs ground points")]
    (table,) = tables_of(predicted("plsr", "w0", 0.1), attempts, ["plsr", "svr"], "plsr")
    assert [(row["method"], row["rmse"] is None, row["failed"]) for row in table["rows"]] == [
        ("plsr", False, 0),
        ("svr", True, 1),
    ]


def test_curves_join_the_points_and_say_how_many_are_saved() -> None:
    errors = {"deepsalt": {0: 0.6, 10: 0.6}, TUNED: {10: 1.0, 100: 0.6, 1000: 0.2}}
    predictions, attempts = [], []
    for method, curve in errors.items():
        for points, error in curve.items():
            case = f"w0, {points}"
            predictions.append(predicted(method, case, error))
            kind = "preset" if method == "deepsalt" else "baseline"
            attempts.append(tried(method, case, kind=kind, points=points, learned=points))
    tables = tables_of(pd.concat(predictions), attempts, list(errors), "deepsalt")
    (entry,) = efficiency_of(tables)
    assert {curve["method"]: curve["points"] for curve in entry["curves"]} == {
        "deepsalt": [0, 10],
        TUNED: [10, 100, 1000],
    }
    assert [(saved["points"], saved["factor"]) for saved in entry["saved"]] == [
        (0, None),
        (10, pytest.approx(10)),
    ]
    assert efficiency_of(tables[:1]) == []


def test_the_reference_is_the_preset_under_test_else_the_tuned_baseline() -> None:
    assert default_reference(["plsr", TUNED, "paper", "deepsalt"]) == "deepsalt"
    assert default_reference(["plsr", TUNED, "paper"]) == "paper"
    assert default_reference(["plsr", TUNED]) == TUNED
    assert default_reference(["mean", "student-alone"]) == "mean"


def test_rank_correlation_by_hand() -> None:
    assert rank_correlation([1, 2, 3, 4], [10, 30, 20, 40]) == pytest.approx(0.8)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 2, 2], [5, 5, 9, 9]) == pytest.approx(1)
    assert np.isnan(rank_correlation([1, 2, 3], [2, 2, 2]))
