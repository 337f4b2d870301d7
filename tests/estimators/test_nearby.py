"""Library samples speak for the ground near them, by their places, and only where they agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern
from tests.estimators.toy_land import FAST, pixels, r2, soils
from tests.mapping.conftest import scene_of
from tests.training.forged import change_card

from deepsalt.errors import ModelFileError, UsageError
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.estimators import nearby as rooms
from deepsalt.estimators.nearby import ALONE, REACH_M, Nearby, Sites, exactly_placed, nearby
from deepsalt.mapping.inputs import places_on
from deepsalt.pairing import EARTH_RADIUS_M, great_circle_m
from deepsalt.spectra import Spectra, Window
from deepsalt.units import ece_from_log, log_ece

DEGREE_M = np.radians(1.0) * EARTH_RADIUS_M
BOX_M = 3_000.0


def at(north_m: Any, east_m: Any) -> pd.DataFrame:
    """Places about 0 N 10 E."""
    north, east = np.asarray(north_m, float), np.asarray(east_m, float)
    return pd.DataFrame({"latitude": north / DEGREE_M, "longitude": 10 + east / DEGREE_M})


def scattered(n: int, seed: int) -> pd.DataFrame:
    return at(*np.random.default_rng(seed).uniform(0, BOX_M, (2, n)))


def hidden(table: pd.DataFrame) -> np.ndarray:
    """(row,) what no spectrum shows, ln(1+ECe): three waves over the box."""
    return 0.6 * np.sin(2 * np.pi * 1.5 * table["latitude"].to_numpy() * DEGREE_M / BOX_M)


def sites_at(table: pd.DataFrame, label: Any, error: Any = 0.0) -> Sites:
    everywhere = np.ones(len(table), bool)
    return Sites.of(table, label, np.broadcast_to(error, len(table)), everywhere, stated=False)


def test_sites_are_the_samples_of_the_surface_with_ec_and_a_place() -> None:
    table = at([0, 0, 0, 100, 200, 300, 400], [0, 0, 0, 0, 0, 0, 0])
    table["depth_top_cm"] = [0, 0, 5, 0, np.nan, 0, 0]
    table.loc[3, "latitude"] = np.nan
    label = np.array([1.0, 2.0, 9.0, 9.0, 3.0, np.nan, 9.0])
    measured = np.zeros(7)
    found = Sites.of(table, label, measured, np.array([1, 1, 1, 1, 1, 1, 0], bool), stated=False)
    assert found.label.tolist() == [1.5, 3.0]
    np.testing.assert_allclose(found.latitude * DEGREE_M, [0, 200], atol=1e-6)
    with pytest.raises(UsageError, match="no places") as error:
        Sites.of(table.drop(columns="latitude"), label, measured, np.ones(7, bool), stated=False)
    assert "leave `places` off" in str(error.value)


def test_of_a_place_what_was_measured_counts_and_not_what_was_told_beside_it() -> None:
    table = at([0, 0, 200, 200, 400], [0] * 5)
    label, error = np.array([1.0, 9.0, 2.0, 4.0, 3.0]), np.array([0.0, 0.5, 0.4, 0.6, 0.0])
    found = Sites.of(table, label, error, np.ones(5, bool), stated=False)
    assert found.label.tolist() == [1.0, 3.0, 3.0]
    assert found.error.tolist() == [0.0, 0.5, 0.0]


@pytest.mark.parametrize(("stated", "kept"), [(True, [1.0, 2.0]), (False, [1.0, 2.0, 4.0, 5.0])])
def test_a_place_that_is_wrong_by_more_than_100_m_says_nothing_of_its_ground(
    stated: bool, kept: list[float]
) -> None:
    """Nor, unless asked for, one that does not say how wrong it is; OSSL writes -9999 for what is missing."""
    table = at(np.arange(5) * 200.0, np.zeros(5))
    table["position_error_m"] = [0.0, 100.0, 100.1, np.nan, -9999.0]
    found = Sites.of(table, np.arange(1.0, 6.0), np.zeros(5), np.ones(5, bool), stated=stated)
    assert found.label.tolist() == kept
    assert exactly_placed(table).tolist() == [True, True, False, False, False]
    table.loc[0, "longitude"] = np.nan
    assert exactly_placed(table).tolist() == [False, True, False, False, False]
    assert not exactly_placed(table.drop(columns="position_error_m")).any()
    assert not exactly_placed(table.drop(columns="latitude")).any()


def test_a_site_far_from_all_others_moves_its_own_ground_by_half_and_the_rest_not_at_all() -> None:
    """Covariance 1 for what is shared, 1 for what is its own: half of the difference is believed."""
    one = Nearby(np.array([0.0]), np.array([10.0]), np.array([0.8 / (1 + ALONE)]), 0.5)
    found = one.at(at([0, REACH_M, 20_000], [0, 0, 0]))
    np.testing.assert_allclose(found, [0.4, 0.4 * np.exp(-1), 0.0], atol=1e-5)


def test_what_sites_agree_on_is_carried_to_the_ground_between_them() -> None:
    sites, ground = scattered(80, 0), scattered(600, 1)
    found, facts = nearby(sites_at(sites, 2.0 + hidden(sites)), ground, np.full(600, 1.0))
    assert found is not None
    assert facts == {"sites": 80, "believed": found.believed}
    assert found.believed > 0.9
    left = hidden(ground) - found.at(ground)
    assert (left**2).mean() < (hidden(ground) ** 2).mean() / 3
    assert abs(found.at(ground).mean()) < 0.1, "the level is not its business"


def test_each_site_is_told_by_the_others_alone() -> None:
    """The share in closed form is that of leaving each out in turn."""
    sites, ground = scattered(30, 0), scattered(400, 1)
    label = hidden(sites) + np.random.default_rng(2).normal(0, 0.8, 30)
    believed = nearby(sites_at(sites, label), ground, np.zeros(400))[1]["believed"]
    table = sites.assign(missing=label - label.mean())
    apart = great_circle_m(*(table[k].to_numpy()[:, None] for k in ("latitude", "longitude")), *(
        table[k].to_numpy()[None] for k in ("latitude", "longitude")))  # fmt: skip
    like, missing = np.exp(-apart / REACH_M), table["missing"].to_numpy()
    told = np.zeros(30)
    for row in range(30):
        others = np.arange(30) != row
        inner = like[np.ix_(others, others)] + ALONE * np.eye(29)
        told[row] = like[row, others] @ np.linalg.solve(inner, missing[others])
    assert 0.1 < believed < 0.9
    assert believed == pytest.approx(missing @ told / (told @ told), abs=1e-4)


def test_told_labels_are_the_kriging_of_measurements_with_errors_of_their_own() -> None:
    """Against scikit-learn's Gaussian process, which takes a variance for each sample."""
    sites, ground, rng = scattered(60, 0), scattered(400, 1), np.random.default_rng(2)
    error = np.where(np.arange(60) < 30, 0.0, 0.8)
    label = hidden(sites) + rng.normal(0, 0.2 + error)
    found, _ = nearby(sites_at(sites, label, error), ground, np.zeros(400))
    assert found is not None
    shared = (label.var() - np.mean(error**2)) / (1 + ALONE)
    own = ALONE + error**2 / shared
    metres = [t[["latitude", "longitude"]].to_numpy() * DEGREE_M for t in (sites, ground)]
    judge = GaussianProcessRegressor(Matern(REACH_M, nu=0.5), alpha=own, optimizer=None)
    judge.fit(metres[0], label - np.average(label, weights=1 / (1 + own)))
    np.testing.assert_allclose(found.at(ground), found.believed * judge.predict(metres[1]), atol=1e-3)


