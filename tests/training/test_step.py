"""A step is what torch's own parts do, and an epoch tells the mean of its batches."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from deepsalt.training import Stage
from deepsalt.training.loop import Objective, fit
from deepsalt.training.step import Step, Terms


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_a_step_clips_the_gradient_and_takes_the_rate_it_is_given(kind: type[torch.optim.Adam]) -> None:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    rates, sizes = (0.1, 0.02, 0.05, 0.01), (100.0, 0.1, 1.0, 30.0)

    def network() -> nn.Linear:
        torch.manual_seed(0)
        return nn.Linear(3, 1)

    ours, theirs = network(), network()

    def terms(rows: Tensor) -> Terms:
        return {"total": ours(x[rows]).square().mean() * sizes[len(rows) - 1]}

    step = Step(ours, kind, Stage(1, 1, 1, 9.0, weight_decay=0.1), 0.5, terms, torch.Generator())
    optimiser = kind(theirs.parameters(), lr=9.0, weight_decay=0.1)
    for n, (rate, size) in enumerate(zip(rates, sizes, strict=True), start=1):
        told = step(rate, torch.arange(n))["total"]
        optimiser.zero_grad()
        loss = theirs(x[:n]).square().mean() * size
        loss.backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        assert float(told) == pytest.approx(float(loss.detach()))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_an_epoch_tells_the_mean_of_its_batches() -> None:
    module = nn.Linear(1, 1)

    def terms(rows: Tensor) -> Terms:
        mean = rows.float().mean()
        return {"total": 0.0 * module.weight.sum() + mean, "half": mean / 2}

    objective = Objective("stage", "mean", module, terms, lambda: 1.0)
    history = fit(objective, torch.arange(10), Stage(2, 5, 5, 1e-3), torch.Generator().manual_seed(0))
    assert history.train == pytest.approx([4.5, 4.5])
    assert history.terms["half"] == pytest.approx([2.25, 2.25])
