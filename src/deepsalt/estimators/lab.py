"""LabRegressor: the teacher on its own, from laboratory spectra of one domain or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from deepsalt.errors import LabelError, ModelFileError, UsageError
from deepsalt.estimators.card import inputs_from, inputs_section, usable, versions, word
from deepsalt.estimators.lab_table import LabTable, domain_of, table_of
from deepsalt.estimators.predictor import BandInputs
from deepsalt.estimators.saved import Saved
from deepsalt.spectra import Spectra
from deepsalt.units import ece_from_log, log_ece

if TYPE_CHECKING:
    from deepsalt.estimators.differentiable import Differentiable
    from deepsalt.progress import Progress
    from deepsalt.training.lab_data import LabData
    from deepsalt.training.lab_settings import LabSettings

Library = Spectra | Mapping[str, Spectra]
_TARGET = "ece_ds_m"
_SKEWED = 2.0  # skewness above which a property is learned as ln(1 + value)


class LabRegressor(RegressorMixin, Saved, BaseEstimator):
    """Salinity from laboratory spectra: a few networks side by side, or the simple model that does better.

    settings    hyperparameters; None for the defaults
    properties  columns of `Spectra.samples` to learn beside EC, which is rarer: clay, carbonate, pH, ...
    seed        same seed, same model on the same machine

    A scikit-learn regressor. Fitted to Spectra it learns ln(1 + EC) and answers in dS/m; fitted to plain
    arrays (sample, band) it learns the numbers in `y` as they are.

    Set by `fit`: `model_`, `inputs_` (bands of the first domain), `domains_` (of each), `checks_` (which
    model the gate kept, and by how much), `target_`, `card_`.

    >>> import numpy as np
    >>> from deepsalt.training.lab_settings import LabSettings
    >>> x = np.random.default_rng(0).normal(size=(80, 6))
    >>> fitted = LabRegressor(LabSettings(steps=50)).fit(x, x @ np.arange(6))
    >>> bool(fitted.score(x, x @ np.arange(6)) > 0.9)
    True
    """

    domains_: dict[str, BandInputs]
    _left_out: dict[str, Any]

    name = "teacher"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = True

    def __init__(
        self, settings: LabSettings | None = None, *, properties: Sequence[str] = (), seed: int = 0
    ) -> None:
        self.settings = settings
        self.properties = properties
        self.seed = seed

    def fit(
        self,
        X: Library | ArrayLike,
        y: str | ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        progress: Progress | None = None,
    ) -> LabRegressor:
        """Learn from spectra (sample, band).

        X       Spectra; or Spectra by domain, "mir" and "visnir", whose samples are matched by `id` and may
                lack one of them; or an array
        y       of Spectra the column to learn, dS/m, default "ece_ds_m"; of an array the values (sample,)
        groups  (sample,) of an array: what the gate must not split. Spectra have their column `group`

        Samples of Spectra without a whole spectrum are left out and counted in `checks_`.
        Raises LabelError for unusable labels, SpectraError or UsageError for unusable spectra.
        """
        from deepsalt.training.lab_net import train_lab
        from deepsalt.training.lab_settings import LabSettings

        data = self._of_array(X, y, groups) if _is_array(X) else self._of_spectra(X, y)  # type: ignore[arg-type]
        result = train_lab(data, self.settings or LabSettings(), self.seed, progress)
        self.model_, self.checks_ = result.model, {**self._left_out, **result.checks}
        self.card_ = {
            "preset": "laboratory",
            "inputs": inputs_section(self.inputs_) if self.domains_ else None,
            "domains": [[name, inputs_section(one)] for name, one in self.domains_.items()],
            "target": self.target_,
            "unit": "dS/m" if self.domains_ else "as given",
            "gate": self.checks_["gate"],
            "properties": list(self.properties),
            "versions": versions(),
        }
        return self

    def predict(self, X: Library | ArrayLike) -> NDArray[np.float64]:
        """(sample,) the target: dS/m of Spectra, the unit of `y` of an array.

        Of a model of several domains one alone may be given. NaN where a sample has no whole spectrum.
        """
        return self.predict_with_spread(X)[0]

    def predict_with_spread(self, X: Library | ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(sample,) the target, and (sample,) how far the networks disagree, on the scale they learned.

        The spread orders samples by doubt; it is no calibrated interval, and 0 for a simple model.
        """
        check_is_fitted(self, "model_")
        if _is_array(X):
            values = [validate_data(self, X, dtype=np.float64, reset=False).astype(np.float32)]
        else:
            values = self._asked(X)  # type: ignore[arg-type]
        answer, spread = (one.numpy().astype(np.float64) for one in self.model_.predict_with_spread(*values))
        return (ece_from_log(answer) if self.domains_ else answer), spread

    def differentiable(self, spectra: Spectra) -> Differentiable:
        """What `predict` does to spectra of one domain as a function with gradients, to explain it."""
        from deepsalt.estimators.differentiable import of_teacher

        check_is_fitted(self, "model_")
        values = self._asked(spectra)
        name = domain_of(spectra)
        number = list(self.domains_).index(name)
        return of_teacher(self.model_, number, self.domains_[name].axis, values[number])

    def save(self, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
        """Write one .safetensors file with its card. Raises UsageError for a model of arrays.

        Such a file could not say which bands it reads.
        """
        if hasattr(self, "model_") and not self.domains_:
            raise UsageError("a model of arrays has no bands to tell", fix="Fit it to Spectra to keep it.")
        super().save(path, about)

    def _of_array(self, x: Any, y: Any, groups: ArrayLike | None) -> LabData:
        from deepsalt.training.lab_data import LabData, LabDomain

        values, told = validate_data(self, x, y, dtype=np.float64, y_numeric=True)
        self.domains_, self.target_, self._left_out = {}, "y", {}
        names = np.arange(len(values)) if groups is None else np.asarray(groups)
        steps = np.arange(values.shape[1], dtype=np.float64)
        domain = LabDomain(values.astype(np.float32), steps, reflectance=False)
        labels = told.astype(np.float32)
        return LabData((domain,), labels, names.astype(np.str_), bounded=False)

    def _of_spectra(self, x: Library, y: Any) -> LabData:
        from deepsalt.training.lab_data import LabData, LabDomain

        if y is not None and not isinstance(y, str):
            raise UsageError("y must be the name of a column of the samples", fix="For example 'ece_ds_m'.")
        self.target_ = y or _TARGET
        libraries = x if isinstance(x, Mapping) else {domain_of(x): x}
        table = table_of(libraries, self.target_, self.properties)
        self.domains_ = {name: BandInputs.of(one) for name, one in libraries.items()}
        self.inputs_ = next(iter(self.domains_.values()))
        values = {name: table.values(name, libraries[name], self.domains_[name]) for name in libraries}
        whole = np.any([np.isfinite(one).all(axis=1) for one in values.values()], axis=0)
        if not whole.any():
            raise LabelError("no sample has a whole spectrum", fix="Fill or cut the missing bands.")
        self._left_out = {"samples": {"learned from": int(whole.sum()), "left out": int((~whole).sum())}}
        return LabData(
            tuple(
                LabDomain(values[name][whole], one.axis.values, one.quantity == "reflectance")
                for name, one in self.domains_.items()
            ),
            log_ece(table.target[whole]).astype(np.float32),
            table.groups[whole],
            None if table.label_sd is None else table.label_sd[whole],
            _even(table)[whole] if self.properties else None,
        )

    def _asked(self, x: Library) -> list[NDArray[np.float32]]:
        """Values of each domain the model knows, rows of NaN for those that were not given."""
        if not self.domains_:
            raise UsageError("the model was fitted to arrays", fix="Give an array, or fit it to Spectra.")
        given = x if isinstance(x, Mapping) else {domain_of(x): x}
        unknown = sorted(set(given) - set(self.domains_))
        if unknown:
            raise UsageError(f"the model reads {', '.join(self.domains_)}, not {unknown[0]}")
        table = table_of(given, None, ())
        return [
            table.values(name, given[name], inputs)
            if name in given
            else np.full((len(table.ids), len(inputs.axis)), np.nan, np.float32)
            for name, inputs in self.domains_.items()
        ]

    @classmethod
    def load(cls, path: str | Path) -> LabRegressor:
        """A teacher from its file. Raises ModelFileError for anything else."""
        from deepsalt.models import LabNet
        from deepsalt.training import model_from_file

        model, card = model_from_file(path)
        if not isinstance(model, LabNet):
            raise ModelFileError("not a laboratory teacher", where=str(path), fix="Give a teacher.")
        with usable("which bands and properties the model reads", path):
            found = cls(properties=tuple(word(name) for name in card.get("properties", ())))
            found.domains_ = {
                word(name): inputs_from({"inputs": section}, path) for name, section in card["domains"]
            }
            found.target_ = word(card["target"])
        if tuple(len(one.axis) for one in found.domains_.values()) != model.architecture.bands:
            raise ModelFileError("the card's bands are not those of its weights", where=str(path))
        found._is_of(path, model, card)
        found.checks_ = {"gate": card.get("gate")}
        return found


def _is_array(x: object) -> bool:
    if isinstance(x, Mapping):  # a sparse matrix may be one
        return not all(isinstance(one, Spectra) for one in x.values())
    return not isinstance(x, Spectra)


def _even(table: LabTable) -> NDArray[np.float32]:
    """(n, p) the properties, ln(1 + value) where a column is skewed and never negative."""
    from scipy.stats import skew

    columns = []
    for name in table.properties:
        values = table.properties[name].to_numpy(np.float64)
        skewed = np.nanmin(values) >= 0 and float(skew(values, nan_policy="omit")) > _SKEWED
        columns.append(np.log1p(values) if skewed else values)
    return np.stack(columns, axis=1).astype(np.float32)
