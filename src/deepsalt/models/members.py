"""Several small networks of one shape, trained side by side: their mean answers, their spread doubts.

Weights of all members lie in one tensor a layer, so that one batched product serves them all.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.models.inference import BATCH
from deepsalt.models.starts import uniform


class Members(nn.Module):
    """(n, inputs) to the answers (members, n) and the last hidden layer (members, n, units)."""

    rows = BATCH  # at a time, in prediction

    def __init__(self, inputs: int, hidden: tuple[int, ...], members: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.members, self.dropout = members, dropout
        widths = (inputs, *hidden, 1)
        self.weights = nn.ParameterList([uniform(members, a, b, fan_in=a) for a, b in pairwise(widths)])
        self.biases = nn.ParameterList([uniform(members, 1, b, fan_in=a) for a, b in pairwise(widths)])

    @torch.no_grad()
    def start_at(self, answer: float) -> None:
        """Begin near a constant answer, so that the first steps learn what differs from it."""
        self.biases[-1].fill_(answer)
        self.weights[-1].mul_(0.3)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        hidden = inputs.expand(self.members, *inputs.shape)
        layers = list(zip(self.weights, self.biases, strict=True))
        for weight, bias in layers[:-1]:
            hidden = functional.gelu(torch.baddbmm(bias, hidden, weight))
            hidden = functional.dropout(hidden, self.dropout, self.training)
        weight, bias = layers[-1]
        return torch.baddbmm(bias, hidden, weight).squeeze(-1), hidden
