"""Intervals that hold: conformal predictive distributions, calibrated on groups that were held out.

The answers of models that had not seen a row's group tell how wrong an answer is: the residuals, observed
minus predicted on ln(1+ECe). Added to a new answer they make a distribution of what may be there, from which
come the interval of any level and the probability to exceed any threshold. How much a residual counts:

- Mondrian classes: an answer is compared with residuals of answers of its own salinity class, so that
  coverage holds in each class and not only over all (Vovk et al. 2005, Algorithmic Learning in a Random
  World, 4.5).
- The question: a field of a scene with ground points is answered from residuals of held-out fields, a pixel
  of a scene without any from residuals of scenes that were held out whole.
- Weights: groups count alike however many rows they have (Dunn et al. 2022, JASA 118:2491), and rows
  like those of the new scene may count more, by the ratio of densities (Tibshirani et al. 2019, NeurIPS,
  conformal prediction under covariate shift).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.steps import Steps
from deepsalt.units import log_ece

Floats = NDArray[np.float64]

#: Answers are sorted into classes at these ECe, dS/m: those of the USDA.
CLASS_EDGES_DS_M = (2.0, 4.0, 8.0, 16.0)
#: A class with fewer rows or groups is joined with its neighbour. 9 to 19 groups were tried on development
#: worlds and brought coverage no nearer to what is promised (docs/intervals.md).
FEWEST_ROWS, FEWEST_GROUPS = 30, 6
#: Effective number of rows below which weights are drawn towards equal ones.
_FEWEST_EFFECTIVE = 30.0
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Residuals:
    """What held-out groups taught: all arrays (n,).

    answer    predicted ln(1+ECe)
    residual  observed - predicted, ln(1+ECe)
    group     the group that was held out with the row
    """

    answer: Floats
    residual: Floats
    group: NDArray[np.str_]

    def __post_init__(self) -> None:
        answer, residual = np.asarray(self.answer, float), np.asarray(self.residual, float)
        if answer.ndim != 1 or answer.shape != residual.shape or len(answer) != len(self.group):
            raise UsageError(
                f"residuals of shapes {answer.shape}, {residual.shape} and {len(self.group)} groups"
            )
        if not len(answer) or not (np.isfinite(answer).all() and np.isfinite(residual).all()):
            raise UsageError("residuals must be finite and there must be some", fix="Leave out missing rows.")
        object.__setattr__(self, "answer", answer)
        object.__setattr__(self, "residual", residual)
        object.__setattr__(self, "group", np.asarray(self.group).astype(str))

    def __len__(self) -> int:
        return len(self.answer)


@dataclass(frozen=True, eq=False)
class Scores:
    """The residuals of one class of answers, sorted, and how much each counts.

    share  (n + 1,) weight below the first residual, and up to each; of the weight of the row that is asked,
           whose residual may lie anywhere, half is counted below all others and half above
    """

    residual: Floats
    share: Floats

    def quantile(self, level: float, *, upper: bool) -> float:
        """The last residual with no more than a share of `level` below it; upper: the first that reaches it.

        Beyond all residuals the outermost one stands: with few rows an interval is as wide as they can tell.
        """
        if upper:
            at = int(np.searchsorted(self.share[1:], level - _ROUNDING, side="left"))
        else:
            at = int(np.searchsorted(self.share[:-1], level + _ROUNDING, side="right")) - 1
        return float(self.residual[min(max(at, 0), len(self.residual) - 1)])

    def above(self, margin: Floats) -> Floats:
        """Probability that the residual exceeds each margin."""
        return 1.0 - self.share[np.searchsorted(self.residual, margin, side="right")]


@dataclass(frozen=True, eq=False)
class PredictiveDistribution:
    """Residuals by class of answer, ready to be asked; make one with `calibrated`.

    edges   (k,) ln(1+ECe) between the classes, increasing
    scores  (k + 1,) the residuals of each class
    """

    edges: Floats
    scores: tuple[Scores, ...] = field(default=())

    def interval(self, answer: ArrayLike, level: float) -> tuple[Floats, Floats]:
        """(n,) lower and upper bound of ln(1+ECe), the lower never below 0.

        level  share of places whose ECe should lie between, above 0 and below 1
        """
        guess = np.asarray(answer, float)
        low, high = self._margins(level)
        which = self._class_of(guess)
        return np.maximum(guess + low[which], 0.0), np.maximum(guess + high[which], 0.0)

    def probability_above(self, answer: ArrayLike, threshold_ds_m: float) -> Floats:
        """(n,) probability that ECe exceeds a threshold in dS/m; NaN for a missing answer."""
        guess = np.asarray(answer, float)
        which = self._class_of(guess)
        found = np.full(guess.shape, np.nan)
        margin = float(log_ece(np.array([threshold_ds_m]))[0]) - guess
        for number, scores in enumerate(self.scores):
            here = (which == number) & np.isfinite(guess)
            found[here] = scores.above(margin[here])
        return found

    def of_many(
        self, answer: Floats, level: float, thresholds_ds_m: Sequence[float]
    ) -> tuple[Floats, Floats, dict[float, Floats]]:
        """`interval` of a level, and `probability_above` each threshold, of (n,) answers by one lookup.

        Both are the same between two neighbours of all edges and of all answers that a residual brings to a
        threshold, so they are asked once for each such step, and kept for the next window of a map.
        """
        table = _table(self, level, tuple(thresholds_ds_m))
        step, missing = table.steps.of(answer), np.isnan(answer)
        low, high = (margin.take(step) for margin in (table.low, table.high))
        low += answer
        high += answer
        above = {one: chances.take(step) for one, chances in table.above.items()}
        for chances in above.values():
            chances[missing] = np.nan
        return np.maximum(low, 0.0, out=low), np.maximum(high, 0.0, out=high), above

    def _margins(self, level: float) -> tuple[Floats, Floats]:
        """(class,) what is added to an answer for its lower bound, and for its upper one."""
        if not 0 < level < 1:
            raise UsageError(f"level is {level}", fix="Give a share between 0 and 1, such as 0.9.")
        tail = (1.0 - level) / 2.0
        low = [one.quantile(tail, upper=False) for one in self.scores]
        high = [one.quantile(1.0 - tail, upper=True) for one in self.scores]
        return np.array(low), np.array(high)

    def _class_of(self, answer: Floats) -> NDArray[np.intp]:
        return np.searchsorted(self.edges, answer, side="right")


class _Table(NamedTuple):
    """What is added to an answer on each step, and the probability to exceed each threshold there."""

    steps: Steps
    low: Floats
    high: Floats
    above: dict[float, Floats]


@lru_cache(maxsize=16)
def _table(known: PredictiveDistribution, level: float, thresholds_ds_m: tuple[float, ...]) -> _Table:
    reached = [
        log_ece(np.array([one])) - scores.residual for one in thresholds_ds_m for scores in known.scores
    ]
    steps = Steps(np.concatenate([[0.0], known.edges, *reached]))  # 0: there is always a break
    middles = steps.middles()
    low, high = (margin[known._class_of(middles)] for margin in known._margins(level))
    above = {one: known.probability_above(middles, one) for one in thresholds_ds_m}
    return _Table(steps, low, high, above)


def calibrated(
    residuals: Residuals,
    weights: ArrayLike | None = None,
    edges_ds_m: Sequence[float] = CLASS_EDGES_DS_M,
) -> PredictiveDistribution:
    """The predictive distribution of held-out residuals.

    weights     (n,) how much each row counts beside the balance of groups, for example `shift_weights`
    edges_ds_m  classes of answers; those with too few rows or groups are joined
    """
    counts = np.unique(residuals.group, return_inverse=True, return_counts=True)
    weight = 1.0 / counts[2][counts[1]]
    if weights is not None:
        weight = tempered(weight * np.asarray(weights, float), weight)
    edges = _joined(residuals, log_ece(np.asarray(edges_ds_m, float)))
    which = np.searchsorted(edges, residuals.answer, side="right")
    classes = [which == k for k in range(len(edges) + 1)]
    scores = [_scores(residuals.residual[k], weight[k], residuals.group[k]) for k in classes]
    return PredictiveDistribution(edges, tuple(scores))


def tempered(weights: Floats, equal: Floats) -> Floats:
    """Weights drawn towards `equal` until they are worth some thirty rows, or as many as `equal` are.

    A few rows with nearly all the weight would say little and look like much: weights w become w^t e^(1-t)
    with the largest t from 1 down to 0 that is enough.
    """
    wanted = min(_FEWEST_EFFECTIVE, effective(equal))
    safe = np.maximum(weights / weights.max(), 1e-12)
    for t in np.linspace(1.0, 0.0, 21):
        mixed = safe**t * equal ** (1.0 - t)
        if effective(mixed) >= wanted - 1e-9:
            return np.asarray(mixed)
    return equal


def effective(weights: Floats) -> float:
    """Kish's effective number of rows, (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / np.maximum((weights**2).sum(), 1e-300))


