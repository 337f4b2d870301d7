"""Questions that a result must answer before it is called one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_LEAST_SPREAD = 0.05  # sd of predictions over sd of labels
_NO_VARIATION = 1e-6  # sd of labels, ln(1+ECe)
_LEAST_GAIN = 0.05  # R2 of the trained teacher above the best untrained one
_LEAST_GAP = 0.05  # cosine of true pairs above shuffled pairs, after alignment


def r2(observed: ArrayLike, predicted: ArrayLike) -> float | None:
    """1 - SSE/SST; None where the observations do not vary."""
    y, p = np.asarray(observed, dtype=float), np.asarray(predicted, dtype=float)
    total = float(((y - y.mean()) ** 2).sum())
    if y.std() < _NO_VARIATION:
        return None
    return 1.0 - float(((y - p) ** 2).sum()) / total


def prediction_facts(
    observed: ArrayLike, predicted: ArrayLike, learned_mean: float | None = None
) -> dict[str, Any]:
    """R2, spread of predictions over spread of labels, and why this counts as a collapse (None if not).

    learned_mean  mean of the training labels: what a model that learned nothing would answer. A few
                  validation rows have a mean of their own, which no model can know. None: that mean.
    """
    y, p = np.asarray(observed, dtype=float), np.asarray(predicted, dtype=float)
    score = r2(y, p)
    if score is None:
        return {"validation_r2": None, "spread": None, "collapse": None}
    spread = float(p.std() / y.std())
    collapse = None
    if spread <= _LEAST_SPREAD:
        collapse = f"predictions hardly vary (sd {p.std():.3g} for labels with sd {y.std():.3g})"
    elif _no_better_than(y, p, float(y.mean()) if learned_mean is None else learned_mean):
        collapse = f"predictions are no better than the mean (R2 {score:.3f})"
    return {"validation_r2": score, "spread": spread, "collapse": collapse}


def _no_better_than(observed: Floats, predicted: Floats, constant: float) -> bool:
    return float(((observed - predicted) ** 2).sum()) >= float(((observed - constant) ** 2).sum())


def against_untrained(trained: float | None, untrained: list[float | None]) -> dict[str, Any]:
    """Could random weights replace this teacher? R2 of both on the same validation latents."""
    known = [score for score in untrained if score is not None]
    best = max(known) if known else None
    replaceable = None if trained is None or best is None else trained - best < _LEAST_GAIN
    return {"untrained_r2": best, "replaceable_by_random": replaceable}


def alignment_facts(before: dict[str, float], after: dict[str, float], held_out: int) -> dict[str, Any]:
    """Mean cosine of held-out pairs and of shuffled pairs; real when the true pairs stand out."""
    return {
        "held_out_pairs": held_out,
        "cosine_before": before["pairs"],
        "shuffled_before": before["shuffled"],
        "cosine_after": after["pairs"],
        "shuffled_after": after["shuffled"],
        "real": after["pairs"] - after["shuffled"] >= _LEAST_GAP,
    }
