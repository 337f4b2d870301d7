"""The parts of a run: train, test and an unseen region, and grouped folds; no group stands in two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.splits.base import Rows


@dataclass(frozen=True)
class Split:
    """Row numbers of the parts of a table; no group has rows in two parts.

    train   rows to learn from (validation for early stopping is taken from these)
    test    rows of other groups in the same regions
    unseen  rows of a region that gives no row to the other parts
    """

    train: Rows
    test: Rows
    unseen: Rows

    def part(self, name: str) -> Rows:
        return {"train": self.train, "test": self.test, "unseen": self.unseen}[name]


def grouped_holdout(
    groups: ArrayLike, share: float, seed: int, values: ArrayLike | None = None
) -> tuple[Rows, Rows]:
    """(kept, held out) row numbers: whole groups, drawn at random, about `share` of the rows.

    values   (row,) labels; where given, groups are drawn evenly over their mean label, so that a few
             held-out groups still span it (a validation set without salt can watch nothing)

    Raises LabelError if there are fewer than two groups.
    """
    names = np.asarray(groups).astype(str)
    unique, inverse, counts = np.unique(names, return_inverse=True, return_counts=True)
    if len(unique) < 2:
        raise LabelError(
            f"a grouped split needs at least two groups, found {len(unique)}",
            fix="Give a column of profiles or fields as `group`.",
        )
    order = np.random.default_rng(seed).permutation(len(unique))
    if values is not None:
        means = np.bincount(inverse, np.asarray(values, float)) / counts
        order = _evenly(order, means, share)
    filled = np.cumsum(counts[order])
    enough = int(np.searchsorted(filled, share * len(names))) + 1
    held = np.isin(names, unique[order[: min(enough, len(unique) - 1)]])
    return np.flatnonzero(~held), np.flatnonzero(held)


def _evenly(order: Rows, means: NDArray[np.float64], share: float) -> Rows:
    """The shuffled groups with one of each stratum of the mean label first."""
    ranked = order[np.argsort(means[order], kind="stable")]
    strata = np.array_split(ranked, max(1, round(share * len(ranked))))
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    first = [stratum[np.argmin(place[stratum])] for stratum in strata]
    rest = [group for group in order if group not in set(first)]
    return np.array([*first, *rest], dtype=np.intp)


def regional_split(
    groups: ArrayLike, regions: ArrayLike | None, unseen_region: str | None, test_share: float, seed: int
) -> Split:
    """Leave one region out whole, then hold out whole groups of the others.

    groups          (row,) group of each row
    regions         (row,) region of each row, or None
    unseen_region   the region nobody learns from, or None for no such part
    test_share      share of the remaining rows to hold out for the grouped random test

    Raises UsageError for a region that is not there.
    """
    names = np.asarray(groups).astype(str)
    away = np.zeros(len(names), bool)
    if unseen_region is not None:
        places = np.full(len(names), "") if regions is None else np.asarray(regions).astype(str)
        away = places == unseen_region
        if not away.any():
            known = sorted(set(places) - {""})
            raise UsageError(
                f"no ground point lies in the unseen region {unseen_region!r}",
                fix=f"Regions of the points: {', '.join(known) or 'none; the points need a column region'}.",
            )
        shared = sorted(set(names[away]) & set(names[~away]))
        if shared:
            raise LabelError(
                f"group {str(shared[0])!r} has points inside and outside of region {unseen_region!r}"
            )
    home = np.flatnonzero(~away)
    train, test = grouped_holdout(names[home], test_share, seed)
    return Split(home[train], home[test], np.flatnonzero(away))


def grouped_folds(groups: ArrayLike, folds: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """(train, test) row numbers of a cross-validation in which each group is tested once.

    Raises LabelError if there are fewer groups than folds, or only one.
    """
    from sklearn.model_selection import GroupKFold

    names = np.asarray(groups).astype(str)
    found = len(np.unique(names))
    if found < max(folds, 2):
        fix = "Use fewer folds." if found > 1 else "Give points of more than one field or profile."
        raise LabelError(f"{folds} folds need {max(folds, 2)} groups, found {found}", fix=fix)
    yield from GroupKFold(folds, shuffle=True, random_state=seed).split(names, groups=names)
