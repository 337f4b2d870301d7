"""The penalties of the deep methods, and their training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.adaptation.shifted import unlabelled_only

from deepsalt.adaptation.dann import confusion_loss, critic, reversed_gradient
from deepsalt.adaptation.daregram import gram_distance
from deepsalt.adaptation.deep import no_helper
from deepsalt.adaptation.mmd import squared_mmd
from deepsalt.adaptation.network import Alignment, Scale, ramp, train, train_and_fine_tune


def batch(rows: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed)) + shift


def test_equal_batches_have_no_discrepancy_and_shifted_ones_more_with_distance() -> None:
    assert float(squared_mmd(batch(40, 0), batch(40, 0))) == pytest.approx(0, abs=1e-6)
    apart = [float(squared_mmd(batch(60, 0), batch(50, 1, shift))) for shift in (0.0, 1.0, 3.0)]
    assert 0 <= apart[0] < 0.05 < apart[1] < apart[2]


def test_mmd_of_single_points_is_that_of_the_kernels() -> None:
    here, there = torch.zeros(1, 1), torch.ones(1, 1)
    kernel = np.mean([np.exp(-1 / (width * 0.5)) for width in (0.25, 0.5, 1, 2, 4)])
    assert float(squared_mmd(here, there)) == pytest.approx(2 - 2 * kernel, rel=1e-5)


def test_dare_gram_is_zero_for_equal_batches_in_any_order() -> None:
    angle, scale = gram_distance(batch(40, 0), batch(40, 0).flip(0))
    assert float(angle) == pytest.approx(0, abs=1e-6)
    assert float(scale) == pytest.approx(0, abs=1e-6)


def test_dare_gram_counts_rows_out_and_sees_scale_and_turn() -> None:
    x = batch(40, 0)
    assert float(gram_distance(x, torch.cat([x, x]))[1]) == pytest.approx(0, abs=1e-6)
    assert float(gram_distance(x, 2 * x)[1]) > 0.5
    stretched = x * torch.tensor([5.0, 1, 1, 1, 1, 1])
    turned = stretched[:, [1, 0, 2, 3, 4, 5]]
    assert float(gram_distance(stretched, turned)[0]) > float(gram_distance(stretched, stretched)[0]) + 0.05


@pytest.mark.parametrize("rows", [4, 40])
def test_dare_gram_can_be_descended_even_with_fewer_rows_than_features(rows: int) -> None:
    fixed, free = batch(rows, 0), batch(rows, 1, 1.0).requires_grad_()
    optimiser = torch.optim.Adam([free], lr=0.05)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = sum(gram_distance(fixed, free))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert torch.isfinite(free).all()
    assert losses[-1] < 0.5 * losses[0]


def test_the_reversed_gradient_keeps_values_and_turns_the_sign() -> None:
    x = batch(3, 0).requires_grad_()
    seen = reversed_gradient(x)
    assert torch.allclose(seen, x)
    (3 * seen).sum().backward()
    assert torch.equal(x.grad, torch.full_like(x, -3.0))


def test_features_climb_where_the_critic_descends() -> None:
    torch.manual_seed(0)
    judge = critic(6)
    lab, pixels = batch(20, 0).requires_grad_(), batch(20, 1, 1.0)
    before = confusion_loss(lab, pixels, judge)
    before.backward()
    with torch.no_grad():
        after = confusion_loss(lab - 0.1 * lab.grad, pixels, judge)
    assert after.item() > before.item()


def test_own_scales_take_gain_and_offset_away(toy) -> None:
    x = toy.domains.source_x
    twice = replace(
        toy.domains.without(toy.domains.target_groups),
        unlabelled_x=2 * x + 0.1,
        pair_source=np.empty(0, np.intp),
        pair_x=np.empty((0, 30)),
    )
    own, common = Scale.of(twice, own=True), Scale.of(twice, own=False)
    assert torch.allclose(own.of_lab(x), own.of_pixels(2 * x + 0.1), atol=1e-4)
    assert torch.equal(common.of_lab(x), common.of_pixels(x))
    assert float(own.of_labels(toy.domains.source_y).std()) == pytest.approx(1, abs=0.01)


def test_the_penalty_comes_in_slowly() -> None:
    assert ramp(0.0) == 0
    assert ramp(1.0) == pytest.approx(1, abs=1e-3)


def test_a_penalty_of_the_user_shapes_the_features_of_pixels(toy) -> None:
    def silence(_lab: torch.Tensor, pixels: torch.Tensor, _helper: torch.nn.Module) -> torch.Tensor:
        return pixels.square().mean()

    bare = unlabelled_only(toy.domains)
    spread = [
        train(bare, False, 0, "silence", Alignment(silence, weight, no_helper))(toy.fresh_x).std()
        for weight in (0.0, 100.0)
    ]
    assert spread[1] < 0.5 * spread[0]


def test_fine_tuning_goes_where_the_labelled_pixels_are(toy) -> None:
    saltier = replace(toy.domains, target_y=toy.domains.target_y + 1.0)
    plain, tuned = (
        train_and_fine_tune(domains, True, 0, "finetune")(toy.fresh_x) for domains in (toy.domains, saltier)
    )
    assert (tuned - plain).mean() > 0.6
