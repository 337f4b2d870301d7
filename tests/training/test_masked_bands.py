"""Masked bands: what is hidden stays hidden, the loss falls, and without it nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepsalt.errors import ConfigError
from deepsalt.models.architecture import BridgeArchitecture
from deepsalt.models.bridge import BridgeStudent
from deepsalt.training import DeepSaltSettings
from deepsalt.training.bridge_data import BridgeData, Ground
from deepsalt.training.bridge_student import train_student
from deepsalt.training.cycle import cycle
from deepsalt.training.masked import MaskedBands, hidden_runs

CHANNELS = 20
SETTINGS = DeepSaltSettings(
    masked_weight=1.0, masked_most=0.2, masked_runs=2, hidden=(32,), learning_rate=1e-2
)


@pytest.fixture
def pixels() -> Tensor:
    """(400, channel) smooth spectra of three unknowns: any hidden run can be told from the rest."""
    rng = np.random.default_rng(0)
    at = np.linspace(0, 1, CHANNELS)
    shapes = np.stack([np.ones_like(at), np.sin(3 * at), at**2])
    return torch.tensor(0.3 + rng.uniform(-0.08, 0.08, (400, 3)) @ shapes, dtype=torch.float32)


@pytest.fixture
def student(pixels: Tensor) -> BridgeStudent:
    torch.manual_seed(0)
    made = BridgeStudent(BridgeArchitecture(CHANNELS, CHANNELS, 6, (32,), members=2))
    made.channels.copy_(torch.eye(CHANNELS))
    made.fit_inputs(pixels, 1e-6)
    return made


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_runs_are_contiguous_and_no_longer_than_asked() -> None:
    one = hidden_runs(500, 40, most=0.25, runs=1, generator=generator()).int()
    edges = (one.diff(dim=1) != 0).sum(dim=1)
    assert (one.sum(dim=1) >= 1).all()
    assert int(one.sum(dim=1).max()) == 10
    assert (edges <= 2).all()
    assert (one.sum(dim=0) > 0).all(), "every channel is hidden now and then"
    two = hidden_runs(500, 40, most=0.25, runs=2, generator=generator())
    assert 10 < int(two.sum(dim=1).max()) <= 20


def test_a_hidden_channel_is_not_seen(student: BridgeStudent, pixels: Tensor) -> None:
    masked = MaskedBands(student, pixels, pixels[:0], SETTINGS)
    hidden = torch.zeros(len(pixels), CHANNELS, dtype=torch.bool)
    hidden[:, 4:8] = True
    changed = torch.where(hidden, torch.rand(pixels.shape, generator=generator()), pixels)
    filled, mean = masked.without(pixels, hidden)
    other, other_mean = masked.without(changed, hidden)
    assert torch.equal(filled, other)
    assert torch.equal(mean, other_mean)
    assert torch.equal(filled[:, 8:], pixels[:, 8:])


def test_what_is_filled_in_is_the_mean_spectrum_at_the_pixel_s_brightness(student: BridgeStudent) -> None:
    masked = MaskedBands(student, torch.rand(50, CHANNELS, generator=generator()), torch.empty(0), SETTINGS)
    hidden = torch.zeros(1, CHANNELS, dtype=torch.bool)
    hidden[0, 3:6] = True
    filled, _ = masked.without(1.7 * student.centre[None], hidden)
    torch.testing.assert_close(filled, 1.7 * student.centre[None])


def test_hidden_channels_are_learned(student: BridgeStudent, pixels: Tensor) -> None:
    masked = MaskedBands(student, pixels, pixels, SETTINGS)
    members, draws = student.members, generator()

    def loss() -> Tensor:
        return masked.loss(student, members, pixels[:64], draws)

    def course() -> float:
        with torch.no_grad():
            return float(torch.stack([loss() for _ in range(20)]).mean())

    before = course()
    cycle(nn.ModuleList([members, masked]), loss, 150, SETTINGS, draws)
    assert course() < 0.3 * before


def test_pixels_without_a_label_are_learned_from(student: BridgeStudent, pixels: Tensor) -> None:
    """The same draws beside other pixels give another loss; pixels of other lands are left aside."""
    there = torch.arange(len(pixels)) < 5
    strange = 3 * torch.rand(pixels.shape, generator=generator())
    masked = MaskedBands(student, pixels, torch.where(there[:, None], pixels, strange), SETTINGS)
    alone = MaskedBands(student, pixels, pixels[:0], SETTINGS)
    alone.load_state_dict(masked.state_dict())

    def found(one: MaskedBands) -> float:
        return float(one.loss(student, student.members, pixels[:8], generator(1)).detach())

    assert found(masked) > 2 * found(masked.on(there))
    assert found(masked.on(there)) != found(alone)
    assert len(masked.loose) == len(pixels), "the copy of a land is its own"


@pytest.fixture(scope="module")
def data() -> BridgeData:
    """Two scenes on two lands, no labelled pixel."""
    rng = np.random.default_rng(0)
    nm = np.linspace(500, 2400, 30)
    samples = np.repeat(np.eye(2, dtype=bool), 30, axis=1)
    ground = Ground(
        samples=samples,
        seen=samples,
        scene_land=np.arange(2),
        sat_scene=np.zeros(0, np.intp),
        unlabelled_scene=np.repeat([0, 1], [70, 50]),
        unlabelled_patch=np.arange(120),
    )
    return BridgeData(
        lab_nm=nm, lab_x=rng.uniform(0.1, 0.5, (60, 30)), lab_y=rng.gamma(1, 1, 60),
        lab_groups=np.arange(60).astype(str), centres_nm=nm[::5], response=np.eye(30)[::5],
        channels=np.eye(6), sat_x=np.zeros((0, 6)), sat_y=np.zeros(0), sat_groups=np.zeros(0, str),
        unlabelled_x=rng.uniform(0.1, 0.4, (120, 6)), ground=ground,
    )  # fmt: skip


TINY = DeepSaltSettings(
    steps=5, land_steps=5, members=1, hidden=(4,), directions=3, distillation=False, batch=8, real_batch=4
)


def weights(data: BridgeData, settings: DeepSaltSettings) -> dict[str, Tensor]:
    return train_student(data, None, settings, 0)[0].state_dict()


def test_without_it_the_student_is_the_same_to_the_bit(data: BridgeData) -> None:
    """Its other settings are not read, and no draw of the others is moved."""
    plain = weights(data, TINY)
    off = weights(data, replace(TINY, masked_weight=0.0, masked_most=0.1, masked_runs=3))
    assert all(torch.equal(value, off[name]) for name, value in plain.items())


def test_general_networks_are_asked_about_all_pixels_and_those_of_a_land_about_its_own(
    data: BridgeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, asked, loss = weights(data, TINY), [], MaskedBands.loss

    def told(self: MaskedBands, *rest: Any) -> Tensor:
        asked.append(len(self.loose))
        return loss(self, *rest)

    monkeypatch.setattr(MaskedBands, "loss", told)
    masked = weights(data, replace(TINY, masked_weight=1.0, land_steps=3))
    assert asked == [120] * 5 + [70] * 3 + [50] * 3
    assert not torch.equal(plain["members.weights.0"], masked["members.weights.0"])
    assert set(plain) == set(masked), "what tells hidden bands does not stay in the model"


def test_a_spectrum_is_never_hidden_whole() -> None:
    with pytest.raises(ConfigError, match=r"masked_runs x masked_most is 5 x 0\.2"):
        DeepSaltSettings(masked_runs=5)
