"""External parameter orthogonalisation: blind to what differs between laboratory and field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from deepsalt.adaptation.base import Answer, Domains, Floats, bounded, require_pairs
from deepsalt.adaptation.shared import choose, regressor

#: Numbers of nuisance directions that are tried.
DIRECTIONS = (1, 2, 3, 4, 6, 8)


def orthogonal_projection(differences: Floats, directions: int) -> Floats:
    """(bands, bands) projection that removes the leading directions of the differences.

    differences  (p, bands) laboratory minus pixel; not centred, so that a constant offset is one of them
    directions   how many right singular vectors to remove

    Source: Roger, Chauchard & Bellon-Maurel (2003); for soils Minasny et al. (2011).
    """
    _, _, nuisance = np.linalg.svd(differences, full_matrices=False)
    nuisance = nuisance[:directions]
    return np.eye(differences.shape[1]) - nuisance.T @ nuisance


def _fit(domains: Domains, directions: int, seed: int) -> Answer:
    differences = domains.source_x[domains.pair_source] - domains.pair_x
    keep = orthogonal_projection(differences, directions)
    projected = replace(domains, source_x=domains.source_x @ keep, target_x=domains.target_x @ keep)
    answer = regressor(projected, seed)
    return lambda x: answer(x @ keep)


@dataclass(frozen=True)
class Epo:
    """Removes the directions in which paired spectra differ, from both domains.

    Made for what is added to a spectrum, such as an offset or the bands of water. Under a gain the
    difference looks like the spectrum itself, and what is removed holds a part of the salt.
    """

    name: str = "epo"
    title: str = "External parameter orthogonalisation"
    source: str = "Roger et al. (2003), doi:10.1016/S0169-7439(03)00051-0"

    def fit(self, domains: Domains, seed: int) -> Answer:
        require_pairs(self.name, domains)
        directions = choose(DIRECTIONS, domains, seed, partial(_fit, seed=seed), otherwise=2)
        return bounded(_fit(domains, directions, seed), domains)
