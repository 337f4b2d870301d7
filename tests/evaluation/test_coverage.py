"""Coverage by hand, and one sentence a part for the reader."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.evaluation.applicability import applicability_of
from deepsalt.evaluation.coverage import coverage_notes, coverage_of
from deepsalt.evaluation.protocol import TEST, metrics_document, metrics_of
from deepsalt.units import log_ece


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": "deepsalt", "part": "test", "id": list("abcd"), "group": list("xxyy"), "region": "",
            "observed": [0.0, 2.0, 5.0, 9.0], "predicted": [1.0, 2.0, 4.0, 6.0],
            "low_68": [0.5, 1.0, 3.0, 5.0], "high_68": [1.5, 3.0, 5.0, 7.0],
            "low_90": [0.0, 0.5, 2.0, 4.0], "high_90": [2.0, 4.0, 6.0, 8.0],
        }
    )  # fmt: skip


def test_coverage_by_hand() -> None:
    found = coverage_of(table())
    assert found is not None
    assert (found["68"]["share"], found["90"]["share"]) == (0.5, 0.75)
    assert found["90"]["width_ds_m"] == pytest.approx((2 + 3.5 + 4 + 4) / 4)
    widths = [
        log_ece(np.array([high])) - log_ece(np.array([low]))
        for low, high in [(0, 2), (0.5, 4), (2, 6), (4, 8)]
    ]
    assert found["90"]["width_ln"] == pytest.approx(np.mean(widths))


def test_a_pixel_without_bounds_does_not_count_and_a_method_without_has_no_coverage() -> None:
    some = table()
    some.loc[0, ["low_68", "high_68", "low_90", "high_90"]] = np.nan
    found = coverage_of(some)
    assert found is not None
    assert found["90"]["share"] == pytest.approx(2 / 3)
    assert coverage_of(table().drop(columns="low_90")) is None
    assert (
        "coverage"
        not in metrics_of(table()[["method", "part", "id", "group", "region", "observed", "predicted"]])[0]
    )


def test_the_reader_is_told_in_one_sentence() -> None:
    told = metrics_document(table(), [TEST], target="ECe", simulated=True, training={}, notes=["first"])[
        "notes"
    ]
    assert told == [
        "first",
        "Intervals of deepsalt, grouped random test: 50% (68 % meant) and 75% (90 % meant) of 4 lie inside.",
    ]
    assert coverage_notes([{"method": "mean", "part": "test"}], {}) == []


def test_the_rows_outside_are_judged_apart() -> None:
    told = table().assign(outside=[0.0, 0.0, 1.0, np.nan])
    found = applicability_of(told)
    assert found is not None
    assert found["share"] == pytest.approx(1 / 3)
    assert (found["inside"]["n"], found["outside"]["n"]) == (2, 1)
    assert found["inside"]["rmse_ds_m"] == pytest.approx(np.sqrt(0.5))
    assert found["outside"]["rmse_ln"] == pytest.approx(abs(np.log(5) - np.log(6)))
    assert found["inside"]["coverage"]["90"]["share"] == 1.0
    assert found["inside"]["coverage"]["68"]["share"] == 0.5
    assert applicability_of(table()) is None
    assert applicability_of(table().assign(outside=1.0))["inside"] == {  # type: ignore[index]
        "n": 0,
        "rmse_ds_m": None,
        "rmse_ln": None,
    }


def test_the_reader_is_told_how_much_worse_outside_is() -> None:
    told = table().assign(outside=[0.0, 0.0, 1.0, 1.0])
    notes = metrics_document(told, [TEST], target="ECe", simulated=True, training={}, notes=[])["notes"]
    assert notes[-1] == (
        "Outside of what is known to deepsalt, grouped random test: 2 of 4; RMSE of ln(1+value) 0.283, "
        "0.490 inside."
    )
    none = metrics_document(table().assign(outside=0.0), [TEST], target="ECe", simulated=True, training={})
    assert len(none["notes"]) == 1
