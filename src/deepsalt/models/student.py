"""The student: a transformer that answers ln(1+ECe) for a satellite latent and its covariates.

As published: 72-d, 8 heads, 4 layers, feed-forward 256. Its first 1 + tokens tokens stand for the same
things as the teacher's, so that layer-wise distillation compares like with like.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepsalt.models.architecture import TransformerShape
from deepsalt.models.tokens import CovariateTokens, LatentTokens
from deepsalt.models.transformer import BoundedHead, TransformerEncoder


class Student(nn.Module):
    """Latent (n, latent), covariates (n, k; NaN = missing) to ln(1+ECe) (n,) and every layer's features."""

    def __init__(self, shape: TransformerShape, *, latent: int, tokens: int, covariates: int) -> None:
        super().__init__()
        self.tokens = LatentTokens(latent, tokens, shape.width)
        self.covariates = CovariateTokens(covariates, shape.width) if covariates else None
        self.encoder = TransformerEncoder(shape)
        self.head = BoundedHead(shape.width)

    def forward(self, latent: Tensor, covariates: Tensor) -> tuple[Tensor, list[Tensor]]:
        tokens = self.tokens(latent)
        if self.covariates is not None:
            tokens = torch.cat([tokens, self.covariates(covariates)], dim=1)
        features = self.encoder(tokens)
        return self.head(features[-1].mean(dim=1)), features
