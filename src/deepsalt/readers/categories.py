"""Rasters of classes: climate zone, soil class. A class is never averaged, interpolated or learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from deepsalt.errors import ProductError
from deepsalt.readers.class_names import class_names
from deepsalt.readers.covariates import CovariateRaster, check_same_bands


@dataclass(frozen=True)
class CategoryRaster:
    """A raster of classes, one kind of class a band.

    raster   its codes
    classes  (band,) code -> name
    """

    raster: CovariateRaster
    classes: tuple[Mapping[int, str], ...]

    @classmethod
    def open(cls, path: str | Path) -> CategoryRaster:
        """Read the header and the names. Raises as `CovariateRaster.open`, and ProductError for codes that
        are no whole numbers."""
        raster = CovariateRaster.of_any(path)
        header = raster.header
        scaled = any(one != 1 for one in header.scales) or any(header.offsets)
        if np.dtype(header.dtype).kind not in "iu" or scaled:
            raise ProductError(
                f"it holds {'scaled numbers' if scaled else header.dtype}, not codes of classes",
                where=str(raster.path),
                fix="Give it under covariates, or store classes as whole numbers.",
            )
        return cls(raster, class_names(raster.path, raster.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the bands."""
        return self.raster.names

    def at(self, latitude: ArrayLike, longitude: ArrayLike) -> pd.DataFrame:
        """The class of the pixel that holds each place: its name, its code as text where it has none, None
        outside and where the raster has no data.

        latitude, longitude  (point,) degrees WGS84
        """
        codes = self.raster.at(latitude, longitude)
        named = {
            name: [None if np.isnan(code) else of.get(int(code), str(int(code))) for code in codes[name]]
            for name, of in zip(self.names, self.classes, strict=True)
        }
        return pd.DataFrame(named, dtype=object)


@dataclass(frozen=True)
class CategorySet:
    """Rasters with the same kinds of classes. Where two overlap, the first with a class wins.

    rasters  at least one
    """

    rasters: tuple[CategoryRaster, ...]

    @classmethod
    def open(cls, paths: Sequence[str | Path]) -> CategorySet:
        """Read the headers. Raises ProductError if the rasters do not hold the same kinds of classes."""
        rasters = tuple(CategoryRaster.open(path) for path in paths)
        check_same_bands([one.raster for one in rasters])
        return cls(rasters)

    @property
    def names(self) -> tuple[str, ...]:
        return self.rasters[0].names

    def at(self, latitude: ArrayLike, longitude: ArrayLike) -> pd.DataFrame:
        """A row a place, a column a kind of class; None where no raster has one."""
        found = self.rasters[0].at(latitude, longitude)
        for raster in self.rasters[1:]:
            found = found.where(found.notna(), raster.at(latitude, longitude)[list(self.names)])
        return found.where(found.notna(), None)
