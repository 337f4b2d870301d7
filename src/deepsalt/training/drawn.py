"""Laboratory spectra drawn as pixels, or, with the bridge switched off, seen by the sensor as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from deepsalt.augment import Drawn, PhysicsBridge

_CLEAN_NOISE = 0.002  # reflectance, for spectra that no nuisance is drawn for


def drawn_pixels(
    bridge: PhysicsBridge, spectra: Tensor, log_ece: Tensor, generator: torch.Generator, *, nuisance: bool
) -> Drawn:
    """One pixel of each spectrum (n, wavelength) whose ln(1+ECe) (n,) is known or believed."""
    if nuisance:
        return bridge.draw(spectra, log_ece, generator)
    clean = bridge.clean(spectra)
    pixels = clean + _CLEAN_NOISE * torch.randn(clean.shape, generator=generator)
    return Drawn(pixels, torch.zeros(len(pixels), 2))
