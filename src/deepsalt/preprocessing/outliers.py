"""Spectra far outside their library: Hotelling's T2 inside a principal-component model, Q beside it.

T2 is the squared distance from the centre in the plane of the components, each in units of its own
variance; Q is the squared distance from that plane (Jackson & Mudholkar 1979, Technometrics 21, 341).

One spectrum must not mask another. The model starts from the three quarters of the rows that lie nearest
to the library's median, band by band in units of the median absolute deviation, and is then refitted on the
rows within its own limits until they stay the same.

Limits. The F distribution (T2) and Jackson-Mudholkar (Q) at alpha / n: with n spectra one false alarm is
expected in 1 / alpha clean libraries. Both assume Gaussian scores, and real soils have heavy tails: by these
limits alone several per cent of a sound library stand outside. So a spectrum must also lie beyond the
library's own tail, which is taken as log-normal from median to upper quartile, at the same alpha / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.blocks import row_blocks

#: Share of the variance that the components hold, and the most of them.
EXPLAINED = 0.999
MOST_COMPONENTS = 30
#: The model is fitted on no more rows than these, evenly spaced; every row is judged.
FITTED_ON = 4_000
#: Fewer rows say nothing about a tail.
ENOUGH = 30
_START = 0.75
_ROUNDS = 5


@dataclass(frozen=True)
class Distances:
    """How far each spectrum lies from its library.

    t2, q              (sample,), NaN where a spectrum was not judged
    t2_limit, q_limit  beyond which it is far outside
    components         of the model
    """

    t2: NDArray[np.float64]
    q: NDArray[np.float64]
    t2_limit: float
    q_limit: float
    components: int

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """(sample,) True where T2 or Q is beyond its limit."""
        return np.asarray((self.t2 > self.t2_limit) | (self.q > self.q_limit))


@dataclass(frozen=True)
class _Model:
    """Principal components of `rows` spectra.

    mean      (band,)
    vectors   (band, component)
    variance  (component,)
    rest      variances of all other components, for rows that were not learned from
    """

    mean: NDArray[np.float64]
    vectors: NDArray[np.float64]
    variance: NDArray[np.float64]
    rest: NDArray[np.float64]
    rows: int

    def distances(self, values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """T2 and Q of spectra (sample, band)."""
        t2, q = np.empty(len(values)), np.empty(len(values))
        for rows in row_blocks(values):
            centred = values[rows] - self.mean
            scores = centred @ self.vectors
            t2[rows] = (scores**2 / self.variance).sum(axis=1)
            q[rows] = np.square(centred - scores @ self.vectors.T).sum(axis=1)
        return t2, q


def far_outside(
    values: NDArray[np.float32], judged: NDArray[np.bool_], alpha: float = 0.05
) -> Distances | None:
    """T2 and Q of the `judged` rows of values (sample, band), which must hold no NaN.

    alpha    chance that a clean library has a spectrum beyond one of the limits
    returns  None for fewer than 30 judged rows, or where all of them are the same
    """
    at = np.flatnonzero(judged)
    if len(at) < ENOUGH:
        return None
    learned = values[at[:: -(-len(at) // FITTED_ON)]].astype(np.float64)
    model = _robust_model(learned, alpha / len(at))
    if model is None:
        return None
    t2, q = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for rows in row_blocks(values):
        inside = rows.start + np.flatnonzero(judged[rows])
        t2[inside], q[inside] = model.distances(values[inside])
    limits = _limits(model, t2[at], q[at], alpha / len(at))
    return Distances(t2, q, *limits, components=len(model.variance))


def _robust_model(learned: NDArray[np.float64], alpha: float) -> _Model | None:
    """The components of the rows that lie within the limits which these rows themselves set."""
    centre = np.median(learned, axis=0)
    spread = np.median(np.abs(learned - centre), axis=0)
    varying = spread > 0
    if not varying.any():
        return None
    away = np.square((learned - centre)[:, varying] / spread[varying]).mean(axis=1)
    kept = away <= np.quantile(away, _START)
    model = _components(learned[kept])
    for _ in range(_ROUNDS):
        t2, q = model.distances(learned)
        limit_t2, limit_q = _limits(model, t2, q, alpha)
        inside = (t2 <= limit_t2) & (q <= limit_q)
        if (inside == kept).all():
            break
        kept, model = inside, _components(learned[inside])
    return model


def _components(learned: NDArray[np.float64]) -> _Model:
    """Eigenvectors by the smaller of the two cross products: bands by bands, or rows by rows."""
    mean = learned.mean(axis=0)
    centred = learned - mean
    rows, bands = centred.shape
    if bands <= rows:
        variance, vectors = np.linalg.eigh(centred.T @ centred / (rows - 1))
    else:
        variance, scores = np.linalg.eigh(centred @ centred.T / (rows - 1))
        vectors = centred.T @ (scores / np.sqrt(np.maximum(variance, 1e-300) * (rows - 1)))
    variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1]
    share = np.cumsum(variance) / max(float(variance.sum()), 1e-300)
    count = min(int(np.searchsorted(share, EXPLAINED)) + 1, MOST_COMPONENTS, rows // 3)
    top = np.maximum(variance[:count], 1e-300)
    rest = variance[count:] * (rows - 1) / (rows - 1 - count)  # what a row left out would show
    return _Model(mean, vectors[:, :count], top, rest, rows)


def _limits(
    model: _Model, t2: NDArray[np.float64], q: NDArray[np.float64], alpha: float
) -> tuple[float, float]:
    return (
        max(t2_limit(len(model.variance), model.rows, alpha), _tail(t2, alpha)),
        max(q_limit(model.rest, alpha), _tail(q, alpha)),
    )


def t2_limit(components: int, rows: int, alpha: float) -> float:
    """T2 that a new Gaussian spectrum exceeds with chance `alpha`.

    components (n + 1)(n - 1) / (n (n - components)) F(components, n - components), n = rows.
    """
    from scipy.special import fdtri

    free = rows - components
    scale = components * (rows + 1) * (rows - 1) / (rows * free)
    return float(scale * fdtri(components, free, 1.0 - alpha))


def q_limit(rest: NDArray[np.float64], alpha: float) -> float:
    """Q that a new Gaussian spectrum exceeds with chance `alpha`, by Jackson & Mudholkar (1979).

    rest  variances of the components that are not in the model

    Where one of these dwarfs the others their power is not positive and the approximation fails; the
    chi-square of the same mean and variance is taken then (Box 1954, Ann. Math. Stat. 25, 290).
    """
    from scipy.special import chdtri, ndtri

    first, second, third = (float((rest**power).sum()) for power in (1, 2, 3))
    if first <= 0:
        return 0.0
    power = 1.0 - 2.0 * first * third / (3.0 * second**2)
    if power <= 0:
        return float(second / first * chdtri(first**2 / second, alpha))
    z = float(ndtri(1.0 - alpha))
    inner = 1.0 + z * power * np.sqrt(2.0 * second) / first + second * power * (power - 1.0) / first**2
    return float(first * max(inner, 0.0) ** (1.0 / power))


def _tail(found: NDArray[np.float64], alpha: float) -> float:
    """What a log-normal with the median and the upper quartile of `found` exceeds with chance `alpha`."""
    from scipy.special import ndtri

    middle, upper = np.quantile(np.log(np.maximum(found, 1e-300)), [0.5, 0.75])
    return float(np.exp(middle + (upper - middle) * ndtri(1.0 - alpha) / ndtri(0.75)))
