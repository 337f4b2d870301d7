"""Whole regions left out, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepsalt.errors import LabelError
from deepsalt.splits.base import Fold, check_length, group_names, length, needs_rows, without_shared_groups


class LeaveRegionOut:
    """One fold a region: it is tested by what the other regions teach.

    regions   (row,) name of the region of each row: a country, a district, a cluster of places

    Raises LabelError for a row without a region, or for fewer than two regions.
    """

    question = "How well is a region told from which no sample was used at all?"

    def __init__(self, regions: ArrayLike) -> None:
        self.regions = np.asarray(regions).astype(str)
        absent = np.isin(self.regions, ("", "nan", "None", "<NA>", "NaT"))
        if absent.any():
            raise LabelError(
                f"{int(absent.sum())} of {len(self.regions)} rows have no region (first: row "
                f"{int(np.argmax(absent)) + 1})",
                fix="Name their region, or leave them out.",
            )
        if len(np.unique(self.regions)) < 2:
            raise LabelError(
                f"leaving a region out needs two regions, found {len(np.unique(self.regions))}",
                fix="Choose grouped folds where all samples are of one region.",
            )

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:  # noqa: ARG002
        return len(np.unique(self.regions))

    def split(self, X: Any, y: Any = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: ARG002
        """Folds in the order of the names of their regions."""
        check_length(len(self.regions), length(X), "regions")
        names = group_names(groups, len(self.regions))
        for region in np.unique(self.regions):
            inside = self.regions == region
            train, test = np.flatnonzero(~inside), np.flatnonzero(inside)
            away = without_shared_groups(train, test, names)
            yield needs_rows(away, "every other region shares its groups", "Check the groups."), test

    def take(self, rows: ArrayLike) -> LeaveRegionOut:
        return LeaveRegionOut(self.regions[np.asarray(rows, np.intp)])
