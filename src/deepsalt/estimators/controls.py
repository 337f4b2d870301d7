"""Controls: methods that must lose if a preset works for the reason it claims.

Here stands what can be built without a preset. Controls that break one part of a preset (shuffled
pairs, permuted wavelengths, an untrained teacher) are switches of that preset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.baselines import Baseline, Recipe
from deepsalt.estimators.bridge_library import BridgeLibrary
from deepsalt.estimators.lands import of_the_surface
from deepsalt.spectra import Spectra
from deepsalt.units import ece_from_log


@dataclass
class LibraryMean:
    """Mean of ln(1+ECe) of the library's samples of the surface: what it says of ground it never saw."""

    name: str = "library mean"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates: bool = True

    def fit(self, libraries: Mapping[str, Spectra]) -> LibraryMean:
        """Raises UsageError where no sample of the surface has EC."""
        library = BridgeLibrary.of(libraries)
        known = library.labels[library.with_ec & of_the_surface(library.samples)]
        if not len(known):
            raise UsageError("no sample of the library's surface has EC", fix="Give samples that have.")
        self.mean_ = float(known.mean(dtype=np.float64))
        return self

    def predict(self, spectra: Spectra) -> NDArray[np.float64]:
        """(sample,) ECe in dS/m, the same of all."""
        return np.full(len(spectra), ece_from_log(self.mean_))


class CovariatesOnly(Baseline):
    """Gradient boosting on the covariates alone: what soil and climate maps know without a spectrum."""

    reads_spectra = False

    def fit(self, spectra: Spectra, target: str = "ece_ds_m") -> CovariatesOnly:
        """Tune on grouped folds, then fit on all rows. Raises UsageError without covariates."""
        if not self.covariates:
            raise UsageError("there are no covariates to learn from", fix="Give rasters as `covariates`.")
        super().fit(spectra, target)
        return self

    def _candidates(self) -> Iterable[dict[str, Any]]:
        settings = self.recipe.settings["leaves"]
        return ({"form": "plain", "covariates": True, "leaves": leaves} for leaves in settings)

    def _features(self, spectra: Spectra, candidate: dict[str, Any]) -> NDArray[np.float64]:  # noqa: ARG002
        table = self._covariates(spectra)
        return np.where(np.isnan(table), self.means_, table)


def covariates_only(covariates: tuple[str, ...], seed: int = 0) -> CovariatesOnly:
    """The control without spectra."""
    return CovariatesOnly("covariates-only", _RECIPE, covariates, seed)


def _boosting(seed: int, _shape: tuple[int, int], leaves: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=leaves, min_samples_leaf=5, random_state=seed
    )


_RECIPE = Recipe(
    "Gradient boosting on the covariates alone", _boosting, {"leaves": (3, 7, 15)}, forms=("plain",)
)
