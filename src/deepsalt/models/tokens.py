"""A latent and its covariates become a sequence of tokens, so that attention has something to attend to.

Sequence: summary token first, then the latent's tokens, then one token per covariate. Positions are
counted within a sample, never over the batch: a prediction cannot depend on its neighbours' order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepsalt.models.starts import normal

_MAX_DEVIATIONS = 6.0  # covariates far outside the training range are treated as its edge


class LatentTokens(nn.Module):
    """(n, latent) to (n, 1 + tokens, width): a summary token, then equal slices of the latent.

    Each slice holds different things, so each has its own weights; its position is a learned vector.
    """

    def __init__(self, latent: int, tokens: int, width: int) -> None:
        super().__init__()
        if latent % tokens:
            raise ValueError(f"a latent of {latent} values cannot be cut into {tokens} equal tokens")
        self.tokens, self.values = tokens, latent // tokens
        self.weight = normal(tokens, self.values, width, deviation=self.values**-0.5)
        self.position = normal(tokens, width, deviation=0.02)
        self.summary = normal(width, deviation=0.02)

    def forward(self, latent: Tensor) -> Tensor:
        slices = latent.reshape(len(latent), self.tokens, self.values)  # (n, tokens, values)
        tokens = torch.einsum("ntv,tvw->ntw", slices, self.weight) + self.position
        summary = self.summary.expand(len(latent), 1, -1)
        return torch.cat([summary, tokens], dim=1)  # (n, 1 + tokens, width)


class CovariateTokens(nn.Module):
    """(n, covariates) to (n, covariates, width); a missing value (NaN) becomes a learned "missing" token.

    Holds the only scaler of the covariates, fitted on training rows.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, covariates: int, width: int) -> None:
        super().__init__()
        self.covariates = covariates
        self.register_buffer("centre", torch.zeros(covariates))
        self.register_buffer("scale", torch.ones(covariates))
        self.weight = normal(covariates, width, deviation=0.5)
        self.name = normal(covariates, width, deviation=0.02)
        self.missing = normal(covariates, width, deviation=0.02)

    @torch.no_grad()
    def fit_scaler(self, values: Tensor) -> None:
        """Mean and deviation of the known values in training rows (n, covariates)."""
        known = ~torch.isnan(values)
        count = known.sum(dim=0).clamp(min=1)
        filled = torch.nan_to_num(values)
        mean = filled.sum(dim=0) / count
        variance = (torch.where(known, filled - mean, 0.0) ** 2).sum(dim=0) / count
        deviation = variance.sqrt()
        self.centre.copy_(mean)
        self.scale.copy_(torch.where(deviation > 1e-8, deviation, torch.ones_like(deviation)))

    def forward(self, values: Tensor) -> Tensor:
        missing = torch.isnan(values)
        # Filled before it is used: a NaN that where() throws away would still poison the gradient.
        standard = (torch.where(missing, self.centre, values) - self.centre) / self.scale
        standard = standard.clamp(-_MAX_DEVIATIONS, _MAX_DEVIATIONS)
        known = standard[..., None] * self.weight + self.name  # (n, covariates, width)
        return torch.where(missing[..., None], self.missing, known)
