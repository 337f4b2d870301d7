"""Choosing bands by where they lie.

Ours because chemotools' RangeCut (0.5.0) takes the nearest band to each limit, inside or out, and leaves
out the last one: of bands 1 to 10, asked for 2.5 to 7.9, it gives 2 to 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from deepsalt.errors import BandError, UsageError
from deepsalt.preprocessing.resample import describe_ranges
from deepsalt.spectra import Spectra

Ranges = Sequence[tuple[float, float]]


def bands_in(at: ArrayLike, keep: Ranges | None = None, drop: Ranges = ()) -> NDArray[np.bool_]:
    """(band,) True for bands that lie in one of the ranges `keep` (None: anywhere), and in none of `drop`.

    at    (band,) centres; a range (low, high) holds both of its ends

    Raises UsageError for a range from high to low.
    """
    centres = np.asarray(at, float)
    for low, high in [*(keep or ()), *drop]:
        if not low <= high:
            raise UsageError(f"a range of bands from {low:g} to {high:g}", fix=f"Say ({high:g}, {low:g}).")
    chosen = np.ones(len(centres), bool) if keep is None else _inside(centres, keep)
    return chosen & ~_inside(centres, drop)


def cut_bands(spectra: Spectra, keep: Ranges | None = None, drop: Ranges = ()) -> Spectra:
    """Spectra of the bands in some ranges, in the unit of the axis: see `bands_in`.

    The very same spectra where all bands stay. Raises BandError where none does.
    """
    chosen = bands_in(spectra.axis.values, keep, drop)
    if chosen.all():
        return spectra
    if not chosen.any():
        raise BandError(
            f"no band stays of {spectra.axis.describe()}", fix="Give ranges in the unit of the axis."
        )
    return spectra.take_bands(chosen).noted(f"kept {describe_ranges(spectra.axis, chosen)}")


class BandCut(SelectorMixin, BaseEstimator):
    """Bands in some ranges, of plain arrays: a step of a scikit-learn Pipeline. For Spectra: `cut_bands`.

    axis        (band,) centres; band numbers from 0 where there is none
    keep, drop  ranges: see `bands_in`

    Missing values pass. Raises BandError where no band stays.
    """

    def __init__(self, axis: ArrayLike | None = None, keep: Ranges | None = None, drop: Ranges = ()) -> None:
        self.axis = axis
        self.keep = keep
        self.drop = drop

    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Find the bands."""
        values = validate_data(self, X, ensure_all_finite="allow-nan")
        at = np.arange(values.shape[1]) if self.axis is None else np.asarray(self.axis, float)
        if len(at) != values.shape[1]:
            raise BandError(f"{values.shape[1]} bands of values but {len(at)} band centres")
        self.chosen_ = bands_in(at, self.keep, self.drop)
        if not self.chosen_.any():
            raise BandError(f"no band stays of {len(at)}", fix="Give ranges in the unit of the axis.")
        return self

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        return self.chosen_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _inside(centres: NDArray[np.float64], ranges: Ranges) -> NDArray[np.bool_]:
    found = np.zeros(len(centres), bool)
    for low, high in ranges:
        found |= (centres >= low) & (centres <= high)
    return found
