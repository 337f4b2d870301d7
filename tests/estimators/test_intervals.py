"""Intervals of the preset: from held-out fields and scenes, kept in the file, refused where unknown."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.estimators.toy_land import ENMAP, FAST, pixels, soils
from tests.mapping.conftest import scene_of

from deepsalt.errors import ModelFileError, UsageError
from deepsalt.estimators import DeepSaltRegressor, load_regressor
from deepsalt.estimators.answers import with_errors
from deepsalt.estimators.conformal import Residuals
from deepsalt.estimators.intervals import KnownErrors
from deepsalt.estimators.lands import Land
from deepsalt.mapping import map_scene
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.readers.bands import faults_of
from deepsalt.readers.raster import open_raster
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece

QUICK = replace(FAST, steps=120, land_steps=20)


def in_scenes(spectra: Spectra, scenes: int = 4) -> Spectra:
    """The same pixels, a run of fields in each scene."""
    at = np.arange(len(spectra)) * scenes // len(spectra)
    return spectra.with_samples(
        scene=[f"scene {number}" for number in at], latitude=10.0 + at, longitude=20.0
    )


@pytest.fixture(scope="module")
def model() -> DeepSaltRegressor:
    return DeepSaltRegressor(QUICK, seed=1).fit(soils(200, 0), in_scenes(pixels(80, 1)))


def test_an_interval_holds_its_answer_and_most_of_the_truth(model: DeepSaltRegressor) -> None:
    fresh = in_scenes(pixels(400, 7))
    low, ece, high = model.predict_interval(fresh, 0.9)
    assert (low >= 0).all()
    assert (low <= high).all()
    np.testing.assert_allclose(ece, model.predict(fresh), rtol=1e-5)  # other products, other last digits
    truth = fresh.samples["ece_ds_m"].to_numpy()
    assert ((low <= truth) & (truth <= high)).mean() > 0.8
    narrow = model.predict_interval(fresh, 0.5)
    assert (low <= narrow[0]).all()
    assert (narrow[2] <= high).all()
    chance = model.probability_above(fresh, 4.0)
    assert chance[truth > 12].mean() > 0.8
    assert chance[truth < 1].mean() < 0.3


def test_answers_of_each_scene_stand_in_their_own_rows() -> None:
    """As one scene, as two by turns, and with a row that no scene claims."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 5).astype(str)
    fields, scenes = (Residuals(rng.gamma(2, 0.7, 60), rng.normal(0, sd, 60), groups) for sd in (0.3, 0.9))
    known = KnownErrors(fields, scenes, frozenset({"met"}))
    answer = rng.gamma(2, 0.7, 9).astype(np.float32)
    met, new = (with_errors(answer, [(slice(None), name)], known, 0.9, (4.0,)) for name in ("met", "new"))
    assert (new.high - new.low > met.high - met.low).all()
    both = with_errors(
        answer, [(np.arange(7, -1, -2), "met"), (np.arange(0, 8, 2), "new")], known, 0.9, (4.0,)
    )
    alone = with_errors(answer, [(np.array([3, 1]), "met")], known, 0.9, (4.0,))
    for name in ("low", "high"):
        of_met, of_new, of_both = (getattr(one, name) for one in (met, new, both))
        np.testing.assert_array_equal(of_both[1:8:2], of_met[1:8:2])
        np.testing.assert_array_equal(of_both[:8:2], of_new[:8:2])
        assert np.isnan(of_both[8])
        np.testing.assert_array_equal(getattr(alone, name)[[1, 3]], of_met[[1, 3]])
        assert np.isnan(getattr(alone, name)[[0, 2, 4]]).all()
    np.testing.assert_array_equal(both.above[4.0][1:8:2], met.above[4.0][1:8:2])
    np.testing.assert_allclose(met.ece, np.expm1(answer.astype(np.float64)), rtol=1e-12)


