"""Where to sample next: what a plan keeps to, and what it does not chase."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import SpectraError, UsageError
from deepsalt.evaluation.sampling_plan import Plan, SpectralSpace, plan_samples
from deepsalt.pairing import great_circle_m

METRE = 1 / 111_195  # degrees of latitude
BANDS = np.linspace(0, 1, 40)


def land(n: int, seed: int, kinds: int = 3) -> np.ndarray:
    """(n, band) reflectance of smooth spectra that vary in `kinds` ways, with a little noise."""
    rng = np.random.default_rng(seed)
    shapes = np.stack([np.sin((k + 1) * np.pi * BANDS) for k in range(kinds)])
    return 0.3 + 0.05 * rng.normal(size=(n, kinds)) @ shapes + rng.normal(0, 0.001, (n, len(BANDS)))


def grid(n: int, step_m: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of n places on a square grid at the equator."""
    side = int(np.ceil(np.sqrt(n)))
    rows, columns = np.divmod(np.arange(n), side)
    return rows * step_m * METRE, columns * step_m * METRE


def distances(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    return great_circle_m(latitude[:, None], longitude[:, None], latitude[None], longitude[None])


@given(
    n=st.integers(100, 300),
    count=st.integers(1, 8),
    spacing=st.floats(0, 42),  # each point takes nine places at most: so many can always be had
    kinds=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_a_plan_keeps_its_spacing_and_its_seed(
    n: int, count: int, spacing: float, kinds: int, seed: int
) -> None:
    spectra, (latitude, longitude) = land(n, seed, kinds), grid(n)
    spread = np.random.default_rng(seed).gamma(1, 1, n)
    visited = (latitude[-2:], longitude[-2:])  # others than the existing spectra: places count by themselves
    plans = [
        plan_samples(
            spectra, latitude, longitude, count,
            spread=spread, existing=spectra[:2], visited=visited, spacing_m=spacing, seed=seed,
        )
        for _ in range(2)
    ]  # fmt: skip
    rows = plans[0].rows
    assert len(set(rows)) == len(rows) == count
    assert plans[1].rows.tolist() == rows.tolist()
    apart = distances(latitude[rows], longitude[rows])
    assert (apart[~np.eye(count, dtype=bool)] >= spacing).all()
    assert (great_circle_m(latitude[rows, None], longitude[rows, None], *visited) > spacing).all()
    assert 0 <= plans[0].share.sum() <= 1 + 1e-9
    assert ((plans[0].novelty >= 0) & (plans[0].novelty <= 1)).all()


@given(n=st.integers(50, 400), seed=st.integers(0, 1000))
def test_a_shorter_plan_is_the_beginning_of_a_longer_one(n: int, seed: int) -> None:
    spectra, places = land(n, seed), grid(n)
    shorter, longer = (
        plan_samples(spectra, *places, count, spacing_m=40, seed=seed).rows for count in (3, 6)
    )
    assert longer[:3].tolist() == shorter.tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fault", [3.0, 0.9, -0.5])
def test_strange_pixels_are_not_chased(seed: int, fault: float) -> None:
    spectra = land(600, seed)
    strange = np.array([5, 77, 301])
    spectra[strange] = fault * np.random.default_rng(seed).uniform(0.5, 1, (3, len(BANDS)))
    plan = plan_samples(spectra, *grid(600), 30, spacing_m=0, seed=seed)
    assert not set(plan.rows) & set(strange)


def test_each_kind_of_land_is_visited_the_common_first() -> None:
    """Four kinds, of 40, 30, 20 and 10 %: four points see one each, and know their shares."""
    kind = np.repeat([0, 1, 2, 3], [400, 300, 200, 100])
    centres = 0.3 + 0.1 * np.stack([np.sin(k * np.pi * BANDS + k) for k in range(4)])
    spectra = centres[kind] + np.random.default_rng(0).normal(0, 0.002, (1000, len(BANDS)))
    order = np.random.default_rng(1).permutation(1000)
    plan = plan_samples(spectra[order], *grid(1000), 4)
    assert sorted(kind[order][plan.rows]) == [0, 1, 2, 3]
    assert kind[order][plan.rows[0]] == 0
    shares = dict(zip(kind[order][plan.rows], plan.share, strict=True))
    assert [shares[k] for k in range(4)] == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_land_that_was_sampled_already_is_left_for_land_that_was_not() -> None:
    rng = np.random.default_rng(2)
    dark = rng.random(500) < 0.5
    spectra = land(500, 2) - 0.15 * dark[:, None]
    known = spectra[dark][:20]
    plan = plan_samples(spectra, *grid(500), 5, existing=known, seed=2)
    blind = plan_samples(spectra, *grid(500), 5, seed=2)
    assert not dark[plan.rows].any()
    assert dark[blind.rows].any()
    assert plan.novelty[0] > 0.5
    assert blind.novelty[0] == pytest.approx(1.0)
    same = plan_samples(spectra[dark], *grid(int(dark.sum())), 1, existing=spectra[dark], seed=2)
    assert same.novelty[0] < plan.novelty[0] / 2


def test_land_where_the_model_is_unsure_comes_first() -> None:
    rng = np.random.default_rng(4)
    dark = rng.random(500) < 0.5
    spectra = land(500, 4) - 0.15 * dark[:, None]
    for unsure in (dark, ~dark):
        plan = plan_samples(spectra, *grid(500), 1, spread=np.where(unsure, 2.0, 0.5), seed=1)
        assert unsure[plan.rows[0]]


def test_directions_of_noise_are_dropped() -> None:
    """Three ways to vary, forty bands: three directions, of unit variance, whatever the noise of a band."""
    spectra = land(2000, 0)
    spectra[:, 7] += np.random.default_rng(0).normal(0, 0.2, 2000)  # a band that is nothing but noise
    space = SpectralSpace.of(spectra)
    assert space.directions.shape == (40, 3)
    assert space.coordinates(spectra).std(axis=0) == pytest.approx(np.ones(3), rel=0.1)
    moved = spectra.copy()
    moved[:, 7] += 0.2
    assert np.abs(space.coordinates(moved) - space.coordinates(spectra)).max() < 0.1


def test_land_that_is_all_the_same_can_still_be_planned() -> None:
    plan = plan_samples(np.full((30, 4), 0.3), *grid(30), 3, spacing_m=30)
    assert len(set(plan.rows)) == 3


def test_more_existing_points_than_are_kept_in_memory() -> None:
    spectra = land(300, 1)
    plan = plan_samples(spectra, *grid(300), 2, existing=land(1500, 7), spread=np.zeros(300))
    assert isinstance(plan, Plan)
    assert len(plan) == 2
    assert (plan.novelty < 0.5).all()


def test_what_cannot_be_had_is_said() -> None:
    spectra, places = land(20, 0), grid(20)
    with pytest.raises(UsageError, match=r"30 points asked from 20 candidates. Ask for fewer points"):
        plan_samples(spectra, *places, 30)
    with pytest.raises(UsageError, match=r"0 points to plan. Ask for at least 1"):
        plan_samples(spectra, *places, 0)
    with pytest.raises(UsageError, match=r"only 1 of 2 points .* 5000 m .*smaller spacing"):
        plan_samples(spectra, *places, 2, spacing_m=5000)
    with pytest.raises(UsageError, match=r"only 0 of 2 points can be had"):
        plan_samples(spectra, *places, 2, visited=places, spacing_m=90)
    with pytest.raises(SpectraError, match=r"1 of 20 spectra have missing bands"):
        plan_samples(np.where(np.arange(20)[:, None] == 3, np.nan, spectra), *places, 2)
