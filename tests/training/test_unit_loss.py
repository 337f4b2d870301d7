"""Map units in the loss: pixels of a unit learn its mean and spread together, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepsalt.errors import SpectraError
from deepsalt.models.architecture import BridgeArchitecture
from deepsalt.models.bridge import BridgeStudent
from deepsalt.training import DeepSaltSettings, Units
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_student import train_student
from deepsalt.training.unit_loss import UnitLoss

TINY = DeepSaltSettings(
    steps=3, land_steps=1, members=2, hidden=(6,), directions=3, distillation=False, batch=8, real_batch=4
)


def units(wanted: tuple[float, ...] = (1.0, 2.5), seed: int = 0) -> Units:
    rng = np.random.default_rng(seed)
    bag = np.repeat(np.arange(len(wanted)), 30)
    x = rng.uniform(0.1, 0.4, (len(bag), 6)) + 0.1 * bag[:, None]
    share = np.full(len(bag), 1 / 30)
    spread = np.full(len(wanted), 0.1)
    return Units(x, bag, share, np.array(wanted), spread, np.full(len(bag), -1))


@pytest.fixture
def data() -> BridgeData:
    rng = np.random.default_rng(0)
    nm = np.linspace(500, 2400, 30)
    return BridgeData(
        lab_nm=nm, lab_x=rng.uniform(0.1, 0.5, (60, 30)), lab_y=rng.gamma(1, 1, 60),
        lab_groups=np.arange(60).astype(str), centres_nm=nm[::5], response=np.eye(30)[::5],
        channels=np.eye(6), sat_x=np.zeros((0, 6)), sat_y=np.zeros(0), sat_groups=np.zeros(0, str),
        unlabelled_x=rng.uniform(0.1, 0.4, (20, 6)),
    )  # fmt: skip


def test_a_student_learns_the_means_of_units_from_the_loss_alone() -> None:
    torch.manual_seed(0)
    student = BridgeStudent(
        BridgeArchitecture(bands=6, channels=6, directions=6, hidden=(16,), members=2, lands=0, dropout=0.0)
    )
    told = units()
    student.channels.copy_(torch.eye(6))
    student.fit_inputs(torch.as_tensor(told.x), 1e-4)
    loss, generator = UnitLoss(told, torch.ones(len(told.x), 6)), torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(student.members.parameters(), 0.02)
    for _ in range(150):
        optimiser.zero_grad()
        loss.loss(student, student.members, generator).backward()
        optimiser.step()
    answers = student.members(student.inputs(torch.as_tensor(told.x)))[0].detach().mean(dim=0).numpy()
    means = [answers[told.bag == unit].mean() for unit in (0, 1)]
    assert means == pytest.approx([1.0, 2.5], abs=0.15)


def test_pixels_are_drawn_by_their_share_of_the_unit() -> None:
    one = units((1.0,))
    share = np.zeros(30)
    share[7] = 1.0
    drawn = UnitLoss(replace(one, share=share), torch.ones(30, 6))._pixels(
        0, torch.Generator().manual_seed(0)
    )
    assert set(drawn.tolist()) == {7}


def test_units_change_the_student_only_where_there_are_some_and_they_weigh(data: BridgeData) -> None:
    def weights(data: BridgeData, settings: DeepSaltSettings = TINY) -> torch.Tensor:
        student, _ = train_student(data, None, settings, 0)
        return torch.cat([one.flatten() for one in student.members.state_dict().values()])

    plain = weights(data)
    with_units = replace(data, units=units())
    assert torch.equal(plain, weights(with_units, replace(TINY, unit_weight=0.0)))
    assert not torch.equal(plain, weights(with_units))
    assert torch.equal(weights(with_units), weights(with_units))
    assert with_units.with_points(np.zeros(0, np.intp)).units is with_units.units


def test_units_that_cannot_be_used_are_refused(data: BridgeData) -> None:
    told = units()
    with pytest.raises(SpectraError, match=r"units.wanted: NaN"):
        replace(told, wanted=np.array([1.0, np.nan]))
    with pytest.raises(SpectraError, match="pixels of 2 units, labels of 3"):
        replace(told, wanted=np.ones(3), spread=np.ones(3))
    with pytest.raises(SpectraError, match="shapes"):
        replace(told, share=told.share[1:])
    with pytest.raises(SpectraError, match=r"units: 5 bands, expected 6"):
        replace(data, units=replace(told, x=told.x[:, :5]))
