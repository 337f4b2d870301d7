"""Which lands get networks of their own, and in what order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsalt.training import DeepSaltSettings
from deepsalt.training.bridge_data import BridgeData, Ground
from deepsalt.training.bridge_student import train_student

TINY = DeepSaltSettings(
    steps=2, land_steps=2, members=1, hidden=(4,), directions=3, distillation=False, batch=8, real_batch=4
)


@pytest.fixture(scope="module")
def data() -> BridgeData:
    """Three scenes on three lands of 30 samples; scenes 0 and 2 have points."""
    rng = np.random.default_rng(0)
    nm = np.linspace(500, 2400, 30)
    sat = rng.uniform(0.1, 0.4, (8, 6))
    ground = Ground(
        samples=np.repeat(np.eye(3, dtype=bool), 30, axis=1),
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


def test_few_labelled_pixels_weigh_less() -> None:
    settings = DeepSaltSettings(real_weight=0.5, real_half=100)
    assert settings.weight_of(100) == 0.25
    assert settings.weight_of(0) == replace(settings, real_half=0).weight_of(0) == 0
    assert replace(settings, real_half=0).weight_of(3) == 0.5
