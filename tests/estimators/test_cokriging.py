"""What samples and pixels say of the ground near them, against other ways to work it out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern
from tests.estimators.toy_ground import DEGREE_M, at, hidden, scattered, sites_at

from deepsalt.estimators import nearby
from deepsalt.estimators.cokriging import Patches, _Ground, _Heard, cokrige
from deepsalt.estimators.nearby import REACH_M, Nearby
from deepsalt.estimators.sites import Sites


def metres(table: pd.DataFrame) -> np.ndarray:
    return table[["latitude", "longitude"]].to_numpy() * DEGREE_M


def seen(ground: pd.DataFrame, answers: Any, inputs: Any = None) -> Patches:
    """Each pixel a patch of its own."""
    told = np.broadcast_to(answers, len(ground))
    return Patches.of(
        ground, told, np.arange(len(ground)), np.empty((len(ground), 0)) if inputs is None else inputs
    )


def moved(found: Nearby, ground: pd.DataFrame, answers: Any) -> np.ndarray:
    counts, added = found.line(ground)
    return counts * answers + added


def field(table: pd.DataFrame, seed: int, waves: int = 600) -> np.ndarray:
    """(row,) a draw of the process whose covariance is exp(-d / REACH_M), by its spectral density."""
    rng = np.random.default_rng(seed)
    # In the plane: a direction at random, and a wave number k with density ~ k / (1 / REACH_M^2 + k^2)^1.5.
    number = np.sqrt(1 / (1 - rng.random(waves)) ** 2 - 1) / REACH_M
    angle, phase = rng.uniform(0, 2 * np.pi, (2, waves))
    along = np.stack([np.cos(angle), np.sin(angle)]) * number
    return np.sqrt(2 / waves) * np.cos(metres(table) @ along + phase).sum(axis=1)


def test_pixels_that_lie_together_are_one_patch() -> None:
    ground = at([0, 30, 500], [0, 0, 0])
    found = Patches.of(ground, [1.0, 3.0, 8.0], np.array([7, 7, 2]), np.array([[0.0], [4.0], [5.0]]))
    np.testing.assert_allclose(found.places[:, 0] * DEGREE_M, [500, 15], atol=1e-6)
    assert found.answers.tolist() == [8.0, 2.0]
    assert found.inputs.tolist() == [[5.0], [2.0]]
    assert found.pixels.tolist() == [1.0, 2.0]
    assert (found.level, found.centre.tolist()) == (4.0, [3.0])
    assert (found.inside, found.freedom) == (2.0, 1)
    assert found.apart_m == pytest.approx(30.0, abs=1e-6)


def test_where_answers_say_nothing_it_is_the_kriging_of_labels_with_errors_of_their_own() -> None:
    """Against scikit-learn's Gaussian process, which takes a variance for each sample."""
    sites, ground, rng = scattered(60, 0), scattered(400, 1), np.random.default_rng(2)
    error = np.where(np.arange(60) < 30, 0.0, 0.3)
    label = 1.5 + hidden(sites) + rng.normal(0, 0.1 + error)
    found, tilt, facts = cokrige(sites_at(sites, label, error), seen(ground, 1.5))
    assert found is not None
    assert tilt is None
    salt = label.var() + np.mean(error**2)
    gain, shared = 1 - error**2 / salt, salt * (1 - facts["alone"])
    own = (salt * facts["alone"] + error**2 / gain) / shared
    judge = GaussianProcessRegressor(Matern(REACH_M, nu=0.5), alpha=own, optimizer=None)
    judge.fit(metres(sites), (label - 1.5) / gain)
    expected = 1.5 + found.believed * judge.predict(metres(ground))
    np.testing.assert_allclose(moved(found, ground, 1.5), expected, atol=0.01)
    assert facts == {"sites": 60, "believed": found.believed, "rough": 0.0, "alone": 0.05}
    assert found.believed > 0.9


