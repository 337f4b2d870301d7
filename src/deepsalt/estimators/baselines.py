"""Baselines, tuned on grouped folds of the training rows with a small stated budget.

All of them learn ln(1 + value) and may use the covariates: whether they do, and on which form of the
spectrum, is part of what is tuned, so that no baseline is held down by a choice made here. Candidates
without covariates, twice as many with them:

    mean 1, boosting 2, svr 4, forest 4, plsr 8, svr-wide 8, local 8, ridge 10
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators import builders
from deepsalt.estimators.predictor import BandInputs, training_groups, training_target
from deepsalt.preprocessing.gaps import without_gaps
from deepsalt.spectra import Spectra
from deepsalt.splits import grouped_folds
from deepsalt.units import ece_from_log, log_ece

#: Grouped folds on which the settings of a baseline are chosen.
TUNING_FOLDS = 4
_DARKEST = 1e-3  # absorbance needs a positive reflectance


@dataclass(frozen=True)
class Recipe:
    """A baseline: how to build the estimator, and the settings among which it is tuned."""

    title: str
    build: Callable[..., Any]
    settings: Mapping[str, tuple[Any, ...]]
    forms: tuple[str, ...] = ("plain", "derivative")


class Baseline:
    """A scikit-learn regressor on spectra, with the interface of a Predictor.

    Attributes set by `fit`: `inputs_` (the bands it reads), `slope_scale_`, `chosen_` (the tuned settings),
    `tuning_` (every candidate with its grouped RMSE on the log scale), `estimator_`.
    """

    accepts_missing_covariates = True
    #: False for a method that looks at covariates alone: a missing band is nothing to it.
    reads_spectra = True

    def __init__(self, name: str, recipe: Recipe, covariates: tuple[str, ...] = (), seed: int = 0) -> None:
        self.name = name
        self.recipe = recipe
        self.covariates = covariates
        self.seed = seed

    def fit(self, spectra: Spectra, target: str = "ece_ds_m") -> Baseline:
        """Tune on grouped folds of these rows, then fit on all of them.

        Short gaps are filled; rows with wider ones are left out.
        """
        if self.reads_spectra:
            spectra = without_gaps(spectra, "training rows")
        self.inputs_ = BandInputs.of(spectra, self.covariates)
        learned = log_ece(training_target(spectra, target))
        table = self._covariates(spectra)
        self.means_ = _column_means(table)
        if "derivative" in self.recipe.forms:
            self.slope_scale_ = _slope_scale(self.inputs_.values(spectra), self.inputs_)
        groups = training_groups(spectra)
        candidates = list(self._candidates())
        if len(candidates) == 1 and len(np.unique(groups)) == 1:
            self.tuning_, self.chosen_ = [], candidates[0]
        else:
            folds = list(grouped_folds(groups, min(TUNING_FOLDS, len(np.unique(groups))), self.seed))
            self.tuning_ = [(c, self._grouped_rmse(spectra, learned, folds, c)) for c in candidates]
            self.chosen_ = min(self.tuning_, key=lambda pair: pair[1])[0]
        self.estimator_ = self._fitted(self._features(spectra, self.chosen_), learned, self.chosen_)
        self.range_ = (0.0, float(learned.max()) * 1.25)
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) values in dS/m, between 0 and a quarter above the largest seen (log scale).

        NaN where a gap is too wide to fill.
        """
        whole = self._readable(spectra)
        answer = np.full(len(spectra), np.nan)
        if whole.any():
            asked = spectra if whole.all() else spectra.take(whole)
            guess = np.ravel(self.estimator_.predict(self._features(asked, self.chosen_)))
            answer[whole] = ece_from_log(np.clip(guess, *self.range_))
        return answer

    def _readable(self, spectra: Spectra) -> NDArray[np.bool_]:
        """(sample,) False where a gap is too wide to fill."""
        if not self.reads_spectra:
            return np.ones(len(spectra), bool)
        return np.asarray(np.isfinite(self.inputs_.values(spectra)).all(axis=1))

    def _candidates(self) -> Iterable[dict[str, Any]]:
        with_covariates = (False, True) if self.covariates else (False,)
        grid = {"form": self.recipe.forms, "covariates": with_covariates, **self.recipe.settings}
        for values in product(*grid.values()):
            yield dict(zip(grid, values, strict=True))

    def _grouped_rmse(
        self,
        spectra: Spectra,
        learned: NDArray,
        folds: list[tuple[NDArray, NDArray]],
        candidate: dict[str, Any],
    ) -> float:
        features = self._features(spectra, candidate)
        errors = []
        for train, test in folds:
            estimator = self._fitted(features[train], learned[train], candidate)
            errors.append(np.ravel(estimator.predict(features[test])) - learned[test])
        return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))

    def _fitted(self, features: NDArray, learned: NDArray, candidate: dict[str, Any]) -> Any:
        settings = {key: candidate[key] for key in self.recipe.settings}
        return self.recipe.build(self.seed, features.shape, **settings).fit(features, learned)

    def _features(self, spectra: Spectra, candidate: dict[str, Any]) -> NDArray[np.float64]:
        values = self.inputs_.values(spectra).astype(np.float64)
        if candidate["form"] == "derivative":
            absorbance, slope = _absorbance_and_slope(values, self.inputs_)
            values = np.hstack([absorbance, slope * self.slope_scale_])
        if not candidate["covariates"]:
            return values
        table = self._covariates(spectra)
        return np.hstack([values, np.where(np.isnan(table), self.means_, table)])

    def _covariates(self, spectra: Spectra) -> NDArray[np.float64]:
        return self.inputs_.covariate_values(spectra).astype(np.float64)


