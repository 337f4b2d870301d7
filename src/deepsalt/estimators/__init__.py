"""The scikit-learn face: methods that are fitted to Spectra and asked for ECe."""

from deepsalt.estimators.adapted import AdaptedRegressor
from deepsalt.estimators.baselines import baseline
from deepsalt.estimators.lab import LabRegressor
from deepsalt.estimators.predictor import Predictor
from deepsalt.estimators.regressor import DeepSaltRegressor

__all__ = ["AdaptedRegressor", "DeepSaltRegressor", "LabRegressor", "Predictor", "baseline"]
