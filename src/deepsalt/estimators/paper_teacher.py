"""PaperTeacher: the teacher of the preset `paper` on its own, from laboratory spectra of one domain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ModelFileError
from deepsalt.estimators.card import inputs_section, usable, versions, word
from deepsalt.estimators.lab_table import label_sd_of
from deepsalt.estimators.predictor import BandInputs, training_groups, training_target
from deepsalt.estimators.saved import Saved
from deepsalt.spectra import Spectra
from deepsalt.splits import grouped_holdout
from deepsalt.units import ece_from_log, log_ece

if TYPE_CHECKING:
    from deepsalt.estimators.differentiable import Differentiable
    from deepsalt.progress import Progress
    from deepsalt.training import PaperSettings


class PaperTeacher(Saved):
    """Teacher of the preset `paper`: sparse autoencoder and transformer on laboratory spectra.

    settings          hyperparameters; None for the defaults
    validation_share  share of the rows, in whole groups, that early stopping watches
    seed              same seed, same model on the same machine

    Set by `fit`: `model_`, `inputs_`, `history_` (losses a stage), `checks_`, `target_`.
    """

    name = "teacher"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = True

    def __init__(
        self, settings: PaperSettings | None = None, *, validation_share: float = 0.15, seed: int = 0
    ) -> None:
        self.settings = settings
        self.validation_share = validation_share
        self.seed = seed

    def fit(
        self, spectra: Spectra, target: str = "ece_ds_m", *, progress: Progress | None = None
    ) -> PaperTeacher:
        """Learn ln(1 + target) of laboratory spectra (sample, band); groups stay whole in validation.

        Raises LabelError for unusable labels, TrainingError if training collapses.
        """
        from deepsalt.training import PaperSettings, train_teacher

        learned = log_ece(training_target(spectra, target))
        train, validation = grouped_holdout(
            training_groups(spectra), self.validation_share, self.seed, learned
        )
        self.inputs_ = BandInputs.of(spectra)
        self.target_ = target
        result = train_teacher(
            self.inputs_.values(spectra),
            learned.astype(np.float32),
            train,
            validation,
            self.settings or PaperSettings(),
            self.seed,
            progress,
            label_sd=label_sd_of(spectra, target),
        )
        self.model_, self.history_, self.checks_ = result.model, result.history, result.checks
        self.card_ = {
            "preset": "paper (teacher only)",
            "inputs": inputs_section(self.inputs_),
            "target": target,
            "unit": "dS/m",
            "versions": versions(),
        }
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) the target in dS/m."""
        return ece_from_log(self.model_.predict(self.inputs_.values(spectra)).numpy())

    def differentiable(self, spectra: Spectra) -> Differentiable:
        """What `predict` does to these spectra as a function with gradients, to explain it."""
        from deepsalt.estimators.differentiable import of_paper_teacher

        return of_paper_teacher(self.model_, self.inputs_.axis, self.inputs_.values(spectra))

    @classmethod
    def load(cls, path: str | Path) -> PaperTeacher:
        """A teacher from its file. Raises ModelFileError for anything else."""
        from deepsalt.models import LabModel
        from deepsalt.training import model_from_file

        model, card = model_from_file(path)
        if not isinstance(model, LabModel):
            raise ModelFileError("not a teacher", where=str(path), fix="Open it with load_regressor.")
        found = cls()
        found._is_of(path, model, card)
        if len(found.inputs_.axis) != model.architecture.autoencoder.bands:
            raise ModelFileError("the card's bands are not those of its weights", where=str(path))
        with usable("its target", path):
            found.target_ = word(card["target"])
        return found
