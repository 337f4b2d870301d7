"""Spatial blocks of the sphere, with a belt around each tested block from which nobody learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import UsageError
from deepsalt.pairing import EARTH_RADIUS_M, far_from
from deepsalt.splits.base import (
    Fold,
    Rows,
    check_length,
    checked_places,
    group_names,
    length,
    needs_rows,
    without_shared_groups,
)
from deepsalt.splits.parts import grouped_folds


class SpatialBlocks:
    """Folds of whole square blocks of land; training rows near a tested row are left out.

    latitude, longitude   (row,) degrees WGS84, of all rows that will be split
    size_m        side of a block
    buffer_m      a row is learned from only if it lies farther than this from every tested row
    folds         how many; each gets about the same number of blocks
    random_state  same number, same folds, in whatever order the rows come

    Blocks lie in bands of latitude counted from the equator; along a band they are counted from the
    meridian of Greenwich, so that a place is always in the same block, whatever else is sampled.

    Source: blocks with an exclusion buffer, Roberts et al. (2017), Ecography 40, and Mahoney et al.
    (2023), arXiv 2303.07334.
    """

    def __init__(
        self,
        latitude: ArrayLike,
        longitude: ArrayLike,
        size_m: float,
        buffer_m: float = 0.0,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        if not size_m > 0 or not buffer_m >= 0:
            raise UsageError(
                f"blocks of {size_m:g} m with a buffer of {buffer_m:g} m", fix="Give positive metres."
            )
        self.places = checked_places(latitude, longitude)
        self.size_m, self.buffer_m = size_m, buffer_m
        self.folds, self.random_state = folds, random_state

    @property
    def question(self) -> str:
        away = f", more than {self.buffer_m:g} m from any sample" if self.buffer_m else ""
        return f"How well is land told in which no block of {self.size_m:g} m was sampled{away}?"

    @property
    def blocks(self) -> NDArray[np.str_]:
        """(row,) name of the block of each row."""
        return _block_names(self.places, self.size_m)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:  # noqa: ARG002
        return self.folds

    def split(self, X: Any, y: Any = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: ARG002
        """Raises LabelError for fewer blocks than folds, or a buffer that leaves nothing to learn from."""
        check_length(len(self.places), length(X), "places")
        names = group_names(groups, len(self.places))
        for train, test in grouped_folds(self.blocks, self.folds, self.random_state):
            away = without_shared_groups(self._beyond(train, test), test, names)
            yield needs_rows(away, f"all lie within {self.buffer_m:g} m", "Use a smaller buffer."), test

    def _beyond(self, train: Rows, test: Rows) -> Rows:
        """The training rows farther than the buffer from every tested row."""
        if not self.buffer_m:
            return train
        here, there = self.places[train], self.places[test]
        return train[far_from(here[:, 0], here[:, 1], there[:, 0], there[:, 1], self.buffer_m)]

    def take(self, rows: ArrayLike) -> SpatialBlocks:
        some = self.places[np.asarray(rows, np.intp)]
        return SpatialBlocks(
            some[:, 0], some[:, 1], self.size_m, self.buffer_m, self.folds, self.random_state
        )


def _block_names(places: NDArray[np.float64], size_m: float) -> NDArray[np.str_]:
    phi, lam = np.radians(places[:, 0]), np.radians((places[:, 1] + 180) % 360 - 180)
    band = np.floor(phi * EARTH_RADIUS_M / size_m)
    middle = np.clip((band + 0.5) * size_m / EARTH_RADIUS_M, -np.pi / 2, np.pi / 2)
    column = np.floor(lam * EARTH_RADIUS_M * np.cos(middle) / size_m)
    return np.array([f"{int(b)}/{int(c)}" for b, c in zip(band, column, strict=True)], dtype=np.str_)
