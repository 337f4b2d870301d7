"""Salinity classes by ECe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Value of a pixel without a class in a uint8 layer.
NO_CLASS = 255


@dataclass(frozen=True)
class SalinityClass:
    """One class: ECe from `lower` (included) to `upper` (excluded), dS/m, and its map colour."""

    name: str
    lower: float
    upper: float
    colour: str


@dataclass(frozen=True)
class ClassScheme:
    """Classes that cover all ECe from zero up, in order."""

    name: str
    classes: tuple[SalinityClass, ...]
    source: str

    def classify(self, ece_ds_m: ArrayLike) -> NDArray[np.uint8]:
        """Index of the class of each value, uint8; NO_CLASS (255) where ECe is NaN.

        >>> USDA.classify([0.5, 2.0, 20.0, float("nan")]).tolist()
        [0, 1, 4, 255]
        """
        ece = np.asarray(ece_ds_m, dtype=np.float64)
        index = np.digitize(ece, [c.lower for c in self.classes[1:]]).astype(np.uint8)
        return np.where(np.isnan(ece), np.uint8(NO_CLASS), index)


USDA = ClassScheme(
    "USDA",
    (
        SalinityClass("non-saline", 0, 2, "#2c7fb8"),
        SalinityClass("very slightly saline", 2, 4, "#7fcdbb"),
        SalinityClass("slightly saline", 4, 8, "#ffffb2"),
        SalinityClass("moderately saline", 8, 16, "#fd8d3c"),
        SalinityClass("strongly saline", 16, float("inf"), "#bd0026"),
    ),
    "USDA-NRCS Soil Survey Manual, classes of ECe",
)
