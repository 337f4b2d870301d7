"""Random whole groups: profiles, fields, scenes, dates or map units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deepsalt.errors import UsageError
from deepsalt.splits.base import Fold, check_length, length
from deepsalt.splits.parts import grouped_folds


@dataclass(frozen=True)
class GroupedFolds:
    """Folds of whole groups, drawn at random; every group is tested once.

    folds         how many; each gets about the same number of groups
    random_state  same number, same folds, in whatever order the rows come
    what          name of a group, for the question: profile, field, scene, date, map unit
    """

    folds: int = 5
    random_state: int = 0
    what: str = "group"

    @property
    def question(self) -> str:
        return (
            f"How well is a {self.what} told from which nothing was learned, "
            f"where others of its land were learned from?"
        )

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:  # noqa: ARG002
        return self.folds

    def split(self, X: Any, y: Any = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: ARG002
        """Raises UsageError without groups, LabelError for fewer groups than folds."""
        if groups is None:
            raise UsageError("grouped folds need groups", fix=f"Give the {self.what} of each row.")
        names = np.asarray(groups).astype(str)
        check_length(len(names), length(X), "groups")
        yield from grouped_folds(names, self.folds, self.random_state)

    def take(self, rows: ArrayLike) -> GroupedFolds:  # noqa: ARG002
        return self
