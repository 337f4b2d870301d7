"""Memory-based learning: a small model for every sample that is asked, of the library samples most like it.

Source: Ramirez-Lopez et al. (2013), Geoderma 195-196:268-279, the "spectrum-based learner". Likeness as
there, by Mahalanobis distance between principal scores; the local model is partial least squares where
the source takes a Gaussian process that also reads the distances, and the number of scores is a share of
the variance where the source finds it by the label of the nearest sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]

#: Scores that local models read: all but noise of the spectra, few enough to fit one model a sample.
_MOST_SCORES = 60
#: Share of the variance in the scores by which likeness is judged; the small ones are noise once whitened.
_ALIKE_SHARE = 0.99
#: Samples that are answered at once: neighbours x scores x this many numbers are held.
_BATCH = 64
_TINY = 1e-12
_SPENT = 1e-9  # of the covariance with the label at first


class LocalPLSRegressor(RegressorMixin, BaseEstimator):
    """Partial least squares on the nearest rows of the library, anew for each row that is asked.

    neighbours   rows of the library that a local model is fitted on
    components   of partial least squares, at most neighbours - 1

    An answer lies between the smallest and the largest label of its neighbours: a local model has seen
    nothing beyond them, and left free it extrapolates wildly where they are alike.

    Set by `fit`: `centre_`, `scale_` (feature,), `axes_` (feature, score), `scores_` (row, score),
    `alike_` (score,) inverse spread of those by which likeness is judged, `labels_` (row,).
    """

    def __init__(self, neighbours: int = 100, components: int = 10) -> None:
        self.neighbours = neighbours
        self.components = components

    def fit(self, X: NDArray, y: NDArray) -> LocalPLSRegressor:
        """Keep the library: (row, feature) and its labels (row,)."""
        table, labels = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.centre_ = table.mean(axis=0)
        spread = table.std(axis=0)
        self.scale_ = np.where(spread > _TINY, spread, 1.0)
        self.axes_, variance = _principal_axes((table - self.centre_) / self.scale_)
        kept = 1 + int(np.searchsorted(np.cumsum(variance), _ALIKE_SHARE * variance.sum()))
        self.alike_ = 1.0 / np.sqrt(np.maximum(variance[:kept], _TINY))
        self.labels_ = np.asarray(labels, np.float64)
        self.scores_ = self._scores(table)
        return self

    def predict(self, X: NDArray) -> Floats:
        """(row,) an answer a row, which does not depend on the other rows."""
        check_is_fitted(self)
        asked = self._scores(validate_data(self, X, dtype=np.float64, reset=False))
        parts = [self._answers(asked[at : at + _BATCH]) for at in range(0, len(asked), _BATCH)]
        return np.concatenate(parts)

    def _scores(self, table: Floats) -> Floats:
        return np.asarray((table - self.centre_) / self.scale_ @ self.axes_)

    def _answers(self, asked: Floats) -> Floats:
        near = self._nearest(asked)
        return local_pls(self.scores_[near], self.labels_[near], asked, self.components)

    def _nearest(self, asked: Floats) -> NDArray[np.intp]:
        """(asked, neighbour) rows of the library by Mahalanobis distance."""
        from scipy.spatial.distance import cdist

        count = min(self.neighbours, len(self.labels_))
        kept = len(self.alike_)
        apart = cdist(asked[:, :kept] * self.alike_, self.scores_[:, :kept] * self.alike_, "sqeuclidean")
        return np.argpartition(apart, count - 1, axis=1)[:, :count]


def local_pls(near: Floats, labels: Floats, asked: Floats, components: int) -> Floats:
    """(asked,) answers of one partial least squares model each, kept within the labels it was fitted on.

    near     (asked, neighbour, score)
    labels   (asked, neighbour)
    asked    (asked, score)

    The kernel algorithm for one label, all models side by side: products of the scores are taken once,
    components cost next to nothing. Source: Dayal and MacGregor (1997), Journal of Chemometrics 11:73-85.
    Partial least squares does not change when the axes are turned, so that scores stand for spectra.
    """
    middle = near.mean(axis=1)
    left, row = near - middle[:, None], asked - middle
    answer = labels.mean(axis=1)
    with_label = np.matmul((labels - answer[:, None])[:, None], left)[:, 0]  # (asked, score)
    products = np.matmul(left.swapaxes(1, 2), left)  # (asked, score, score)
    least = _SPENT * np.linalg.norm(with_label, axis=1) + _TINY
    loadings: list[Floats] = []
    turned: list[Floats] = []
    for _ in range(min(components, near.shape[1] - 1, near.shape[2])):
        length = np.linalg.norm(with_label, axis=1)
        there = length > least  # a label that is explained already adds no component
        axis = np.where(there, 1.0 / np.where(there, length, 1.0), 0.0)[:, None] * with_label
        weight = axis
        for loading, earlier in zip(loadings, turned, strict=True):
            axis = axis - _dot(loading, weight)[:, None] * earlier
        image = np.matmul(products, axis[:, :, None])[:, :, 0]
        size = np.maximum(_dot(axis, image), _TINY)
        slope = _dot(axis, with_label) / size
        loadings.append(image / size[:, None])
        turned.append(axis)
        with_label = with_label - slope[:, None] * image
        answer = answer + _dot(row, axis) * slope
    return np.clip(answer, labels.min(axis=1), labels.max(axis=1))


def _dot(first: Floats, second: Floats) -> Floats:
    return np.asarray((first * second).sum(axis=1))


def _principal_axes(table: Floats) -> tuple[Floats, Floats]:
    """(feature, score) axes by falling variance, and the variance on each (score,).

    By eigenvectors: on some processors the singular value decomposition does not converge.
    """
    few_rows = len(table) < table.shape[1]
    product = table @ table.T if few_rows else table.T @ table
    values, vectors = np.linalg.eigh(product)
    order = np.argsort(values)[::-1][:_MOST_SCORES]
    order = order[values[order] > _TINY * max(float(values.max()), _TINY)]
    if len(order) == 0:  # nothing varies: any axis will do
        order = np.array([len(values) - 1])
    axes = table.T @ vectors[:, order] if few_rows else vectors[:, order]
    axes /= np.maximum(np.linalg.norm(axes, axis=0), _TINY)
    return axes, np.maximum(values[order], 0.0) / max(len(table), 1)
