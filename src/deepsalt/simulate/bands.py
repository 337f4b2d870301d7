"""Small helpers for spectra: Gaussian bands, curves through nodes, Kubelka-Munk mixing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.floating]

#: The grid on which vis-NIR spectra are simulated, nm.
WAVELENGTHS_NM: NDArray[np.float32] = np.arange(350.0, 2501.0, 5.0, dtype=np.float32)

#: Of a Gaussian, FWHM over standard deviation.
FWHM_PER_SIGMA = 2.3548


def gaussian(axis: Floats, centre: float, fwhm: float) -> NDArray[np.float32]:
    """A band of height 1."""
    z = (np.asarray(axis, dtype=np.float64) - centre) * FWHM_PER_SIGMA / fwhm
    return np.exp(-0.5 * z**2).astype(np.float32)


def bands(axis: Floats, table: Sequence[tuple[float, float, float]]) -> NDArray[np.float32]:
    """Sum of Gaussian bands; each row of the table is (centre, FWHM, height) in the axis' unit."""
    total = np.zeros(len(axis), dtype=np.float32)
    for centre, fwhm, height in table:
        total += height * gaussian(axis, centre, fwhm)
    return total


def curve(axis: Floats, nodes: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """A smooth monotone-between-nodes curve; level beyond the first and last node."""
    x, y = np.asarray(nodes, dtype=np.float64).T
    return PchipInterpolator(x, y)(np.clip(axis, x[0], x[-1])).astype(np.float32)


def remission(reflectance: Floats) -> Floats:
    """Kubelka-Munk function K/S = (1 - R)^2 / 2R of a thick layer (Kubelka & Munk 1931)."""
    return (1.0 - reflectance) ** 2 / (2.0 * reflectance)


def reflectance_of(k_over_s: Floats) -> Floats:
    """The inverse of `remission`."""
    return 1.0 + k_over_s - np.sqrt(k_over_s * (k_over_s + 2.0))
