"""Importance over many samples, and the two checks that say what it is worth."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.test_explain import AXIS, BANDS, WEIGHTS, Toy, bent, line, spectra, table, window

from deepsalt.errors import SpectraError
from deepsalt.evaluation.band_groups import equal_windows
from deepsalt.evaluation.explain import explain
from deepsalt.evaluation.explanation import model_explanation, sample_explanation
from deepsalt.evaluation.importance import against_randomised, agreement_of, by_network, importance_of

WINDOWS = equal_windows(AXIS)


def test_importance_is_the_mean_size_and_its_sign_is_told_apart() -> None:
    effects = np.array([[1.0, 0.0], [-3.0, 0.0], [np.nan, np.nan]])
    departure = np.array([[0.2, 1.0], [-0.1, 2.0], [9.0, 9.0]])
    first, second = importance_of(effects, departure, ["a", "b", "c"])
    assert first.importance == 2.0
    assert first.signed == -1.0
    assert first.interval is None  # two groups tell nothing
    assert second.importance == 0.0
    assert second.higher_is_saltier is None


def test_intervals_are_over_groups_not_rows() -> None:
    rng = np.random.default_rng(0)
    fields = np.repeat(np.arange(8), 50)
    effects = np.abs(rng.normal(1, 0.3, 8))[fields][:, None]  # rows of a field are alike
    departure = rng.normal(size=(400, 1))
    (grouped,) = importance_of(effects, departure, fields)
    (alone,) = importance_of(effects, departure, np.arange(400))
    assert grouped.interval is not None
    assert alone.interval is not None
    assert grouped.interval[0] < effects.mean() < grouped.interval[1]
    assert np.ptp(grouped.interval) > 3 * np.ptp(alone.interval)


def test_which_way_a_window_works() -> None:
    departure = np.linspace(-1, 1, 20)[:, None] * np.array([[1.0, 1.0, 1.0]])
    effects = np.column_stack([departure[:, 0], -2 * departure[:, 1], np.ones(20)])
    ways = [one.higher_is_saltier for one in importance_of(effects, departure, np.arange(20))]
    assert ways[:2] == [pytest.approx(1.0), pytest.approx(-1.0)]
    assert ways[2] is None


def test_a_model_that_learned_differs_from_one_with_shuffled_weights() -> None:
    model = Toy([bent(WEIGHTS / 20)])
    asked = spectra(25)
    found = explain(model, asked)
    checked = against_randomised(model.differentiable(asked), found, WINDOWS)
    assert checked.passed
    assert abs(checked.signed) < 0.4
    again = against_randomised(model.differentiable(asked), found, WINDOWS)
    assert checked == again  # by seed


def test_a_picture_that_shows_the_spectra_alone_is_caught() -> None:
    """Weights that are all alike: in any order the same model, so that nothing learned can be told."""
    document = model_explanation(Toy([line(np.full(BANDS, 0.1))]), spectra(25))
    checked = document["checks"]["randomised"]
    assert checked["signed"] == pytest.approx(1.0)
    assert not checked["passed"]
    assert "random weights give much the same picture" in document["notes"][0]


def test_shuffling_leaves_the_model_as_it_was() -> None:
    model, asked = Toy([line(WEIGHTS)]), spectra(10)
    function = model.differentiable(asked)
    before = explain(model, asked)
    other = function.shuffled(1)
    weights = [np.sort(next(iter(one.readers[0].parameters())).numpy().ravel()) for one in (function, other)]
    np.testing.assert_array_equal(*weights)  # the same numbers in another order
    np.testing.assert_array_equal(explain(model, asked).values, before.values)


def test_networks_that_disagree_are_told() -> None:
    left, right = window(400, 600), window(800, 1001)
    asked = spectra(25)
    for second, alike in ((left, True), (right, False)):
        model = Toy([line(5.0 * left), line(5.0 * second)])
        found = explain(model, asked)
        function = model.differentiable(asked)
        agreed = agreement_of(function, found, WINDOWS)
        assert agreed.networks == 2
        assert agreed.correlation is not None
        assert (agreed.correlation > 0.99) is alike
        assert (max(agreed.spread) < 1e-12) is alike
        np.testing.assert_allclose(by_network(function, found, WINDOWS).mean(axis=0), found.of(WINDOWS))
        doubts = [note for note in model_explanation(model, asked)["notes"] if "disagree" in note]
        assert bool(doubts) is not alike
    single = agreement_of(Toy([line(left)]).differentiable(asked), explain(Toy([line(left)]), asked), WINDOWS)
    assert single.correlation is None


def test_the_document_of_a_model_says_what_was_found() -> None:
    model = Toy([bent(np.where(window(700, 750), 0.3, 0.0))])
    values = np.array(spectra(40).values)
    values[3, 5:40] = np.nan
    document = model_explanation(model, table(values, group=np.arange(40) // 4))
    assert document["rows"] == 39
    assert document["left_out"] == 1
    for key in ("hidden", "gradients"):
        largest = max(document["windows"], key=lambda one: one[key]["importance"])
        assert largest["name"] == "700-750 nm"
        low, high = largest[key]["interval"]
        assert low < largest[key]["importance"] < high
        assert largest[key]["higher_is_saltier"] > 0.9
        rest = [one[key]["importance"] for one in document["windows"] if one["name"] != "700-750 nm"]
        assert max(rest) < 1e-6
    assert {one["name"]: one["material"] for one in document["features"]}["water 970"] == "water"
    assert document["checks"]["completeness"] <= 1e-3
    assert any("Halite" in note for note in document["notes"])


def test_the_document_of_a_sample_says_why_this_answer() -> None:
    model, others = Toy([line(WEIGHTS / 10, 2.0)]), spectra(30)
    one = spectra(1, 9)
    document = sample_explanation(model, one, others, width=100)
    total = sum(window["gradients"] for window in document["windows"])
    assert document["answer"]["ln"] - document["baseline"]["ln"] == pytest.approx(total)
    assert document["answer"]["ds_m"] == pytest.approx(float(model.predict(one)[0]), rel=1e-5)
    assert np.sum(document["bands"]["effect"]) == pytest.approx(total)
    broken = np.array(one.values)
    broken[0, 10:40] = np.nan
    with pytest.raises(SpectraError, match="none of 1 answers"):
        sample_explanation(model, table(broken), others)
