"""Subspace alignment: the main directions of the laboratory are turned onto those of the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from deepsalt.adaptation.base import Answer, Domains, Floats, bounded, require_pixels
from deepsalt.adaptation.shared import choose, regressor

#: Dimensions of the subspace that are tried.
DIMENSIONS = (3, 5, 10, 20)


def main_directions(x: Floats, dimensions: int) -> Floats:
    """(bands, d) leading principal directions, orthonormal; d falls short where x has no more."""
    _, size, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    real = int(np.sum(size > 1e-10 * max(float(size[0]), 1e-300)))
    return directions[: max(1, min(dimensions, real))].T


def alignment(source: Floats, target: Floats) -> Floats:
    """(bands, d) map of centred source spectra into the target's coordinates.

    source, target  (bands, d) orthonormal directions of either domain

    Source: Fernando et al. (2013): the Procrustes-like matrix source' target has a closed form.
    """
    return source @ (source.T @ target)


def _fit(domains: Domains, dimensions: int, seed: int) -> Answer:
    pixels = domains.pixels
    target = main_directions(pixels, dimensions)
    source = alignment(main_directions(domains.source_x, dimensions), target)
    centre = pixels.mean(axis=0)
    moved = replace(
        domains,
        source_x=(domains.source_x - domains.source_x.mean(axis=0)) @ source,
        target_x=(domains.target_x - centre) @ target,
        unlabelled_x=np.empty((0, target.shape[1])),
        pair_source=np.empty(0, np.intp),
        pair_x=np.empty((0, target.shape[1])),
        wavelengths=np.arange(target.shape[1], dtype=np.float64),
    )
    answer = regressor(moved, seed)
    return lambda x: answer((x - centre) @ target)


@dataclass(frozen=True)
class Subspace:
    """Learns in the pixels' main directions; each domain is centred on its own mean.

    Like correlation alignment it supposes that salt is spread alike in library and land.
    """

    name: str = "subspace"
    title: str = "Subspace alignment"
    source: str = "Fernando et al. (2013), doi:10.1109/ICCV.2013.368"

    def fit(self, domains: Domains, seed: int) -> Answer:
        require_pixels(self.name, domains)
        dimensions = choose(DIMENSIONS, domains, seed, partial(_fit, seed=seed), otherwise=5)
        return bounded(_fit(domains, dimensions, seed), domains)
