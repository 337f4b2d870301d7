"""Is a place saline at all? Detection at a threshold of ECe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.evaluation.metrics import checked_pair

#: dS/m; bounds of the USDA classes between which a farmer changes the crop.
THRESHOLDS = (2.0, 4.0, 8.0)


def detection(
    observed_ds_m: ArrayLike, predicted_ds_m: ArrayLike, thresholds: Iterable[float] = THRESHOLDS
) -> list[dict[str, Any]]:
    """For each threshold how well samples at or above it are told from those below.

    returns  threshold, auc (the prediction itself is the score), f1, precision, recall and the confusion
             matrix as tp, fp, fn, tn; NaN where there is nothing to divide by. A sample at the threshold
             is saline, as in the classes
    """
    truth, guess = checked_pair(observed_ds_m, predicted_ds_m)
    return [{"threshold": float(at), **_at_threshold(truth, guess, at)} for at in thresholds]


def area_under_curve(saline: NDArray[np.bool_], score: ArrayLike) -> float:
    """How often a saline sample has the higher score of two, ties counting half; NaN without both kinds.

    Source: the rank form of the area, Hanley and McNeil (1982), Radiology 143.

    >>> area_under_curve(np.array([False, False, True, True]), [1.0, 3.0, 2.0, 9.0])
    0.75
    """
    from scipy.stats import rankdata

    few, rest = int(saline.sum()), int((~saline).sum())
    if not few or not rest:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[saline].sum() - few * (few + 1) / 2) / (few * rest))


def _at_threshold(truth: NDArray[np.float64], guess: NDArray[np.float64], at: float) -> dict[str, Any]:
    saline, called = truth >= at, guess >= at
    tp, fp = int((saline & called).sum()), int((~saline & called).sum())
    fn, tn = int((saline & ~called).sum()), int((~saline & ~called).sum())
    return {
        "auc": area_under_curve(saline, guess),
        "f1": _divided(2 * tp, 2 * tp + fp + fn),
        "precision": _divided(tp, tp + fp),
        "recall": _divided(tp, tp + fn),
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
    }


def _divided(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
