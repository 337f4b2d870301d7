"""A control: the EC of laboratory samples carried to the ground near them, no spectrum of a pixel read.

Where a library is dense and exactly placed, its samples are a survey, and a method that is told their places
must beat what the survey says by itself (ordinary kriging, as a Gaussian process: Rasmussen and Williams
2006, Gaussian Processes for Machine Learning, section 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.bridge_library import BridgeLibrary
from deepsalt.estimators.sites import Sites
from deepsalt.pairing import EARTH_RADIUS_M
from deepsalt.quiet import quiet
from deepsalt.spectra import Spectra
from deepsalt.units import ece_from_log

#: Where lengths start, and within what they are looked for, m: one for a region, one inside it.
_FAR_M, _NEAR_M = (50_000.0, (5_000.0, 5e6)), (500.0, (50.0, 5_000.0))
_FEWEST_SITES = 10


@dataclass
class LibraryByPlace:
    """Kriging of ln(1+ECe) of samples of the surface; lengths and variances by marginal likelihood."""

    seed: int = 0
    name: str = "library by place"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates: bool = True

    def fit(self, libraries: Mapping[str, Spectra]) -> LibraryByPlace:
        """Raises UsageError for a library without places, or with fewer than 10 that have EC."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        library = BridgeLibrary.of(libraries)
        everywhere, measured = np.ones(len(library.labels), bool), np.zeros(len(library.labels))
        sites = Sites.of(library.samples, library.labels, measured, everywhere, stated=False)
        if len(sites) < _FEWEST_SITES:
            raise UsageError(
                f"{len(sites)} places of the library's surface have EC", fix=f"It takes {_FEWEST_SITES}."
            )
        kernel: Any = WhiteKernel(0.3, (1e-3, 10.0))
        for length, bounds in (_FAR_M, _NEAR_M):
            kernel = kernel + ConstantKernel(0.3, (1e-3, 10.0)) * Matern(length, bounds, nu=0.5)
        self.process_ = GaussianProcessRegressor(kernel, normalize_y=True, random_state=self.seed)
        with quiet(ConvergenceWarning):  # a variance at its bound is an answer: there is none of that kind
            self.process_.fit(_on_the_globe(sites.latitude, sites.longitude), sites.label)
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) ECe in dS/m from `latitude` and `longitude` alone. Raises UsageError without them."""
        table: pd.DataFrame = spectra.samples
        if not {"latitude", "longitude"} <= set(table):
            raise UsageError("the pixels have no places", fix="Give them columns latitude and longitude.")
        places = table[["latitude", "longitude"]].to_numpy(np.float64)
        answers = self.process_.predict(_on_the_globe(*places.T))
        return ece_from_log(np.maximum(answers, 0.0))


def _on_the_globe(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) m from the Earth's centre: straight distances, which near by are those over ground."""
    north, along = np.radians(latitude), np.radians(longitude)
    sides = [np.cos(north) * np.cos(along), np.cos(north) * np.sin(along), np.sin(north)]
    return EARTH_RADIUS_M * np.stack(sides, axis=1)
