"""What can be mapped and judged: anything with `predict` on a table of spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError, LabelError, UsageError
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.preprocessing.resample import resample
from deepsalt.spectra import Axis, Spectra


class Predictor(Protocol):
    """A method after training.

    name                         shown in tables
    covariates                   columns of `Spectra.samples` it reads
    accepts_missing_covariates   True where NaN is a value it was trained to bear
    """

    @property
    def name(self) -> str: ...

    @property
    def covariates(self) -> tuple[str, ...]: ...

    @property
    def accepts_missing_covariates(self) -> bool: ...

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) ECe in dS/m for a table of spectra in the sensor's own bands."""
        ...


@dataclass(frozen=True)
class BandInputs:
    """From any Spectra of the right sensor to the matrix a method was fitted on.

    axis        bands the method knows
    sensor      name of the sensor the bands belong to, "" for a laboratory instrument
    quantity    "reflectance" or "absorbance"
    covariates  columns of `Spectra.samples`, in order
    """

    axis: Axis
    sensor: str
    quantity: str
    covariates: tuple[str, ...] = ()

    @classmethod
    def of(cls, spectra: Spectra, covariates: tuple[str, ...] = ()) -> BandInputs:
        """The inputs that a table of training spectra defines."""
        name = spectra.sensor.name if spectra.sensor else ""
        return cls(spectra.axis, name, spectra.quantity, covariates)

    def values(self, spectra: Spectra) -> NDArray[np.float32]:
        """(sample, band) on the method's own bands, short gaps filled; NaN where a gap is too wide.

        Raises BandError for another sensor, quantity, or for bands that are missing.
        """
        found = spectra.sensor.name if spectra.sensor else ""
        if found != self.sensor:
            raise BandError(
                f"the model was trained for {self.sensor or 'laboratory spectra'}, "
                f"these are {found or 'laboratory'} spectra",
                fix="Train a model for this sensor, or map a product of the model's sensor.",
            )
        if spectra.quantity != self.quantity:
            raise BandError(f"the model reads {self.quantity}, these spectra are {spectra.quantity}")
        return np.array(fill_gaps(resample(spectra, self.axis).values, self.axis))

    def covariate_values(self, spectra: Spectra) -> NDArray[np.float32]:
        """(sample, covariate), NaN = missing. Raises UsageError if a column is not there at all."""
        absent = [name for name in self.covariates if name not in spectra.samples]
        if absent:
            raise UsageError(
                f"the model needs the covariates {', '.join(absent)}",
                fix="Give a raster with --covariates FILE, or map from spectra alone with --covariates none.",
            )
        return np.array(spectra.samples[list(self.covariates)], dtype=np.float32)


def training_target(spectra: Spectra, column: str) -> NDArray[np.float64]:
    """(sample,) values to learn. Raises LabelError where one is missing or negative."""
    if column not in spectra.samples:
        raise LabelError(f"the samples have no column {column!r} to learn from")
    target = spectra.samples[column].to_numpy(np.float64)
    wrong = ~np.isfinite(target) | (target < 0)
    if wrong.any():
        raise LabelError(
            f"{int(wrong.sum())} of {len(target)} samples have a missing or negative {column} "
            f"(first: row {int(np.argmax(wrong)) + 1})",
            fix="Drop these samples before training.",
        )
    return target


def training_groups(spectra: Spectra) -> NDArray[np.str_]:
    """(sample,) groups that must not be split; every sample is its own where none are given."""
    if "group" in spectra.samples:
        return spectra.samples["group"].astype(str).to_numpy(dtype=np.str_)
    return np.arange(len(spectra)).astype(np.str_)
