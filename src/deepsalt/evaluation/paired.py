"""Is the difference between two methods more than chance? Paired intervals over cases and groups.

A case is one data set with one split; cases that share their land (draws of ground points in one
world, repeated splits of one survey) form a cluster. Clusters are drawn with replacement, and within
each drawn cluster its groups (fields, profiles), so that neither a lucky world nor a lucky field makes a
gain. All cases of a cluster see the same draw of groups, and both methods the same draw of everything.

Source of the two-level resampling: Davison and Hinkley (1997), Bootstrap Methods, section 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.units import log_ece

Interval = tuple[float, float]
Outcome = Literal["better", "worse", "unclear"]

#: Fewer groups than this give no interval that means anything.
FEWEST_GROUPS = 5
DRAWS = 2000
LEVEL = 0.95

_KEYS = ["cluster", "case", "group", "id"]


@dataclass(frozen=True)
class Paired:
    """Two methods on the same samples, by RMSE on ln(1 + value), averaged over cases.

    difference   mean RMSE of `method` minus that of `other`; negative is better
    ratio        the same two, divided
    *_interval   None with fewer than FEWEST_GROUPS groups
    """

    method: str
    other: str
    cases: int
    groups: int
    rmse: float
    other_rmse: float
    difference_interval: Interval | None
    ratio_interval: Interval | None

    @property
    def difference(self) -> float:
        return self.rmse - self.other_rmse

    @property
    def ratio(self) -> float:
        return self.rmse / self.other_rmse if self.other_rmse else float("nan")

    @property
    def outcome(self) -> Outcome:
        """`better` or `worse` only where the interval of the difference excludes zero."""
        return outcome_of(self.difference_interval)


def outcome_of(interval: Interval | None) -> Outcome:
    """What an interval of a difference of errors allows to say."""
    if interval is None or interval[0] <= 0 <= interval[1]:
        return "unclear"
    return "better" if interval[1] < 0 else "worse"


def paired(
    table: pd.DataFrame, method: str, other: str, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> Paired | None:
    """Compare two methods on the samples that both predicted; None where they share no sample.

    table   one row a prediction: method, case, cluster, group, id, observed, predicted; without the
            columns `case` and `cluster` all rows are one case
    """
    sums = _squares(table, (method, other))
    if not sums:
        return None
    first, second = _mean_rmse(sums)
    drawn = _resampled(sums, draws, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = drawn[0] / drawn[1]
    groups = sum(one.groups for one in sums)
    enough = groups >= FEWEST_GROUPS
    return Paired(
        method,
        other,
        cases=sum(one.cases for one in sums),
        groups=groups,
        rmse=float(first),
        other_rmse=float(second),
        difference_interval=_interval(drawn[0] - drawn[1], level) if enough else None,
        ratio_interval=_interval(ratios, level) if enough else None,
    )


def mean_rmse(
    table: pd.DataFrame, method: str, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> tuple[float, Interval | None]:
    """Mean RMSE of one method over its cases on ln(1 + value), with its interval."""
    sums = _squares(table, (method,))
    if not sums:
        raise UsageError(f"no prediction of {method!r}")
    enough = sum(one.groups for one in sums) >= FEWEST_GROUPS
    interval = _interval(_resampled(sums, draws, seed)[0], level) if enough else None
    return float(_mean_rmse(sums)[0]), interval


@dataclass(frozen=True)
class _Sums:
    """What a cluster contributes: sums from which the RMSE of any draw of its groups follows.

    squares  (method, case, group) sum of squared errors on the log scale
    sizes    (case, group) number of samples
    """

    squares: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @property
    def cases(self) -> int:
        return self.sizes.shape[0]

    @property
    def groups(self) -> int:
        return self.sizes.shape[1]

    def rmse(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(method, draw) mean over cases for (draw, group) weights; a case without a sample is left out."""
        with np.errstate(invalid="ignore"):
            values = np.sqrt((self.squares @ weights.T) / (self.sizes @ weights.T))  # (method, case, draw)
        there = np.isfinite(values)
        return np.where(there, values, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def _squares(table: pd.DataFrame, methods: tuple[str, ...]) -> list[_Sums]:
    """One entry a cluster, from the samples that all of `methods` predicted."""
    matched = _matched(table, methods)
    found = []
    for _, rows in matched.groupby("cluster", sort=True):
        case = rows["case"].astype("category").cat.codes.to_numpy()
        group = rows["group"].astype("category").cat.codes.to_numpy()
        shape = (int(case.max()) + 1, int(group.max()) + 1)
        cell = case.astype(np.intp) * shape[1] + group
        size = shape[0] * shape[1]
        squares = [np.bincount(cell, rows[f"square_{i}"], size).reshape(shape) for i in range(len(methods))]
        sizes = np.bincount(cell, minlength=size).reshape(shape).astype(float)
        found.append(_Sums(np.stack(squares), sizes))
    return found


def _matched(table: pd.DataFrame, methods: tuple[str, ...]) -> pd.DataFrame:
    whole = table.assign(**{key: "" for key in ("cluster", "case") if key not in table})
    matched: pd.DataFrame | None = None
    for number, method in enumerate(methods):
        rows = whole[whole["method"] == method]
        error = log_ece(rows["predicted"].to_numpy(float)) - log_ece(rows["observed"].to_numpy(float))
        one = rows[_KEYS].astype(str).assign(**{f"square_{number}": error**2})
        one["repeat"] = one.groupby(_KEYS).cumcount()  # samples without an id are matched by their order
        matched = one if matched is None else matched.merge(one, on=[*_KEYS, "repeat"])
    assert matched is not None
    return matched


def _mean_rmse(sums: list[_Sums]) -> NDArray[np.float64]:
    """(method,) the mean over clusters of the mean over their cases."""
    return np.mean([one.rmse(np.ones((1, one.groups)))[:, 0] for one in sums], axis=0)


def _resampled(sums: list[_Sums], draws: int, seed: int) -> NDArray[np.float64]:
    """(method, draw) mean RMSE for drawn clusters and, within each, drawn groups."""
    clusters = len(sums)
    picked = np.random.default_rng([seed, 1]).integers(clusters, size=(draws, clusters))
    rng = np.random.default_rng(seed)
    values = np.empty((sums[0].squares.shape[0], draws, clusters))
    for number, one in enumerate(sums):
        here = picked == number
        even = np.full(one.groups, 1 / one.groups)
        values[:, here] = one.rmse(rng.multinomial(one.groups, even, int(here.sum())).astype(float))
    return values.mean(axis=2)


def _interval(values: NDArray[np.float64], level: float) -> Interval:
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)
