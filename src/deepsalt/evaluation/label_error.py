"""How much of the error is the truth's own: labels were measured, or converted, with an error that is known.

With a label y = t + e of a true value t, and a prediction p that knows nothing of e,

    mean (p - y)^2 = mean (p - t)^2 + mean e^2        mean e^2 = mean sd^2

so that sd^2 is a share of the error that no model can lose, and 1 - mean sd^2 / var(y) is the largest R2 that
one can reach: the reliability ratio. Source: Fuller (1987), Measurement Error Models, section 1.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import UsageError
from deepsalt.evaluation.metrics import checked_pair
from deepsalt.units import log_ece


def label_error(
    observed_ds_m: ArrayLike, predicted_ds_m: ArrayLike, sd_ds_m: ArrayLike
) -> dict[str, dict[str, float]] | None:
    """{"dS_m": {...}, "ln": {...}} over the samples whose label's error is known; None where none is.

    sd_ds_m   (sample,) standard error of each label, dS/m; NaN and 0 mean that it is not known

    n            samples with a known error
    label_rmse   root of mean sd^2
    share        mean sd^2 / MSE: above 1 the stated errors are larger than those that are seen
    true_rmse    root of MSE - mean sd^2: the error against the truth; 0 where that is negative
    best_r2      1 - mean sd^2 / variance of the labels

    On ln(1 + value) the standard error is sd / (1 + value), to first order.
    """
    truth, guess = checked_pair(observed_ds_m, predicted_ds_m)
    sd = np.asarray(sd_ds_m, np.float64)
    if sd.shape != truth.shape:
        raise UsageError(f"{sd.shape} standard errors for {truth.shape} labels")
    known = np.isfinite(sd) & (sd > 0)
    if not known.any():
        return None
    truth, guess, sd = truth[known], guess[known], sd[known]
    return {
        "dS_m": _shares(truth, guess, sd),
        "ln": _shares(log_ece(truth), log_ece(guess), sd / (1 + truth)),
    }


def _shares(
    truth: NDArray[np.float64], guess: NDArray[np.float64], sd: NDArray[np.float64]
) -> dict[str, float]:
    error, noise, spread = (float(np.mean(values)) for values in ((guess - truth) ** 2, sd**2, [truth.var()]))
    return {
        "n": len(truth),
        "label_rmse": float(np.sqrt(noise)),
        "share": noise / error if error > 0 else float("nan"),
        "true_rmse": float(np.sqrt(max(error - noise, 0.0))),
        "best_r2": 1 - noise / spread if spread > 0 else float("nan"),
    }
