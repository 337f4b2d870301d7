"""What the page claims follows from the numbers, also when they are unwelcome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.report.conftest import predictions, satellite_run

from deepsalt.evaluation.protocol import TEST, metrics_document
from deepsalt.report.content import RunContent
from deepsalt.report.headline import difference_interval, is_baseline, summary_sentence, verdicts
from deepsalt.report.words import number, rows, share, text


def content(noise: dict[str, float], samples: int = 200) -> RunContent:
    table = predictions(noise, {"test": samples})
    document = metrics_document(table, [TEST], target="ECe", simulated=True, training={})
    return RunContent(Path("run"), document, table)


def test_a_method_that_helps_is_called_better() -> None:
    (verdict,) = verdicts(content({"plsr": 0.6, "student-alone": 0.7, "paper": 0.2}))
    assert (verdict.best, verdict.n) == ("paper", 200)
    assert [c.outcome for c in verdict.compared] == ["better", "better"]
    assert [c.other for c in verdict.compared] == ["student-alone", "plsr"]
    assert "less error than the student without adaptation" in verdict.compared[0].sentence


def test_a_method_that_hurts_is_called_worse() -> None:
    (verdict,) = verdicts(
        content({"mean": 0, "plsr": 0.2, "boosting": 0.4, "student-alone": 0.3, "paper": 0.6})
    )
    assert verdict.best == "plsr"
    assert [c.outcome for c in verdict.compared] == ["worse", "worse"]
    assert "more error than partial least squares" in verdict.compared[1].sentence


def test_a_difference_that_may_be_chance_is_not_claimed() -> None:
    (verdict,) = verdicts(content({"student-alone": 0.4, "paper": 0.4}, samples=60))
    assert verdict.compared[0].outcome == "unclear"
    assert "may be chance" in verdict.compared[0].sentence


def test_too_few_groups_give_no_interval() -> None:
    (verdict,) = verdicts(content({"student-alone": 0.9, "paper": 0.1}, samples=20))
    assert verdict.compared[0].interval is None
    assert verdict.compared[0].outcome == "unclear"


def test_without_a_full_method_only_the_best_is_named() -> None:
    (verdict,) = verdicts(content({"plsr": 0.6, "boosting": 0.2}))
    assert (verdict.best, verdict.compared) == ("boosting", ())


def test_a_reduced_preset_is_no_baseline() -> None:
    assert not is_baseline("paper without adaptation")
    assert not is_baseline("student-alone")
    assert is_baseline("svr")


def test_the_interval_of_a_method_with_itself_is_zero() -> None:
    table = predictions({"plsr": 0.5}, {"test": 100})
    both = pd.concat([table, table.assign(method="copy")])
    assert difference_interval(both, "plsr", "copy") == (0.0, 0.0)


def test_the_interval_holds_the_difference_and_turns_with_the_pair() -> None:
    table = predictions({"plsr": 0.5, "paper": 0.3}, {"test": 300})
    log = np.log1p(table[["observed", "predicted"]])
    squares = (log["observed"] - log["predicted"]) ** 2
    rmse = np.sqrt(squares.groupby(table["method"]).mean())
    forward = difference_interval(table, "paper", "plsr")
    backward = difference_interval(table, "plsr", "paper")
    assert forward is not None
    assert backward is not None
    assert forward[0] < rmse["paper"] - rmse["plsr"] < forward[1]
    assert (-forward[1], -forward[0]) == pytest.approx(backward)


def test_the_summary_names_every_part(tmp_path: Path) -> None:
    sentence = summary_sentence(verdicts(RunContent.read(satellite_run(tmp_path / "run"))))
    assert "Grouped random test: the preset “paper” has the smallest error (RMSE " in sentence
    assert "Unseen region: the preset “paper” has the smallest error" in sentence


def test_numbers_for_reading() -> None:
    shown = [number(v) for v in (0.0004, 1.0, 99.96, 123.456, 90, 0, float("nan"), float("inf"))]
    assert shown == ["0.000", "1.000", "99.96", "123.5", "90", "0", "–", "–"]
    assert [number(v, sign=True) for v in (0.25, -0.25, -0.0001)] == ["+0.250", "−0.250", "0.000"]
    assert [share(1, 8), share(0, 5), share(1, 10_000), share(1, 0)] == ["12.5 %", "0.0 %", "< 0.1 %", "–"]


def test_nested_facts_become_rows() -> None:
    facts = {"a_b": {"c": True, "d": None}, "list": list(range(15)), "records": [{"x": 1}, {"x": 2}]}
    assert rows(facts) == [
        ("a b · c", "yes"),
        ("a b · d", "–"),
        ("list", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more"),
        ("records 1 · x", "1"),
        ("records 2 · x", "2"),
    ]
    assert text([]) == "none"
