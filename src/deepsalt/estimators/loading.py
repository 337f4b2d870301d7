"""A model file to the estimator of the preset that wrote it."""

from __future__ import annotations

from pathlib import Path

from deepsalt.estimators.paper import PaperRegressor
from deepsalt.estimators.regressor import DeepSaltRegressor


def load_regressor(path: str | Path) -> DeepSaltRegressor | PaperRegressor:
    """The model of a file, ready to predict. Raises ModelFileError for one that cannot be honoured."""
    from deepsalt.models import BridgeStudent
    from deepsalt.training import model_from_file

    if isinstance(model_from_file(path)[0], BridgeStudent):
        return DeepSaltRegressor.load(path)
    return PaperRegressor.load(path)
