"""The laboratory teacher: a scikit-learn regressor, of one domain or several, simple where that is better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepsalt.errors import BandError, ConfigError, LabelError, ModelFileError, UsageError
from deepsalt.estimators import LabRegressor
from deepsalt.estimators.lab_table import label_sd_of
from deepsalt.models.architecture import LabNetArchitecture, from_card, to_card
from deepsalt.models.lab_net import LabNet
from deepsalt.spectra import Axis, Spectra
from deepsalt.training.lab_data import LabData, LabDomain, reader_of, slopes_of, windows_of
from deepsalt.training.lab_models import gaussian_process, inputs_of, new_model, support_vectors
from deepsalt.training.lab_net import _Loss, answers_of, train_lab
from deepsalt.training.lab_settings import LabSettings

QUICK = LabSettings(steps=150, members=2, hidden=(32, 16), dropout=0.1, directions=12, gate=False)
VISNIR = Axis(np.linspace(400, 2400, 60), "nm")
MIR = Axis(np.linspace(700, 3900, 80), "cm-1")


def soils(rows: int = 160, seed: int = 0, bend: float = 1.0) -> dict[str, Spectra]:
    """Two domains of the same samples; salt deepens a band in each, `bend` makes that a curve."""
    rng = np.random.default_rng(seed)
    salt, clay = rng.gamma(1.0, 2.0, rows), rng.uniform(0, 1, rows)
    shown = np.log1p(salt) ** bend / 8
    near = np.exp(-(((VISNIR.values - 1900) / 90) ** 2)), np.exp(-(((VISNIR.values - 2200) / 60) ** 2))
    far = np.exp(-(((MIR.values - 1640) / 80) ** 2)), np.exp(-(((MIR.values - 3620) / 60) ** 2))
    samples = pd.DataFrame(
        {"id": np.arange(rows) + 1000, "group": np.arange(rows) // 4, "ece_ds_m": salt, "clay": clay}
    )
    log = 0.4 + shown[:, None] * near[0] + 0.2 * clay[:, None] * near[1] + rng.normal(0, 0.003, (rows, 60))
    mir = 0.8 + shown[:, None] * far[0] + 0.5 * clay[:, None] * far[1] + rng.normal(0, 0.003, (rows, 80))
    return {
        "visnir": Spectra.of_table(10**-log, VISNIR, "reflectance", samples=samples),
        "mir": Spectra.of_table(mir, MIR, "absorbance", samples=samples),
    }


def r2(predicted: np.ndarray, spectra: Spectra) -> float:
    truth = np.log1p(spectra.samples["ece_ds_m"].to_numpy())
    return float(1 - np.mean((np.log1p(predicted) - truth) ** 2) / truth.var())


@parametrize_with_checks(
    [
        LabRegressor(replace(QUICK, members=1, hidden=(16,), steps=80, learning_rate=5e-3)),
        LabRegressor(replace(QUICK, members=1, hidden=(16,), steps=20, gate=True)),
    ]
)
def test_it_is_a_scikit_learn_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("network", ["scores", "convolutions", "tokens"])
def test_each_network_learns_the_salt_of_samples_it_has_not_seen(network: Any) -> None:
    settings = replace(QUICK, network=network, windows=40, steps=120, batch=64, members=1, learning_rate=5e-3)
    fitted = LabRegressor(settings).fit(soils()["visnir"])
    assert r2(fitted.predict(soils(seed=5)["visnir"]), soils(seed=5)["visnir"]) > 0.7


def test_the_same_seed_gives_the_same_model_and_another_another() -> None:
    one, again, other = (LabRegressor(QUICK, seed=s).fit(soils()["mir"]) for s in (3, 3, 4))
    asked = soils(20, seed=7)["mir"]
    assert one.predict(asked).tolist() == again.predict(asked).tolist()
    assert not np.allclose(one.predict(asked), other.predict(asked))


def test_a_sample_may_lack_a_domain_and_either_alone_is_answered() -> None:
    both = soils(240)
    part = {"visnir": both["visnir"].take(np.arange(180)), "mir": both["mir"].take(np.arange(60, 240))}
    fitted = LabRegressor(replace(QUICK, steps=300)).fit(part)
    fresh = soils(seed=5)
    assert fitted.checks_["samples"] == {"learned from": 240, "left out": 0}
    for asked in (fresh, {"mir": fresh["mir"]}, {"visnir": fresh["visnir"]}):
        assert r2(fitted.predict(asked), fresh["mir"]) > 0.6
    assert fitted.predict(fresh["mir"]).tolist() == fitted.predict({"mir": fresh["mir"]}).tolist()


def test_the_order_of_the_samples_is_that_of_the_first_domain() -> None:
    fitted = LabRegressor(QUICK).fit(soils())
    fresh = soils(30, seed=5)
    turned = {**fresh, "mir": fresh["mir"].take(np.arange(30)[::-1])}
    assert fitted.predict(turned) == pytest.approx(fitted.predict(fresh), abs=1e-6)
    assert r2(fitted.predict(turned), fresh["visnir"]) > 0.7


def test_an_id_that_stands_twice_cannot_be_matched() -> None:
    both = soils(20)
    twice = {**both, "mir": both["mir"].with_samples(id=np.r_[1000, np.arange(1000, 1019)])}
    with pytest.raises(LabelError, match=r"id 1000 stands twice in mir"):
        LabRegressor(QUICK).fit(twice)


def test_a_spectrum_with_a_wide_gap_is_left_out_and_not_answered() -> None:
    spectra = soils()["visnir"]
    values = np.array(spectra.values)
    values[3, 10:40] = np.nan
    holed = Spectra.of_table(values, VISNIR, "reflectance", samples=spectra.samples)
    fitted = LabRegressor(QUICK).fit(holed)
    assert fitted.checks_["samples"] == {"learned from": 159, "left out": 1}
    assert np.flatnonzero(np.isnan(fitted.predict(holed))).tolist() == [3]


def test_the_gate_keeps_a_simple_model_where_the_network_learns_nothing() -> None:
    spoiled = replace(QUICK, gate=True, learning_rate=1e-9)
    fitted = LabRegressor(spoiled).fit(soils()["mir"])
    gate = fitted.checks_["gate"]
    assert gate["kept"] != "network"
    assert gate["rmse"][gate["kept"]] == min(gate["rmse"].values()) < 0.5 * gate["rmse"]["network"]
    assert r2(fitted.predict(soils(seed=5)["mir"]), soils(seed=5)["mir"]) > 0.8


def test_the_gate_keeps_the_network_where_salt_shows_by_a_curve() -> None:
    settings = replace(QUICK, gate=True, steps=300, gate_folds=2, learning_rate=5e-3)
    gate = LabRegressor(settings).fit(soils(240, bend=3.0)["visnir"]).checks_["gate"]
    assert gate["rmse"]["network"] < gate["rmse"]["partial least squares"]


def test_too_few_samples_to_ask_take_the_line() -> None:
    fitted = LabRegressor(replace(QUICK, gate=True)).fit(soils(20)["mir"])
    assert fitted.checks_["gate"] == {
        "asked": False,
        "why": "20 samples in 5 groups are too few to ask",
        "kept": "partial least squares",
    }


@pytest.mark.parametrize("kept", ["network", "partial least squares", "support vectors", "Gaussian process"])
def test_whatever_was_kept_comes_back_from_its_file(
    kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepsalt.training.lab_net._ask", lambda *_: (kept, {"asked": True, "kept": kept}))
    fitted = LabRegressor(replace(QUICK, gate=True)).fit(soils())
    fitted.save(tmp_path / "teacher.safetensors", {"simulated": True})
    loaded = LabRegressor.load(tmp_path / "teacher.safetensors")
    fresh = soils(25, seed=5)
    assert loaded.predict(fresh).tolist() == fitted.predict(fresh).tolist()
    assert loaded.simulated
    assert loaded.checks_["gate"]["kept"] == kept
    assert list(loaded.domains_) == ["visnir", "mir"]


def test_support_vectors_in_the_file_are_those_of_scikit_learn() -> None:
    from sklearn.svm import SVR

    from deepsalt.training.lab_net import _directions

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 9)).astype(np.float32), rng.normal(size=50).astype(np.float32)
    domain = LabDomain(x, np.arange(9.0), reflectance=False)
    data = LabData((domain,), y, np.arange(50).astype(str), bounded=False)
    model = support_vectors(data, _directions(data, QUICK), QUICK, 0)
    inputs = inputs_of(model, data)
    gamma = 1 / (inputs.shape[1] * inputs.var())
    expected = SVR(C=3.0, epsilon=0.05, gamma=gamma).fit(inputs, y).predict(inputs)
    assert answers_of(model, data) == pytest.approx(expected, abs=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_process_in_the_file_is_that_of_scikit_learn() -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 9)).cumsum(axis=1).astype(np.float32)
    y = (np.sin(x[:, 4] - x[:, 2]) + 0.1 * rng.normal(size=60)).astype(np.float32)
    data = LabData(
        (LabDomain(x, np.arange(9.0), reflectance=False),), y, np.arange(60).astype(str), bounded=False
    )
    inputs = inputs_of(new_model(data, [slopes_of(data.domains[0], 20)], "scores", QUICK), data)
    kernel = ConstantKernel() * RBF(np.full(9, 3.0), (1.0, 1e3)) + WhiteKernel(0.2, (1e-2, 10.0))
    expected = GaussianProcessRegressor(kernel, normalize_y=True).fit(inputs, y).predict(inputs)
    assert answers_of(gaussian_process(data, [], QUICK, 0), data) == pytest.approx(expected, abs=1e-3)


def test_a_process_finds_the_one_direction_that_salt_shows_in() -> None:
    """White noise in eighty bands drowns it for a kernel with one length for all directions."""
    fitted, fresh = soils(240, bend=2.0), soils(240, seed=5, bend=2.0)
    errors = {}
    for name, fit in (("process", gaussian_process), ("vectors", support_vectors)):
        data, asked = (
            LabData(
                (LabDomain(np.array(one["mir"].values), MIR.values, reflectance=False),),
                np.log1p(one["mir"].samples["ece_ds_m"].to_numpy(np.float32)),
                one["mir"].samples["group"].to_numpy().astype(str),
            )
            for one in (fitted, fresh)
        )
        model = fit(data, [reader_of(data.domains[0], 60)], QUICK, 0)
        errors[name] = float(np.mean((answers_of(model, asked) - asked.y) ** 2) / asked.y.var())
    assert errors["process"] < 0.1 < errors["vectors"]


def test_a_process_of_many_samples_learns_from_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepsalt.training.lab_models._MOST_ASKED", 40)
    monkeypatch.setattr("deepsalt.training.lab_models._MOST_KNOWN", 120)
    monkeypatch.setattr("deepsalt.training.lab_net._ask", lambda *_: ("Gaussian process", {"asked": True}))
    fitted = LabRegressor(replace(QUICK, gate=True)).fit(soils(240)["mir"])
    assert fitted.model_.network.vectors.shape[0] == 120
    assert r2(fitted.predict(soils(seed=5)["mir"]), soils(seed=5)["mir"]) > 0.9


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 12, 60])
def test_slopes_are_read_off_any_number_of_bands(bands: int) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, bands)).astype(np.float32)
    seen = slopes_of(LabDomain(values, np.arange(bands, dtype=float), reflectance=False), 20)(
        torch.as_tensor(values)
    )
    assert seen.shape == (30, min(bands, 20))
    variance = seen.var(dim=0, correction=0).numpy()
    np.testing.assert_allclose(variance[variance > 0.5], 1.0, rtol=1e-3)
    assert (variance < 1e-6).sum() <= 1  # parabolas through few bands may leave one slope out


def test_properties_are_learned_beside_and_a_wrong_name_is_an_error() -> None:
    fitted = LabRegressor(QUICK, properties=("clay",)).fit(soils()["visnir"])
    plain = LabRegressor(QUICK).fit(soils()["visnir"])
    asked = soils(20, seed=7)["visnir"]
    assert not np.allclose(fitted.predict(asked), plain.predict(asked))
    with pytest.raises(UsageError, match=r"no sample has a property 'clai'"):
        LabRegressor(QUICK, properties=("clai",)).fit(soils()["visnir"])


def test_a_property_that_was_not_measured_pulls_nowhere() -> None:
    y = np.arange(8, dtype=np.float32)
    domain = LabDomain(np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32), np.arange(5.0), False)
    with_none = np.array([[1.0], [2.0], [3.0], *[[np.nan]] * 5], np.float32)
    data = LabData((domain,), y, np.arange(8).astype(str), properties=with_none)
    model = train_lab(data, QUICK, 0).model
    loss = _Loss(model, inputs_of(model, data), data, QUICK, torch.Generator().manual_seed(0))
    assert loss.told[:, 0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert loss.others[3:, 0].tolist() == [0] * 5
    assert float(loss.others[:3].mean()) == pytest.approx(0, abs=1e-6)


def test_uncertain_labels_weigh_less() -> None:
    rng = np.random.default_rng(1)
    both = soils(200)["mir"]
    wrong = both.samples["ece_ds_m"].to_numpy(copy=True)
    wrong[::2] = rng.permutation(wrong[::2])
    told = both.with_samples(ece_ds_m=wrong, ece_sd_ds_m=np.where(np.arange(200) % 2, 1e-3, 40.0))
    untold = both.with_samples(ece_ds_m=wrong)
    fresh = soils(seed=5)["mir"]
    settings = replace(QUICK, steps=400)
    knows, guesses = (r2(LabRegressor(settings).fit(one).predict(fresh), fresh) for one in (told, untold))
    assert knows > guesses + 0.05
    assert label_sd_of(untold, "ece_ds_m") is None


def test_a_reader_gives_inputs_of_like_variance_and_windows_the_means_of_stretches() -> None:
    spectra = soils(300)["mir"]
    domain = LabDomain(np.array(spectra.values, np.float32), MIR.values, reflectance=False)
    inputs = reader_of(domain, 3)(torch.as_tensor(domain.values))
    assert inputs.std(dim=0, correction=0).numpy() == pytest.approx(np.ones(3), rel=0.01)
    windows = windows_of(domain, 8)(torch.as_tensor(domain.values)).numpy()
    standard = (domain.values - domain.values.mean(axis=0)) / domain.values.std(axis=0)
    assert windows[:, :8] == pytest.approx(standard.reshape(300, 8, 10).mean(axis=2), abs=1e-3)


def test_wrong_calls_say_what_to_do() -> None:
    near = soils()["visnir"]
    fitted = LabRegressor(QUICK).fit(near)
    odd = Spectra.of_table(near.values, VISNIR, "absorbance", samples=near.samples)
    with pytest.raises(BandError, match="reads reflectance"):
        fitted.predict(odd)
    with pytest.raises(UsageError, match="reads visnir, not mir"):
        fitted.predict(soils()["mir"])
    bare = LabRegressor(QUICK).fit(np.eye(40), np.arange(40.0))
    with pytest.raises(UsageError, match="fitted to arrays"):
        bare.predict(near)
    with pytest.raises(UsageError, match="no bands to tell"):
        bare.save("never.safetensors")
    with pytest.raises(ConfigError, match="unknown network 'mlp'"):
        LabSettings(network="mlp")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"network": "pickle"},
        {"bands": [60, 0]},
        {"bands": [60]},
        {"reflectance": [1, 0]},
        {"vectors": -1},
        {"members": 10**9},
    ],
)
def test_an_architecture_from_a_stranger_is_bounded(change: dict[str, Any]) -> None:
    good = to_card(LabNetArchitecture((60, 80), (12, 12), (True, False), "scores", (8,), 2))
    assert LabNet(from_card(json.loads(json.dumps(good)))).architecture.inputs == 26  # type: ignore[arg-type]
    with pytest.raises(ModelFileError):
        from_card({**good, **change})
