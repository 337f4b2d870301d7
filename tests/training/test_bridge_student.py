"""What a student learns of lands: which get networks of their own, and what is expected of their scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.training.bridge_problem import bridge_problem

from deepsalt.training import DeepSaltSettings
from deepsalt.training.bridge_data import BridgeData, Ground
from deepsalt.training.bridge_student import train_student
from deepsalt.training.bridge_teacher import Teacher

TINY = DeepSaltSettings(
    steps=2, land_steps=2, members=1, hidden=(4,), directions=3, distillation=False, batch=8, real_batch=4
)


@pytest.fixture(scope="module")
def data() -> BridgeData:
    """Three scenes on three lands of 30 samples; scenes 0 and 2 have points."""
    rng = np.random.default_rng(0)
    nm = np.linspace(500, 2400, 30)
    sat = rng.uniform(0.1, 0.4, (8, 6))
    samples = np.repeat(np.eye(3, dtype=bool), 30, axis=1)
    ground = Ground(
        samples=samples,
        seen=samples,
        scene_land=np.arange(3),
        sat_scene=np.repeat([0, 2], 4),
        unlabelled_scene=np.repeat(np.arange(3), 60),
        unlabelled_patch=np.arange(180),
    )
    return BridgeData(
        lab_nm=nm, lab_x=rng.uniform(0.1, 0.5, (90, 30)), lab_y=rng.gamma(1, 1, 90),
        lab_groups=np.arange(90).astype(str), centres_nm=nm[::5], response=np.eye(30)[::5],
        channels=np.eye(6), sat_x=sat, sat_y=rng.gamma(1, 1, 8), sat_groups=np.arange(8).astype(str),
        unlabelled_x=rng.uniform(0.1, 0.4, (180, 6)), ground=ground,
    )  # fmt: skip


def trained_lands(data: BridgeData, settings: DeepSaltSettings, lands: set[int] | None = None) -> set[int]:
    student, _ = train_student(data, None, settings, 0, lands=lands)
    general = student.members.state_dict()
    return {
        land
        for land, special in enumerate(student.specialists)
        if not all(torch.equal(value, general[name]) for name, value in special.state_dict().items())
    }


def test_every_land_has_networks_of_its_own_and_those_without_points_come_first(data: BridgeData) -> None:
    assert trained_lands(data, TINY) == {0, 1, 2}
    assert trained_lands(data, replace(TINY, most_lands=1)) == {1}
    assert trained_lands(data, replace(TINY, most_lands=0)) == set()


def test_only_the_lands_that_are_wanted_are_trained(data: BridgeData) -> None:
    assert trained_lands(data, TINY, {2}) == {2}
    assert trained_lands(data, TINY, set()) == set()


def test_what_is_expected_of_a_scene_is_the_mean_and_spread_of_its_surface(data: BridgeData) -> None:
    """Of samples whose EC was not measured it is the teacher's answer, which varies less than the truth."""
    seen = data.where.samples.copy()
    seen[1, 30:45] = False
    surface = replace(data, ground=replace(data.where, seen=seen))
    student, _ = train_student(surface, None, TINY, 0)
    below = surface.lab_y[45:60]
    expected = [[surface.lab_y[:30].mean(), surface.lab_y[:30].std(), 30], [below.mean(), below.std(), 15]]
    np.testing.assert_allclose(student.labels[:2], expected, rtol=1e-5)
    half = surface.lab_y.copy()
    half[::2] = np.nan
    answer = torch.full((90,), 1.5)
    teacher = Teacher(answer, torch.full((90,), 0.8), torch.zeros(90, 2))
    taught, _ = train_student(replace(surface, lab_y=half), teacher, TINY, 0)
    believed = np.where(np.isfinite(half), half, 1.5)[:30]
    spread = np.sqrt(believed.var() + 0.5 * 0.8**2)
    np.testing.assert_allclose(taught.labels[0], [believed.mean(), spread, 30], rtol=1e-5)


def test_a_student_learns_to_read_the_plants_that_are_drawn(data: BridgeData) -> None:
    drawn, clean = (train_student(data, None, replace(TINY, bridge=on), 0)[0] for on in (True, False))
    assert bool((drawn.plants.abs().amax(dim=0) > 0.1).all())
    assert not clean.plants.any()


def test_pixels_of_other_samples_teach_nothing() -> None:
    """The control breaks the pairs alone: what is known of lands stays as it is."""
    data = bridge_problem().data.with_points(np.arange(0))
    settings = replace(TINY, steps=300, hidden=(16,), directions=6, batch=64)
    true, shuffled = (
        train_student(data, None, replace(settings, shuffled_pairs=control), 0)[0]
        for control in (False, True)
    )
    with torch.no_grad():
        said = [one(torch.as_tensor(data.lab_x))[0].mean(dim=0).numpy() for one in (true, shuffled)]
    assert np.corrcoef(said[0], data.lab_y)[0, 1] > 0.9
    assert abs(np.corrcoef(said[1], data.lab_y)[0, 1]) < 0.3
    assert torch.equal(true.labels, shuffled.labels)
    assert torch.allclose(true.references, shuffled.references, atol=0.05)


def test_a_land_looks_like_its_surface(data: BridgeData) -> None:
    bright = data.lab_x.copy()
    bright[:15] += 0.4
    both = replace(data, lab_x=bright)
    seen = data.where.samples.copy()
    seen[0, :15] = False
    surface = replace(both, ground=replace(data.where, seen=seen))
    mixed, alone = (train_student(one, None, TINY, 0)[0].references for one in (both, surface))
    assert bool((mixed[0] - alone[0] > 0.3).all())
    assert bool(((mixed[1:] - alone[1:]).abs() < 0.1).all())


def test_a_land_without_ground_points_learns_nothing_of_those_of_others() -> None:
    """The points of two lands are labelled far too high; the third has none."""
    whole = bridge_problem().data
    some = whole.with_points(np.flatnonzero(whole.where.sat_scene < 2))
    wrong = replace(some, sat_y=some.sat_y + 2)
    settings = DeepSaltSettings(
        steps=1, land_steps=150, members=1, hidden=(16,), dropout=0.0, real_weight=3.0, real_half=0.0
    )
    student, _ = train_student(wrong, None, settings, 0)
    seen = student.inputs(torch.as_tensor(wrong.lab_x))
    with torch.no_grad():
        said = [float(one(seen)[0].mean()) for one in student.specialists]
    assert min(said[:2]) > said[2] + 0.3
    assert said[2] == pytest.approx(float(np.mean(wrong.lab_y)), abs=0.3)


def test_few_labelled_pixels_weigh_less() -> None:
    settings = DeepSaltSettings(real_weight=0.5, real_half=100)
    assert settings.weight_of(100) == 0.25
    assert settings.weight_of(0) == replace(settings, real_half=0).weight_of(0) == 0
    assert replace(settings, real_half=0).weight_of(3) == 0.5
