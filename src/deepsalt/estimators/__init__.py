"""The scikit-learn face: methods that are fitted to Spectra and asked for ECe."""

from deepsalt.estimators.adapted import AdaptedRegressor
from deepsalt.estimators.baselines import baseline
from deepsalt.estimators.lab import LabRegressor
from deepsalt.estimators.loading import load_regressor
from deepsalt.estimators.paper import PaperRegressor
from deepsalt.estimators.paper_teacher import PaperTeacher
from deepsalt.estimators.predictor import Predictor
from deepsalt.estimators.regressor import DeepSaltRegressor

__all__ = [
    "AdaptedRegressor",
    "DeepSaltRegressor",
    "LabRegressor",
    "PaperRegressor",
    "PaperTeacher",
    "Predictor",
    "baseline",
    "load_regressor",
]
