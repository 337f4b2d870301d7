"""AdaptedRegressor: any classical adaptation, fitted to a vis-NIR library and satellite spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.adaptation import Domains, adaptation
from deepsalt.errors import BandError, UsageError
from deepsalt.estimators.neighbours import pairs_with
from deepsalt.estimators.predictor import BandInputs, training_groups, training_target
from deepsalt.labels import with_ece
from deepsalt.preprocessing.gaps import without_gaps
from deepsalt.preprocessing.resample import resample
from deepsalt.spectra import Axis, Spectra
from deepsalt.units import ece_from_log, log_ece

TARGET = "ece_ds_m"


class AdaptedRegressor:
    """Satellite spectra to ECe, from a vis-NIR library and one of the classical adaptations.

    method         a name in `deepsalt.adaptation.ADAPTATIONS`
    pair_within_m  a laboratory site and a pixel this close are a pair
    seed           same seed, same answers on the same machine

    Set by `fit`: `inputs_` (the sensor's bands), `pairs_`, `domains_` (all that was learned from).
    """

    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = True

    def __init__(self, method: str, pair_within_m: float = 60.0, seed: int = 0) -> None:
        self.method = method
        self.pair_within_m = pair_within_m
        self.seed = seed

    @property
    def name(self) -> str:
        return self.method

    def fit(
        self, library: Spectra, sites: Spectra | None = None, unlabelled: Spectra | None = None
    ) -> AdaptedRegressor:
        """Learn from laboratory spectra, labelled satellite samples and pixels without a label.

        library     reflectance in nm, with EC and its method or with ECe; `latitude` and `longitude`
                    for the methods that need pairs
        sites       satellite spectra with `ece_ds_m`, and `group` where samples belong together
        unlabelled  satellite spectra; with places they become pairs too, as the sites do

        At least one of sites and unlabelled tells what the sensor's bands are. Nothing but these rows
        is learned from: keep test rows out of all three. Short gaps are filled, wider ones leave the row out.
        Raises UsageError for what the method needs and does not get, BandError for bands that do not
        meet or are missing, LabelError for labels that cannot be learned.
        """
        chosen = adaptation(self.method)
        satellite = sites if sites is not None else unlabelled
        if satellite is None:
            raise UsageError(
                "neither sites nor unlabelled pixels are given, so the sensor's bands are unknown",
                fix="Give satellite spectra; without any label is enough for lab-only.",
            )
        self.inputs_ = BandInputs.of(satellite)
        sites = None if sites is None else without_gaps(sites, "sites")
        unlabelled = None if unlabelled is None else without_gaps(unlabelled, "unlabelled")
        self.domains_ = self._domains(library, sites, unlabelled)
        self.answer_ = chosen.fit(self.domains_, self.seed)
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) ECe in dS/m; NaN where a gap is too wide to fill. Raises BandError for another sensor."""
        values = self.inputs_.values(spectra).astype(np.float64)
        whole = np.isfinite(values).all(axis=1)
        answer = np.full(len(values), np.nan)
        if whole.any():
            answer[whole] = ece_from_log(self.answer_(values[whole]))
        return answer

    def _domains(self, library: Spectra, sites: Spectra | None, unlabelled: Spectra | None) -> Domains:
        axis = self.inputs_.axis
        seen = as_seen(library, axis)
        labels = log_ece(training_target(with_ece(library), TARGET))
        target = None if sites is None else log_ece(training_target(sites, TARGET))
        site_x, loose = (self._values(table) for table in (sites, unlabelled))
        self.pairs_ = pairs_with(library, (sites, unlabelled), self.pair_within_m)
        return Domains(
            source_x=seen,
            source_y=labels,
            source_groups=_groups(library, "library"),
            target_x=site_x,
            target_y=np.empty(0) if target is None else target,
            target_groups=np.empty(0, np.str_) if sites is None else _groups(sites, "site"),
            unlabelled_x=loose,
            pair_source=self.pairs_.lab,
            pair_x=np.concatenate([site_x, loose])[self.pairs_.satellite],
            wavelengths=axis.values,
        )

    def _values(self, spectra: Spectra | None) -> NDArray[np.float64]:
        if spectra is None:
            return np.empty((0, len(self.inputs_.axis)))
        return self.inputs_.values(spectra).astype(np.float64)


def _groups(spectra: Spectra, kind: str) -> NDArray[np.str_]:
    """Given groups as they are; else each row its own, not to be mistaken for one of another table."""
    groups = training_groups(spectra)
    return groups if "group" in spectra.samples else np.char.add(f"{kind} row ", groups)


def as_seen(library: Spectra, axis: Axis) -> NDArray[np.float64]:
    """(sample, band) laboratory reflectance on a sensor's bands.

    Raises BandError for mid-infrared or absorbance spectra, or where the library lacks a band.
    """
    if library.axis.unit != axis.unit:
        raise BandError(
            f"the library has {library.axis.describe()}, the satellite {axis.describe()}: mid-infrared "
            "and satellite spectra do not overlap",
            where="library",
            fix="Use a vis-NIR library, or PaperRegressor, which learns from the mid infrared.",
        )
    if library.quantity != "reflectance":
        raise BandError(
            f"the library is {library.quantity}, the satellite reflectance",
            where="library",
            fix="Convert it with deepsalt.units.reflectance_from_absorbance.",
        )
    return resample(library, axis).values.astype(np.float64)
