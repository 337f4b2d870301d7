"""Where the preset says that it should not be believed, and that it is right in saying so."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.estimators.test_intervals import in_scenes
from tests.estimators.toy_land import FAST, pixels, soils

from deepsalt.estimators import DeepSaltRegressor, load_regressor
from deepsalt.estimators.lands import Land
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece

QUICK = replace(FAST, steps=150, land_steps=20, intervals=False)


@pytest.fixture(scope="module")
def model() -> DeepSaltRegressor:
    return DeepSaltRegressor(QUICK, seed=2).fit(
        soils(200, 0), in_scenes(pixels(120, 1)), in_scenes(pixels(800, 5))
    )


def bent(spectra: Spectra, depth: float) -> Spectra:
    """A deep band of something that is no soil, at 1700 nm, and a bright one at 800 nm."""
    at = spectra.axis.values
    shape = 1 - depth * np.exp(-(((at - 1700) / 60) ** 2)) + depth * np.exp(-(((at - 800) / 60) ** 2))
    return spectra.with_values(
        spectra.values * shape.astype(np.float32), spectra.axis, sensor=spectra.sensor, step="bent"
    )


def test_pixels_as_in_training_are_inside_and_what_is_no_soil_is_not(model: DeepSaltRegressor) -> None:
    fresh = in_scenes(pixels(1000, 7))
    like, unlike = model.applicability(fresh), model.applicability(bent(fresh, 0.7))
    assert like is not None
    assert unlike is not None
    assert like.strange.mean() < 0.05
    assert unlike.strange.mean() > 0.95
    assert np.median(unlike.dissimilarity) > 2 * np.median(like.dissimilarity)
    assert np.median(unlike.residual) > 5 * np.median(like.residual)
    assert like.density.mean() > unlike.density.mean()
    assert like.known_land.all()


def test_what_is_called_outside_is_worse(model: DeepSaltRegressor) -> None:
    """A mixture of usual pixels and of ever stranger ones: errors of the flagged part are larger by half."""
    fresh = [bent(in_scenes(pixels(300, 20 + k)), 0.08 * k) for k in range(9)]
    errors, outside = [], []
    for one in fresh:
        found = model.answers(one, thresholds=())
        assert found.outside is not None
        errors.append(log_ece(found.ece) - log_ece(one.samples["ece_ds_m"].to_numpy()))
        outside.append(found.outside)
    wrong, flag = np.concatenate(errors), np.concatenate(outside)
    assert 0.1 < flag.mean() < 0.95
    assert np.sqrt(np.mean(wrong[flag] ** 2)) > 1.5 * np.sqrt(np.mean(wrong[~flag] ** 2))


def test_land_that_nothing_told_of_is_outside(model: DeepSaltRegressor) -> None:
    fresh = pixels(60, 9).with_samples(scene="new", latitude=50.0, longitude=50.0)
    assert set(model.sampled_) == {f"scene {number}" for number in range(4)}
    found = model.applicability(fresh)
    assert found is not None
    assert not found.known_land.any()
    assert found.outside.all()
    assert model.answers(fresh).outside.all()
    nameless = model.applicability(pixels(60, 9))
    assert nameless is not None
    assert nameless.known_land.all()


def test_another_date_of_sampled_ground_is_known_land(model: DeepSaltRegressor) -> None:
    """The same ground under another name: told by the box of the ground points."""
    box = replace(model.sampled_["scene 1"], south=10.0, north=12.0, west=19.0, east=21.0)
    other = copy(model)
    other.sampled_ = {"scene 1": box}
    there = pixels(80, 9).with_samples(latitude=11.0, longitude=20.0)
    elsewhere = pixels(80, 9).with_samples(latitude=13.0, longitude=20.0)
    assert other.adapted_to(there, "july").knows("july")
    assert not other.adapted_to(elsewhere, "july").knows("july")


def test_a_model_that_knows_no_places_judges_spectra_alone(model: DeepSaltRegressor) -> None:
    other = copy(model)
    other.sampled_, other.lands_ = {}, ()
    assert other.knows("anything")
    other.lands_ = (Land(0.0, 1.0, 0.0, 1.0, 40),)
    assert not other.knows("anything")


def test_it_travels_in_the_file(model: DeepSaltRegressor, tmp_path: Path) -> None:
    model.save(tmp_path / "m.safetensors")
    again = load_regressor(tmp_path / "m.safetensors")
    assert isinstance(again, DeepSaltRegressor)
    fresh = bent(in_scenes(pixels(200, 9)), 0.3)
    mine, theirs = model.applicability(fresh), again.applicability(fresh)
    assert mine is not None
    assert theirs is not None
    np.testing.assert_allclose(mine.dissimilarity, theirs.dissimilarity, rtol=1e-6)
    np.testing.assert_array_equal(mine.outside, theirs.outside)
    assert again.sampled_ == model.sampled_
    assert again.card_["applicability"]["scenes with 20 ground points"] == 4
