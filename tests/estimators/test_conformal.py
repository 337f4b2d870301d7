"""Conformal intervals: the definition by hand, an independent judge, and coverage where it is promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepsalt.errors import UsageError
from deepsalt.estimators.conformal import (
    Residuals,
    calibrated,
    effective,
    shift_weights,
    tempered,
)
from deepsalt.units import log_ece


def some(n: int = 200, seed: int = 0, classes: bool = False) -> Residuals:
    rng = np.random.default_rng(seed)
    answer = rng.uniform(0.0, 3.2, n) if classes else np.full(n, 0.5)
    residual = rng.normal(0.0, 0.2 + 0.3 * answer * classes)
    return Residuals(answer, residual, np.arange(n).astype(str))


def test_an_interval_by_hand() -> None:
    """Nine rows count 1/10 each, the asked row 1/20 below and 1/20 above. 80 %: the first and the ninth."""
    residual = np.array([5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0]) / 10 - 0.5
    found = calibrated(Residuals(np.full(9, 2.0), residual, np.arange(9).astype(str)))
    low, high = found.interval([2.0], 0.8)
    assert (low[0], high[0]) == pytest.approx((1.6, 2.4))
    low, high = found.interval([2.0], 0.5)
    assert (low[0], high[0]) == pytest.approx((1.8, 2.2))  # 1/20 and two rows are a quarter


def test_the_probability_by_hand() -> None:
    residual = np.array([-0.2, -0.1, 0.0, 0.1])
    found = calibrated(Residuals(np.full(4, 1.0), residual, np.arange(4).astype(str)))
    just_above = np.expm1(1.05)  # one of four residuals lies above; a fifth of the weight is the asked row's
    assert found.probability_above([1.0], just_above)[0] == pytest.approx(1 / 5 + 1 / 10)
    assert np.isnan(found.probability_above([np.nan], 4.0)[0])
    chances = [found.probability_above([1.0], t)[0] for t in (0, 0.5, 1, 2, 4, 8)]
    assert chances == sorted(chances, reverse=True)


@pytest.mark.parametrize("level", [0.5, 0.68, 0.8, 0.9])
def test_an_independent_judge_agrees(level: float) -> None:
    from crepes import ConformalPredictiveSystem

    known = some(199)
    judge = ConformalPredictiveSystem().fit(residuals=known.residual)
    theirs = judge.predict_int(np.array([2.0]), confidence=level)[0]
    ours = np.ravel(calibrated(known).interval([2.0], level))
    ranks = [np.searchsorted(np.sort(known.residual) + 2.0, found + 1e-9) for found in (theirs, ours)]
    assert np.abs(np.subtract(*ranks)).max() <= 1  # theirs is rounded outwards where 200 tails are whole
    assert ranks[1].tolist() == [round(100 * (1 - level)), round(100 * (1 + level))]


def test_a_group_counts_once_however_many_rows_it_has() -> None:
    few = Residuals(np.zeros(8) + 1, np.array([-0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4]), list("abcdefgh"))
    many = Residuals(
        np.zeros(107) + 1,
        np.concatenate([np.full(100, -0.4), few.residual[1:]]),
        np.array(["a"] * 100 + list("bcdefgh")),
    )
    assert calibrated(many).interval([1.0], 0.5)[1] == pytest.approx(calibrated(few).interval([1.0], 0.5)[1])
    assert calibrated(many).interval([1.0], 0.5)[0] == pytest.approx(calibrated(few).interval([1.0], 0.5)[0])


@pytest.mark.parametrize("level", [0.5, 0.68, 0.9])
def test_rows_repeated_within_their_groups_tell_nothing_new(level: float) -> None:
    once = some(12)
    repeated = Residuals(*(np.repeat(part, 20) for part in (once.answer, once.residual, once.group)))
    one, other = (calibrated(known).interval([0.5, 3.0], level) for known in (once, repeated))
    np.testing.assert_allclose(one, other)


def test_coverage_holds_for_new_groups_whose_rows_are_alike() -> None:
    """Thirty fields of five points that share two thirds of their error: rather too wide than too narrow."""
    rng = np.random.default_rng(4)

    def fields(count: int) -> Residuals:
        shared = np.repeat(rng.normal(0.0, 0.4, count), 5) + rng.normal(0.0, 0.28, 5 * count)
        return Residuals(np.full(5 * count, 2.0), shared, np.repeat(np.arange(count), 5).astype(str))

    inside = []
    for _ in range(200):
        low, high = calibrated(fields(30)).interval([2.0], 0.9)
        fresh = 2.0 + fields(200).residual
        inside.append(((low <= fresh) & (fresh <= high)).mean())
    assert 0.9 < np.mean(inside) < 0.96


@pytest.mark.parametrize("level", [0.68, 0.9])
def test_coverage_holds_in_every_class(level: float) -> None:
    """The spread grows with the answer: one interval for all would be too wide low and too narrow high."""
    found = calibrated(some(2000, 1, classes=True))
    fresh = some(40_000, 2, classes=True)
    low, high = found.interval(fresh.answer, level)
    truth = np.maximum(fresh.answer + fresh.residual, 0.0)
    inside = (low <= truth) & (truth <= high)
    for edge in range(5):
        here = np.searchsorted(log_ece(np.array([2.0, 4.0, 8.0, 16.0])), fresh.answer, side="right") == edge
        least = inside[here].mean()  # at the bottom, what cannot be negative is covered more often
        assert least > level - 0.04
        assert least < level + 0.04 or edge == 0


def test_weights_repair_coverage_under_a_shift() -> None:
    rng = np.random.default_rng(5)

    def drawn(n: int, centre: float) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(centre, 1.0, n)
        return x, rng.normal(0.0, 0.1 + 0.3 / (1 + np.exp(-2 * x)))

    x, residual = drawn(3000, -0.5)
    asked, error = drawn(20_000, 1.0)
    known = Residuals(np.full(len(x), 2.0), residual, np.arange(len(x)).astype(str))
    weights = shift_weights(x[:, None], asked[:2000, None])

    def covered(weights: np.ndarray | None) -> float:
        low, high = calibrated(known, weights).interval(np.full(len(asked), 2.0), 0.9)
        return float(((2.0 + error >= low) & (2.0 + error <= high)).mean())

    assert covered(None) < 0.86
    assert covered(weights) == pytest.approx(0.9, abs=0.025)


def test_small_classes_are_joined() -> None:
    known = some(40, classes=True)
    assert len(calibrated(known).scores) < 5
    assert len(calibrated(some(3000, classes=True)).scores) == 5
    one_group = Residuals(known.answer, known.residual, np.full(40, "a"))
    assert len(calibrated(one_group).scores) == 1


@pytest.mark.parametrize(("groups", "classes"), [(5, 1), (6, 2)])
def test_a_class_of_its_own_needs_six_groups(groups: int, classes: int) -> None:
    fresh, salty = some(100), np.full(60, 2.0)  # below 2 dS/m, and between 4 and 8
    names = np.concatenate([fresh.group, [f"salty {k % groups}" for k in range(60)]])
    known = Residuals(np.r_[fresh.answer, salty], np.r_[fresh.residual, np.linspace(-1.0, 1.0, 60)], names)
    assert len(calibrated(known).scores) == classes


def test_weights_of_a_few_rows_are_drawn_towards_equal_ones() -> None:
    equal = np.ones(100)
    peaked = np.r_[1000.0, np.ones(99)]
    assert effective(peaked) < 2
    assert effective(tempered(peaked, equal)) >= 30 - 1e-6
    mild = np.linspace(0.5, 1.5, 100)
    assert tempered(mild, equal) == pytest.approx(mild / mild.max())


@settings(max_examples=60)
@given(
    residual=st.lists(st.floats(-3, 3), min_size=2, max_size=60),
    answers=st.lists(st.floats(0, 5), min_size=1, max_size=20),
    levels=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)),
)
def test_intervals_are_ordered_nested_and_not_negative(
    residual: list[float], answers: list[float], levels: tuple[float, float]
) -> None:
    rows = len(residual)
    found = calibrated(Residuals(np.full(rows, 1.0), np.array(residual), np.arange(rows).astype(str)))
    narrow, wide = (found.interval(answers, level) for level in sorted(levels))
    assert (narrow[0] >= 0).all()
    assert (wide[0] <= narrow[0]).all()
    assert (narrow[1] <= wide[1]).all()
    assert (narrow[0] <= narrow[1] + 1e-12).all() or min(levels) < 0.5
    low, high = map(np.expm1, found.interval(answers, 0.9))
    assert (low >= 0).all()
    assert (high >= 0).all()


def test_bad_residuals_and_levels_are_refused() -> None:
    with pytest.raises(UsageError, match="finite"):
        Residuals(np.array([1.0, np.nan]), np.zeros(2), np.array(["a", "b"]))
    with pytest.raises(UsageError, match="shapes"):
        Residuals(np.zeros(3), np.zeros(2), np.array(["a", "b"]))
    with pytest.raises(UsageError, match="level is 90"):
        calibrated(some()).interval([1.0], 90)


@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.68, 0.9]))
def test_many_answers_at_once_are_told_what_each_is_told(seed: int, level: float) -> None:
    found = calibrated(some(300, seed, classes=True))
    rng = np.random.default_rng(seed)
    answer = np.concatenate([rng.uniform(-0.5, 6.0, 500), found.edges, [np.nan, 0.0]])
    low, high, above = found.of_many(answer, level, (2.0, 4.0))
    np.testing.assert_allclose([low, high], found.interval(answer, level), rtol=1e-12)
    for threshold in (2.0, 4.0):
        np.testing.assert_allclose(above[threshold], found.probability_above(answer, threshold), rtol=1e-12)
    assert found.of_many(answer, level, ())[2] == {}
