"""Folds that are as far from their training rows as the land to be mapped is from all samples.

Random folds of clustered samples test next door to what was learned; a map is asked farther out. Here the
samples are clustered at several sizes, clusters are joined to folds, and the folds are kept whose
distances to the nearest training row are distributed most like those from the land to its nearest sample.

Sources: the aim, and W as its measure, Milà et al. (2022), Methods in Ecology and Evolution 13 (NNDM), and
Linnenbrink et al. (2024), Geoscientific Model Development 17 (kNNDM).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.pairing import EARTH_RADIUS_M
from deepsalt.splits.base import Fold, check_length, checked_places, group_names, length

Places = NDArray[np.float64]

#: A fold may hold at most this share of the rows, so that half of them stay to learn from (kNNDM's default);
#: with two folds it is three quarters.
LARGEST_FOLD = 0.5
#: Sizes of clusters that are tried, from the coarsest (as many as folds) to every unit its own.
GRANULARITIES = 20
#: More units than this are clustered by k-means: the tree of all of them needs memory of their square.
MOST_IN_TREE = 3000


@dataclass(frozen=True)
class Matching:
    """Folds, and how well their distances match.

    fold        (row,) number of the fold in which the row is tested
    w_m         Wasserstein distance in m between the distances from rows to the nearest row of another fold
                and those from the land to the nearest row
    random_w_m  the same for random folds of the same units: what clustering gained
    clusters    how many clusters were joined to the folds
    """

    fold: NDArray[np.intp]
    w_m: float
    random_w_m: float
    clusters: int


class KNNDMFolds:
    """k folds matched to an area by nearest-neighbour distances.

    latitude, longitude             (row,) degrees WGS84, of all rows that will be split
    area_latitude, area_longitude   places that stand for the land to be mapped: a random thousand will do
    folds         how many
    random_state  of the random folds and of k-means

    With `groups`, a group is one unit at its mean place and is never split; without, rows at one place are
    a unit. Among folds that match alike, those of more clusters are kept.
    """

    def __init__(
        self,
        latitude: ArrayLike,
        longitude: ArrayLike,
        area_latitude: ArrayLike,
        area_longitude: ArrayLike,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        if folds < 2:
            raise UsageError(f"{folds} folds", fix="Use at least 2.")
        self.places = checked_places(latitude, longitude)
        self.area = checked_places(area_latitude, area_longitude)
        if len(self.area) == 0:
            raise UsageError("the area to be mapped has no place", fix="Give places of pixels to be mapped.")
        self.folds, self.random_state = folds, random_state

    @property
    def question(self) -> str:
        return "How well is this area mapped, given how far it lies from the samples?"

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:  # noqa: ARG002
        return self.folds

    def split(self, X: Any, y: Any = None, groups: ArrayLike | None = None) -> Iterator[Fold]:  # noqa: ARG002
        """Raises LabelError for fewer units than folds, or where one unit is more than half of the rows."""
        check_length(len(self.places), length(X), "places")
        fold = self.match(groups).fold
        for number in range(self.folds):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    @cached_property
    def _wanted_m(self) -> NDArray[np.float64]:
        """(place of the area,) distance to the nearest row."""
        return _nearest_m(self.area, self.places)

    def match(self, groups: ArrayLike | None = None) -> Matching:
        """The folds with the smallest W among the candidates."""
        units, where = _units(self.places, group_names(groups, len(self.places)))
        if len(where) < self.folds:
            raise LabelError(f"{self.folds} folds need as many places or groups, found {len(where)}")
        tried = [(clusters, fold, self.w_m(fold)) for clusters, fold in self._candidates(units, where)]
        largest = max(LARGEST_FOLD, 1.5 / self.folds) * len(units)
        allowed = [one for one in tried if np.bincount(one[1]).max() <= largest]
        if not allowed:
            raise LabelError(
                "no folds leave enough rows to learn from: one group is too large",
                fix="Use fewer, smaller groups, or grouped folds.",
            )
        clusters, fold, w_m = min(allowed, key=lambda one: (one[2], -one[0]))
        return Matching(fold, w_m, tried[-1][2], clusters)

    def w_m(self, fold: ArrayLike) -> float:
        """W in m of any folds of these rows: how far they are from asking what the map will be asked.

        fold   (row,) number of the fold in which each row is tested
        """
        from scipy.stats import wasserstein_distance

        number = np.asarray(fold, np.intp)
        check_length(len(number), len(self.places), "fold numbers")
        return float(wasserstein_distance(across_m(self.places, number), self._wanted_m))

    def _candidates(self, units: NDArray[np.intp], where: Places) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """(clusters, (row,) fold), coarse first; the last are random folds."""
        sizes = np.bincount(units)
        rng = np.random.default_rng(self.random_state)
        for label in _clusterings(where, self.folds, self.random_state):
            joined = _joined(np.bincount(label, sizes).astype(np.intp), self.folds, rng)
            yield len(np.unique(label)), joined[label][units]
        yield len(where), _joined(sizes, self.folds, rng)[units]

    def take(self, rows: ArrayLike) -> KNNDMFolds:
        some, area = self.places[np.asarray(rows, np.intp)], self.area
        return KNNDMFolds(some[:, 0], some[:, 1], area[:, 0], area[:, 1], self.folds, self.random_state)


def _units(places: Places, names: NDArray[np.str_] | None) -> tuple[NDArray[np.intp], Places]:
    """(row,) number of its unit, and (unit, 3) its mean place on the unit sphere; sorted, not by row."""
    keys: NDArray[Any] = places if names is None else names
    _, units = np.unique(keys, axis=0, return_inverse=True)
    units = units.ravel().astype(np.intp)
    points = _on_sphere(places)
    sums = np.stack([np.bincount(units, points[:, axis]) for axis in range(3)], axis=1)
    return units, sums / np.bincount(units)[:, None]


def _on_sphere(places: Places) -> Places:
    """(row, 3) on the unit sphere: straight distances there rise with those along the ground."""
    phi, lam = np.radians(places).T
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)


def _clusterings(where: Places, folds: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """(unit,) cluster of each, for some numbers of clusters from `folds` to nearly all units."""
    most = max(folds, len(where) - 1)
    counts = np.unique(np.geomspace(folds, most, GRANULARITIES).round().astype(int))
    if len(where) <= MOST_IN_TREE:
        from scipy.cluster.hierarchy import fcluster, linkage

        tree = linkage(where, "average")
        labels = (fcluster(tree, count, "maxclust") - 1 for count in counts)
    else:
        from sklearn.cluster import MiniBatchKMeans

        labels = (MiniBatchKMeans(count, random_state=seed, n_init=1).fit_predict(where) for count in counts)
    for label in labels:
        _, packed = np.unique(label, return_inverse=True)
        if packed.max() + 1 >= folds:
            yield packed.astype(np.intp)


def _joined(sizes: NDArray[np.intp], folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """(cluster,) fold: the largest first, each to the fold that holds the fewest rows so far."""
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold = np.zeros(folds), np.empty(len(sizes), np.intp)
    for cluster in order:
        fold[cluster] = int(np.argmin(filled))
        filled[fold[cluster]] += sizes[cluster]
    return fold


def _nearest_m(places: Places, among: Places) -> NDArray[np.float64]:
    """(place,) great-circle distance in m to the nearest of `among`."""
    from sklearn.neighbors import BallTree

    tree = BallTree(np.radians(among), metric="haversine")
    return np.asarray(tree.query(np.radians(places))[0][:, 0] * EARTH_RADIUS_M)


def across_m(places: Places, fold: NDArray[np.intp]) -> NDArray[np.float64]:
    """(row,) distance in m to the nearest row of another fold."""
    found = np.empty(len(places))
    for number in np.unique(fold):
        inside = fold == number
        found[inside] = _nearest_m(places[inside], places[~inside])
    return found