def test_what_a_teacher_tells_well_adds_to_what_was_measured_and_noise_does_little_harm() -> None:
    sites, ground, rng = scattered(120, 0), scattered(600, 1), np.random.default_rng(2)
    measured, truth = np.arange(120) < 20, hidden(scattered(120, 0))

    def left(label: np.ndarray, error: Any, keep: np.ndarray) -> float:
        said = sites_at(sites[keep].reset_index(drop=True), label[keep], np.broadcast_to(error, 120)[keep])
        found, _ = nearby(said, ground, np.zeros(600))
        return float(np.mean((hidden(ground) - (found.at(ground) if found else 0.0)) ** 2))

    few = truth + rng.normal(0, 0.2, 120)
    error = np.where(measured, 0.0, 0.3)
    alone, everything = left(few, 0.0, measured), np.ones(120, bool)
    assert left(few + rng.normal(0, error), error, everything) < 0.8 * alone
    nonsense = np.where(measured, few, rng.permutation(truth))
    assert left(nonsense, error, everything) < 1.05 * np.mean(hidden(ground) ** 2)


def test_sites_that_do_not_agree_are_hardly_believed() -> None:
    sites, ground = scattered(80, 0), scattered(600, 1)
    rng, label = np.random.default_rng(3), hidden(sites)
    shares = [
        nearby(sites_at(sites, rng.permutation(label)), ground, np.zeros(600))[1]["believed"]
        for _ in range(40)
    ]
    assert np.mean(shares) < 0.3
    assert 0.0 in shares
    assert nearby(sites_at(sites, np.ones(80)), ground, np.zeros(600))[0] is None, "nothing is missing"


