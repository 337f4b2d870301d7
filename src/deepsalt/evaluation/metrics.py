"""Metrics of regression, in dS/m and on ln(1 + ECe)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import UsageError
from deepsalt.units import log_ece

#: Order in which metrics are shown.
METRICS = ("rmse", "mae", "bias", "r2", "ccc", "rpiq")


def regression_metrics(observed: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """rmse, mae, bias, r2, ccc, rpiq and n of predictions; NaN where a metric is not defined.

    observed, predicted   (sample,), finite, same unit

    bias  mean(predicted - observed)
    r2    1 - SSE / SST about the observed mean (not the squared correlation); may be negative
    ccc   concordance correlation coefficient with population variances: Lin 1989, Biometrics 45:255
    rpiq  interquartile range of the observed values / RMSE: Bellon-Maurel et al. 2010, TrAC 29:1073

    Raises UsageError for empty, unequal or non-finite arrays.
    """
    truth, guess = checked_pair(observed, predicted)
    error = guess - truth
    rmse = float(np.sqrt(np.mean(error**2)))
    spread = float(np.sum((truth - truth.mean()) ** 2))
    low, high = np.percentile(truth, [25, 75])
    return {
        "n": len(truth),
        "rmse": rmse,
        "mae": float(np.mean(np.abs(error))),
        "bias": float(np.mean(error)),
        "r2": 1.0 - float(np.sum(error**2)) / spread if spread > 0 else float("nan"),
        "ccc": _concordance(truth, guess),
        "rpiq": float(high - low) / rmse if rmse > 0 else float("nan"),
    }


def salinity_metrics(observed_ds_m: ArrayLike, predicted_ds_m: ArrayLike) -> dict[str, Any]:
    """The same metrics twice: {"n", "dS_m": {...}, "ln": {...}}; `ln` is on ln(1 + value)."""
    plain = regression_metrics(observed_ds_m, predicted_ds_m)
    logarithmic = regression_metrics(log_ece(observed_ds_m), log_ece(predicted_ds_m))
    count = plain.pop("n")
    logarithmic.pop("n")
    return {"n": count, "dS_m": plain, "ln": logarithmic}


def rank_correlation(observed: ArrayLike, predicted: ArrayLike) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where either does not vary.

    >>> rank_correlation([1, 2, 3, 4], [1, 4, 9, 16])
    1.0
    """
    from scipy.stats import rankdata

    truth, guess = checked_pair(observed, predicted)
    first, second = (rankdata(values) - (len(truth) + 1) / 2 for values in (truth, guess))
    spread = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    return float(np.sum(first * second)) / spread if spread > 0 else float("nan")


def checked_pair(
    observed: ArrayLike, predicted: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as float64. Raises UsageError for empty, unequal or non-finite rows."""
    truth, guess = np.asarray(observed, np.float64), np.asarray(predicted, np.float64)
    if truth.ndim != 1 or truth.shape != guess.shape or len(truth) == 0:
        raise UsageError(
            f"metrics need two equal rows of numbers, found shapes {truth.shape} and {guess.shape}"
        )
    if not (np.isfinite(truth).all() and np.isfinite(guess).all()):
        raise UsageError("metrics need finite numbers", fix="Drop samples without a label or a prediction.")
    return truth, guess


def _concordance(truth: NDArray[np.float64], guess: NDArray[np.float64]) -> float:
    total = truth.var() + guess.var() + (truth.mean() - guess.mean()) ** 2
    covariance = np.mean((truth - truth.mean()) * (guess - guess.mean()))
    return float(2.0 * covariance / total) if total > 0 else float("nan")
