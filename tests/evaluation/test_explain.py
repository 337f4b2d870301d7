"""Attributions find what drives a model, nothing else, and add up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from deepsalt.errors import BandError, SpectraError, UsageError
from deepsalt.estimators.differentiable import Differentiable, Reading, as_it_is
from deepsalt.evaluation.band_groups import BandGroup, equal_windows, feature_windows
from deepsalt.evaluation.explain import COMPLETE, attribution_of, explain
from deepsalt.evaluation.explanation import _samples_of
from deepsalt.evaluation.occlusion import occlude
from deepsalt.spectra import Axis, Spectra
from deepsalt.units import ece_from_log

AXIS = Axis(np.arange(400.0, 1001.0, 10.0), "nm")  # 61 bands
BANDS = len(AXIS)


class Ensemble(Reading):
    """Networks of a test side by side: each (n, band) to (n, 1)."""

    def forward(self, values: Tensor, _beside: Tensor) -> Tensor:
        return torch.stack([one(values)[:, 0] for one in self.network])


@dataclass
class Toy:
    """A model whose networks and bounds a test chooses."""

    networks: list[nn.Module]
    bounds: tuple[float, float] = (-1e9, 1e9)
    name: str = "toy"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates: bool = True
    asked: list[int] = field(default_factory=list)

    def differentiable(self, spectra: Spectra) -> Differentiable:
        rows, (low, high) = len(spectra), self.bounds
        reading = Ensemble(nn.ModuleList(self.networks))
        return Differentiable(
            spectra.axis, np.array(spectra.values), (reading,), np.zeros(rows, np.intp),
            np.zeros((rows, 0), np.float32), as_it_is(rows), (low, (high,)),
        )  # fmt: skip

    def predict(self, spectra: Spectra) -> np.ndarray:
        function = self.differentiable(spectra)
        with torch.no_grad():
            said = function.answer(torch.as_tensor(function.values).double(), np.arange(len(spectra)))
        return np.asarray(ece_from_log(said.numpy()))


def line(weights: np.ndarray, constant: float = 0.0) -> nn.Linear:
    layer = nn.Linear(len(weights), 1)
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weights, dtype=torch.float32)[None])
        layer.bias.fill_(constant)
    return layer


def bent(weights: np.ndarray) -> nn.Sequential:
    """A smooth curve of one weighted sum."""
    return nn.Sequential(line(weights), nn.Tanh())


def table(values: np.ndarray, axis: Axis = AXIS, **columns: object) -> Spectra:
    samples = pd.DataFrame(columns, index=range(len(values)))
    return Spectra.of_table(values, axis, "reflectance", samples=samples)


def spectra(n: int, seed: int = 0, **columns: object) -> Spectra:
    return table(np.random.default_rng(seed).uniform(0.1, 0.6, (n, BANDS)), **columns)


def window(low: float, high: float) -> np.ndarray:
    return np.asarray((AXIS.values >= low) & (AXIS.values < high))


DRIVER = window(700, 750)
WEIGHTS = np.random.default_rng(7).normal(size=BANDS)


def test_a_line_gets_weight_times_step_and_nothing_else() -> None:
    asked = spectra(20)
    found = explain(Toy([line(WEIGHTS, 3.0)]), asked)
    step = asked.values.astype(float) - asked.values.astype(float).mean(axis=0)
    np.testing.assert_allclose(found.values, np.float32(WEIGHTS) * step, atol=1e-6)
    np.testing.assert_allclose(found.gap, 0, atol=1e-12)
    np.testing.assert_allclose(found.answer, asked.values @ WEIGHTS + 3.0, atol=1e-5)


def test_the_driver_is_found_and_no_other_band() -> None:
    model, asked = Toy([bent(DRIVER * 0.3)]), spectra(30)
    found = explain(model, asked)
    assert (found.values[:, ~DRIVER] == 0).all()
    assert np.abs(found.values[:, DRIVER]).mean() > 0.02
    windows = equal_windows(AXIS)
    hidden = np.abs(occlude(model, asked, windows).values).mean(axis=0)
    drives = np.array([one.low == 700 for one in windows])
    assert hidden[drives].item() > 0.01
    assert (hidden[~drives] < 1e-6).all()


@given(st.integers(0, 10_000), st.floats(0.05, 3.0))
def test_attributions_add_up_whatever_the_network(seed: int, ceiling: float) -> None:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(BANDS, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        network[2].weight.mul_(8)
    found = explain(Toy([network], (0.0, ceiling)), spectra(6, seed))  # held at its bounds for some
    assert found.explained.all()
    assert (np.abs(found.gap) <= COMPLETE).all()


def test_captum_says_the_same() -> None:
    from captum.attr import IntegratedGradients

    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(BANDS, 16), nn.Tanh(), nn.Linear(16, 1))
    asked = spectra(5)
    found = explain(Toy([network]), asked)
    exact = network.double()
    theirs = IntegratedGradients(lambda x: exact(x)[:, 0]).attribute(
        torch.as_tensor(found.spectra), torch.as_tensor(found.baseline), n_steps=200
    )
    np.testing.assert_allclose(found.values, theirs.numpy(), atol=1e-4)


def test_what_cannot_be_added_up_is_no_attribution() -> None:
    """A step function has no gradient: nothing is better than a wrong sum."""

    class Step(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return torch.sign(values[:, :1] - 0.35) + 0.0 * values[:, :1]

    found = explain(Toy([Step()]), spectra(8))
    below = found.spectra[:, 0] < 0.35
    crossed = (found.baseline[:, 0] < 0.35) != below
    assert crossed.any()
    np.testing.assert_array_equal(found.explained, ~crossed)


def test_a_rough_sum_is_near_and_never_missing() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(BANDS, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    with torch.no_grad():
        network[2].weight.mul_(30)
    model, asked = Toy([network]), spectra(20)
    found, calls = explain(model, asked), []
    function = model.differentiable(asked)

    def counted(values: Tensor, rows: np.ndarray) -> Tensor:
        calls.append(len(values))
        return function.answer(values, rows)

    near = attribution_of(function, counted, found.baseline, rough=True)
    rough = sum(calls)
    attribution_of(function, counted, found.baseline)
    assert rough < 0.8 * (sum(calls) - rough)
    assert near.explained.all()
    assert np.abs(near.gap).max() > COMPLETE
    assert np.corrcoef(near.values.ravel(), found.values.ravel())[0, 1] > 0.99


def test_each_sample_is_compared_with_the_mean_of_its_own_scene() -> None:
    asked = spectra(9, scene=["a"] * 4 + ["b"] * 4 + ["alone"])
    found = explain(Toy([line(WEIGHTS)]), asked)
    values = asked.values.astype(float)
    np.testing.assert_allclose(found.baseline[:4], np.tile(values[:4].mean(axis=0), (4, 1)))
    np.testing.assert_allclose(found.baseline[4:8], np.tile(values[4:8].mean(axis=0), (4, 1)))
    assert np.isnan(found.values[8]).all()  # its own mean: nothing to tell
    assert found.explained[:8].all()


def test_a_baseline_of_several_scenes_gives_each_sample_its_own() -> None:
    others = spectra(10, 5, scene=["a", "b"] * 5)
    found = explain(Toy([line(WEIGHTS)]), spectra(2, 6, scene=["b", "a"]), others)
    values = others.values.astype(float)
    np.testing.assert_allclose(found.baseline[0], values[1::2].mean(axis=0))
    np.testing.assert_allclose(found.baseline[1], values[::2].mean(axis=0))
    with pytest.raises(SpectraError, match="no spectrum has others of its scene"):
        explain(Toy([line(WEIGHTS)]), spectra(2, 6, scene="c"), others)


def test_a_given_baseline_is_used_and_must_have_the_bands() -> None:
    model, one, others = Toy([line(WEIGHTS)]), spectra(1), spectra(12, 5)
    found = explain(model, one, others)
    np.testing.assert_allclose(found.baseline[0], others.values.astype(float).mean(axis=0))
    assert found.answer[0] - found.baseline_answer[0] == pytest.approx(found.values.sum())
    with pytest.raises(BandError, match="the baseline has 31 bands"):
        explain(model, one, others.take_bands(np.arange(31)))
    with pytest.raises(SpectraError, match="its own mean"):
        explain(model, one)


def test_a_spectrum_with_a_gap_is_left_out_and_spoils_no_other() -> None:
    values = np.array(spectra(6).values)
    values[2, 10:30] = np.nan
    model = Toy([line(WEIGHTS)])
    found = explain(model, table(values))
    np.testing.assert_array_equal(found.explained, [True, True, False, True, True, True])
    kept = np.delete(values, 2, axis=0)
    np.testing.assert_allclose(np.delete(found.values, 2, axis=0), explain(model, table(kept)).values)


def test_a_model_without_gradients_is_sent_to_occlusion() -> None:
    class Plain:
        name = "forest"

    with pytest.raises(UsageError, match=r"forest has no gradients.*occlusion"):
        explain(Plain(), spectra(3))


def test_the_bounds_of_an_answer_are_part_of_it() -> None:
    """Where the answer stays at its bound all the way nothing is shared out; the unbounded one would be."""
    model = Toy([line(WEIGHTS, -1000.0)], (0.0, 4.0))
    found = explain(model, spectra(5))
    assert (found.values == 0).all()
    assert (found.answer == 0).all()
    function = model.differentiable(spectra(5))
    free = attribution_of(function, lambda x, rows: function.networks(x, rows).mean(dim=0), found.baseline)
    assert (np.abs(free.values).sum(axis=1) > 0.5).all()


def test_each_reader_has_a_highest_answer_of_its_own() -> None:
    asked = spectra(6)
    reading = Ensemble(nn.ModuleList([line(WEIGHTS, 50.0)]))
    function = Differentiable(
        AXIS, np.array(asked.values), (reading, reading), np.array([0, 1, 1, 0, 1, 0]),
        np.zeros((6, 0), np.float32), as_it_is(6), (0.0, (3.0, 4.0)),
    )  # fmt: skip
    values = torch.as_tensor(function.values).double()
    assert function.answer(values, np.arange(6)).tolist() == [3.0, 4.0, 4.0, 3.0, 4.0, 3.0]
    assert function.answer(values[2:4], np.array([2, 3])).tolist() == [4.0, 3.0]


def test_hiding_by_the_mean_is_what_a_line_is_shared_out() -> None:
    model, asked = Toy([line(np.abs(WEIGHTS))]), spectra(15)
    windows = equal_windows(AXIS, 100)
    hidden = occlude(model, asked, windows, fill="mean")
    np.testing.assert_allclose(hidden.values, explain(model, asked).of(windows), atol=1e-4)
    np.testing.assert_allclose(hidden.departure, explain(model, asked).departure(windows), atol=1e-6)


def test_a_window_is_bridged_by_the_line_between_its_neighbours() -> None:
    straight = np.linspace(0.2, 0.5, BANDS)[None] * np.array([[1.0], [1.2]])
    dipped = straight.copy()
    dipped[:, DRIVER] -= 0.05
    group = BandGroup("dip", 700, 750, DRIVER)
    model = Toy([line(np.full(BANDS, 0.5))])
    hidden = occlude(model, table(dipped), [group])
    np.testing.assert_allclose(hidden.values[:, 0], -0.05 * 0.5 * DRIVER.sum(), atol=1e-5)
    np.testing.assert_allclose(hidden.departure[:, 0], -0.05, atol=1e-6)
    np.testing.assert_allclose(occlude(model, table(straight), [group]).values, 0, atol=1e-5)
    edge = BandGroup("edge", 400, 450, window(400, 450))  # beyond the last band its value is held
    held = occlude(model, table(straight), [edge]).departure[:, 0]
    np.testing.assert_allclose(held, (straight[:, :5] - straight[:, 5:6]).mean(axis=1), atol=1e-6)


def test_a_missing_band_stays_missing_when_its_window_is_hidden() -> None:
    seen = []

    class Watching(Toy):
        def predict(self, asked: Spectra) -> np.ndarray:
            seen.append(np.isnan(asked.values))
            return np.ones(len(asked))

    values = np.array(spectra(3).values)
    values[1, 32] = np.nan
    occlude(Watching([]), table(values), [BandGroup("w", 700, 750, DRIVER)])
    assert len(seen) == 2
    for missing in seen:
        assert missing.sum() == 1
        assert missing[1, 32]


@pytest.mark.parametrize("bands", [np.ones(BANDS, bool), np.ones(12, bool)])
def test_a_window_of_everything_or_of_other_bands_is_refused(bands: np.ndarray) -> None:
    with pytest.raises(UsageError, match="window"):
        occlude(Toy([line(WEIGHTS)]), spectra(3), [BandGroup("w", 0, 1, bands)])
    with pytest.raises(UsageError, match="unknown fill 'zero'"):
        occlude(Toy([line(WEIGHTS)]), spectra(3), [], fill="zero")  # type: ignore[arg-type]


@given(st.floats(15.0, 400.0))
def test_windows_of_one_width_hold_every_band_once(width: float) -> None:
    windows = equal_windows(AXIS, width)
    np.testing.assert_array_equal(np.sum([one.bands for one in windows], axis=0), 1)
    for one in windows:
        assert one.bands.any()
        assert (AXIS.values[one.bands] >= one.low - 1e-9).all()
        assert (AXIS.values[one.bands] < one.high + 1e-9).all()


def test_windows_are_named_by_where_they_lie() -> None:
    assert [one.name for one in equal_windows(AXIS)][:2] == ["400-450 nm", "450-500 nm"]
    mir = Axis(np.arange(600.0, 1001.0, 20), "cm-1")
    assert equal_windows(mir)[0].name == "600-700 cm-1"
    named = {one.name: one.bands for one in feature_windows(AXIS)}
    assert set(named) == {
        "iron 460-560", "chlorophyll 650", "iron 850-950", "water 970", "gypsum 1000",
    }  # fmt: skip
    assert AXIS.values[named["water 970"]].tolist() == [950, 960, 970, 980]
    with pytest.raises(UsageError, match="width above zero"):
        equal_windows(AXIS, 0)


def test_what_is_known_of_a_sample_goes_with_it() -> None:
    asked = spectra(4)
    places = np.array([[1.0, 0.1], [0.5, 0.2], [0.2, 0.9], [0.7, 0.0]])
    function = replace(Toy([line(np.ones(BANDS))]).differentiable(asked), line=places)
    rows = np.array([3, 1])
    values = torch.as_tensor(function.values).double()
    some = _samples_of(function, rows)
    found = some.answer(torch.as_tensor(some.values).double(), np.arange(2))
    torch.testing.assert_close(found, function.answer(values, np.arange(4))[rows])
