"""Losses of the preset deepsalt, by hand."""

from __future__ import annotations

import torch

from deepsalt.training.bridge_losses import bag_loss, heard, relation_loss


def test_a_row_of_no_weight_may_have_no_target() -> None:
    answers = torch.tensor([[1.0, 5.0], [1.0, 7.0]], requires_grad=True)
    loss = heard(answers, torch.tensor([0.0, torch.nan]), torch.tensor([1.0, 0.0]), 10.0)
    loss.backward()
    assert float(loss.detach()) == 0.5  # half the square of 1, in both members
    assert torch.isfinite(answers.grad).all()


def test_relations_do_not_care_for_scale_turn_or_place() -> None:
    rows = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))[0]
    everywhere = torch.ones(12)
    assert float(relation_loss(rows, 3 * rows @ turn + 7, everywhere)) < 1e-6
    assert float(relation_loss(rows, rows.flip(0), everywhere)) > 0.01


def test_relations_are_those_of_the_rows_that_are_asked() -> None:
    ours, theirs = torch.randn(2, 12, 5, generator=torch.Generator().manual_seed(0))
    some = torch.arange(12) % 3 > 0
    alone = relation_loss(ours[some], theirs[some], torch.ones(8))
    torch.testing.assert_close(relation_loss(ours, theirs, some.float()), alone)
    assert float(relation_loss(ours, theirs, torch.zeros(12))) == 0


def test_a_bag_wants_its_mean_and_its_spread_not_one_value_everywhere() -> None:
    bag, share = torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 3.0, 1.0, 1.0])
    wanted, spread = torch.tensor([1.5, 2.0]), torch.tensor([0.866, 0.0])
    right = torch.tensor([0.0, 2.0, 2.0, 2.0])  # (0 + 3 * 2) / 4 = 1.5, deviation .866
    assert float(bag_loss(right, bag, share, wanted, spread)) < 1e-5
    copied = torch.tensor([1.5, 1.5, 2.0, 2.0])
    assert float(bag_loss(copied, bag, share, wanted, spread)) > 0.1
