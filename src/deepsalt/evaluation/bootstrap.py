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
#: (draw, quartile) which sorted value stands below and above each quartile, and the share of the way between.
Ranks = tuple[NDArray[np.intp], NDArray[np.intp], Floats]

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
    index = numbered(groups, observed_ds_m)
    if index.max(initial=-1) + 1 < FEWEST_GROUPS:
        return None
    pairs = {
        "dS_m": (observed_ds_m, predicted_ds_m),
        "ln": (log_ece(observed_ds_m), log_ece(predicted_ds_m)),
    }
    found: dict[str, list[dict[str, Floats]]] = {name: [] for name in pairs}
    for block in group_draws(int(index.max()) + 1, draws, seed):
        ranks = quartile_ranks(observed_ds_m, index, block)  # the logarithm keeps the order
        for name, pair in pairs.items():
            found[name].append(weighted_metrics(*pair, index, block, ranks))
    return {
        name: {metric: percentiles([one[metric] for one in parts], level) for metric in METRICS}
        for name, parts in found.items()
    }


def group_draws(groups: int, draws: int, seed: int) -> Iterator[Floats]:
    """(draw, group) how often each group is drawn, in blocks of draws that fit into memory."""
    rng, even = np.random.default_rng(seed), np.full(groups, 1 / groups)
    for part in blocks(draws, groups):
        yield rng.multinomial(groups, even, part.stop - part.start).astype(float)


def weighted_metrics(
    observed: ArrayLike,
    predicted: ArrayLike,
    index: NDArray[np.intp],
    weights: Floats,
    ranks: Ranks | None = None,
) -> dict[str, Floats]:
    """The metrics of `regression_metrics` for each draw: each a (draw,) array, NaN where not defined.

    index    (sample,) number of the group of each sample
    weights  (draw, group) whole numbers: how often the rows of a group count
    ranks    `quartile_ranks` of values in the same order, where they are known already
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
        quartiles = _interquartile(truth, ranks or quartile_ranks(truth, index, weights))
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


def quartile_ranks(values: ArrayLike, index: NDArray[np.intp], weights: Floats) -> Ranks:
    """Between which sorted values the quartiles of the drawn rows lie, as `numpy.percentile` has it."""
    group = index[np.argsort(np.asarray(values), kind="stable")]
    found = [_ranks(weights[part][:, group]) for part in blocks(len(weights), len(group))]
    below, above, share = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return below, above, share


def _ranks(counts: Floats) -> Ranks:
    """For each draw, where sorted value j is there `counts[draw, j]` times."""
    filled = np.cumsum(counts, axis=1)
    last = filled[:, -1:] - 1
    places = last * np.array([0.25, 0.75])
    below = np.floor(places)
    return _rank(filled, below), _rank(filled, np.minimum(below + 1, last)), places - below


def _rank(filled: Floats, place: Floats) -> NDArray[np.intp]:
    """(draw, quartile) which sorted value stands at a place of the drawn rows: one search over all draws."""
    far = filled[:, -1].max() + 1
    draw = np.arange(len(filled))[:, None]
    found = np.searchsorted((filled + draw * far).ravel(), (place + draw * far).ravel(), side="right")
    return np.asarray(found.reshape(place.shape) - draw * filled.shape[1])


def _interquartile(truth: Floats, ranks: Ranks) -> Floats:
    """(draw,) range between the quartiles of the drawn rows."""
    below, above, share = ranks
    values = np.sort(truth)
    quartiles = values[below] + share * (values[above] - values[below])
    return np.asarray(quartiles[:, 1] - quartiles[:, 0])


def blocks(draws: int, columns: int) -> Iterator[slice]:
    """Slices of the draws, each of a block at most."""
    size = max(1, _BLOCK // max(columns, 1))
    for begin in range(0, draws, size):
        yield slice(begin, min(begin + size, draws))


def numbered(groups: ArrayLike, observed: ArrayLike) -> NDArray[np.intp]:
    """(sample,) number of the group of each sample. Raises UsageError unless there are as many of both."""
    names = np.asarray(groups).astype(str)
    if names.shape != np.asarray(observed).shape:
        raise UsageError(f"{names.shape} groups for {np.asarray(observed).shape} samples")
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def percentiles(parts: list[Floats], level: float) -> list[float]:
    """[low, high] of values that come in blocks of draws; undefined ones do not count."""
    values = np.concatenate(parts)
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return [float("nan"), float("nan")]
    tail = 50 * (1 - level)
    return [float(edge) for edge in np.percentile(known, [tail, 100 - tail])]
