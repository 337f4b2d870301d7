"""Stage 1: each autoencoder on its own spectra."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from deepsalt.models.architecture import AutoencoderShape
from deepsalt.models.autoencoder import SparseAutoencoder
from deepsalt.progress import Progress
from deepsalt.training.device import seeded
from deepsalt.training.loop import Objective, StageHistory, Terms, fit
from deepsalt.training.losses import kl_sparsity
from deepsalt.training.settings import PaperSettings


def reconstruction(autoencoder: SparseAutoencoder, spectra: Tensor, settings: PaperSettings) -> Terms:
    """Mean squared error as a share of the variance, KL sparsity, and their weighted sum.

    In the classical loss both are sums, over inputs and over hidden units. Here both are divided by
    the number of inputs, which keeps their balance: a mean over units would be too weak to matter.
    """
    standard, rebuilt, firing = autoencoder(spectra)
    error = (rebuilt - standard).square().mean()
    sparsity = kl_sparsity(firing, settings.sparsity_target) / standard.shape[1]
    return {
        "total": error + settings.sparsity_weight * sparsity,
        "reconstruction": error,
        "sparsity": sparsity,
    }


def train_autoencoder(
    name: str,
    train: Tensor,
    validation: Tensor,
    settings: PaperSettings,
    seed: int,
    progress: Progress | None = None,
) -> tuple[SparseAutoencoder, StageHistory, dict[str, Any]]:
    """An autoencoder for spectra (n, bands), its scaler fitted on the training rows only.

    Validation is the reconstruction error alone, so that stopping does not depend on the sparsity.
    """
    stage, device = f"{name} autoencoder", train.device
    with seeded(seed, stage, device) as generator:
        bands = train.shape[1]
        shape = AutoencoderShape(bands, min(bands, settings.directions), settings.hidden, settings.latent)
        autoencoder = SparseAutoencoder(shape).to(device)
        autoencoder.fit_scaler(train)

        def error() -> float:
            standard, rebuilt, _ = autoencoder(validation)
            return float((rebuilt - standard).square().mean())

        objective = Objective(
            stage,
            "share of the scaled spectra left unexplained",
            autoencoder,
            lambda rows: reconstruction(autoencoder, train[rows], settings),
            error,
        )
        rows = torch.arange(len(train))
        history = fit(objective, rows, settings.autoencoder, generator, clip=settings.clip, progress=progress)
    return autoencoder, history, {"rows": len(train), "unexplained": min(history.validation)}