def _column_means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    there = ~np.isnan(table)
    total = np.where(there, table, 0.0).sum(axis=0)
    return total / np.maximum(there.sum(axis=0), 1)


def _absorbance_and_slope(values: NDArray, inputs: BandInputs) -> tuple[NDArray, NDArray]:
    """Absorbance (sample, band) and its first derivative per nm."""
    absorbance = values if inputs.quantity == "absorbance" else -np.log10(np.maximum(values, _DARKEST))
    return absorbance, np.gradient(absorbance, inputs.axis.values, axis=1)


def _slope_scale(values: NDArray[np.float32], inputs: BandInputs) -> float:
    """What brings the slopes of the training rows to the spread of their absorbance.

    Of the training rows alone: taken from the rows that are asked, an answer would depend on its neighbours.
    """
    absorbance, slope = _absorbance_and_slope(values.astype(np.float64), inputs)
    return float(absorbance.std()) / max(float(slope.std()), 1e-12)


RECIPES: Mapping[str, Recipe] = {
    "mean": Recipe("Mean of the training labels", builders.mean, {}, forms=("plain",)),
    "plsr": Recipe("Partial least squares", builders.plsr, {"components": (5, 10, 20, 30)}),
    "boosting": Recipe("Gradient boosting", builders.boosting, {"leaves": (7, 15)}, forms=("plain",)),
    "svr": Recipe("Support vectors on 60 components", builders.svr, {"penalty": (1.0, 10.0)}),
    "svr-wide": Recipe(
        "Support vectors on 60 or 120 components",
        builders.svr,
        {"penalty": (1.0, 10.0), "components": (60, 120)},
    ),
    "ridge": Recipe("Ridge", builders.ridge, {"penalty": (0.1, 1.0, 10.0, 100.0, 1000.0)}),
    "forest": Recipe("Extra trees", builders.forest, {"leaf": (2, 5)}),
    "local": Recipe(
        "Local partial least squares", builders.local, {"neighbours": (200, 600), "components": (10, 20)}
    ),
}


def baseline(name: str, covariates: tuple[str, ...] = (), seed: int = 0) -> Baseline:
    """A baseline by its name in RECIPES. Raises UsageError for another name."""
    if name not in RECIPES:
        raise UsageError(f"unknown baseline {name!r}", fix=f"Known: {', '.join(RECIPES)}.")
    return Baseline(name, RECIPES[name], () if name == "mean" else covariates, seed)
