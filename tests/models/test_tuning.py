"""Tuning a student to one scene, by hand."""

from __future__ import annotations

import pytest
import torch

from deepsalt.models import BridgeArchitecture, BridgeStudent, Tuning
from deepsalt.models.tuning import as_plain, from_plain, line_towards, mean_log


def student(lands: int = 1) -> BridgeStudent:
    torch.manual_seed(0)
    shape = BridgeArchitecture(bands=6, channels=4, directions=3, hidden=(8,), members=2, lands=lands)
    made = BridgeStudent(shape)
    made.channels.copy_(torch.rand(6, 4))
    made.directions.copy_(torch.randn(4, 3))
    made.ceiling.fill_(10.0)
    return made.eval()


def pixels(n: int = 400) -> torch.Tensor:
    return 0.1 + 0.3 * torch.rand(n, 6, generator=torch.Generator().manual_seed(1))


def test_the_default_tuning_changes_nothing() -> None:
    made = student()
    assert torch.equal(made.tuned(Tuning()).predict(pixels()), made.predict(pixels()))


def test_tuned_pixels_have_the_mean_of_the_land() -> None:
    made = student()
    made.references[0] = torch.tensor([-1.0, -1.5, -0.5, -2.0])
    gain = made.gain_for(pixels(), 0)
    seen = (pixels() @ made.channels) * gain
    torch.testing.assert_close(mean_log(seen), made.references[0], atol=1e-5, rtol=0)


def test_a_tuned_scene_does_not_care_how_bright_its_calibration_is() -> None:
    """The same land through a sensor that is 20 % too bright gives the same answers."""
    made = student()
    made.references[0] = mean_log(pixels() @ made.channels)
    made.labels[0] = torch.tensor([1.0, 0.8, 60.0])
    plain, bright = (made.tuning_for(seen, 0, special=True) for seen in (pixels(), 1.2 * pixels()))
    torch.testing.assert_close(
        made.tuned(bright).predict(1.2 * pixels()), made.tuned(plain).predict(pixels()), atol=1e-4, rtol=1e-4
    )


def test_a_line_moves_the_mean_by_the_share_that_samples_are_believed() -> None:
    answers = torch.tensor([0.0, 1.0, 2.0])
    deviation = float(answers.std(correction=0)) / 0.75  # the expected spread already: no scale
    scale, offset = line_towards(answers, mean=3.0, deviation=deviation, samples=40.0)
    assert scale == pytest.approx(1.0)
    assert offset == pytest.approx(0.5 * (3.0 - 1.0))  # 40 samples are believed by half
    scale, offset = line_towards(answers, 3.0, deviation, samples=1e9)
    assert float((scale * answers + offset).mean()) == pytest.approx(3.0)


def test_a_line_never_divides_by_a_spread_that_is_not_there() -> None:
    assert line_towards(torch.ones(5), 2.0, 0.5, 40.0) == pytest.approx((1.0, 0.5))
    assert line_towards(torch.tensor([0.0, 2.0]), 1.0, 0.0, 40.0) == pytest.approx((1.0, 0.0))


def test_a_land_answers_with_networks_of_its_own() -> None:
    made = student(lands=2)
    made.specialists[1].load_state_dict(made.members.state_dict())
    general = made.predict(pixels())
    assert torch.equal(made.tuned(Tuning(land=1)).predict(pixels()), general)
    assert not torch.equal(made.tuned(Tuning(land=0)).predict(pixels()), general)


def test_a_card_gives_the_tuning_back_or_is_refused() -> None:
    tuning = Tuning(1, torch.tensor([1.0, 0.9, 1.1, 1.2]), 0.8, -0.1)
    back = from_plain(as_plain(tuning), channels=4, lands=2)
    assert (back.land, back.scale, back.offset) == (1, 0.8, -0.1)
    assert torch.equal(back.gain, tuning.gain)
    for wrong in ({"land": 2}, {"gain": [1.0]}, {"gain": [float("nan")] * 4}, {"scale": float("inf")}):
        with pytest.raises(ValueError, match=r"land|gain|scale"):
            from_plain({**as_plain(tuning), **wrong}, channels=4, lands=2)
