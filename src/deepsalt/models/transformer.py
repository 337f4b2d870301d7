"""A small pre-norm transformer encoder that gives the features of every layer, and a bounded output."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.models.architecture import TransformerShape
from deepsalt.models.dropout import Dropout, dropped


class SelfAttention(nn.Module):
    """Every token looks at every token of its own sample: (n, tokens, width) to the same shape."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.to_qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self._split(tokens)
        if self.training and self.dropout:
            mixed = dropped(_weights(query, key), self.dropout) @ value
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))  # (n, tokens, width)

    def weights(self, tokens: Tensor) -> Tensor:
        """(n, heads, tokens, tokens): how much each token looks at each other; rows sum to 1."""
        query, key, _ = self._split(tokens)
        return _weights(query, key)

    def _split(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        n, length, width = tokens.shape
        parts = self.to_qkv(tokens).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (n, heads, tokens, width / heads)
        return query, key, value


def _weights(query: Tensor, key: Tensor) -> Tensor:
    return torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), dim=-1)


class Layer(nn.Module):
    """Attention, then a feed-forward part, each on normalised input and added to what came in."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(shape.width)
        self.attention = SelfAttention(shape.width, shape.heads, shape.dropout)
        self.norm_feedforward = nn.LayerNorm(shape.width)
        self.feedforward = nn.Sequential(
            nn.Linear(shape.width, shape.feedforward),
            nn.GELU(),
            Dropout(shape.dropout),
            nn.Linear(shape.feedforward, shape.width),
        )
        self.dropout = Dropout(shape.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.dropout(self.attention(self.norm_attention(tokens)))
        return tokens + self.dropout(self.feedforward(self.norm_feedforward(tokens)))


class TransformerEncoder(nn.Module):
    """(n, tokens, width) to the features of every layer, first to last, each (n, tokens, width)."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(shape) for _ in range(shape.layers)])

    def forward(self, tokens: Tensor) -> list[Tensor]:
        features = []
        for layer in self.layers:
            tokens = layer(tokens)
            features.append(tokens)
        return features


class BoundedHead(nn.Module):
    """Features (n, width) to ln(1+ECe) (n,), between 0 and the ceiling.

    The features are the mean over all tokens of the last layer: with a few hundred samples this
    learned better than reading the summary token alone.

    The ceiling is set from training labels with a margin and stored with the weights. A label above
    it (a validation row saltier than everything in training) keeps its value in every loss and
    metric; the answer saturates at the ceiling, which is why the margin is generous.
    """

    ceiling: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 1)
        self.register_buffer("ceiling", torch.ones(()))

    @torch.no_grad()
    def fit(self, labels: Tensor, margin: float) -> None:
        """Set the ceiling to the largest training label + margin, and start at the mean of the labels.

        labels  (n,) ln(1+ECe), training rows only
        margin  on the ln(1+ECe) scale; ln 2 allows twice the largest 1 + ECe
        """
        self.ceiling.fill_(float(labels.max()) + margin)
        start = (labels.mean() / self.ceiling).clamp(0.01, 0.99)
        self.out.bias.fill_(float(torch.logit(start)))
        self.out.weight.mul_(0.1)  # start near the mean: the first steps then learn what differs from it

    def forward(self, features: Tensor) -> Tensor:
        return self.ceiling * torch.sigmoid(self.out(self.norm(features)).squeeze(-1))
