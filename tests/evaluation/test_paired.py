"""Paired intervals: a known gap is found, equal methods are not told apart, the seed decides the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.errors import UsageError
from deepsalt.evaluation.paired import mean_rmse, outcome_of, paired


def table_of(
    noise: dict[str, float], worlds: int = 4, fields: int = 12, draws: int = 1, shift: dict | None = None
) -> pd.DataFrame:
    """Predictions with a known error on the log scale: `noise` is its standard deviation.

    shift   further error of a method by world, for example {"b": [0.5, -0.5]}
    """
    rng = np.random.default_rng(5)
    parts = []
    for world in range(worlds):
        count = fields * 5
        truth = rng.uniform(0, 3, count)
        for draw in range(draws):
            for method, sd in noise.items():
                extra = (shift or {}).get(method, [0.0] * worlds)[world]
                error = rng.normal(0, sd, count) if sd else np.zeros(count)
                parts.append(
                    pd.DataFrame(
                        {
                            "method": method,
                            "cluster": f"world {world}",
                            "case": f"world {world}, draw {draw}",
                            "id": [f"p{i}" for i in range(count)],
                            "group": [f"f{i // 5}" for i in range(count)],
                            "observed": np.expm1(truth),
                            "predicted": np.expm1(truth + error + extra),
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


def test_a_known_gap_is_a_gain_and_its_mirror_a_loss() -> None:
    table = table_of({"ours": 0.3, "theirs": 0.6})
    found = paired(table, "ours", "theirs")
    assert found is not None
    assert (found.cases, found.groups) == (4, 48)
    assert found.rmse == pytest.approx(0.3, abs=0.03)
    assert found.difference == pytest.approx(-0.3, abs=0.06)
    assert found.ratio == pytest.approx(0.5, abs=0.06)
    assert found.difference_interval is not None
    assert found.difference_interval[0] < found.difference < found.difference_interval[1] < 0
    assert found.ratio_interval is not None
    assert found.ratio_interval[0] < found.ratio < found.ratio_interval[1] < 1
    mirror = paired(table, "theirs", "ours")
    assert mirror is not None
    assert (found.outcome, mirror.outcome) == ("better", "worse")
    assert mirror.difference_interval == pytest.approx(tuple(-e for e in found.difference_interval[::-1]))


def test_methods_of_equal_skill_are_not_told_apart() -> None:
    found = paired(table_of({"a": 0.4, "b": 0.4}), "a", "b")
    assert found is not None
    assert found.difference_interval is not None
    assert found.difference_interval[0] < 0 < found.difference_interval[1]
    assert found.outcome == "unclear"


def test_a_copy_differs_by_exactly_nothing() -> None:
    table = table_of({"a": 0.4})
    found = paired(pd.concat([table, table.assign(method="copy")]), "copy", "a")
    assert found is not None
    assert found.difference_interval == (0.0, 0.0)
    assert found.ratio_interval == (1.0, 1.0)
    assert found.outcome == "unclear"


def test_a_gain_in_one_world_alone_is_no_gain() -> None:
    """Within each world the fields agree; only between worlds does the sign of the difference change."""
    shift = {"b": [0.9, 0.0, 0.0, 0.0], "a": [0.0, 0.3, 0.3, 0.3]}
    table = table_of({"a": 0.1, "b": 0.1}, shift=shift)
    found = paired(table, "a", "b")
    assert found is not None
    assert found.outcome == "unclear"
    first = paired(table[table["cluster"] == "world 0"], "a", "b")
    assert first is not None
    assert first.outcome == "better"


def test_draws_of_one_world_are_no_independent_evidence() -> None:
    """The same predictions as draws of one world and as worlds of their own: only the second narrows."""
    table = table_of({"a": 0.4, "b": 0.45}, worlds=1, fields=8)
    copies = [table.assign(case=f"draw {i}", cluster="world 0") for i in range(6)]
    as_draws = mean_rmse(pd.concat(copies), "a")
    alone = mean_rmse(table, "a")
    assert as_draws[0] == pytest.approx(alone[0])
    assert as_draws[1] == pytest.approx(alone[1])
    as_worlds = mean_rmse(pd.concat([one.assign(cluster=f"w{i}") for i, one in enumerate(copies)]), "a")
    assert as_worlds[1] is not None
    assert alone[1] is not None
    assert np.ptp(as_worlds[1]) < 0.6 * np.ptp(alone[1])


def test_the_mean_is_over_cases_not_over_samples() -> None:
    small = table_of({"a": 0.0}, worlds=1, fields=6, shift={"a": [1.0]})
    large = table_of({"a": 0.0}, worlds=1, fields=60, shift={"a": [0.5]}).assign(cluster="b", case="b")
    assert mean_rmse(pd.concat([small, large]), "a")[0] == pytest.approx(0.75)


def test_only_samples_that_both_predicted_count() -> None:
    table = table_of({"a": 0.0, "b": 0.0}, worlds=2, shift={"a": [1.0, 3.0], "b": [2.0, 9.0]})
    table = table[(table["method"] == "a") | (table["cluster"] == "world 0")]
    found = paired(table, "a", "b")
    assert found is not None
    assert (found.cases, found.rmse, found.other_rmse) == (1, pytest.approx(1.0), pytest.approx(2.0))
    assert paired(table, "a", "nobody") is None


def test_the_interval_follows_from_the_seed() -> None:
    table = table_of({"a": 0.3, "b": 0.4}, draws=2)
    first, again, other = (paired(table, "a", "b", seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first is not None
    assert other is not None
    assert first.difference_interval != other.difference_interval
    assert first.difference_interval == pytest.approx(other.difference_interval, abs=0.02)


def test_the_order_of_rows_does_not_matter() -> None:
    table = table_of({"a": 0.3, "b": 0.4})
    shuffled, sorted_ = (paired(t, "a", "b") for t in (table.sample(frac=1, random_state=3), table))
    assert shuffled is not None
    assert sorted_ is not None
    assert shuffled.difference == pytest.approx(sorted_.difference)
    assert shuffled.difference_interval == pytest.approx(sorted_.difference_interval)


def test_too_few_groups_give_no_interval() -> None:
    found = paired(table_of({"a": 0.1, "b": 0.9}, worlds=1, fields=4), "a", "b")
    assert found is not None
    assert (found.difference_interval, found.ratio_interval, found.outcome) == (None, None, "unclear")


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 200 pairs of equal methods on one land, about 5 % may be called different."""
    rng = np.random.default_rng(0)
    truth = np.zeros(200)
    groups = np.repeat(np.arange(40), 5).astype(str)
    called = 0
    for _ in range(200):
        frames = [
            pd.DataFrame(
                {
                    "method": name,
                    "id": np.arange(200).astype(str),
                    "group": groups,
                    "observed": truth,
                    "predicted": np.expm1(np.abs(rng.normal(1, 0.3, 200))),
                }
            )
            for name in ("a", "b")
        ]
        found = paired(pd.concat(frames), "a", "b", draws=300)
        called += found is not None and found.outcome != "unclear"
    assert 2 <= called <= 24


def test_a_method_without_predictions_has_no_mean() -> None:
    with pytest.raises(UsageError, match="no prediction of 'b'"):
        mean_rmse(table_of({"a": 0.1}), "b")


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [((-2, -1), "better"), ((1, 2), "worse"), ((-1, 1), "unclear"), ((0, 1), "unclear"), (None, "unclear")],
)
def test_only_an_interval_without_zero_says_something(interval: tuple | None, outcome: str) -> None:
    assert outcome_of(interval) == outcome