def test_a_map_holds_in_one_pass_what_the_model_says(model: DeepSaltRegressor, tmp_path: Path) -> None:
    good = np.asarray(ENMAP.good)
    pool = pixels(400, 3)
    cube = np.full((400, len(ENMAP)), np.nan, np.float32)
    cube[:, good] = pool.values
    scene = scene_of(
        cube.reshape(20, 20, -1), np.zeros((20, 20)), name="scene 2", sensor=ENMAP, block=(2, 20),
        band_faults=faults_of(~good),
    )  # fmt: skip
    made = map_scene(
        model, scene, tmp_path, rules=SurfaceRules(max_ndvi=1.0), level=0.8, pixels_per_window=90
    )
    asked = pool.with_samples(scene="scene 2")
    low, ece, high = model.predict_interval(asked, 0.8)
    expected = {
        "ece": ece, "ece_low": low, "ece_high": high,
        "probability_above_4": model.probability_above(asked, 4.0),
    }  # fmt: skip
    for name, values in expected.items():
        with open_raster(made.folder / f"{name}.tif") as layer:
            np.testing.assert_allclose(layer.read(1).ravel(), values, rtol=2e-5, err_msg=name)
    assert made.summary["interval"]["mean_width"] == pytest.approx(float((high - low).mean()), rel=1e-4)


def test_scenes_with_points_and_without_are_told_apart(model: DeepSaltRegressor) -> None:
    assert model.errors_ is not None
    assert model.errors_.pointed == {f"scene {number}" for number in range(4)}
    assert model.errors_.scenes is not None
    known, new = (model.errors_.distribution(name) for name in ("scene 2", "another"))
    assert known is not new
    assert model.errors_.distribution("") is new


def test_a_scene_of_a_strange_land_is_told(model: DeepSaltRegressor) -> None:
    lands = copy(model)
    lands.lands_ = (Land(-1.0, 1.0, -1.0, 1.0, 40),)
    pool = in_scenes(pixels(400, 3), 1)
    cube = np.full((400, len(ENMAP)), np.nan, np.float32)
    cube[:, np.asarray(ENMAP.good)] = pool.values
    strange = scene_of(
        cube.reshape(20, 20, -1), np.zeros((20, 20)), name="strange", sensor=ENMAP, crs="EPSG:4326",
        band_faults=faults_of(~np.asarray(ENMAP.good)), transform=(0.05, 0.0, 50.0, 0.0, -0.05, 20.0),
    )  # fmt: skip
    loose = SurfaceRules(max_ndvi=1.0)
    assert "intervals are likely too narrow" in lands.for_scene(strange, loose).notes[-1]
    nowhere = replace(strange, crs="", name="nowhere")
    bound = lands.for_scene(nowhere, loose)
    assert "does not say where it lies: the scene's pixels are read by a plane" in bound.notes[0]
    assert bound.scenes_["nowhere"].plane is not None
    assert not bound.knows("nowhere")


def test_what_is_known_of_errors_travels_in_the_file(model: DeepSaltRegressor, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model.save(path)
    again = load_regressor(path)
    fresh = in_scenes(pixels(40, 9))
    for mine, theirs in zip(model.predict_interval(fresh), again.predict_interval(fresh), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-3)  # a card keeps four digits
    broken = {**model.errors_.as_plain(), "fields": {"answer": [1.0], "residual": [], "group": ["a"]}}
    with pytest.raises(ModelFileError, match="does not say its errors"):
        KnownErrors.from_plain(broken, path)


def test_a_model_without_points_enough_has_none_and_says_so(tmp_path: Path) -> None:
    few = DeepSaltRegressor(QUICK, seed=1).fit(soils(200, 0), in_scenes(pixels(20, 1)))
    with pytest.raises(UsageError, match=r"no intervals: too few ground points.*40 ground points"):
        few.predict_interval(pixels(4, 2))
    few.save(tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="no intervals"):
        load_regressor(tmp_path / "m.safetensors").probability_above(pixels(4, 2), 4.0)


def test_the_setting_switches_the_extra_trainings_off_and_changes_no_answer(model: DeepSaltRegressor) -> None:
    plain = DeepSaltRegressor(replace(QUICK, intervals=False), seed=1).fit(
        soils(200, 0), in_scenes(pixels(80, 1))
    )
    fresh = pixels(30, 3)
    assert np.array_equal(plain.predict(fresh), model.predict(fresh))
    assert plain.errors_ is None


def test_without_scenes_enough_all_are_answered_from_fields() -> None:
    rng = np.random.default_rng(0)
    answer = log_ece(rng.gamma(1.0, 5.0, 60))
    groups = np.repeat(np.arange(15), 4).astype(str)
    known = KnownErrors(Residuals(answer, rng.normal(0, 0.3, 60), groups), None, frozenset({"one"}))
    assert known.distribution("one") is known.distribution("another")
