"""Where a model should not be believed: land nothing told of, and spectra unlike any it learned from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.estimators.answers import Rows

if TYPE_CHECKING:
    from deepsalt.models import BridgeStudent

Floats = NDArray[np.float64]
#: Rows of a scene, the student tuned to it, and whether anything was learned of its land.
Reading = tuple[Rows, "BridgeStudent", bool]


@dataclass(frozen=True, eq=False)
class Applicability:
    """All arrays (sample,), NaN (or 0) where a spectrum has too wide a gap.

    dissimilarity  distance to the nearest training pixels, in mean distances between them
    residual       what of the spectrum the model does not read, over the limit of it
    density        how many labelled pixels are nearer than the limit of the dissimilarity
    known_land     whether a laboratory sample or a ground point of the land was learned from; True where a
                   row does not say of which scene it is, or the model knows no places
    limit          of the dissimilarity: 99 of 100 training pixels are below it
    """

    dissimilarity: Floats
    residual: Floats
    density: NDArray[np.intp]
    known_land: NDArray[np.bool_]
    limit: float

    @property
    def strange(self) -> NDArray[np.bool_]:
        """Spectra unlike those the model learned from."""
        return (self.dissimilarity > self.limit) | (self.residual > 1.0)

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Where the model should not be believed: strange spectra, and land that nothing told of."""
        return self.strange | ~self.known_land

    def as_plain(self) -> dict[str, Any]:
        """What to tell of many pixels."""
        return {
            "outside": float(self.outside.mean()),
            "strange spectra": float(self.strange.mean()),
            "land not known": float((~self.known_land).mean()),
            "median dissimilarity": float(np.median(self.dissimilarity)),
            "median labelled pixels nearby": float(np.median(self.density)),
        }


def applicability_of(values: NDArray[np.float32], readings: Iterable[Reading]) -> Applicability:
    """Of spectra (n, band) that a student reads; every row belongs to one reading."""
    n, limit = len(values), 0.0
    dissimilarity, residual = np.full(n, np.nan), np.full(n, np.nan)
    density, known = np.zeros(n, np.intp), np.ones(n, bool)
    for rows, student, knows in readings:
        limits = student.familiar.limits.tolist()
        found = student.strangeness(values[rows])
        dissimilarity[rows], residual[rows] = found[0].numpy(), found[1].numpy() / limits[1]
        density[rows] = student.density(values[rows]).numpy()
        known[rows], limit = knows, limits[0]
    return Applicability(dissimilarity, residual, density, known, limit)
