"""Leaks of a whole run: of its data, of what was fitted on which rows, of covariates that know the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.estimators.controls import covariates_only
from deepsalt.evaluation.leakage import FIELD, fitting_leaks, leaks_between, lookup_leaks
from deepsalt.evaluation.leaks import Leak, distinct, from_facts, shared
from deepsalt.evaluation.metrics import regression_metrics
from deepsalt.evaluation.protocol import TEST, UNSEEN, Part
from deepsalt.pipeline.prepare import Prepared
from deepsalt.pipeline.run import Run
from deepsalt.spectra import Spectra
from deepsalt.splits import FittedOn, Rows
from deepsalt.units import log_ece


def leaks_of_training(
    data: Prepared,
    parts: Sequence[Part],
    fitted: Iterable[FittedOn],
    predictions: Sequence[pd.DataFrame],
    full: str,
    seed: int,
) -> list[Leak]:
    """Those that the data were allowed, stages that saw a held-out row, and a target look-up.

    predictions   tables of one method and one part each
    full          the method with which covariates alone are compared
    """
    held = data.sites.take(np.concatenate([data.split.part(part.name) for part in parts]))
    found = [*data.leaks, *fitting_leaks(fitted, held, FIELD)]
    if not data.covariate_names:
        return found
    asked = [table[(table["method"] == full) & (table["part"] == TEST.name)] for table in predictions]
    return [*found, *_lookup(data, pd.concat(asked), seed)]


def _lookup(data: Prepared, full: pd.DataFrame, seed: int) -> list[Leak]:
    """Whether covariates alone tell the test part as well as the full method does."""
    control = covariates_only(data.covariate_names, seed).fit(data.part("train"))
    observed, alone = log_ece(full["observed"]), control.predict(data.part(TEST.name))
    own, other = (regression_metrics(observed, log_ece(one))["r2"] for one in (full["predicted"], alone))
    return lookup_leaks(own, other, data.covariate_names)


def leaks_of_folds(library: Spectra, folds: Iterable[tuple[Rows, Rows]]) -> list[Leak]:
    """Leaks of a cross-validation, the first of each kind."""
    return distinct(leak for train, test in folds for leak in leaks_between(library, train, test))


def leaks_of_run(run: Run, document: Mapping[str, Any]) -> list[Leak]:
    """Those that a finished run was allowed, and names on both sides of its split.json.

    document   content of its metrics.json
    """
    told = from_facts(document.get("leaks", []))
    if not run.has("split"):
        return told
    split = run.read("split")
    learned = split.get("train", {})
    found = [
        leak
        for part in (split[name] for name in (TEST.name, UNSEEN.name) if name in split)
        for kind, key in (("sample", "ids"), ("group", "fields"))
        for leak in shared(kind, np.array(learned.get(key, [])), np.array(part.get(key, [])))
    ]
    kinds = {leak.kind for leak in told}
    return [*told, *(leak for leak in distinct(found) if leak.kind not in kinds)]
