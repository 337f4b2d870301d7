"""Continuum removal: reflectance divided by the upper convex hull of its spectrum.

chemotools has a lower hull that is subtracted (RubberbandCorrection), over band numbers; the hull of a
reflectance spectrum is laid over wavelengths, and divided by.
Source: Clark & Roush 1984, J. Geophys. Res. 89, 6329.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OneToOneFeatureMixin

from deepsalt.errors import SpectraError
from deepsalt.preprocessing.blocks import row_blocks
from deepsalt.preprocessing.transform_base import Floats, SpectralTransform
from deepsalt.spectra import Spectra


class ContinuumRemoval(OneToOneFeatureMixin, SpectralTransform):
    """Reflectance over its continuum: 1 where there is no absorption, less inside a feature.

    axis   (band,) centres, increasing, at any steps; band numbers where there is none

    A spectrum whose continuum is not positive everywhere comes out missing.
    Raises SpectraError for Spectra of absorbance: features stand up there, not down.
    """

    def __init__(self, axis: ArrayLike | None = None) -> None:
        self.axis = axis

    def _refuse(self, spectra: Spectra) -> None:
        if spectra.quantity != "reflectance":
            raise SpectraError(
                f"continuum removal of {spectra.quantity}", fix="Turn it into reflectance: as_reflectance."
            )

    def _apply(self, values: Floats) -> Floats:
        at = np.arange(values.shape[1], dtype=float) if self.axis is None else np.asarray(self.axis, float)
        found = np.empty_like(values)
        for rows in row_blocks(values):
            hull = upper_hull(values[rows], at)
            positive = (hull > 0).all(axis=1, keepdims=True)
            found[rows] = np.divide(
                values[rows],
                hull,
                out=np.full_like(hull, np.nan),
                where=np.broadcast_to(positive, hull.shape),
            )
        return found

    def _title(self) -> str:
        return "continuum removed (upper convex hull)"


def upper_hull(values: Floats, at: NDArray[np.float64]) -> Floats:
    """The upper convex hull of each row (sample, band) over the positions `at` (band,), linear in between.

    All rows walk together: from the hull's last corner the steepest line to any later band ends at the next
    one. A row costs its bands times its corners, some tens for soil.
    """
    hull = np.array(values)
    last = len(at) - 1
    corner = np.zeros(len(values), np.intp)
    open_ = np.arange(len(values)) if last > 0 else np.zeros(0, np.intp)
    bands = np.arange(len(at))
    while len(open_):
        here = corner[open_]
        start = int(here.min())  # nothing before it is looked at again
        run = at[None, start:] - at[here][:, None]
        rise = values[open_, start:] - values[open_, here][:, None]
        slope = np.divide(rise, run, out=np.full_like(rise, -np.inf), where=run > 0)
        ahead = last - slope[:, ::-1].argmax(axis=1)  # of equal slopes the farthest
        steepest = slope[np.arange(len(open_)), ahead - start]
        between = (bands > here[:, None]) & (bands < ahead[:, None])
        line = values[open_, here][:, None] + steepest[:, None] * (at[None, :] - at[here][:, None])
        hull[open_] = np.where(between, np.maximum(line, values[open_]), hull[open_])
        corner[open_] = ahead
        open_ = open_[ahead < last]
    return hull
