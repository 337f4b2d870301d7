"""Losses of the preset deepsalt, by hand."""

from __future__ import annotations

import torch

from deepsalt.training.bridge_losses import (
    alignment_loss,
    bag_loss,
    heard,
    label_shift_weights,
    relation_loss,
)


def test_a_row_of_no_weight_may_have_no_target() -> None:
    answers = torch.tensor([[1.0, 5.0], [1.0, 7.0]], requires_grad=True)
    loss = heard(answers, torch.tensor([0.0, torch.nan]), torch.tensor([1.0, 0.0]), 10.0)
    loss.backward()
    assert float(loss.detach()) == 0.5  # half the square of 1, in both members
    assert torch.isfinite(answers.grad).all()


def test_relations_do_not_care_for_scale_turn_or_place() -> None:
    rows = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))[0]
    assert float(relation_loss(rows, 3 * rows @ turn + 7)) < 1e-6
    assert float(relation_loss(rows, rows.flip(0))) > 0.01


def test_label_shift_weights_give_drawn_labels_the_spread_of_the_land() -> None:
    drawn = torch.cat([torch.zeros(50) + torch.rand(50), 3 + torch.rand(50)])
    land = torch.cat([torch.rand(90), 3 + torch.rand(10)])
    weights = label_shift_weights(drawn, land)
    assert abs(float(weights.mean()) - 1) < 1e-5
    share = float(weights[50:].sum() / weights.sum())
    assert 0.05 < share < 0.2  # a tenth of the land is saline


def test_alignment_is_zero_for_the_same_rows_and_blind_where_the_answer_is() -> None:
    rows = torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(0))
    outputs, weights = torch.ones(2, 3, 1), torch.ones(40)
    assert float(alignment_loss(rows, rows, outputs, weights)) < 1e-8
    moved = rows + torch.tensor([0.0, 0.0, 5.0])
    assert float(alignment_loss(rows, moved, outputs, weights)) > 1
    outputs[:, 2] = 0.0
    assert float(alignment_loss(rows, moved, outputs, weights)) < 1e-8


def test_a_bag_wants_its_mean_and_its_spread_not_one_value_everywhere() -> None:
    bag, share = torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 3.0, 1.0, 1.0])
    wanted, spread = torch.tensor([1.5, 2.0]), torch.tensor([0.866, 0.0])
    right = torch.tensor([0.0, 2.0, 2.0, 2.0])  # (0 + 3 * 2) / 4 = 1.5, deviation .866
    assert float(bag_loss(right, bag, share, wanted, spread)) < 1e-5
    copied = torch.tensor([1.5, 1.5, 2.0, 2.0])
    assert float(bag_loss(copied, bag, share, wanted, spread)) > 0.1