def _scores(residual: Floats, weight: Floats, group: NDArray[np.str_]) -> Scores:
    """The asked row counts as one more group: rows of a group are alike, twenty of them tell little more."""
    order = np.argsort(residual, kind="stable")
    own = weight[order] / weight.sum()
    total = np.bincount(np.unique(group, return_inverse=True)[1], weight).astype(np.float64)
    groups = effective(total)
    below = np.concatenate([[0.0], np.cumsum(own)])
    return Scores(residual[order], (0.5 + groups * below) / (groups + 1.0))


def _joined(residuals: Residuals, edges: Floats) -> Floats:
    """Edges without those beside a class of too few rows or groups; the smallest class goes first."""
    kept = list(np.unique(edges))
    while kept:
        which = np.searchsorted(kept, residuals.answer, side="right")
        rows = np.bincount(which, minlength=len(kept) + 1)
        groups = np.array([len(np.unique(residuals.group[which == k])) for k in range(len(kept) + 1)])
        short = np.flatnonzero((rows < FEWEST_ROWS) | (groups < FEWEST_GROUPS))
        if not len(short):
            break
        worst = int(short[np.argmin(rows[short])])
        sides = [k for k in (worst - 1, worst) if 0 <= k < len(kept)]
        smaller = min(sides, key=lambda k: rows[k] + rows[k + 1])
        kept.pop(smaller)
    return np.array(kept, float)


def shift_weights(calibration: ArrayLike, asked: ArrayLike, seed: int = 0) -> Floats:
    """(n,) how much likelier each calibration row is among the rows that are asked: the ratio of densities.

    calibration, asked  (n, k), (m, k) features of both sides, such as the answer and what it is computed from

    By logistic regression with an L2 penalty on standardised features: the odds of a row estimate the ratio
    (Bickel et al. 2009, JMLR 10:2137). Mean 1.
    """
    from sklearn.linear_model import LogisticRegression

    known, new = np.asarray(calibration, float), np.asarray(asked, float)
    both = np.concatenate([known, new])
    scaled = (both - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9)
    scaled = np.clip(scaled, -4.0, 4.0)
    side = np.repeat([0, 1], [len(known), len(new)])
    balanced = LogisticRegression(C=0.1, class_weight="balanced", max_iter=500, random_state=seed)
    odds = np.exp(balanced.fit(scaled, side).decision_function(scaled[: len(known)]))
    return np.asarray(odds / odds.mean())
