"""A model file to the estimator that wrote it."""

from __future__ import annotations

from pathlib import Path

from deepsalt.estimators.lab import LabRegressor
from deepsalt.estimators.paper import PaperRegressor
from deepsalt.estimators.paper_teacher import PaperTeacher
from deepsalt.estimators.regressor import DeepSaltRegressor


def load_regressor(path: str | Path) -> DeepSaltRegressor | PaperRegressor:
    """The model of a file, ready to predict. Raises ModelFileError for one that cannot be honoured."""
    from deepsalt.training import read_card

    architecture = read_card(path).get("architecture")
    if isinstance(architecture, dict) and architecture.get("kind") == "deepsalt":
        return DeepSaltRegressor.load(path)
    return PaperRegressor.load(path)


def load_any(path: str | Path) -> DeepSaltRegressor | PaperRegressor | LabRegressor | PaperTeacher:
    """The model of a file, of satellite or laboratory spectra. Raises ModelFileError as `load` does."""
    from deepsalt.models import LabModel, LabNet
    from deepsalt.training import model_from_file

    model = model_from_file(path)[0]
    if isinstance(model, LabNet):
        return LabRegressor.load(path)
    return PaperTeacher.load(path) if isinstance(model, LabModel) else load_regressor(path)
