"""Stage 2, the Spectral Adaptation Unit: both encoders learn to give paired samples the same latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepsalt.models.adaptation import alignment_loss, pair_cosine
from deepsalt.models.autoencoder import SparseAutoencoder
from deepsalt.progress import Progress
from deepsalt.training.checks import alignment_facts
from deepsalt.training.data import Indices
from deepsalt.training.device import seed_for, seeded
from deepsalt.training.loop import Objective, StageHistory, Terms, fit
from deepsalt.training.represent import reconstruction
from deepsalt.training.settings import PaperSettings

_HELD_OUT = 0.2  # share of the paired laboratory samples
_ENOUGH = 8  # pairs of validation samples that make a validation set


@dataclass(frozen=True)
class Pairs:
    """Laboratory spectra (p, lab bands), satellite spectra (p, bands), laboratory sample of each row (p,)."""

    lab: Tensor
    satellite: Tensor
    sample: Tensor

    def take(self, rows: Tensor) -> Pairs:
        return Pairs(self.lab[rows], self.satellite[rows], self.sample[rows])

    def __len__(self) -> int:
        return len(self.sample)


def split_pairs(pair_lab: Indices, lab_validation: Indices, seed: int) -> tuple[Indices, Indices]:
    """Numbers of the pairs to train on and of those to watch; no laboratory sample is on both sides.

    Pairs of validation samples are watched. Where there are fewer than 8, a fifth of the samples
    is set aside besides.
    """
    watched = np.isin(pair_lab, lab_validation)
    if watched.sum() < _ENOUGH:
        samples = np.unique(pair_lab[~watched])
        order = np.random.default_rng(seed_for(seed, "pairs")).permutation(samples)
        watched |= np.isin(pair_lab, order[: max(1, round(_HELD_OUT * len(samples)))])
    return np.flatnonzero(~watched), np.flatnonzero(watched)


def align(
    encoders: tuple[SparseAutoencoder, SparseAutoencoder],
    pairs: tuple[Pairs, Pairs],
    own: tuple[Tensor, Tensor],
    settings: PaperSettings,
    seed: int,
    progress: Progress | None = None,
) -> tuple[StageHistory, dict[str, Any]]:
    """Train both encoders in place; from here on they are the only encoders there are.

    encoders  laboratory and satellite autoencoder
    pairs     to train on, and to watch
    own       training spectra of each domain: reconstruction of them keeps the encoders from
              agreeing on nothing at all
    """
    train, watched = pairs
    with seeded(seed, "alignment", own[0].device) as generator:
        before = cosines(encoders, watched)
        for autoencoder in encoders:
            _free_last_layers(autoencoder, settings.aligned_layers)

        def watch() -> float:
            now = cosines(encoders, watched)
            return 1.0 - (now["pairs"] - now["shuffled"])

        objective = Objective(
            "alignment",
            "1 - (cosine of held-out pairs - cosine of shuffled pairs)",
            nn.ModuleList(encoders),
            lambda rows: _terms(encoders, train.take(rows), own, settings, generator),
            watch,
        )
        rows = torch.arange(len(train))
        history = fit(objective, rows, settings.alignment, generator, clip=settings.clip, progress=progress)
        after = cosines(encoders, watched)
        for autoencoder in encoders:
            autoencoder.requires_grad_(True)
    return history, {"pairs": len(train), **alignment_facts(before, after, len(watched))}


def _free_last_layers(autoencoder: SparseAutoencoder, layers: int) -> None:
    """Only the encoder's last layers and the decoder may move."""
    for layer in autoencoder.encoder[:-layers]:
        layer.requires_grad_(False)


def cosines(encoders: tuple[SparseAutoencoder, SparseAutoencoder], pairs: Pairs) -> dict[str, float]:
    """Mean cosine of true pairs and of the same latents paired with another sample's."""
    with torch.no_grad():
        lab, satellite = encoders[0].encode(pairs.lab), encoders[1].encode(pairs.satellite)
        all_pairs = nn.functional.normalize(lab, dim=-1) @ nn.functional.normalize(satellite, dim=-1).T
        other = pairs.sample[:, None] != pairs.sample[None, :]
        shuffled = float(all_pairs[other].mean()) if other.any() else 0.0
        return {"pairs": float(pair_cosine(lab, satellite).mean()), "shuffled": shuffled}


def _terms(
    encoders: tuple[SparseAutoencoder, SparseAutoencoder],
    pairs: Pairs,
    own: tuple[Tensor, Tensor],
    settings: PaperSettings,
    generator: torch.Generator,
) -> Terms:
    rebuilt = torch.zeros((), device=own[0].device)
    for autoencoder, spectra in zip(encoders, own, strict=True):
        drawn = torch.randint(len(spectra), (settings.alignment.batch,), generator=generator)
        rebuilt = rebuilt + reconstruction(autoencoder, spectra[drawn], settings)["total"]
    apart, contrast = alignment_loss(
        encoders[0].encode(pairs.lab),
        encoders[1].encode(pairs.satellite),
        pairs.sample[:, None] == pairs.sample[None, :],
        settings.temperature,
    )
    total = (
        settings.reconstruction_weight * rebuilt
        + settings.cosine_weight * apart
        + settings.contrast_weight * contrast
    )
    return {"total": total, "reconstruction": rebuilt, "cosine": apart, "contrast": contrast}