def test_sites_and_pixels_together_are_a_normal_distribution_under_conditions() -> None:
    """What is expected of salt and of an answer at a place: from one covariance of everything."""
    sites, ground, rng = scattered(20, 0), scattered(50, 1), np.random.default_rng(2)
    error = np.where(np.arange(20) < 8, 0.4, 0.0)
    label, answers = rng.normal(2, 1, 20), rng.normal(2, 0.5, 50)
    rough, alone = 0.2, 0.35
    heard = _Heard(_Ground(sites_at(sites, label, error), seen(ground, answers), rough), alone)
    heard.__dict__["believed"] = 1.0
    found, asked = heard.heard(), scattered(30, 3)
    places, read = metres(pd.concat([sites, ground, asked])), float(answers.var())
    salt = max(label.var() + np.mean(error**2), read / 0.9)
    like = np.exp(-np.linalg.norm(places[:, None] - places[None], axis=2) / REACH_M)
    of_read, rest = read * (1 - rough) * like, (salt - read) * (1 - alone) * like
    gain = np.clip(1 - error**2 / salt, 0.2, 1)
    labels = gain[:, None] * gain * (of_read + rest)[:20, :20]
    labels += np.diag(gain**2 * (read * rough + (salt - read) * alone) + gain * error**2)
    both = gain[:, None] * of_read[:20, 20:70]
    whole = np.block([[labels, both], [both.T, of_read[20:70, 20:70] + read * rough * np.eye(50)]])
    told = np.linalg.solve(whole, np.concatenate([label, answers]) - answers.mean())
    salt_there = np.hstack([gain * (of_read + rest)[70:, :20], of_read[70:, 20:70]]) @ told
    read_there = np.hstack([gain * of_read[70:, :20], of_read[70:, 20:70]]) @ told
    own = found.line(asked)[0]
    expected = answers.mean() + salt_there + own * (5.0 - answers.mean() - read_there)
    np.testing.assert_allclose(moved(found, asked, 5.0), expected, atol=2e-5)
    # Of labels alone: what they leave open of salt with an answer, over what they leave open of answers.
    joint, of_labels = np.linalg.inv(labels), gain * of_read[70:, :20]
    with_salt = np.einsum("ps,st,pt->p", gain * (of_read + rest)[70:, :20], joint, of_labels)
    with_read = np.einsum("ps,st,pt->p", of_labels, joint, of_labels)
    np.testing.assert_allclose(own, (read - with_salt) / (read - with_read), atol=2e-4)


@pytest.fixture(scope="module")
def worlds() -> list[tuple[Sites, pd.DataFrame, np.ndarray, np.ndarray, Nearby]]:
    """Draws of the model itself: salt of variance 1, of which answers are the mean and say half."""
    drawn = []
    for seed in range(8):
        sites, ground = scattered(100, seed), scattered(900, 100 + seed)
        every = pd.concat([sites, ground], ignore_index=True)
        answers = 2 + np.sqrt(0.5) * field(every, 2 * seed)
        salt = answers + np.sqrt(0.5) * field(every, 2 * seed + 1)
        said = sites_at(sites, salt[:100])
        found = cokrige(said, seen(ground.iloc[:400], answers[100:500]))[0]
        assert found is not None
        drawn.append((said, ground.iloc[400:], salt[500:], answers[500:], found))
    return drawn


def test_pixels_are_read_better_than_by_themselves_or_by_samples_alone(worlds: Any) -> None:
    def error(told: list[np.ndarray]) -> float:
        return float(np.mean([(t - salt) ** 2 for t, (_, _, salt, _, _) in zip(told, worlds, strict=True)]))

    both = error([moved(found, ground, answers) for _, ground, _, answers, found in worlds])
    by_themselves = error([answers for _, _, _, answers, _ in worlds])
    alone = error([moved(found, ground, found.line(ground)[1] * 0 + 2) for _, ground, _, _, found in worlds])
    assert both < 0.65 * by_themselves
    assert both < 0.65 * alone


def test_what_is_said_is_the_mean_of_what_is_true(worlds: Any) -> None:
    """The line of truth on prediction has a slope of 1."""
    told = np.concatenate([moved(found, ground, answers) for _, ground, _, answers, found in worlds])
    salt = np.concatenate([one[2] for one in worlds])
    assert np.polyfit(told, salt, 1)[0] == pytest.approx(1.0, abs=0.1)
    assert np.mean(salt - told) == pytest.approx(0.0, abs=0.05)


def test_a_pixel_counts_less_near_a_sample_and_fully_far_from_all(worlds: Any) -> None:
    said, _, _, _, found = worlds[0]
    there = pd.DataFrame({"latitude": said.latitude, "longitude": said.longitude})
    far = at([50_000.0], [0.0])
    assert found.line(there)[0].max() < 0.4
    np.testing.assert_allclose(found.line(far), [[1.0], [0.0]], atol=1e-4)


