"""Direct and piecewise direct standardisation: pixels as the laboratory would have seen them.

Both maps allow unequal numbers of bands on the two sides. Ridges are shares of the mean variance of the
predicting bands, so that they mean the same for every sensor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from deepsalt.adaptation.base import Answer, Domains, Floats, bounded, require_pairs
from deepsalt.adaptation.shared import choose, regressor

RIDGES = (1e-4, 1e-2, 1.0)
#: Bands on either side of a band's own in a window.
SIDES = (1, 3, 6)

Transfer = Callable[[Floats], Floats]


def direct_map(x: Floats, wanted: Floats, ridge: float) -> Transfer:
    """A linear map from one instrument's spectra to another's, learned on pairs.

    x        (p, a) spectra to be mapped
    wanted   (p, b) the same samples on the other instrument
    ridge    share of the mean variance of x added to every direction; 0 for least squares
    returns  map of (k, a) to (k, b)

    Source: Wang, Veltkamp & Kowalski (1991), with a ridge in place of truncated components.
    """
    centre, aim = x.mean(axis=0), wanted.mean(axis=0)
    matrix = _ridge(x - centre, wanted - aim, ridge)
    return lambda spectra: (spectra - centre) @ matrix + aim


def piecewise_map(
    x: Floats, x_nm: Floats, wanted: Floats, wanted_nm: Floats, side: int, ridge: float
) -> Transfer:
    """As `direct_map`, each band from a window of 2 `side` + 1 bands nearest to it in wavelength.

    x, x_nm            (p, a) spectra to be mapped, their band centres (a,) in nm
    wanted, wanted_nm  (p, b) spectra of the other instrument, their band centres (b,) in nm

    Source: Wang, Veltkamp & Kowalski (1991).
    """
    centre, aim = x.mean(axis=0), wanted.mean(axis=0)
    inputs, outputs = x - centre, wanted - aim
    matrix = np.zeros((x.shape[1], wanted.shape[1]))
    for band, nm in enumerate(wanted_nm):
        window = np.argsort(np.abs(x_nm - nm), kind="stable")[: 2 * side + 1]
        matrix[window, band] = _ridge(inputs[:, window], outputs[:, band], ridge)
    return lambda spectra: (spectra - centre) @ matrix + aim


def _ridge(inputs: Floats, outputs: Floats, share: float) -> Floats:
    """(a, b) or (a,) weights of ridge regression, by singular values so that p < a is no obstacle."""
    left, size, right = np.linalg.svd(inputs, full_matrices=False)
    penalty = share * float(np.sum(size**2)) / inputs.shape[1]
    there = size > 1e-12 * max(float(size[0]), 1e-300)
    gain = np.divide(size, size**2 + penalty, out=np.zeros_like(size), where=there)
    return right.T @ (gain * (left.T @ outputs).T).T


def _answer(domains: Domains, transfer: Transfer, seed: int) -> Answer:
    answer = regressor(replace(domains, target_x=transfer(domains.target_x)), seed)
    return lambda x: answer(transfer(x))


def _fit_direct(domains: Domains, ridge: float, seed: int) -> Answer:
    wanted = domains.source_x[domains.pair_source]
    return _answer(domains, direct_map(domains.pair_x, wanted, ridge), seed)


def _fit_piecewise(domains: Domains, setting: tuple[int, float], seed: int) -> Answer:
    nm, wanted = domains.wavelengths, domains.source_x[domains.pair_source]
    return _answer(domains, piecewise_map(domains.pair_x, nm, wanted, nm, *setting), seed)


@dataclass(frozen=True)
class DirectStandardisation:
    """Every laboratory band from all bands of the pixel."""

    name: str = "ds"
    title: str = "Direct standardisation"
    source: str = "Wang, Veltkamp & Kowalski (1991), doi:10.1021/ac00023a016"

    def fit(self, domains: Domains, seed: int) -> Answer:
        require_pairs(self.name, domains)
        ridge = choose(RIDGES, domains, seed, partial(_fit_direct, seed=seed), otherwise=1e-2)
        return bounded(_fit_direct(domains, ridge, seed), domains)


@dataclass(frozen=True)
class PiecewiseDirectStandardisation:
    """Every laboratory band from the pixel's bands near to it."""

    name: str = "pds"
    title: str = "Piecewise direct standardisation"
    source: str = "Wang, Veltkamp & Kowalski (1991), doi:10.1021/ac00023a016"

    def fit(self, domains: Domains, seed: int) -> Answer:
        require_pairs(self.name, domains)
        settings = list(product(SIDES, RIDGES[:2]))
        setting = choose(settings, domains, seed, partial(_fit_piecewise, seed=seed), otherwise=(3, 1e-2))
        return bounded(_fit_piecewise(domains, setting, seed), domains)
