"""A small clean library of spectra that look like soil, for the tests of quality control."""

from __future__ import annotations

import numpy as np
import pandas as pd

from deepsalt.spectra import Axis, Spectra

#: 1 nm between 900 and 1100 and around 1830 nm would be long; 5 nm keeps both splices inside.
FIVE_NM = Axis(np.arange(400.0, 2400, 5), "nm")


def clean_values(rows: int = 60, seed: int = 0, axis: Axis = FIVE_NM) -> np.ndarray:
    """Reflectance of smooth curves with noise of 0.0002."""
    random = np.random.default_rng(seed)
    x = (axis.values - 1400) / 1000
    shapes = np.stack([np.ones_like(x), x, x**2, np.exp(-((axis.values - 1900) ** 2) / 5000.0)])
    weights = random.normal([0.4, 0.08, -0.06, -0.05], [0.05, 0.02, 0.01, 0.01], (rows, 4))
    return (weights @ shapes + random.normal(0, 2e-4, (rows, len(axis)))).astype(np.float32)


def library(values: np.ndarray, **columns: object) -> Spectra:
    samples = pd.DataFrame({"id": [f"s{row}" for row in range(len(values))]}).assign(**columns)
    return Spectra.of_table(values, FIVE_NM, "reflectance", samples=samples)
