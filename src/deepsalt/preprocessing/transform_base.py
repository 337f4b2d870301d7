"""What every transform of spectra shares: a scikit-learn transformer that also takes and gives Spectra."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from deepsalt.errors import AxisError, BandError, SpectraError
from deepsalt.spectra import Axis, Spectra

Floats = NDArray[np.float64]

#: A step of the axis may differ from the mean by this share: what rounding of band centres amounts to.
_EVEN = 0.01


class SpectralTransform(TransformerMixin, BaseEstimator, ABC):
    """A transform of spectra, in two forms that give the same numbers.

    Plain arrays      `fit(X)` and `transform(X)`, X (sample, band): a step of a scikit-learn Pipeline. A
                      transform that needs to know where its bands are takes their centres as `axis`.
    Spectra           `on(spectra)`, a table or an image; the axis comes along. What is learned (a reference,
                      a mean) is learned from these spectra, or before: `learned_from(training).on(test)`.

    A row with a missing band comes out missing as a whole, since all of its bands take part in each: fill
    short gaps first (`deepsalt.preprocessing.gaps`). So does a row that cannot be transformed, such as a flat
    one by SNV. No row knows of another, but for what was learned.
    """

    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Check the shape and learn what is to be learned, from the rows without gaps."""
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self._learn(values[np.isfinite(values).all(axis=1)])
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Transformed rows, float64."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        ready = np.isfinite(values).all(axis=1)
        ready[ready] = self._ready(values[ready])
        if ready.all():
            return self._apply(values)
        found = np.full(values.shape, np.nan)
        if ready.any():
            found[ready] = self._apply(values[ready])
        return found

    def learned_from(self, spectra: Spectra) -> Self:
        """A fitted copy, for spectra on the same bands."""
        self._refuse(spectra)
        new = clone(self)
        if "axis" in new.get_params(deep=False):
            new.set_params(axis=spectra.axis.values)
        new.fit(_rows(spectra))
        new.bands_ = spectra.axis
        return new

    def on(self, spectra: Spectra) -> Spectra:
        """The same samples or pixels, transformed; provenance says how.

        The quantity stays the name of what was transformed.
        Raises BandError for spectra on other bands than what was learned.
        """
        if not self.__sklearn_is_fitted__():
            return self.learned_from(spectra).on(spectra)
        self._refuse(spectra)
        bands = getattr(self, "bands_", spectra.axis)
        if not np.array_equal(bands.values, spectra.axis.values) or bands.unit != spectra.axis.unit:
            raise BandError(
                f"{self._title()}: learned from {bands.describe()}, asked for {spectra.axis.describe()}",
                fix="Resample them to the same bands first.",
            )
        values = self.transform(_rows(spectra)).reshape(*spectra.values.shape[:-1], -1)
        return self._labelled(spectra, values)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _learn(self, values: Floats) -> None:
        """Keep what `transform` needs; values (sample, band) without NaN, perhaps no row."""

    def _ready(self, values: Floats) -> NDArray[np.bool_]:
        """(sample,) False for rows that have no answer."""
        return np.ones(len(values), bool)

    @abstractmethod
    def _apply(self, values: Floats) -> Floats:
        """(sample, band) transformed, of rows without gaps."""

    def _refuse(self, spectra: Spectra) -> None:
        """Raise for spectra that make no sense here."""

    def _labelled(self, spectra: Spectra, values: Floats) -> Spectra:
        return spectra.with_values(values, spectra.axis, sensor=spectra.sensor, step=self._title())

    def _title(self) -> str:
        """For the provenance."""
        return type(self).__name__


def _rows(spectra: Spectra) -> NDArray[np.float32]:
    return spectra.values.reshape(-1, len(spectra.axis))


def not_flat(values: Floats) -> NDArray[np.bool_]:
    """(sample,) False where a row is one value in all bands, but for rounding."""
    largest = np.abs(values).max(axis=1)
    return np.asarray(np.ptp(values, axis=1) > 1e-9 * largest)


def even_step(axis: ArrayLike | None) -> float:
    """The step of evenly spaced band centres; 1 where none are given.

    Raises AxisError for uneven ones.
    """
    if axis is None:
        return 1.0
    steps = np.diff(np.asarray(axis, float))
    step = float(steps.mean())
    if not len(steps) or not (np.abs(steps - step) <= _EVEN * abs(step)).all():
        raise AxisError(
            f"the bands are {steps.min():g} to {steps.max():g} apart; this transform needs even steps",
            fix="Bring the spectra onto an even axis first: evenly_spaced(spectra, step).",
        )
    return step


def evenly_spaced(spectra: Spectra, step: float | None = None) -> Spectra:
    """Spectra on even bands from the first to the last one.

    step   in the unit of the axis; default the median step
    Bands become what `resample` makes of them: no information is added where the axis was coarse.
    Raises BandError where bands over more than their width are missing, for example in water vapour: cut the
    spectra there first (`BandCut`), and transform the parts.
    """
    from deepsalt.preprocessing.resample import resample

    centres = spectra.axis.values
    if len(centres) < 2:
        raise AxisError("one band has no step", fix="Give spectra of two bands at least.")
    even = float(np.median(np.diff(centres))) if step is None else step
    if even <= 0:
        raise AxisError(f"a step of {even:g}", fix="Give a positive step.")
    count = int((centres[-1] - centres[0]) / even + 1e-6) + 1
    return resample(spectra, Axis(centres[0] + even * np.arange(count), spectra.axis.unit))


def reference_of(values: Floats, reference: ArrayLike | None) -> Floats:
    """(band,) the reference that was given, or the mean of the rows.

    Raises SpectraError for one with gaps, BandError for one on other bands.
    """
    if reference is None and not len(values):
        raise SpectraError("no row without gaps to learn from", fix="Fill short gaps first: without_gaps.")
    found = values.mean(axis=0) if reference is None else np.asarray(reference, np.float64)
    if found.shape != (values.shape[1],):
        raise BandError(f"a reference of shape {found.shape} for {values.shape[1]} bands")
    if not np.isfinite(found).all():
        raise SpectraError("the reference has missing bands", fix="Give a reference without gaps.")
    return found
