"""A model whose library samples speak for the ground near them, by their places."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.estimators.toy_ground import hidden, scattered
from tests.estimators.toy_land import FAST, pixels, r2, soils
from tests.mapping.conftest import scene_of
from tests.training.forged import change_card

from deepsalt.errors import ModelFileError
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.estimators.binding import hear_nearby
from deepsalt.mapping.inputs import places_on
from deepsalt.spectra import Spectra, Window
from deepsalt.units import ece_from_log, log_ece


def land(n: int, seed: int, scene: str = "", site: bool = False) -> Spectra:
    """Soils in the box; a third of the variance of their salt follows the ground and shows in no spectrum."""
    spectra = soils(n, seed)["visnir"] if site else pixels(n, seed)
    table = spectra.samples.reset_index(drop=True).join(scattered(n, 100 + seed))
    column = "ec_ds_m" if site else "ece_ds_m"
    table[column] = ece_from_log(np.maximum(log_ece(table[column]) + hidden(table), 0.0))
    return replace(spectra, samples=table.assign(scene=scene) if scene else table)


@pytest.fixture(scope="module")
def models() -> dict[bool, DeepSaltRegressor]:
    """With and without places: the same networks."""
    loose, library = land(400, 2, "home"), land(200, 0, site=True)
    small = replace(FAST, steps=150, land_steps=60, distillation=False)
    return {
        on: DeepSaltRegressor(replace(small, places=on), seed=1).fit(library, None, loose)
        for on in (False, True)
    }


def test_places_help_and_only_rows_that_have_one(models: dict[bool, DeepSaltRegressor]) -> None:
    asked = land(300, 9, "home")
    assert r2(models[True], asked) > r2(models[False], asked) + 0.05
    assert models[True].checks_["places"]["home"]["believed"] > 0.7
    assert (models[True].reads_places, models[False].reads_places) == (True, False)
    unplaced = replace(asked, samples=asked.samples.drop(columns=["latitude", "longitude"]))
    silent = copy(models[True])
    silent.nearby_ = {}
    np.testing.assert_array_equal(models[True].predict(unplaced), silent.predict(asked))
    assert r2(silent, asked) > r2(models[False], asked) - 0.02, "samples tell the plane how to lean"


def test_places_speak_unasked_where_their_error_is_stated_and_for_samples_without_ec() -> None:
    """And say nothing where it is not stated."""
    loose, library = land(400, 2, "home"), land(200, 0, site=True)
    plain = replace(FAST, steps=150, land_steps=60)
    table = library.samples.copy()
    silent = np.arange(200) % 2 == 1
    table.loc[silent, [name for name in table if name.startswith("ec")]] = np.nan
    exact = replace(library, samples=table.assign(position_error_m=30.0))
    found = DeepSaltRegressor(plain, seed=1).fit(exact, None, loose)
    assert found.reads_places
    sites = found.sites_[0]
    assert len(sites) == 200
    assert int((sites.error > 0).sum()) == 100
    unsaid = DeepSaltRegressor(plain, seed=1).fit(replace(library, samples=table), None, loose)
    assert not unsaid.reads_places
    assert unsaid.sites_ == ()
    off = DeepSaltRegressor(replace(plain, places=False), seed=1).fit(exact, None, loose)
    assert not off.reads_places
    asked = land(300, 9, "home")
    np.testing.assert_array_equal(off.predict(asked), unsaid.predict(asked))
    assert r2(found, asked) > r2(off, asked) + 0.03
    deaf = DeepSaltRegressor(replace(plain, distillation=False), seed=1).fit(exact, None, loose)
    assert len(deaf.sites_[0]) == 100, "without a teacher samples without EC are silent"


def test_samples_with_mid_infrared_alone_speak_for_their_ground_too() -> None:
    """A teacher that reads it tells their ECe; no pixel is drawn from them."""
    libraries = soils(240, 0)
    places = scattered(240, 100).assign(position_error_m=30.0)
    table = libraries["mir"].samples.join(places)
    kind = np.arange(240) % 4  # vis-NIR and EC, mid infrared and EC, and mid infrared alone of half
    table.loc[kind > 1, "ec_ds_m"] = np.nan
    both = {name: replace(one, samples=table) for name, one in libraries.items()}
    library = {"mir": both["mir"], "visnir": both["visnir"].take(np.flatnonzero(kind == 0))}
    small = replace(FAST, steps=100, land_steps=40)
    found = DeepSaltRegressor(small, seed=1).fit(library, None, land(400, 2, "home"))
    error = found.sites_[0].error
    assert (len(error), int((error > 0).sum())) == (240, 120)


def test_pixels_without_a_place_and_scenes_without_a_pixel_tell_nothing(
    models: dict[bool, DeepSaltRegressor],
) -> None:
    model, there = copy(models[True]), land(400, 4, "home")
    lost = there.samples["latitude"].mask(np.arange(400) % 4 == 0)
    half = replace(there, samples=there.samples.assign(latitude=lost))
    assert hear_nearby(model, half, "home") == hear_nearby(
        copy(models[True]), half.take(np.flatnonzero(lost.notna())), "home"
    )
    assert hear_nearby(model, there.take(np.arange(0)), "home") == {"sites": 0, "believed": 0.0}


def test_a_scene_met_later_hears_the_same_sites(models: dict[bool, DeepSaltRegressor]) -> None:
    later = {on: model.adapted_to(land(400, 4, "later"), "later") for on, model in models.items()}
    asked = land(300, 9, "later")
    assert r2(later[True], asked) > r2(later[False], asked) + 0.05
    assert set(models[True].nearby_) == {"home"}, "the model itself is as it was"


def test_places_come_back_from_the_file(models: dict[bool, DeepSaltRegressor], tmp_path: Path) -> None:
    path, asked = tmp_path / "model.safetensors", land(50, 9, "home")
    models[True].save(path)
    loaded = DeepSaltRegressor.load(path)
    np.testing.assert_allclose(loaded.predict(asked), models[True].predict(asked), rtol=1e-5)
    assert loaded.reads_places
    assert len(loaded.sites_[0]) == len(models[True].sites_[0])
    for damage in ({"sites": [{"latitude": [1.0]}]}, {"nearby": {"home": 3}}, {"sites": [{}] * 3}):
        models[True].save(path)
        change_card(path, lambda card, damage=damage: card.update(damage))
        with pytest.raises(ModelFileError, match="does not say its places"):
            DeepSaltRegressor.load(path)


def test_a_map_tells_the_predictor_where_its_pixels_lie_if_it_asks() -> None:
    scene = scene_of(np.zeros((4, 5, 1), np.float32), crs="EPSG:4326", transform=(0.1, 0, 10, 0, -0.1, 50))

    class Asks:
        name, covariates, reads_places = "asks", (), True

    found = places_on(Asks(), scene, Window(1, 2, 2, 3))  # type: ignore[arg-type]
    np.testing.assert_allclose(found["latitude"], [[49.85] * 3, [49.75] * 3])
    np.testing.assert_allclose(found["longitude"], [[10.25, 10.35, 10.45]] * 2)
    Asks.reads_places = False
    assert places_on(Asks(), scene, Window(1, 2, 2, 3)) == {}  # type: ignore[arg-type]
    Asks.reads_places = True
    nowhere = scene_of(np.zeros((4, 5, 1), np.float32), crs="")
    assert places_on(Asks(), nowhere, Window(0, 0, 2, 2)) == {}  # type: ignore[arg-type]


def test_the_reader_of_a_map_is_told(models: dict[bool, DeepSaltRegressor]) -> None:
    class Named:
        name, crs = "home", "EPSG:4326"

    notes = models[True].for_scene(Named()).notes  # type: ignore[arg-type]
    assert f"{len(models[True].nearby_['home'].gain)} laboratory samples, with the pixels" in notes[1]
    assert len(models[False].for_scene(Named()).notes) == 1  # type: ignore[arg-type]
