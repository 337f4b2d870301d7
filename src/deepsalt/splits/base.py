"""What every splitter can do, and folds inside folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError, UsageError

Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]
Self = TypeVar("Self")


class Splitter(Protocol):
    """Folds of a table, with the face of a scikit-learn splitter.

    question   what a score on these folds tells, in one sentence
    """

    @property
    def question(self) -> str: ...

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int: ...

    def split(self, X: Any, y: Any = None, groups: ArrayLike | None = None) -> Iterator[Fold]:
        """(train, test) row numbers, sorted. With `groups`, none has rows in both."""
        ...

    def take(self: Self, rows: ArrayLike) -> Self:
        """The same rule for some of the rows, in their order."""
        ...


@dataclass(frozen=True)
class Nested:
    """One outer fold with the folds on which its settings are chosen.

    train, test   row numbers of the table
    inner         (fit, validate) positions within `train`: what a grid search on these rows takes as `cv`
    """

    train: Rows
    test: Rows
    inner: tuple[Fold, ...]


def nested_folds(
    splitter: Splitter, X: Any, groups: ArrayLike | None = None, inner: Splitter | None = None
) -> Iterator[Nested]:
    """Every fold with folds of the same kind on its training side, so that no test row helps to tune.

    X        the table, or anything of its length
    inner    another splitter of the same rows for the tuning; None for `splitter` itself

    Raises what the splitter raises where the training side cannot be split again.
    """
    tuning = splitter if inner is None else inner
    names = None if groups is None else np.asarray(groups)
    for train, test in splitter.split(X, groups=groups):
        own = None if names is None else names[train]
        yield Nested(train, test, tuple(tuning.take(train).split(train, groups=own)))


def group_names(groups: ArrayLike | None, rows: int) -> NDArray[np.str_] | None:
    """(row,) names as text, or None. Raises UsageError where there are not as many as rows."""
    if groups is None:
        return None
    names = np.asarray(groups).astype(str)
    check_length(len(names), rows, "groups")
    return names


def check_length(found: int, rows: int, what: str) -> None:
    if found != rows:
        raise UsageError(
            f"{found} {what} for {rows} rows",
            fix="A splitter knows the places of one table: use splitter.take(rows) for a part of it.",
        )


def length(X: Any) -> int:
    """Rows of an array, a table or Spectra."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def checked_places(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """(row, 2) latitude and longitude in degrees. Raises LabelError for places that cannot be."""
    first, second = np.asarray(latitude, float), np.asarray(longitude, float)
    if first.ndim != 1 or first.shape != second.shape:
        raise LabelError(f"latitudes of shape {first.shape}, longitudes of shape {second.shape}")
    wrong = ~(np.isfinite(first) & np.isfinite(second)) | (np.abs(first) > 90) | (np.abs(second) > 360)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise LabelError(
            f"{int(wrong.sum())} of {len(first)} places cannot be (first: row {row + 1}, latitude "
            f"{first[row]:g}, longitude {second[row]:g})",
            fix="Give degrees WGS84, and leave rows without a place out of a spatial split.",
        )
    return np.column_stack([first, second])


def without_shared_groups(train: Rows, test: Rows, names: NDArray[np.str_] | None) -> Rows:
    """Training rows without those whose group is tested."""
    return train if names is None else train[~np.isin(names[train], names[test])]


def needs_rows(train: Rows, why: str, fix: str) -> Rows:
    """The training rows. Raises LabelError where none is left."""
    if len(train) == 0:
        raise LabelError(f"a fold has no row to learn from: {why}", fix=fix)
    return train
