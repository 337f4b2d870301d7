"""Is what a method calls outside of its knowledge really worse? Told beside its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.estimators.predictor import Predictor
from deepsalt.evaluation.coverage import coverage_of
from deepsalt.evaluation.metrics import regression_metrics
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece

#: Column of predictions: 1 where the method should not be believed, 0 where it may, NaN where it cannot tell.
COLUMN = "outside"


def outside_of(predictor: Predictor, spectra: Spectra) -> dict[str, np.ndarray]:
    """The column `outside`; nothing for a method that cannot tell."""
    judge = getattr(predictor, "applicability", None)
    found = judge(spectra) if judge is not None and len(spectra) else None
    return {} if found is None else {COLUMN: found.outside.astype(np.float64)}


def applicability_of(table: pd.DataFrame) -> dict[str, Any] | None:
    """Share outside; number, RMSE and coverage of the rows inside and outside. None where nothing is told.

    rmse_ds_m, rmse_ln  of the rows; None without a row
    coverage            as `coverage_of`, where the method has intervals
    """
    if COLUMN not in table or table[COLUMN].isna().all():
        return None
    told = table[table[COLUMN].notna()]
    away = told[COLUMN] > 0
    return {"share": float(away.mean()), "inside": _part(told[~away]), "outside": _part(told[away])}


def _part(rows: pd.DataFrame) -> dict[str, Any]:
    if not len(rows):
        return {"n": 0, "rmse_ds_m": None, "rmse_ln": None}
    observed, predicted, held = rows["observed"], rows["predicted"], coverage_of(rows)
    plain = regression_metrics(observed, predicted)["rmse"]
    logarithmic = regression_metrics(log_ece(observed), log_ece(predicted))["rmse"]
    errors = {"n": len(rows), "rmse_ds_m": plain, "rmse_ln": logarithmic}
    return errors if held is None else {**errors, "coverage": held}


def applicability_notes(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[str]:
    """One sentence for each method and part of which some lie outside.

    rows    of `metrics_of`
    titles  of the parts, by name
    """
    notes = []
    for row in rows:
        found = row.get("applicability")
        if found and found["share"] > 0:
            inside, outside = found["inside"], found["outside"]
            where = f"{row['method']}, {titles[row['part']].lower()}"
            than = "none is inside" if inside["rmse_ln"] is None else f"{inside['rmse_ln']:.3f} inside"
            notes.append(
                f"Outside of what is known to {where}: {outside['n']} of {row['n']}; "
                f"RMSE of ln(1+value) {outside['rmse_ln']:.3f}, {than}."
            )
    return notes
