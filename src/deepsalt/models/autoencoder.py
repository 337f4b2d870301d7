"""Sparse stacked autoencoder: a spectrum of any length becomes a latent of fixed length.

As published: bands-1024-512-256-64 with ReLU and a mirrored decoder, reconstruction + KL sparsity
(rho 0.05, beta 0.1). Three things differ, on purpose:

- The one scaler of the spectra lives here, as buffers: the same at training, distillation and
  prediction, stored with the weights. It standardises the bands and turns them into principal
  directions of nearly equal variance. Neighbouring bands say nearly the same thing, so on min-max
  scaled bands (as published) nearly all of the error is brightness, and the latent has no reason to
  keep the weak features that tell of salt.
- The output is linear instead of a sigmoid, which cannot reproduce a scene that is brighter than
  every training spectrum.
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
from deepsalt.models.starts import identity

_MAX_DEVIATIONS = 20.0  # a hot pixel or a stray band must not swamp the rest of the spectrum
_OVER_NOISE = 100.0  # floor of the whitening over the variance of a direction that is taken for noise


class SparseAutoencoder(nn.Module):
    """Spectrum (n, bands) to latent (n, latent) and back."""

    centre: Tensor
    scale: Tensor
    directions: Tensor

    def __init__(self, shape: AutoencoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("centre", torch.zeros(shape.bands))
        self.register_buffer("scale", torch.ones(shape.bands))
        self.register_buffer("directions", identity(shape.bands, shape.directions))
        widths = (shape.directions, *shape.hidden, shape.latent)
        self.encoder = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths)])
        self.decoder = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths[::-1])])
        for layer in (*self.encoder, *self.decoder):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def fit_scaler(self, spectra: Tensor) -> None:
        """Set the scaler from training rows (n, bands)."""
        deviation = spectra.std(dim=0, correction=0)
        self.centre.copy_(spectra.mean(dim=0))
        # A band that never varies says nothing; dividing by its zero deviation would say noise.
        self.scale.copy_(torch.where(deviation > 1e-8, deviation, torch.ones_like(deviation)))
        standard = (spectra - self.centre) / self.scale
        self.directions.copy_(whitening(standard, self.shape.directions, self.shape.latent / 2))

    def standardise(self, spectra: Tensor) -> Tensor:
        """(n, bands) in the user's unit to (n, directions), mean 0 and mean square 1 over training rows."""
        if spectra.ndim != 2 or spectra.shape[1] != self.shape.bands:
            raise BandError(
                f"spectra of shape {tuple(spectra.shape)} for an encoder of {self.shape.bands} bands",
                fix="Resample the spectra to the bands in the model's card.",
            )
        standard = ((spectra - self.centre) / self.scale).clamp(-_MAX_DEVIATIONS, _MAX_DEVIATIONS)
        return standard @ self.directions

    def encode(self, spectra: Tensor) -> Tensor:
        """(n, bands) to the normalised latent (n, latent)."""
        return self._encode(self.standardise(spectra))[0]

    def decode(self, latent: Tensor) -> Tensor:
        """(n, latent) to standardised spectra (n, directions)."""
        hidden = latent
        for layer in self.decoder[:-1]:
            hidden = functional.relu(layer(hidden))
        return self.decoder[-1](hidden)

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Standardised spectra, their reconstruction, firing rates of each hidden layer (n, units).

        A unit's firing rate is the sigmoid of what drives its ReLU: near 1 where the unit is on, near 0
        where it is off, and in (0, 1) always, as the KL divergence needs.
        """
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


def whitening(standard: Tensor, directions: int, effective: float) -> Tensor:
    """(bands, directions) that turns standardised spectra (n, bands) into directions of like variance.

    directions  how many principal directions are kept
    effective   at most so many of them, in sum, keep full variance: a latent cannot hold more

    A direction of variance v gets variance v / (v + floor). The floor is well above the variance of
    the median direction, which in a spectrum of many bands is noise, and high enough for `effective`.
    The result is scaled to mean square 1: a reconstruction error is then a share left unexplained.
    """
    wide = standard.double()
    variance, vectors = torch.linalg.eigh(wide.T @ wide / len(wide))  # ascending
    variance = variance.flip(0).clamp(min=0)
    noise = float(variance[: len(wide) - 1].median())  # n rows fill at most n - 1 directions
    variance = variance[:directions]
    vectors = vectors.flip(1)[:, :directions]
    largest = vectors.abs().argmax(dim=0)  # an eigenvector has no sign of its own: give it one
    vectors = vectors * torch.sign(vectors[largest, torch.arange(vectors.shape[1], device=vectors.device)])
    if float(variance.sum()) <= 0.0:
        return vectors.to(standard.dtype)
    floor = max(_OVER_NOISE * noise, _floor_for(variance, effective))
    size = (len(variance) / (variance / (variance + floor)).sum()).sqrt()
    return (vectors / (variance + floor).sqrt() * size).to(standard.dtype)


def _floor_for(variance: Tensor, effective: float) -> float:
    """Floor at which v / (v + floor) sums to at most `effective`, by bisection on its logarithm."""
    high = float(variance.sum())
    low = 1e-10 * high
    for _ in range(60):
        middle = (low * high) ** 0.5
        if float((variance / (variance + middle)).sum()) > effective:
            low = middle
        else:
            high = middle
    return high
