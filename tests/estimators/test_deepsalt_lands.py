"""Lands of the library and scenes on them: tuned in training, when a map meets them, and kept in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.estimators.toy_land import FAST, on_land, pixels, r2, scene_on_land, soils, stacked
from tests.training.forged import change_card

from deepsalt.errors import ModelFileError
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.spectra import Sensor, Spectra
from deepsalt.units import log_ece


def test_the_gate_leaves_out_tuning_to_samples_that_are_not_of_this_land() -> None:
    """Samples of land a and c came from its saltiest half, those of b from its freshest."""
    places = {"a": 0.0, "b": 10.0, "c": 20.0}
    lab = []
    for number, (name, south) in enumerate(places.items()):
        drawn = soils(160, 5 + number)["visnir"]
        order = np.argsort(drawn.samples["ec_ds_m"].to_numpy())
        lab.append(on_land(drawn.take(order[:80] if name == "b" else order[80:]), south))
    sites = stacked([on_land(pixels(40, 20 + n), south, k) for n, (k, south) in enumerate(places.items())])
    loose = stacked([on_land(pixels(60, 30 + n), south, k) for n, (k, south) in enumerate(places.items())])
    library = stacked(lab)
    settings = replace(FAST, gate=True, distillation=False, steps=120, land_steps=60)
    gate = DeepSaltRegressor(settings).fit(library, sites, loose).checks_["gate"]
    assert "adaptation" in gate["left out"]
    assert gate["rmse"]["without adaptation"] < gate["rmse"]["as set"]


@pytest.fixture(scope="module")
def tuned() -> DeepSaltRegressor:
    """Learned with points in one scene; another one, with wrong calibration, lies on land of the library."""
    library = {name: on_land(one, 0.0) for name, one in soils(300, 0).items()}
    home = on_land(pixels(60, 1), 50.0, "home")
    return DeepSaltRegressor(FAST, seed=3).fit(library, home, on_land(pixels(300, 2), 0.0, "away", 0.3))


def test_a_scene_with_an_error_of_its_own_is_brought_into_line(tuned: DeepSaltRegressor) -> None:
    assert len(tuned.lands_) == 1
    assert set(tuned.scenes_) == {"away"}
    assert tuned.scenes_["away"].plane is not None
    asked = on_land(pixels(150, 9), 0.0, "away", 0.3)
    assert r2(tuned, asked) > 0.7
    elsewhere = on_land(pixels(150, 9), 0.0, "another", 0.3)
    assert r2(tuned, elsewhere) < r2(tuned, asked) - 0.2  # read as it is, its error stays


def test_a_scene_met_later_is_tuned_from_its_pixels_whatever_its_sensor(tuned: DeepSaltRegressor) -> None:
    prisma = Sensor.load("prisma")
    loose = on_land(pixels(300, 4, prisma), 0.0, "later", 0.3)
    asked = on_land(pixels(150, 9, prisma), 0.0, "later", 0.3)
    later = tuned.adapted_to(loose, "later")
    assert r2(later, asked) > 0.7
    assert r2(later, asked) > r2(tuned, asked) + 0.2
    assert "later" not in tuned.scenes_
    far = tuned.adapted_to(on_land(pixels(300, 4), 70.0, "far"), "far")
    np.testing.assert_array_equal(far.predict(asked), tuned.predict(asked))


def test_a_few_ground_points_mend_what_the_library_says_wrongly_of_a_land() -> None:
    """The library holds the saltier half of the soils. Forty points tell; scenes met later know."""
    drawn = soils(300, 0)["visnir"]
    saltier = drawn.take(np.argsort(drawn.samples["ec_ds_m"].to_numpy())[150:])
    library, loose = on_land(saltier, 0.0), on_land(pixels(300, 2), 0.0, "home")
    settings = replace(FAST, distillation=False, steps=150, land_steps=60)
    home, later = on_land(pixels(150, 9), 0.0, "home"), on_land(pixels(150, 9), 0.0, "later", 0.3)
    without = DeepSaltRegressor(settings, seed=3).fit(library, None, loose)
    points = DeepSaltRegressor(settings, seed=3).fit(library, on_land(pixels(40, 1), 0.0, "home"), loose)

    def bias(model: DeepSaltRegressor, asked: Spectra) -> float:
        return float(np.mean(log_ece(model.predict(asked)) - log_ece(asked.samples["ece_ds_m"])))

    assert bias(without, home) > 0.3
    assert abs(bias(points, home)) < bias(without, home) / 2
    seen = on_land(pixels(300, 4), 0.0, "later", 0.3)
    assert abs(bias(points.adapted_to(seen, "later"), later)) < bias(without, home) / 2
    assert (
        "then to 40 ground points"
        in points.for_scene(scene_on_land(0.3), rules=SurfaceRules(max_ndvi=1.0)).notes[0]
    )


def test_a_scene_with_points_but_without_library_samples_is_read_by_the_plane_of_its_pixels() -> None:
    points, loose = on_land(pixels(40, 1), 50.0, "home"), on_land(pixels(300, 2), 50.0, "home")
    library = on_land(soils(300, 0)["visnir"], 0.0)
    settings = replace(FAST, distillation=False, steps=150, land_steps=10)
    model = DeepSaltRegressor(settings, seed=3).fit(library, points, loose)
    tuning = model.scenes_["home"]
    assert tuning.plane is not None
    assert (tuning.land, tuning.gain, tuning.scale, tuning.offset) == (None, None, 1.0, 0.0)
    assert model.knows("home")
    asked = on_land(pixels(150, 9), 50.0, "home")
    assert r2(model, asked) > 0.7
    bound = model.for_scene(replace(scene_on_land(0.0), name="home"), rules=SurfaceRules(max_ndvi=1.0))
    np.testing.assert_array_equal(bound.predict(asked), model.predict(asked))
    assert "no land of the library: the scene's pixels are read by a plane" in bound.notes[0]
    networks = DeepSaltRegressor(replace(settings, planar=False, steps=60), seed=3)
    assert networks.fit(library, points, loose).scenes_ == {}


def test_a_map_tunes_a_scene_that_training_did_not_meet(tuned: DeepSaltRegressor) -> None:
    bound = tuned.for_scene(scene_on_land(0.3), rules=SurfaceRules(max_ndvi=1.0))
    asked = on_land(pixels(150, 9), 0.0, "whatever", 0.3)
    assert r2(bound, asked) > 0.7  # the scene it is bound to counts, not the column
    assert "brought towards the library's samples" in bound.notes[0]
    assert (tuned.scene, tuned.notes, set(tuned.scenes_)) == (None, (), {"away"})


def test_networks_answer_where_no_plane_is_wanted() -> None:
    settings = replace(FAST, planar=False, steps=20, land_steps=10, distillation=False)
    library = on_land(soils(120, 0)["visnir"], 0.0)
    away = on_land(pixels(300, 2), 0.0, "away")
    model = DeepSaltRegressor(settings, seed=3).fit(library, None, away)
    untuned = DeepSaltRegressor(replace(settings, planar=True, adaptation=False), seed=3)
    untuned.fit(library, None, away)
    assert untuned.adapted_to(on_land(pixels(300, 4), 70.0, "far"), "far").scenes_["far"].plane is None
    assert model.scenes_["away"].plane is None
    assert model.adapted_to(on_land(pixels(300, 4), 0.0, "later"), "later").scenes_["later"].plane is None


def test_a_wholly_masked_scene_or_a_model_without_lands_is_no_error(
    tuned: DeepSaltRegressor, fitted: DeepSaltRegressor
) -> None:
    masked = tuned.for_scene(scene_on_land(0.0, masked=True))
    assert "No valid pixel" in masked.notes[0]
    plain = fitted.for_scene(scene_on_land(0.0), rules=SurfaceRules(max_ndvi=1.0))
    assert "knows no land of the library: the scene's pixels are read by a plane" in plain.notes[0]
    assert r2(plain, on_land(pixels(150, 9), 0.0)) > 0.5


def test_a_scene_on_land_that_nothing_told_of_is_read_by_a_plane(tuned: DeepSaltRegressor) -> None:
    far = tuned.adapted_to(on_land(pixels(300, 4), 70.0, "far"), "far")
    tuning = far.scenes_["far"]
    assert (tuning.land, tuning.gain, tuning.scale, tuning.offset) == (None, None, 1.0, 0.0)
    assert not far.knows("far")
    asked = on_land(pixels(150, 9), 70.0, "far")
    answers, networks = (log_ece(model.predict(asked)) for model in (far, tuned))
    assert np.corrcoef(answers, networks)[0, 1] > 0.95
    mixed = asked.take(np.arange(75)).with_values(
        (asked.values[:75] + asked.values[75:]) / 2, asked.axis, sensor=asked.sensor, step="mixed"
    )
    free = (answers > 0).reshape(2, 75).all(axis=0)
    between = answers.reshape(2, 75).mean(axis=0)
    np.testing.assert_allclose(log_ece(far.predict(mixed))[free], between[free], atol=1e-4)
    assert np.abs(log_ece(tuned.predict(mixed)) - networks.reshape(2, 75).mean(axis=0)).max() > 1e-2


def test_too_few_pixels_for_a_plane_leave_the_networks(tuned: DeepSaltRegressor) -> None:
    few = tuned.adapted_to(on_land(pixels(55, 4), 70.0, "few"), "few")
    asked = on_land(pixels(20, 9), 70.0, "few")
    np.testing.assert_array_equal(few.predict(asked), tuned.predict(asked))


def test_scenes_and_lands_come_back_from_the_file(tuned: DeepSaltRegressor, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    tuned.save(path)
    loaded = DeepSaltRegressor.load(path)
    asked = on_land(pixels(20, 9), 0.0, "away", 0.3)
    np.testing.assert_allclose(loaded.predict(asked), tuned.predict(asked), rtol=1e-5)
    assert loaded.lands_ == tuned.lands_
    away = {"land": 5, "gain": None, "scale": 1.0, "offset": 0.0}
    change_card(path, lambda card: card.update(scenes={"away": away}))
    with pytest.raises(ModelFileError, match="land 5 of 1"):
        DeepSaltRegressor.load(path)
