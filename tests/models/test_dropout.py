"""Dropout with cheap masks: the share, the mean, the gradient, and nothing outside of training."""

from __future__ import annotations

import pytest
import torch

from deepsalt.models.dropout import Dropout, dropped


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.997])
def test_a_share_is_dropped_and_the_mean_stays(share: float) -> None:
    torch.manual_seed(0)
    found = dropped(torch.ones(1000, 777), share)
    cut = min(round(share * 256), 255)
    assert found.unique().tolist() == pytest.approx([0.0, 256 / (256 - cut)] if cut else [1.0])
    assert float((found == 0).float().mean()) == pytest.approx(cut / 256, abs=2e-3)
    assert float(found.mean()) == pytest.approx(1.0, abs=0.03)


def test_each_value_is_drawn_by_itself_and_anew() -> None:
    """Neighbours that share a random number are independent all the same: in a row, across rows, in time."""
    torch.manual_seed(1)
    first, second = (dropped(torch.ones(400, 801), 0.5) > 0 for _ in range(2))
    pairs = [
        (first[:, 1:], first[:, :-1]),
        (first[1:], first[:-1]),
        (first[:, 8:], first[:, :-8]),
        (first, second),
    ]
    for one, other in pairs:
        assert float((one == other).float().mean()) == pytest.approx(0.5, abs=0.01)


def test_the_gradient_passes_where_the_value_does() -> None:
    torch.manual_seed(2)
    values = torch.randn(3, 50, requires_grad=True)
    found = dropped(values, 0.3)
    found.sum().backward()
    assert values.grad is not None
    scale = found.detach().abs() / values.detach().abs()
    torch.testing.assert_close(values.grad, scale)


def test_the_same_seed_drops_the_same_and_nothing_is_dropped_outside_of_training() -> None:
    values, layer = torch.randn(4, 9), Dropout(0.4)
    torch.manual_seed(3)
    once = layer(values)
    torch.manual_seed(3)
    assert torch.equal(layer(values), once)
    assert torch.equal(layer.eval()(values), values)
    assert torch.equal(dropped(values, 0.0), values)
    assert dropped(torch.empty(0, 3), 0.5).shape == (0, 3)
