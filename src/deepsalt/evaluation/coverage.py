"""Do intervals hold? The share of observations inside, and how wide the intervals are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.estimators.predictor import Predictor
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece

#: Levels that are told, percent.
LEVELS = (68, 90)
#: Columns of predictions with the bounds, dS/m.
COLUMNS = tuple(f"{side}_{level}" for level in LEVELS for side in ("low", "high"))
_ROUNDED = 1e-4


def bounds_of(predictor: Predictor, spectra: Spectra) -> dict[str, np.ndarray]:
    """The columns of bounds; none for a method without intervals."""
    if getattr(predictor, "errors_", None) is None or not len(spectra):
        return {}
    found: dict[str, np.ndarray] = {}
    for level in LEVELS:
        low, _, high = predictor.predict_interval(spectra, level / 100)  # type: ignore[attr-defined]
        found |= {f"low_{level}": low, f"high_{level}": high}
    return found


def coverage_of(table: pd.DataFrame) -> dict[str, dict[str, float]] | None:
    """By level: share of rows whose observation lies inside, mean width in dS/m and on ln(1+ECe).

    None where the table has no bounds. A bound counts as inside, and so does an observation that is less than
    the four digits of a card away from it.
    """
    if not set(COLUMNS) <= set(table) or table[list(COLUMNS)].isna().all(axis=None):
        return None
    found = {}
    for level in LEVELS:
        low, high, observed = (
            table[name].to_numpy(np.float64) for name in (f"low_{level}", f"high_{level}", "observed")
        )
        known = np.isfinite(low) & np.isfinite(high)
        low, high, observed = log_ece(low[known]), log_ece(high[known]), log_ece(observed[known])
        inside = (low - _ROUNDED <= observed) & (observed <= high + _ROUNDED)
        found[str(level)] = {
            "share": float(inside.mean()),
            "width_ds_m": float((np.expm1(high) - np.expm1(low)).mean()),
            "width_ln": float((high - low).mean()),
        }
    return found


def coverage_notes(rows: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[str]:
    """One sentence for each method and part that has intervals.

    rows    of `metrics_of`
    titles  of the parts, by name
    """
    notes = []
    for row in rows:
        if found := row.get("coverage"):
            told = " and ".join(f"{found[str(level)]['share']:.0%} ({level} % meant)" for level in LEVELS)
            where = f"{row['method']}, {titles[row['part']].lower()}"
            notes.append(f"Intervals of {where}: {told} of {row['n']} lie inside.")
    return notes
