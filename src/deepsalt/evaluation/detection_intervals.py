"""Intervals of detection over groups: few samples are saline, often of few fields, and the AUC must say so.

With m the rank of a row among all drawn rows, ties at their middle, the saline rows win sum(m) - P^2 / 2 of
their P N pairs: Mann and Whitney (1947), Annals of Mathematical Statistics 18. Ranks serve all thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.evaluation.bootstrap import blocks, group_draws, numbered, percentiles
from deepsalt.evaluation.detection import THRESHOLDS, detection
from deepsalt.evaluation.metrics import checked_pair
from deepsalt.evaluation.paired import DRAWS, FEWEST_GROUPS, LEVEL

Floats = NDArray[np.float64]


def detection_with_intervals(
    observed_ds_m: ArrayLike,
    predicted_ds_m: ArrayLike,
    groups: ArrayLike,
    thresholds: Iterable[float] = THRESHOLDS,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """`detection` with `intervals` {"auc": [low, high], "f1": [low, high]} of drawn groups.

    groups   (sample,) field or profile of each sample; with fewer than five there are no intervals, and none
             at a threshold without samples on both sides. Draws in which a side is empty do not count
    """
    found = detection(observed_ds_m, predicted_ds_m, thresholds)
    index = numbered(groups, observed_ds_m)
    if index.max() + 1 < FEWEST_GROUPS:
        return found
    truth, guess = checked_pair(observed_ds_m, predicted_ds_m)
    limits = [one["threshold"] for one in found]
    parts = [
        drawn_detection(truth, guess, index, weights, limits)
        for weights in group_draws(int(index.max()) + 1, draws, seed)
    ]
    for number, one in enumerate(found):
        if np.isfinite(one["auc"]):
            one["intervals"] = {
                name: percentiles([part[name][:, number] for part in parts], level) for name in ("auc", "f1")
            }
    return found


def drawn_detection(
    truth: Floats, guess: Floats, index: NDArray[np.intp], weights: Floats, thresholds: Sequence[float]
) -> dict[str, Floats]:
    """auc and f1, each (draw, threshold), NaN where a draw has no sample on one side.

    index    (sample,) number of the group of each sample
    weights  (draw, group) how often the rows of a group count
    """
    at = np.asarray(thresholds)
    saline, called = truth[:, None] >= at, guess[:, None] >= at  # (sample, threshold)
    hit, high, said, every = (
        weights @ _by_group(kind, index, weights.shape[1])
        for kind in (saline & called, saline, called, np.ones_like(saline))
    )
    won = np.concatenate(list(_rank_sums(saline, guess, index, weights))) - high**2 / 2
    pairs = high * (every - high)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "auc": np.where(pairs > 0, won / pairs, np.nan),
            "f1": np.where(high > 0, 2 * hit / (high + said), np.nan),
        }


def _by_group(kind: NDArray[np.bool_], index: NDArray[np.intp], groups: int) -> Floats:
    """(group, threshold) how many rows of a group are of a kind."""
    return np.stack([np.bincount(index, one, groups) for one in kind.T.astype(float)], axis=1)


def _rank_sums(
    saline: NDArray[np.bool_], score: Floats, index: NDArray[np.intp], weights: Floats
) -> Iterator[Floats]:
    """(draw, threshold) sum of the middle ranks of the saline rows, block by block."""
    order = np.argsort(score, kind="stable")
    kinds, group = saline[order].astype(float), index[order]
    new = np.r_[True, np.diff(score[order]) > 0]
    starts, rank = np.flatnonzero(new), np.cumsum(new) - 1
    for part in blocks(len(weights), len(group)):
        counts = weights[part][:, group]
        tied = np.add.reduceat(counts, starts, axis=1)  # (draw, level of the score)
        middle = np.cumsum(tied, axis=1) - tied / 2
        yield (counts * middle[:, rank]) @ kinds
