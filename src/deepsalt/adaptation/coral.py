"""Correlation alignment: laboratory spectra get the mean and the covariance of the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from deepsalt.adaptation.base import Answer, Domains, Floats, bounded, require_pixels
from deepsalt.adaptation.shared import choose, regressor

#: Shares of the mean variance added to both covariances; large ones leave the shape of the cloud alone.
RIDGES = (1e-4, 1e-2, 1.0)


def recoloured(source: Floats, pixels: Floats, ridge: float) -> Floats:
    """Source (n, bands) with the mean and covariance of pixels (k, bands).

    ridge  share of each domain's mean variance added to its covariance before the roots are taken;
           with 0 and more rows than bands the covariances become equal

    Source: Sun, Feng & Saenko (2016), with the means aligned too.
    """
    centre = source.mean(axis=0)
    whiten = _power(np.cov(source, rowvar=False), ridge, -0.5)
    colour = _power(np.cov(pixels, rowvar=False), ridge, 0.5)
    return (source - centre) @ whiten @ colour + pixels.mean(axis=0)


def _power(covariance: Floats, ridge: float, exponent: float) -> Floats:
    """A power of a covariance matrix; directions without any variance are dropped."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    values = np.maximum(values, 0.0) + ridge * float(np.mean(np.maximum(values, 0.0)))
    there = values > 1e-12 * float(values.max())
    vectors = vectors[:, there]
    return (vectors * values[there] ** exponent) @ vectors.T


def _fit(domains: Domains, ridge: float, seed: int) -> Answer:
    moved = recoloured(domains.source_x, domains.pixels, ridge)
    return regressor(replace(domains, source_x=moved), seed)


@dataclass(frozen=True)
class Coral:
    """Learns on laboratory spectra that are spread as the pixels are.

    Needs no label and no pair, but supposes that salt is spread alike in library and land. Where it is
    not, the shift of the mean carries a part of the signal away.
    """

    name: str = "coral"
    title: str = "Correlation alignment"
    source: str = "Sun, Feng & Saenko (2016), doi:10.1609/aaai.v30i1.10306"

    def fit(self, domains: Domains, seed: int) -> Answer:
        require_pixels(self.name, domains)
        ridge = choose(RIDGES, domains, seed, partial(_fit, seed=seed), otherwise=1e-2)
        return bounded(_fit(domains, ridge, seed), domains)
