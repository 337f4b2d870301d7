"""The terms of the losses, each a scalar tensor."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_EDGE = 1e-6


def kl_sparsity(firing: list[Tensor], target: float) -> Tensor:
    """KL divergence between the wanted and the mean firing rate, summed over all hidden units.

    firing  one (n, units) tensor per hidden layer, values in (0, 1)
    target  wanted rate rho, for example 0.05

    The rates must be in (0, 1): the published code computed this on values for which it is always 0.
    Source: Ng (2011), sparse autoencoder.
    """
    rates = torch.cat([layer.mean(dim=0) for layer in firing]).clamp(_EDGE, 1 - _EDGE)
    return (target * torch.log(target / rates) + (1 - target) * torch.log((1 - target) / (1 - rates))).sum()


def huber(predicted: Tensor, observed: Tensor, delta: float, weights: Tensor | None = None) -> Tensor:
    """Huber loss (n,) and (n,) to a scalar: squared near zero, straight beyond `delta`, weighted if asked."""
    each = functional.huber_loss(predicted, observed, delta=delta, reduction="none")
    return each.mean() if weights is None else (each * weights).mean()


def feature_distance(student: list[Tensor], teacher: list[Tensor]) -> Tensor:
    """Mean squared distance of projected student layers from teacher layers, each (n, tokens, width).

    Both sides are normalised token by token: the size of a pre-norm transformer's features grows
    with depth, and the deepest layer would drown the others.
    """
    width = teacher[0].shape[-1:]
    distances = [
        functional.mse_loss(functional.layer_norm(ours, width), functional.layer_norm(theirs, width))
        for ours, theirs in zip(student, teacher, strict=True)
    ]
    return torch.stack(distances).mean()


def certainty_weights(standard_error: Tensor, floor: float = 0.3) -> Tensor:
    """Weights (n,) with mean 1 from standard errors on the ln scale: 1 / (floor^2 + se^2).

    floor  error every label is taken to have, so that one very sure label cannot rule
    """
    weights = 1.0 / (floor**2 + standard_error**2)
    return weights / weights.mean()
