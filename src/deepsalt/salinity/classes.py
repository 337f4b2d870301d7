"""Salinity classes by ECe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError

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

#: The bounds are as read; the names as FAO prints them.
FAO = ClassScheme(
    "FAO",
    (
        SalinityClass("not salty", 0, 0.75, "#2c7fb8"),
        SalinityClass("slightly salty", 0.75, 2, "#7fcdbb"),
        SalinityClass("moderately salty", 2, 4, "#c7e9b4"),
        SalinityClass("strongly salty", 4, 8, "#ffffb2"),
        SalinityClass("very strongly salty", 8, 15, "#fd8d3c"),
        SalinityClass("extremely salty", 15, float("inf"), "#bd0026"),
    ),
    "FAO Guidelines for soil description (2006), classes of ECe",
)

SCHEMES = {one.name: one for one in (USDA, FAO)}


def scheme(name: str) -> ClassScheme:
    """A scheme of classes by its name, upper or lower case. Raises LabelError for an unknown one.

    >>> scheme("fao").classes[-1].lower
    15
    """
    found = SCHEMES.get(name.strip().upper())
    if found is None:
        raise LabelError(f"unknown scheme of classes {name!r}", fix=f"Known: {', '.join(SCHEMES)}.")
    return found
