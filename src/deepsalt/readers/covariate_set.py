"""Several covariate rasters that together cover an area: one asks, whichever holds the place answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from deepsalt.readers.covariates import CovariateRaster, check_same_bands
from deepsalt.spectra import Scene, Window


@dataclass(frozen=True)
class CovariateSet:
    """Rasters with the same bands. Where two overlap, the first with a value wins.

    rasters  at least one
    """

    rasters: tuple[CovariateRaster, ...]

    @classmethod
    def open(cls, paths: Sequence[str | Path]) -> CovariateSet:
        """Read the headers. Raises ProductError if the rasters do not hold the same covariates."""
        rasters = tuple(CovariateRaster.open(path) for path in paths)
        check_same_bands(rasters)
        return cls(rasters)

    @property
    def names(self) -> tuple[str, ...]:
        return self.rasters[0].names

    def at(self, latitude: ArrayLike, longitude: ArrayLike) -> pd.DataFrame:
        """A row a place, a column a covariate; NaN where no raster has a value."""
        found = self.rasters[0].at(latitude, longitude)
        for raster in self.rasters[1:]:
            found = found.combine_first(raster.at(latitude, longitude))
        return found[list(self.names)]

    def on(self, scene: Scene, window: Window | None = None) -> dict[str, NDArray[np.float32]]:
        """(y, x) by name on the pixels of a scene; NaN where no raster has a value."""
        found = self.rasters[0].on(scene, window)
        for raster in self.rasters[1:]:
            if not any(np.isnan(values).any() for values in found.values()):
                break
            other = raster.on(scene, window)
            found = {name: np.where(np.isnan(v), other[name], v) for name, v in found.items()}
        return found
