"""Intervals of metrics over groups: whole fields or profiles are drawn with replacement, not rows.

Rows of one field resemble each other; drawing them one by one would make intervals too narrow. Every metric
but the quartiles follows from sums over groups, so that all draws are one matrix product.

Sources: the cluster bootstrap with percentile intervals, Davison and Hinkley (1997), Bootstrap Methods and
their Application, sections 3.8 and 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import UsageError
from deepsalt.evaluation.metrics import METRICS, checked_pair
from deepsalt.evaluation.paired import DRAWS, FEWEST_GROUPS, LEVEL
from deepsalt.units import log_ece

Floats = NDArray[np.float64]

#: Numbers in one block of (draw, row): some 16 MB.
_BLOCK = 2_000_000


def salinity_intervals(
    observed_ds_m: ArrayLike,
    predicted_ds_m: ArrayLike,
    groups: ArrayLike,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, dict[str, list[float]]] | None:
    """{"dS_m": {metric: [low, high]}, "ln": {...}}, on the same draws; None with fewer than five groups.

    observed_ds_m, predicted_ds_m   (sample,) dS/m; `ln` is on ln(1 + value)
    groups   (sample,) field or profile of each sample
    """
    index = _numbered(groups, observed_ds_m)
    if index.max(initial=-1) + 1 < FEWEST_GROUPS:
        return None
    weights = group_draws(int(index.max()) + 1, draws, seed)
    scales = {
        "dS_m": (observed_ds_m, predicted_ds_m),
        "ln": (log_ece(observed_ds_m), log_ece(predicted_ds_m)),
    }
    found = {name: weighted_metrics(*pair, index, weights) for name, pair in scales.items()}
    return {
        name: {metric: _percentiles(values[metric], level) for metric in METRICS}
        for name, values in found.items()
    }


def group_draws(groups: int, draws: int, seed: int) -> Floats:
    """(draw, group) how often each group is drawn."""
    even = np.full(groups, 1 / groups)
    return np.random.default_rng(seed).multinomial(groups, even, draws).astype(float)


def weighted_metrics(
    observed: ArrayLike, predicted: ArrayLike, index: NDArray[np.intp], weights: Floats
) -> dict[str, Floats]:
    """The metrics of `regression_metrics` for each draw: each a (draw,) array, NaN where not defined.

    index    (sample,) number of the group of each sample
    weights  (draw, group) whole numbers: how often the rows of a group count
    """
    truth, guess = checked_pair(observed, predicted)
    middle = truth.mean()  # sums of squares about it lose no digits
    t, p = truth - middle, guess - middle
    error = guess - truth
    columns = (np.ones(len(t)), t, p, t * t, p * p, t * p, error, np.abs(error), error * error)
    sums = np.stack([np.bincount(index, column, weights.shape[1]) for column in columns], axis=1)
    n, st, sp, stt, spp, stp, se, sa, see = (weights @ sums).T
    with np.errstate(divide="ignore", invalid="ignore"):
        rmse = np.sqrt(see / n)
        spread, other = stt - st**2 / n, spp - sp**2 / n
        apart = spread + other + (st - sp) ** 2 / n
        quartiles = _interquartile(truth, index, weights)
        return {
            "rmse": rmse,
            "mae": sa / n,
            "bias": se / n,
            "r2": np.where(_some(spread, stt), 1 - see / spread, np.nan),
            "ccc": np.where(_some(apart, stt + spp), 2 * (stp - st * sp / n) / apart, np.nan),
            "rpiq": np.where(rmse > 0, quartiles / rmse, np.nan),
        }


def _some(value: Floats, scale: Floats) -> NDArray[np.bool_]:
    """Whether a sum of squares is more than rounding."""
    return value > 1e-12 * scale


def _interquartile(truth: Floats, index: NDArray[np.intp], weights: Floats) -> Floats:
    """(draw,) range between the quartiles of the drawn rows, interpolated as `numpy.percentile` does."""
    order = np.argsort(truth, kind="stable")
    values, group = truth[order], index[order]
    return np.concatenate(
        [_quartile_range(values, weights[part][:, group]) for part in _parts(weights, group)]
    )


def _parts(weights: Floats, rows: NDArray[np.intp]) -> Iterator[slice]:
    size = max(1, _BLOCK // max(len(rows), 1))
    for begin in range(0, len(weights), size):
        yield slice(begin, begin + size)


def _quartile_range(values: Floats, counts: Floats) -> Floats:
    """(draw,) for sorted values, each there as often as `counts` (draw, row) says."""
    filled = np.cumsum(counts, axis=1)
    last = filled[:, -1:] - 1
    places = last * np.array([0.25, 0.75])  # (draw, 2), between whole places
    below = np.floor(places)
    low, high = (_at(values, filled, place) for place in (below, np.minimum(below + 1, last)))
    quartiles = low + (places - below) * (high - low)
    return np.asarray(quartiles[:, 1] - quartiles[:, 0])


def _at(values: Floats, filled: Floats, place: Floats) -> Floats:
    """(draw, k) the value at a whole place of each draw's sorted rows: one search over all draws."""
    far = filled[:, -1].max() + 1
    shift = np.arange(len(filled))[:, None] * far
    found = np.searchsorted((filled + shift).ravel(), (place + shift).ravel(), side="right")
    return values[found.reshape(place.shape) - np.arange(len(filled))[:, None] * filled.shape[1]]


def _numbered(groups: ArrayLike, observed: ArrayLike) -> NDArray[np.intp]:
    names = np.asarray(groups).astype(str)
    if names.shape != np.asarray(observed).shape:
        raise UsageError(f"{names.shape} groups for {np.asarray(observed).shape} samples")
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def _percentiles(values: Floats, level: float) -> list[float]:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return [float("nan"), float("nan")]
    tail = 50 * (1 - level)
    return [float(edge) for edge in np.percentile(known, [tail, 100 - tail])]
