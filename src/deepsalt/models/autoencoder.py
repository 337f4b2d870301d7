"""Sparse stacked autoencoder: a spectrum of any length becomes a latent of fixed length.

As published: bands-1024-512-256-64 with ReLU and a mirrored decoder, reconstruction + KL sparsity
(rho 0.05, beta 0.1). Three things differ, on purpose:

- The one scaler of the spectra lives here, as buffers: the same at training, distillation and
  prediction, stored with the weights.
- The output is linear on standardised bands instead of a sigmoid on min-max scaled ones, because a
  sigmoid cannot reproduce a scene that is brighter than every training spectrum.
- The latent is normalised (mean 0, variance 1 over its entries). Alignment compares directions
  (cosine); without the normalisation two aligned latents could still differ in length, and the
  teacher would be asked about numbers it has never seen.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.errors import BandError
from deepsalt.models.architecture import AutoencoderShape

_MAX_DEVIATIONS = 20.0  # a hot pixel or a stray band must not swamp the rest of the spectrum


class SparseAutoencoder(nn.Module):
    """Spectrum (n, bands) to latent (n, latent) and back."""

    centre: Tensor
    scale: Tensor

    def __init__(self, shape: AutoencoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("centre", torch.zeros(shape.bands))
        self.register_buffer("scale", torch.ones(shape.bands))
        widths = (shape.bands, *shape.hidden, shape.latent)
        self.encoder = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths)])
        self.decoder = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths[::-1])])
        for layer in (*self.encoder, *self.decoder):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def fit_scaler(self, spectra: Tensor) -> None:
        """Set the scaler from training rows (n, bands): mean and standard deviation of each band."""
        deviation = spectra.std(dim=0, correction=0)
        self.centre.copy_(spectra.mean(dim=0))
        # A band that never varies says nothing; dividing by its zero deviation would say noise.
        self.scale.copy_(torch.where(deviation > 1e-8, deviation, torch.ones_like(deviation)))

    def standardise(self, spectra: Tensor) -> Tensor:
        """(n, bands) in the user's unit to (n, bands) in training standard deviations."""
        if spectra.ndim != 2 or spectra.shape[1] != self.shape.bands:
            raise BandError(
                f"spectra of shape {tuple(spectra.shape)} for an encoder of {self.shape.bands} bands",
                fix="Resample the spectra to the bands in the model's card.",
            )
        return ((spectra - self.centre) / self.scale).clamp(-_MAX_DEVIATIONS, _MAX_DEVIATIONS)

    def encode(self, spectra: Tensor) -> Tensor:
        """(n, bands) to the normalised latent (n, latent)."""
        return self._encode(self.standardise(spectra))[0]

    def decode(self, latent: Tensor) -> Tensor:
        """(n, latent) to standardised spectra (n, bands)."""
        hidden = latent
        for layer in self.decoder[:-1]:
            hidden = functional.relu(layer(hidden))
        return self.decoder[-1](hidden)

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Standardised spectra (n, bands), their reconstruction, firing rates of each hidden layer (n, units)."""
        standard = self.standardise(spectra)
        latent, firing = self._encode(standard)
        return standard, self.decode(latent), firing

    def _encode(self, standard: Tensor) -> tuple[Tensor, list[Tensor]]:
        hidden, firing = standard, []
        for layer in self.encoder[:-1]:
            drive = layer(hidden)
            firing.append(torch.sigmoid(drive))
            hidden = functional.relu(drive)
        return functional.layer_norm(self.encoder[-1](hidden), (self.shape.latent,)), firing