def test_each_site_is_told_by_the_others_and_by_the_pixels() -> None:
    """The share in closed form is that of leaving each out in turn."""
    sites, pixels, rng = scattered(30, 0), scattered(60, 1), np.random.default_rng(2)
    label, error = 1 + hidden(sites) + rng.normal(0, 0.8, 30), np.where(np.arange(30) < 10, 0.4, 0.0)
    about = seen(pixels, 1 + 0.5 * hidden(pixels), rng.normal(size=(60, 3)))
    heard = _Heard(_Ground(sites_at(sites, label, error), about, 0.05), 0.2)
    told = np.zeros(30)
    for row in range(30):
        others = np.arange(30) != row
        inner = np.linalg.solve(heard.covariance[np.ix_(others, others)], heard.missing[others])
        told[row] = heard.covariance[row, others] @ inner
    counts = 1 / (heard.ground.salt + heard.own)
    expected = counts @ (heard.missing * told) / (counts @ told**2)
    assert 0.1 < expected < 1
    assert heard.believed == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rough", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("together", [1, 4])
def test_roughness_is_told_from_the_answers(rough: float, together: int) -> None:
    """From pixels far from each other, and from those of a patch."""
    sites, ground = scattered(60, 0), scattered(400 // together, 1)
    ground = pd.concat([ground + step * 30 / DEGREE_M for step in range(together)], ignore_index=True)
    patches, rng, found = np.arange(len(ground)) % (400 // together), np.random.default_rng(4), []
    for seed in range(5):
        answers = np.sqrt(1 - rough) * field(ground, seed) + np.sqrt(rough) * rng.normal(size=len(ground))
        about = Patches.of(ground, answers, patches, np.empty((len(ground), 0)))
        found.append(cokrige(sites_at(sites, field(sites, 99)), about)[2]["rough"])
    assert np.mean(found) == pytest.approx(rough, abs=0.1)


def test_where_salt_changes_from_pixel_to_pixel_samples_leave_answers_as_they_are() -> None:
    """Nothing is shared with the ground near by, so nothing can be said of it."""
    sites, ground, rng = scattered(100, 0), scattered(400, 1), np.random.default_rng(5)
    answers, salt = rng.normal(2, 0.7, 400), rng.normal(2, 1, 100)
    found = cokrige(sites_at(sites, salt), seen(ground, answers))[0]
    assert found is None or (moved(found, ground, answers) - answers).std() < 0.05


def test_samples_tell_what_the_plane_reads_wrongly() -> None:
    """Answers that take an input for salt, and another that they overlook."""
    rng = np.random.default_rng(3)
    sites, ground = scattered(150, 0), scattered(900, 1)
    every = pd.concat([sites, ground], ignore_index=True)
    inputs = np.stack([field(every, seed) for seed in (1, 2, 3)], axis=1)
    salt = 2 + 0.6 * inputs[:, 0] + 0.3 * inputs[:, 1]
    answers = 2 + 0.6 * inputs[:, 0] + 0.3 * inputs[:, 2] + rng.normal(0, 0.02, len(every))
    about = seen(ground, answers[150:], inputs[150:])
    tilt = cokrige(sites_at(sites, salt[:150]), about)[1]
    assert tilt is not None
    np.testing.assert_allclose(tilt.centre, inputs[150:].mean(axis=0))
    assert tilt.slopes[1] > 0.02
    assert tilt.slopes[2] < -0.02
    left = answers[150:] + (inputs[150:] - tilt.centre) @ tilt.slopes - salt[150:]
    assert np.mean(left**2) < np.mean((answers - salt)[150:] ** 2)


def test_what_a_teacher_tells_well_adds_to_what_was_measured_and_noise_does_little_harm() -> None:
    sites, ground, rng = scattered(120, 0), scattered(600, 1), np.random.default_rng(2)
    measured, truth = np.arange(120) < 20, hidden(scattered(120, 0))

    def left(label: np.ndarray, error: Any, keep: np.ndarray) -> float:
        said = sites_at(sites[keep].reset_index(drop=True), label[keep], np.broadcast_to(error, 120)[keep])
        found = cokrige(said, seen(ground, 0.0))[0]
        return float(np.mean((hidden(ground) - (moved(found, ground, 0.0) if found else 0.0)) ** 2))

    few = truth + rng.normal(0, 0.1, 120)
    error = np.where(measured, 0.0, 0.2)
    alone, everything = left(few, 0.0, measured), np.ones(120, bool)
    assert left(few + rng.normal(0, error), error, everything) < 0.8 * alone
    nonsense = np.where(measured, few, rng.permutation(truth))
    assert left(nonsense, error, everything) < 1.1 * np.mean(hidden(ground) ** 2)


def test_sites_that_do_not_agree_hardly_move_anything() -> None:
    sites, ground = scattered(80, 0), scattered(300, 1)
    rng, label = np.random.default_rng(3), hidden(sites)

    def movement(labels: np.ndarray) -> float:
        found = cokrige(sites_at(sites, labels), seen(ground, 0.0))[0]
        return 0.0 if found is None else float(np.std(found.line(ground)[1]))

    nonsense = [movement(rng.permutation(label)) for _ in range(12)]
    assert np.mean(nonsense) < 0.15 * movement(label)
    assert cokrige(sites_at(sites, np.ones(80)), seen(ground, 1.0))[0] is None, "nothing is missing"


def test_few_sites_and_sites_without_a_pixel_about_them_are_not_heard() -> None:
    ground = scattered(600, 1)
    for sites in (scattered(9, 0), at(np.arange(80) * 50.0 + 5_000, np.zeros(80))):
        found, _, facts = cokrige(sites_at(sites, hidden(sites)), seen(ground, 0.0))
        assert found is None
        assert facts["sites"] < 10


def made(n: int, seed: int) -> Nearby:
    """By hand: five samples and n - 5 patches."""
    places, rng = scattered(n, 1), np.random.default_rng(seed)
    salt, read = rng.normal(size=(2, n))
    two = places["latitude"].to_numpy(), places["longitude"].to_numpy()
    return Nearby(*two, salt, read, rng.uniform(0.5, 1, 5), rng.uniform(0.1, 1, 5), 0.1, 0.5, 1.0, 0.8)


def test_a_row_without_a_place_keeps_its_answer() -> None:
    one = made(15, 0)
    table = at([0.0, np.nan], [0.0, 0.0])
    assert one.line(table)[0][0] < 1
    assert np.array(one.line(table))[:, 1].tolist() == [1.0, 0.0]
    assert np.array(one.line(table.drop(columns="longitude"))).tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert np.array(one.line(table.iloc[:0])).shape == (2, 0)


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_a_row_does_not_depend_on_those_beside_it(n: int, seed: int) -> None:
    ground, one = scattered(n, seed), made(15, seed)
    alone = np.concatenate([one.line(ground.iloc[[row]]) for row in range(n)], axis=1)
    np.testing.assert_allclose(one.line(ground), alone, rtol=1e-5, atol=1e-5)


def test_many_rows_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    ground, one = scattered(200, 2), made(15, 1)
    whole = one.line(ground)
    monkeypatch.setattr(nearby, "_AT_ONCE", 40)
    np.testing.assert_allclose(one.line(ground), whole, rtol=1e-5, atol=1e-6)


def test_plain_form_comes_back_and_damage_is_refused() -> None:
    plain = made(15, 0).as_plain()
    again = Nearby.from_plain(plain)
    assert again.as_plain() == plain
    many = {"gain": [1.0] * 20, "alone": [1.0] * 20}
    places = ({"latitude": [1.0]}, {"longitude": [float("nan")] * 15})
    for damage in (*places, {"alike": 1.0}, {"rough": float("nan")}, {"alone": [0.0] * 5}, many):
        with pytest.raises(ValueError, match=r"latitude, longitude|more samples than places"):
            Nearby.from_plain({**plain, **damage})


def test_models_of_before_answer_as_they_did() -> None:
    """Their samples spoke by themselves: a sum of weights by distance was added."""
    plain = {"latitude": [0.0], "longitude": [10.0], "weight": [0.4], "believed": 0.5}
    counts, added = Nearby.from_plain(plain).line(at([0, REACH_M, 20_000], [0, 0, 0]))
    assert counts.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(added, [0.4, 0.4 * np.exp(-1), 0.0], atol=1e-5)
