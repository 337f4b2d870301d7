"""Preprocessing of spectra: smoothing and derivatives, scatter correction, centring, absorbance.

The arithmetic is that of chemotools and scikit-learn; here it meets Spectra, missing bands and the axis. See
`SpectralTransform` for the two forms, `continuum` and `band_cut` for what chemotools has not, or not right.
Review of the methods: Rinnan, van den Berg & Engelsen 2009, TrAC 28, 1201.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OneToOneFeatureMixin

from deepsalt.errors import BandError, SpectraError, UsageError
from deepsalt.preprocessing.transform_base import (
    Floats,
    SpectralTransform,
    even_step,
    evenly_spaced,
    not_flat,
    reference_of,
)
from deepsalt.spectra import Quantity, Spectra
from deepsalt.units import absorbance_from_reflectance, reflectance_from_absorbance

__all__ = [
    "Centre",
    "Emsc",
    "Msc",
    "SavitzkyGolay",
    "Snv",
    "as_absorbance",
    "as_reflectance",
    "evenly_spaced",
]


def as_absorbance(spectra: Spectra) -> Spectra:
    """log10(1/R); the very same spectra where they are absorbance. NaN where R is not positive.

    For plain arrays: FunctionTransformer(deepsalt.units.absorbance_from_reflectance).
    """
    if spectra.quantity == "absorbance":
        return spectra
    return _converted(spectra, absorbance_from_reflectance(spectra.values), "absorbance")


def as_reflectance(spectra: Spectra) -> Spectra:
    """The fraction of light reflected; the very same spectra where they are reflectance."""
    if spectra.quantity == "reflectance":
        return spectra
    return _converted(spectra, reflectance_from_absorbance(spectra.values), "reflectance")


def _converted(spectra: Spectra, values: Floats, quantity: Quantity) -> Spectra:
    step = f"{spectra.quantity} turned into {quantity}"
    lost = int(np.isnan(values).sum() - np.isnan(spectra.values).sum())
    step += f"; {lost} values that are not positive have none" if lost else ""
    return replace(
        spectra.with_values(values, spectra.axis, sensor=spectra.sensor, step=step), quantity=quantity
    )


class SavitzkyGolay(OneToOneFeatureMixin, SpectralTransform):
    """Least-squares polynomials in a moving window: smoothed spectra, or their derivatives.

    window      bands, odd
    order       of the polynomial, below the window
    derivative  0 smooths; 1, 2 ... are per unit of the axis (nm, cm-1), per band where there is none
    axis        (band,) centres, evenly spaced

    The window's polynomial is read off its own ends at both ends of the spectrum, so that a line keeps its
    slope there too.
    Raises AxisError for uneven bands, BandError for fewer bands than the window, UsageError for settings that
    contradict each other.
    Source: Savitzky & Golay 1964, Anal. Chem. 36, 1627.
    """

    def __init__(
        self, window: int = 11, order: int = 2, derivative: int = 0, axis: ArrayLike | None = None
    ) -> None:
        self.window = window
        self.order = order
        self.derivative = derivative
        self.axis = axis

    def _learn(self, values: Floats) -> None:
        if self.window % 2 == 0 or not 0 <= self.derivative <= self.order < self.window:
            raise UsageError(
                f"Savitzky-Golay with window {self.window}, order {self.order}, derivative {self.derivative}",
                fix="Give an odd window, an order below it, and no derivative above the order.",
            )
        if values.shape[1] < self.window:
            raise BandError(
                f"{values.shape[1]} bands, fewer than the window of {self.window}",
                fix="Choose a smaller window.",
            )
        self.step_ = even_step(self.axis)

    def _apply(self, values: Floats) -> Floats:
        from chemotools.derivative import SavitzkyGolay as Filter

        moving = Filter(self.window, self.order, self.derivative, mode="interp")
        return np.asarray(moving.fit_transform(values) / self.step_**self.derivative)

    def _title(self) -> str:
        what = f"derivative {self.derivative}" if self.derivative else "smoothing"
        return f"Savitzky-Golay {what}, window {self.window} bands, order {self.order}"


class Snv(OneToOneFeatureMixin, SpectralTransform):
    """Standard normal variate: each spectrum less its mean, divided by its standard deviation (n).

    A flat spectrum has none and comes out missing.
    Source: Barnes, Dhanoa & Lister 1989, Appl. Spectrosc. 43, 772.
    """

    def _ready(self, values: Floats) -> NDArray[np.bool_]:
        return not_flat(values)

    def _apply(self, values: Floats) -> Floats:
        from chemotools.scatter import StandardNormalVariate

        return np.asarray(StandardNormalVariate().fit_transform(values))

    def _title(self) -> str:
        return "standard normal variate"


class _AgainstReference(OneToOneFeatureMixin, SpectralTransform):
    """Scatter corrections that map each spectrum onto a reference."""

    reference: ArrayLike | None

    def _learn(self, values: Floats) -> None:
        self.reference_ = reference_of(values, self.reference)

    def _ready(self, values: Floats) -> NDArray[np.bool_]:
        if len(values) and not not_flat(self.reference_[None])[0]:
            raise SpectraError("the reference is flat", fix="Give a spectrum with features as reference.")
        return not_flat(values)


class Msc(_AgainstReference):
    """Multiplicative scatter correction: x = m r + c + rest becomes (x - c) / m, by least squares.

    reference  (band,) r; default the mean of the rows learned from, those without gaps
    A flat spectrum comes out missing.
    Source: Geladi, MacDougall & Martens 1985, Appl. Spectrosc. 39, 491.
    """

    def __init__(self, reference: ArrayLike | None = None) -> None:
        self.reference = reference

    def _apply(self, values: Floats) -> Floats:
        from chemotools.scatter import MultiplicativeScatterCorrection

        return np.asarray(MultiplicativeScatterCorrection(reference=self.reference_).fit_transform(values))

    def _title(self) -> str:
        return "multiplicative scatter correction"


class Emsc(_AgainstReference):
    """Extended multiplicative scatter correction: a polynomial over the axis beside the reference.

    order      of the polynomial
    reference  (band,); default the mean of the rows learned from, those without gaps
    axis       (band,) centres, evenly spaced: chemotools takes the polynomial over band numbers
    A flat spectrum comes out missing. Raises AxisError for uneven bands.
    Source: Afseth & Kohler 2012, Chemom. Intell. Lab. Syst. 117, 92.
    """

    def __init__(
        self, order: int = 2, reference: ArrayLike | None = None, axis: ArrayLike | None = None
    ) -> None:
        self.order = order
        self.reference = reference
        self.axis = axis

    def _learn(self, values: Floats) -> None:
        if values.shape[1] > 1:
            even_step(self.axis)
        super()._learn(values)

    def _apply(self, values: Floats) -> Floats:
        from chemotools.scatter import ExtendedMultiplicativeScatterCorrection as Correction

        return np.asarray(Correction(order=self.order, reference=self.reference_).fit_transform(values))

    def _title(self) -> str:
        return f"extended multiplicative scatter correction, order {self.order}"


class Centre(OneToOneFeatureMixin, SpectralTransform):
    """Each band less its mean over the rows learned from, those without gaps."""

    def _learn(self, values: Floats) -> None:
        self.mean_ = reference_of(values, None)

    def _apply(self, values: Floats) -> Floats:
        return values - self.mean_

    def _title(self) -> str:
        return "centred on the mean spectrum"
