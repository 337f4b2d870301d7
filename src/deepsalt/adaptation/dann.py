"""Domain-adversarial training: features from which nobody can tell the laboratory from a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepsalt.adaptation.deep import Deep

if TYPE_CHECKING:
    from torch import Tensor, nn


def reversed_gradient(features: Tensor) -> Tensor:
    """The same values; what flows back through them changes its sign."""
    return 2 * features.detach() - features


def critic(features: int) -> nn.Module:
    """The network that tries to tell the domains apart."""
    from torch import nn

    return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 1))


def confusion_loss(lab: Tensor, pixels: Tensor, helper: nn.Module) -> Tensor:
    """Cross-entropy of the critic: it goes down for the critic and, reversed, up for the features.

    Source: Ganin et al. (2016), here with a regression head beside the critic.
    """
    import torch
    from torch.nn import functional

    guess = helper(reversed_gradient(torch.cat([lab, pixels])))[:, 0]
    truth = torch.cat([torch.ones(len(lab)), torch.zeros(len(pixels))])
    return functional.binary_cross_entropy_with_logits(guess, truth)


DANN = Deep(
    "dann",
    "Domain-adversarial network",
    "Ganin et al. (2016), arXiv:1505.07818",
    confusion_loss,
    weight=0.5,
    helper=critic,
)
