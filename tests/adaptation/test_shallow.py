"""What each linear method must do exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepsalt.adaptation.coral import recoloured
from deepsalt.adaptation.epo import orthogonal_projection
from deepsalt.adaptation.ot import MOST_ROWS, sinkhorn, transported
from deepsalt.adaptation.standardisation import direct_map, piecewise_map
from deepsalt.adaptation.subspace import alignment, main_directions

SEEDS = st.integers(0, 10_000)


@given(seed=SEEDS, directions=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_epo_takes_the_nuisance_and_leaves_the_rest(seed: int, directions: int) -> None:
    rng = np.random.default_rng(seed)
    frame = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    nuisance, rest = frame[:, :directions], frame[:, directions:]
    keep = orthogonal_projection(rng.normal(size=(30, directions)) @ nuisance.T, directions)
    assert nuisance.T @ keep == pytest.approx(np.zeros((directions, 9)), abs=1e-9)
    assert rest.T @ keep == pytest.approx(rest.T, abs=1e-9)


def test_epo_counts_a_constant_offset_as_nuisance() -> None:
    offset = np.array([1.0, 2.0, 2.0]) / 3
    keep = orthogonal_projection(np.tile(offset, (5, 1)), 1)
    assert offset @ keep == pytest.approx(np.zeros(3), abs=1e-12)


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_ds_recovers_a_linear_map_between_unequal_sensors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, offset = rng.normal(size=(6, 11)), rng.normal(size=11)
    x, fresh = rng.normal(size=(40, 6)), rng.normal(size=(7, 6))
    transfer = direct_map(x, x @ true + offset, ridge=0.0)
    assert transfer(fresh) == pytest.approx(fresh @ true + offset, abs=1e-8)


def test_ds_with_fewer_pairs_than_bands_still_hits_its_pairs() -> None:
    rng = np.random.default_rng(1)
    x, wanted = rng.normal(size=(5, 20)), rng.normal(size=(5, 8))
    assert direct_map(x, wanted, ridge=0.0)(x) == pytest.approx(wanted, abs=1e-9)


def test_a_strong_ridge_gives_the_mean() -> None:
    rng = np.random.default_rng(2)
    x, wanted = rng.normal(size=(30, 5)), rng.normal(size=(30, 4))
    assert direct_map(x, wanted, ridge=1e9)(x) == pytest.approx(np.tile(wanted.mean(axis=0), (30, 1)))


def test_pds_reads_only_the_bands_nearby() -> None:
    rng = np.random.default_rng(3)
    fine, coarse = np.linspace(500, 900, 21), np.linspace(520, 880, 10)
    nearest = np.abs(fine[:, None] - coarse).argmin(axis=0)
    x = rng.normal(size=(60, 21))
    gain, offset = rng.uniform(0.5, 2, 10), rng.normal(size=10)
    transfer = piecewise_map(x, fine, x[:, nearest] * gain + offset, coarse, side=1, ridge=0.0)
    fresh = rng.normal(size=(5, 21))
    assert transfer(fresh) == pytest.approx(fresh[:, nearest] * gain + offset, abs=1e-8)
    far = fresh.copy()
    far[:, 10:] = 9.0
    assert transfer(far)[:, :4] == pytest.approx(transfer(fresh)[:, :4])


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_coral_makes_mean_and_covariance_equal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6))
    pixels = rng.normal(size=(70, 6)) @ rng.normal(size=(6, 6)) + 5
    moved = recoloured(source, pixels, ridge=0.0)
    assert np.cov(moved, rowvar=False) == pytest.approx(np.cov(pixels, rowvar=False), rel=1e-4, abs=1e-4)
    assert moved.mean(axis=0) == pytest.approx(pixels.mean(axis=0))


def test_coral_with_itself_changes_nothing() -> None:
    x = np.random.default_rng(0).normal(size=(20, 30)) * 0.1
    assert recoloured(x, x, ridge=1e-3) == pytest.approx(x, abs=1e-9)


def test_subspaces_align_to_the_nearest_directions() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 7)) * np.arange(7, 0, -1)
    mine, theirs = main_directions(x, 3), main_directions(rng.normal(size=(40, 7)), 3)
    assert mine.T @ mine == pytest.approx(np.eye(3), abs=1e-9)
    assert alignment(mine, mine) == pytest.approx(mine)
    closest = np.linalg.lstsq(mine, theirs, rcond=None)[0]
    assert alignment(mine, theirs) == pytest.approx(mine @ closest)


def test_there_are_no_more_directions_than_the_spectra_have() -> None:
    assert main_directions(np.outer(np.arange(5.0), np.ones(4)), 3).shape == (4, 1)


@given(seed=SEEDS, blur=st.floats(0.02, 1.0))
@settings(max_examples=20, deadline=None)
def test_the_plan_of_sinkhorn_has_the_right_margins(seed: int, blur: float) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.dirichlet(np.full(6, 5.0)), rng.dirichlet(np.full(4, 5.0))
    plan = sinkhorn(rng.uniform(size=(6, 4)), source, target, blur, steps=5000)
    assert plan.sum(axis=0) == pytest.approx(target, abs=1e-9)
    assert plan.sum(axis=1) == pytest.approx(source, abs=1e-5)
    assert (plan >= 0).all()


def test_sinkhorn_agrees_with_the_two_by_two_case_by_hand() -> None:
    half = np.full(2, 0.5)
    plan = sinkhorn(np.array([[0.0, 1.0], [1.0, 0.0]]), half, half, blur=0.5)
    stay = 0.5 / (1 + np.exp(-2.0))
    assert plan == pytest.approx(np.array([[stay, 0.5 - stay], [0.5 - stay, stay]]), abs=1e-6)


def test_a_tiny_blur_gives_the_assignment_and_does_not_overflow() -> None:
    cost = np.array([[0.0, 9.0, 9.0], [9.0, 9.0, 0.0], [9.0, 0.0, 9.0]])
    third = np.full(3, 1 / 3)
    assert sinkhorn(cost, third, third, blur=1e-3) == pytest.approx((cost == 0) / 3, abs=1e-9)


def test_sinkhorn_agrees_with_pot() -> None:
    pot = pytest.importorskip("ot")
    rng = np.random.default_rng(4)
    cost, source, target = rng.uniform(size=(7, 5)), rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(5))
    ours = sinkhorn(cost, source, target, 0.05, steps=5000, tolerance=1e-12)
    theirs = pot.sinkhorn(source, target, cost, 0.05, stopThr=1e-13, numItermax=10_000)
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_transport_undoes_an_offset_also_for_rows_beyond_the_plan() -> None:
    rng = np.random.default_rng(5)
    source = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 200, axis=0) + rng.normal(0, 0.01, (600, 2))
    assert len(source) > MOST_ROWS
    moved = transported(source, source + 3.0, seed=0)
    assert moved == pytest.approx(source + 3.0, abs=0.3)  # it came from 3.0 away