def test_few_sites_and_sites_without_a_pixel_about_them_are_not_heard() -> None:
    ground = scattered(600, 1)
    for sites in (scattered(9, 0), at(np.arange(80) * 50.0 + 5_000, np.zeros(80))):
        found, facts = nearby(sites_at(sites, hidden(sites)), ground, np.zeros(600))
        assert found is None
        assert facts["sites"] < 10


def test_a_row_without_a_place_gets_nothing() -> None:
    one = Nearby(np.array([0.0]), np.array([10.0]), np.array([1.0]), 0.5)
    table = at([0.0, np.nan], [0.0, 0.0])
    assert one.at(table).tolist() == [1.0, 0.0]
    assert one.at(table.drop(columns="longitude")).tolist() == [0.0, 0.0]
    assert one.at(table.iloc[:0]).tolist() == []


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_a_row_does_not_depend_on_those_beside_it(n: int, seed: int) -> None:
    ground, sites = scattered(n, seed), scattered(15, 1)
    weight = np.random.default_rng(seed).normal(size=15)
    one = Nearby(sites["latitude"].to_numpy(), sites["longitude"].to_numpy(), weight, 0.5)
    alone = np.concatenate([one.at(ground.iloc[[row]]) for row in range(n)])
    np.testing.assert_allclose(one.at(ground), alone, rtol=1e-12, atol=1e-12)


def test_many_rows_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sites, ground = scattered(15, 1), scattered(200, 2)
    one = Nearby(sites["latitude"].to_numpy(), sites["longitude"].to_numpy(), np.ones(15), 0.5)
    whole = one.at(ground)
    monkeypatch.setattr(rooms, "_AT_ONCE", 40)
    np.testing.assert_allclose(one.at(ground), whole, rtol=1e-12)


@pytest.mark.parametrize("kind", [Sites, Nearby])
def test_plain_form_comes_back_and_damage_is_refused(kind: Any) -> None:
    numbers = [np.array([1.0, 2.0])] * 3
    plain = kind(*numbers, 0.25 if kind is Nearby else numbers[0]).as_plain()
    assert kind.from_plain(plain).as_plain() == plain
    for damage in ({"latitude": [1.0]}, {"longitude": [1.0, float("nan")]}):
        with pytest.raises(ValueError, match=r"latitude, longitude"):
            kind.from_plain({**plain, **damage})


def test_sites_of_older_files_were_measured() -> None:
    plain = {name: [1.0, 2.0] for name in ("latitude", "longitude", "label")}
    assert Sites.from_plain(plain).error.tolist() == [0.0, 0.0]


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
    np.testing.assert_array_equal(models[True].predict(unplaced), models[False].predict(asked))


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
    assert f"{len(models[True].nearby_['home'].weight)} laboratory samples moved answers" in notes[1]
    assert len(models[False].for_scene(Named()).notes) == 1  # type: ignore[arg-type]
