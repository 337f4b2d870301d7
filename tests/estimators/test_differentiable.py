"""What is explained is what is predicted: a network as a function says what its `predict` says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.estimators.test_lab import QUICK
from tests.estimators.test_lab import soils as lab_soils
from tests.estimators.toy_land import FAST, on_land, pixels, soils
from tests.pipeline.conftest import FAST as PAPER

from deepsalt.errors import BandError, UsageError
from deepsalt.estimators import DeepSaltRegressor, LabRegressor, PaperRegressor, PaperTeacher
from deepsalt.estimators.differentiable import as_it_is
from deepsalt.estimators.loading import load_any
from deepsalt.estimators.nearby import Nearby
from deepsalt.evaluation.explain import COMPLETE, explain
from deepsalt.pipeline.settings import preset_settings
from deepsalt.spectra import Sensor, Spectra
from deepsalt.units import log_ece


def told(model: Any, spectra: Spectra) -> np.ndarray:
    function = model.differentiable(spectra)
    with torch.no_grad():
        said = function.answer(torch.as_tensor(function.values).double(), np.arange(len(spectra)))
    return np.asarray(said.numpy())


def paper_settings() -> Any:
    short = {name: {**PAPER[name], "epochs": 4, "patience": 4} for name in ("teacher", "student")}
    short["autoencoder"] = {**PAPER["autoencoder"], "epochs": 2}
    return preset_settings("paper", {**PAPER, **short})


@pytest.fixture(scope="module")
def tuned() -> DeepSaltRegressor:
    """It reads one scene by a plane; sites near it move its answers."""
    library = {"visnir": on_land(soils(200, 0)["visnir"], 0.0)}
    quick = replace(FAST, steps=80, land_steps=30, distillation=False)
    model = DeepSaltRegressor(quick, seed=3).fit(library, None, on_land(pixels(200, 2), 0.0, "away", 0.3))
    assert model.scenes_["away"].plane is not None
    place = pixels_in("away").samples
    site = (place["latitude"].to_numpy()[1:2], place["longitude"].to_numpy()[1:2])
    one = np.array([1.0])
    model.nearby_ = {"away": Nearby(*site, 0.7 * one, 0.2 * one, one, one, 0.1, 0.4, 1.0, 0.9)}
    return model


def pixels_in(scene: str, n: int = 24, sensor: Sensor | None = None) -> Spectra:
    there = pixels(n, 9) if sensor is None else pixels(n, 9, sensor)
    return on_land(there, 0.0, scene, 0.3)


def both_scenes(sensor: Sensor | None = None) -> Spectra:
    """Rows of two scenes in turn, so that order must be kept."""
    there = pixels_in("away", 24, sensor)
    return there.with_samples(scene=np.where(np.arange(24) % 2, "away", "never met"))


def test_a_student_of_several_scenes(tuned: DeepSaltRegressor) -> None:
    asked = both_scenes()
    said = log_ece(tuned.predict(asked))
    np.testing.assert_allclose(told(tuned, asked), said, atol=2e-4)
    assert np.ptp(said) > 0.3
    unmoved = replace(tuned.differentiable(asked), line=as_it_is(24))
    assert np.abs(told(_As(unmoved), asked) - said)[1::2].max() > 0.3  # what sites say is in it
    found = explain(tuned, asked)
    assert np.abs(found.gap).max() <= COMPLETE


class _As:
    def __init__(self, function: Any) -> None:
        self.function = function

    def differentiable(self, _spectra: Spectra) -> Any:
        return self.function


def test_a_student_asked_about_another_sensor_and_about_gaps(tuned: DeepSaltRegressor) -> None:
    asked = both_scenes(Sensor.load("prisma"))
    np.testing.assert_allclose(told(tuned, asked), log_ece(tuned.predict(asked)), atol=2e-4)
    found = explain(tuned, asked)
    assert found.axis == asked.axis
    values = np.array(pixels_in("away").values)
    values[0, 50] = np.nan  # short: made up for
    values[1, 40:80] = np.nan
    gaps = replace(pixels_in("away"), data=pixels_in("away").data.copy(data=values))
    found = explain(tuned, gaps)
    np.testing.assert_array_equal(found.explained, np.arange(24) != 1)
    np.testing.assert_allclose(found.answer[0], log_ece(tuned.predict(gaps))[0], atol=2e-4)
    with pytest.raises(BandError, match="missing or without data"):
        explain(tuned, pixels_in("away", 5, Sensor.load("sentinel2")))


def test_shuffled_weights_answer_otherwise_and_leave_the_model_alone(tuned: DeepSaltRegressor) -> None:
    asked = both_scenes()
    before = tuned.predict(asked)
    function = tuned.differentiable(asked)
    said = told(_As(function.shuffled(0)), asked)
    np.testing.assert_allclose(told(_As(function), asked), log_ece(before), atol=2e-4)
    assert np.abs(said - log_ece(before))[::2].max() > 0.05  # networks
    assert np.abs(said - log_ece(before))[1::2].max() > 0.05  # a plane
    np.testing.assert_array_equal(tuned.predict(asked), before)


@pytest.mark.parametrize("network", ["scores", "convolutions", "tokens"])
def test_a_laboratory_network_asked_about_one_of_its_domains(network: str, tmp_path: Path) -> None:
    model = LabRegressor(replace(QUICK, network=network, steps=20)).fit(lab_soils(80))
    model.save(tmp_path / "teacher.safetensors")
    loaded = load_any(tmp_path / "teacher.safetensors")
    assert isinstance(loaded, LabRegressor)
    for domain in ("visnir", "mir"):
        asked = lab_soils(80)[domain].take(np.arange(8))
        np.testing.assert_allclose(told(loaded, asked), log_ece(model.predict(asked)), atol=1e-6)
        found = explain(model, asked)
        assert np.abs(found.gap).max() <= COMPLETE
        assert np.abs(found.values).max() > 1e-4


@pytest.mark.parametrize("kept", ["partial least squares", "support vectors", "Gaussian process"])
def test_the_simple_models_of_the_gate_can_be_explained(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepsalt.training.lab_net._ask", lambda *_: (kept, {"asked": True, "kept": kept}))
    bent = lab_soils(120, bend=3.0)["visnir"]
    model = LabRegressor(replace(QUICK, gate=True)).fit(bent)
    asked = bent.take(np.arange(10))
    np.testing.assert_allclose(told(model, asked), log_ece(model.predict(asked)), atol=1e-6)
    assert np.abs(explain(model, asked).gap).max() <= COMPLETE
    assert np.abs(told(_As(model.differentiable(asked).shuffled(1)), asked) - told(model, asked)).max() > 0.05


def test_the_published_method_keeps_its_covariates_beside_the_spectrum(tmp_path: Path) -> None:
    sites = pixels(80, 1).with_samples(sand=np.linspace(0, 60, 80))
    model = PaperRegressor(
        adaptation=False, distillation=False, covariates=("sand",), settings=paper_settings()
    )
    model.fit(None, sites)
    asked = sites.take(np.arange(12)).with_samples(sand=[np.nan, 10.0] * 6)
    np.testing.assert_allclose(told(model, asked), log_ece(model.predict(asked)), atol=1e-4)
    found = explain(model, asked)
    assert np.abs(found.gap).max() <= COMPLETE
    assert found.baseline_answer[0] != pytest.approx(found.baseline_answer[1], abs=1e-6)
    model.save(tmp_path / "paper.safetensors")
    assert isinstance(load_any(tmp_path / "paper.safetensors"), PaperRegressor)
    with pytest.raises(BandError, match="trained for enmap"):
        explain(model, pixels(5, 3, Sensor.load("prisma")).with_samples(sand=1.0))


def test_the_published_teacher(tmp_path: Path) -> None:
    model = PaperTeacher(paper_settings()).fit(lab_soils(80)["mir"])
    model.save(tmp_path / "teacher.safetensors")
    asked = lab_soils(80)["mir"].take(np.arange(6))
    loaded = load_any(tmp_path / "teacher.safetensors")
    assert isinstance(loaded, PaperTeacher)
    np.testing.assert_allclose(told(loaded, asked), log_ece(model.predict(asked)), atol=1e-4)
    assert np.abs(explain(loaded, asked).gap).max() <= COMPLETE


def test_a_model_of_arrays_or_of_another_domain_is_refused() -> None:
    x = np.random.default_rng(0).normal(size=(60, 6))
    with pytest.raises(UsageError, match="fitted to arrays"):
        explain(LabRegressor(QUICK).fit(x, x[:, 0]), lab_soils(20)["mir"])
    with pytest.raises(UsageError, match="the model reads visnir, not mir"):
        explain(LabRegressor(QUICK).fit(lab_soils(60)["visnir"]), lab_soils(20)["mir"])
