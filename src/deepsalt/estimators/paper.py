"""PaperRegressor: the published method, from a library and satellite spectra to ECe of satellite spectra."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import BandError, LabelError, ModelFileError, UsageError
from deepsalt.estimators.card import inputs_section, seed_from, usable, versions, word
from deepsalt.estimators.lab_table import label_sd_of
from deepsalt.estimators.neighbours import no_pairs, pairs_with
from deepsalt.estimators.predictor import BandInputs, training_groups, training_target
from deepsalt.estimators.saved import Saved
from deepsalt.labels import with_ece
from deepsalt.pairing import pair_report
from deepsalt.preprocessing.gaps import without_gaps
from deepsalt.preprocessing.resample import missing_bands, resampling_matrix
from deepsalt.spectra import Scene, Spectra
from deepsalt.splits import grouped_holdout
from deepsalt.units import ece_from_log, log_ece

if TYPE_CHECKING:
    from deepsalt.estimators.differentiable import Differentiable
    from deepsalt.progress import Progress
    from deepsalt.training import PaperData, PaperSettings

TARGET = "ece_ds_m"
PRESETS = ("paper",)
#: Fewer pairs than this cannot align two domains.
FEWEST_PAIRS = 20


class PaperRegressor(Saved):
    """Satellite spectra to ECe, taught by a laboratory library.

    preset            "paper": the published method (Dey et al. 2025) with its faults mended
    adaptation        align laboratory and satellite latents on pairs
    distillation      let the laboratory teacher teach the student
    settings          hyperparameters of the preset; None for the defaults
    covariates        columns of the satellite samples to use beside the spectrum
    pair_within_m     a laboratory site and a pixel this close are a pair
    validation_share  share of the rows, in whole groups, that early stopping watches
    seed              same seed, same model on the same machine

    Set by `fit`: `model_`, `inputs_`, `history_`, `checks_`, `pairs_`, `pair_report_`, `card_`.
    With both switches off it is the student without adaptation and needs no library.
    """

    accepts_missing_covariates = True

    def __init__(
        self,
        preset: str = "paper",
        *,
        adaptation: bool = True,
        distillation: bool = True,
        settings: PaperSettings | None = None,
        covariates: tuple[str, ...] = (),
        pair_within_m: float = 60.0,
        validation_share: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.preset = preset
        self.adaptation = adaptation
        self.distillation = distillation
        self.settings = settings
        self.covariates = covariates
        self.pair_within_m = pair_within_m
        self.validation_share = validation_share
        self.seed = seed

    @property
    def name(self) -> str:
        if self.adaptation and self.distillation:
            return self.preset
        left_out = [
            word
            for word, on in (("adaptation", self.adaptation), ("distillation", self.distillation))
            if not on
        ]
        return "student-alone" if len(left_out) == 2 else f"{self.preset} without {left_out[0]}"

    def fit(
        self,
        library: Spectra | None,
        sites: Spectra,
        unlabelled: Spectra | None = None,
        *,
        progress: Progress | None = None,
    ) -> PaperRegressor:
        """Train on a library, labelled satellite samples and pixels without a label.

        library     laboratory spectra with EC and its method (or ECe); None only with both switches off
        sites       satellite spectra with `ece_ds_m`, and `group` where samples belong together
        unlabelled  pixels on the bands of `sites`; those near a library site (by `latitude`,
                    `longitude`) become pairs, as do the sites themselves

        Nothing but these rows is learned from: keep test rows out of all three. Short gaps are filled,
        rows with wider ones left out.
        Raises UsageError, LabelError or BandError for what cannot be used, TrainingError after a collapse.
        """
        from deepsalt.training import train_paper

        if self.preset not in PRESETS:
            raise UsageError(f"unknown preset {self.preset!r}", fix=f"Known: {', '.join(PRESETS)}.")
        self.inputs_ = BandInputs.of(sites, self.covariates)
        sites = without_gaps(sites, "sites")
        unlabelled = None if unlabelled is None else without_gaps(unlabelled, "unlabelled")
        self.pairs_ = no_pairs()
        self.pair_report_: dict[str, Any] = {"pairs": 0}
        self.library_inputs_: BandInputs | None = None
        data = self._data(library, sites, unlabelled)
        result = train_paper(data, self._settings(), self.seed, progress)
        self.model_, self.history_, self.checks_ = result.model, result.history, result.checks
        self.card_ = self._card(library, sites, unlabelled)
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) ECe in dS/m. Raises BandError for another sensor or missing bands."""
        values = self.inputs_.values(spectra)
        covariates = self.inputs_.covariate_values(spectra)
        return ece_from_log(self.model_.predict(values, covariates).numpy())

    def differentiable(self, spectra: Spectra) -> Differentiable:
        """What `predict` does to these spectra as a function with gradients, to explain it."""
        from deepsalt.estimators.differentiable import of_paper

        covariates = self.inputs_.covariate_values(spectra)
        return of_paper(self.model_, self.inputs_.axis, self.inputs_.values(spectra), covariates)

    def needed_bands(self, scene: Scene) -> NDArray[np.bool_]:
        """(band,) which of the scene's bands a prediction is computed from.

        Raises BandError for another sensor than the one the model was trained for, and for a scene
        without data in bands the model needs.
        """
        sensor = scene.sensor
        if sensor.name != self.inputs_.sensor:
            raise BandError(
                f"the model was trained for {self.inputs_.sensor}, the scene is {sensor.name}",
                where=scene.name,
                fix="Train a model for this sensor, or map a product of the model's sensor.",
            )
        available = ~scene.empty
        weights, covered = resampling_matrix(sensor.axis, self.inputs_.axis, available)
        if not covered.all():
            raise missing_bands(f"scene {scene.name}", sensor.axis, self.inputs_.axis, covered)
        return np.asarray((weights > 0).any(axis=0))

    def _settings(self) -> PaperSettings:
        from deepsalt.training import PaperSettings

        chosen = self.settings or PaperSettings()
        return replace(chosen, adaptation=self.adaptation, distillation=self.distillation)

    def _data(self, library: Spectra | None, sites: Spectra, unlabelled: Spectra | None) -> PaperData:
        from deepsalt.training import PaperData

        learned = log_ece(training_target(sites, TARGET)).astype(np.float32)
        train, validation = grouped_holdout(training_groups(sites), self.validation_share, self.seed, learned)
        loose = None if unlabelled is None else self.inputs_.values(unlabelled)
        satellite: dict[str, Any] = {
            "sat_x": self.inputs_.values(sites),
            "sat_y": learned,
            "sat_train": train,
            "sat_validation": validation,
            "sat_covariates": self.inputs_.covariate_values(sites) if self.covariates else None,
            "unlabelled_x": loose,
        }
        if not (self.adaptation or self.distillation):
            return PaperData(**satellite)
        if library is None:
            raise UsageError(f"the preset {self.preset} needs a laboratory library", fix="Give one to fit.")
        lab = self._lab(with_ece(library))
        pairs = self._pairs(library, sites.take(train), satellite["sat_x"][train], unlabelled, loose)
        return PaperData(**satellite, **lab, **pairs)

    def _lab(self, library: Spectra) -> dict[str, Any]:
        learned = log_ece(training_target(library, TARGET)).astype(np.float32)
        train, validation = grouped_holdout(
            training_groups(library), self.validation_share, self.seed, learned
        )
        self.library_inputs_ = BandInputs.of(library)
        return {
            "lab_x": self.library_inputs_.values(library),
            "lab_y": learned,
            "lab_train": train,
            "lab_validation": validation,
            "label_sd": label_sd_of(library, TARGET),
        }

    def _pairs(
        self,
        library: Spectra,
        sites: Spectra,
        sites_x: NDArray[np.float32],
        unlabelled: Spectra | None,
        loose: NDArray[np.float32] | None,
    ) -> dict[str, Any]:
        """Pairs of library samples with training sites and unlabelled pixels, nearest first."""
        if not self.adaptation:
            return {}
        spectra = sites_x if loose is None else np.concatenate([sites_x, loose])
        self.pairs_ = pairs_with(library, (sites, unlabelled), self.pair_within_m)
        if len(self.pairs_) < FEWEST_PAIRS:
            raise LabelError(
                f"{len(self.pairs_)} laboratory samples lie within {self.pair_within_m:g} m of a pixel, "
                f"{FEWEST_PAIRS} are needed to align the two domains",
                fix="Give more scenes over the library's sites, a larger distance, or adaptation = false.",
            )
        tables = [table.samples for table in (sites, unlabelled) if table is not None]
        self.pair_report_ = pair_report(self.pairs_, library.samples, pd.concat(tables, ignore_index=True))
        return {"pair_lab": self.pairs_.lab, "pair_x": spectra[self.pairs_.satellite]}

    def _card(self, library: Spectra | None, sites: Spectra, unlabelled: Spectra | None) -> dict[str, Any]:
        learned = sites.samples[TARGET]
        return {
            "preset": self.preset,
            "adaptation": self.adaptation,
            "distillation": self.distillation,
            "inputs": inputs_section(self.inputs_),
            "library_inputs": inputs_section(self.library_inputs_) if self.library_inputs_ else None,
            "target": "ECe",
            "unit": "dS/m",
            "depth": "surface layer; optics sees the top millimetres",
            "seed": self.seed,
            "training": {
                "satellite samples": len(sites),
                "satellite groups": len(np.unique(training_groups(sites))),
                "ECe range, dS/m": [float(learned.min()), float(learned.max())],
                "unlabelled pixels": 0 if unlabelled is None else len(unlabelled),
                "laboratory samples": 0 if library is None else len(library),
                "pairs": len(self.pairs_),
            },
            "versions": versions(),
        }

    @classmethod
    def load(cls, path: str | Path) -> PaperRegressor:
        """A model from its file, ready to predict.

        Raises ModelFileError for a damaged file, or one this version cannot honour.
        """
        from deepsalt.models import PaperModel
        from deepsalt.training import model_from_file

        model, card = model_from_file(path)
        if not isinstance(model, PaperModel):
            raise ModelFileError(
                "a teacher for laboratory spectra, not a model for scenes",
                where=str(path),
                fix="Train with a config that has a [satellite] section.",
            )
        with usable("its preset and seed", path):
            found = cls(
                word(card["preset"]),
                adaptation=bool(card.get("adaptation")),
                distillation=bool(card.get("distillation")),
                seed=seed_from(card),
            )
        found._is_of(path, model, card)
        inputs = found.inputs_
        found.covariates = inputs.covariates
        if len(inputs.axis) != model.architecture.satellite.bands:
            raise ModelFileError(
                f"the card names {len(inputs.axis)} bands, "
                f"the weights read {model.architecture.satellite.bands}",
                where=str(path),
            )
        if len(inputs.covariates) != model.architecture.covariates:
            raise ModelFileError(
                f"the card names {len(inputs.covariates)} covariates, "
                f"the weights read {model.architecture.covariates}",
                where=str(path),
            )
        return found
