"""A laboratory and a field whose shift is known: gain, offset, and a direction that only the field has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from deepsalt.adaptation import Domains

NM = np.linspace(500, 2400, 30)


@dataclass(frozen=True)
class Shift:
    """Field = gain x laboratory + offset + a random amount of `nuisance` (bands,)."""

    gain: float = 0.75
    offset: float = 0.08
    nuisance: np.ndarray | None = None


@dataclass(frozen=True)
class Toy:
    domains: Domains
    fresh_x: np.ndarray
    fresh_y: np.ndarray

    def rmse(self, answer: Callable[[np.ndarray], np.ndarray]) -> float:
        return float(np.sqrt(np.mean((answer(self.fresh_x) - self.fresh_y) ** 2)))


def spectra(rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(rows, band) reflectance of soils with a salt band at 1900 nm, and ln(1+ECe)."""
    y = np.clip(rng.gamma(2.0, 0.7, rows), 0, 4)
    humps = np.exp(-(((NM - np.array([[600], [1000], [1400], [2200]])) / 300) ** 2))
    salt = np.exp(-(((NM - 1900) / 100) ** 2))
    x = 0.3 + rng.normal(0, 0.03, (rows, 4)) @ humps - 0.02 * y[:, None] * salt
    return x + rng.normal(0, 0.001, x.shape), y


def in_the_field(x: np.ndarray, shift: Shift, rng: np.random.Generator) -> np.ndarray:
    nuisance = np.zeros(len(NM)) if shift.nuisance is None else shift.nuisance
    amount = rng.normal(1.0, 0.5, (len(x), 1))
    return shift.gain * x + shift.offset + amount * nuisance + rng.normal(0, 0.001, x.shape)


def make_toy(shift: Shift | None = None, seed: int = 0) -> Toy:
    shift = shift or Shift()
    rng = np.random.default_rng(seed)
    (source_x, source_y), (target_x, target_y) = spectra(160, rng), spectra(36, rng)
    pairs = rng.choice(160, 40, replace=False)
    fresh_x, fresh_y = spectra(200, rng)
    domains = Domains(
        source_x=source_x,
        source_y=source_y,
        source_groups=np.array([f"profile {i // 2}" for i in range(160)]),
        target_x=in_the_field(target_x, shift, rng),
        target_y=target_y,
        target_groups=np.array([f"field {i // 3}" for i in range(36)]),
        unlabelled_x=in_the_field(spectra(240, rng)[0], shift, rng),
        pair_source=pairs,
        pair_x=in_the_field(source_x[pairs], shift, rng),
        wavelengths=NM,
    )
    return Toy(domains, in_the_field(fresh_x, shift, rng), fresh_y)


def unlabelled_only(domains: Domains) -> Domains:
    return replace(
        domains,
        target_x=domains.target_x[:0],
        target_y=domains.target_y[:0],
        target_groups=domains.target_groups[:0],
    )
