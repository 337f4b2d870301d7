"""Optimal transport: each laboratory spectrum moves to where the pixels are, and takes its label along."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from deepsalt.adaptation.base import Answer, Domains, Floats, bounded, require_pixels
from deepsalt.adaptation.shared import regressor

#: At most this many spectra of either side take part in the plan; the others follow their neighbour.
MOST_ROWS = 500
#: Blur of the plan, as a share of the mean cost.
BLUR = 0.02
#: Principal directions of both domains in which distance is measured.
DIRECTIONS = 20


def sinkhorn(
    cost: Floats, source: Floats, target: Floats, blur: float, *, steps: int = 500, tolerance: float = 1e-6
) -> Floats:
    """Plan (n, k) of entropic optimal transport, iterated on logarithms so that a small blur is safe.

    cost            (n, k), at least 0
    source, target  (n,) and (k,) masses, each with sum 1
    blur            weight of the entropy, in the unit of cost
    tolerance       stop when the rows miss their mass by less than this in sum; columns are exact

    Source: Cuturi (2013); Peyré & Cuturi (2019), section 4.4.
    """
    log_source, log_target = np.log(source), np.log(target)
    gain, column = -cost / blur, np.zeros(len(target))
    for step in range(steps):
        row = log_source - _log_sum(gain + column, axis=1)
        column = log_target - _log_sum(gain + row[:, None], axis=0)
        if step % 10 == 9:
            missed = np.abs(np.exp(row + _log_sum(gain + column, axis=1)) - source).sum()
            if missed < tolerance:
                break
    return np.exp(gain + row[:, None] + column)


def _log_sum(values: Floats, axis: int) -> Floats:
    top = values.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(values - top).sum(axis=axis))


def transported(source: Floats, pixels: Floats, seed: int) -> Floats:
    """Source (n, bands) moved onto pixels (k, bands): the mean pixel that the plan gives to each.

    Spectra beyond the first MOST_ROWS drawn move as the nearest drawn one does.

    Source: Courty et al. (2017) for the mapping; Ferradans et al. (2014) for spectra out of the plan.
    """
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(seed)
    drawn, goal = _drawn(len(source), rng), pixels[_drawn(len(pixels), rng)]
    coordinates = _coordinates(source, goal)
    here, there = coordinates[: len(source)], coordinates[len(source) :]
    cost = ((here[drawn][:, None] - there[None]) ** 2).sum(axis=2)
    n, k = cost.shape
    plan = sinkhorn(cost, np.full(n, 1 / n), np.full(k, 1 / k), BLUR * float(cost.mean()))
    shift = plan @ goal / plan.sum(axis=1, keepdims=True) - source[drawn]
    nearest = NearestNeighbors(n_neighbors=1).fit(here[drawn]).kneighbors(here, return_distance=False)
    return source + shift[nearest[:, 0]]


def _drawn(rows: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.permutation(rows)[:MOST_ROWS])


def _coordinates(source: Floats, goal: Floats) -> Floats:
    """Both sets in common principal directions, (n + k, d), source first."""
    both = np.vstack([source, goal])
    centred = both - both.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:DIRECTIONS].T


@dataclass(frozen=True)
class OptimalTransport:
    """Learns on laboratory spectra carried onto the pixels at the least cost.

    All mass of one side goes to all mass of the other: salty samples of a library end on pixels even
    where the land has no salt.
    """

    name: str = "ot"
    title: str = "Optimal transport"
    source: str = "Courty et al. (2017), doi:10.1109/TPAMI.2016.2615921"

    def fit(self, domains: Domains, seed: int) -> Answer:
        require_pixels(self.name, domains)
        moved = transported(domains.source_x, domains.pixels, seed)
        return bounded(regressor(replace(domains, source_x=moved), seed), domains)
