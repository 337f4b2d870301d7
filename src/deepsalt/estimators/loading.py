"""A model file to the estimator of the preset that wrote it."""

from __future__ import annotations

from pathlib import Path

from deepsalt.estimators.paper import PaperRegressor
from deepsalt.estimators.regressor import DeepSaltRegressor


def load_regressor(path: str | Path) -> DeepSaltRegressor | PaperRegressor:
    """The model of a file, ready to predict. Raises ModelFileError for one that cannot be honoured."""
    from deepsalt.training import read_card

    architecture = read_card(path).get("architecture")
    if isinstance(architecture, dict) and architecture.get("kind") == "deepsalt":
        return DeepSaltRegressor.load(path)
    return PaperRegressor.load(path)
