"""The regressor in which the shallow methods end, and the judge by which they choose their settings.

The regressor is partial least squares (PLS1) on standardised bands. The number of components is chosen
on grouped folds of the very rows it learns from. Labelled pixels are few, so each is counted several
times: as often as makes them weigh as much as the laboratory rows, but at most ten times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deepsalt.adaptation.base import Answer, Domains, Floats
from deepsalt.splits import grouped_folds

#: Components are tried from 1 to this number.
MOST_COMPONENTS = 20
#: A labelled pixel counts at most this often.
MOST_COPIES = 10
#: Folds in which components and settings are chosen.
FOLDS = 4
_NOTHING_LEFT = 1e-10

Setting = TypeVar("Setting")


def copies(source_rows: int, target_rows: int) -> int:
    """How often each labelled pixel counts beside the laboratory rows.

    >>> copies(800, 150), copies(800, 20), copies(100, 300)
    (5, 10, 1)
    """
    return int(np.clip(round(source_rows / max(target_rows, 1)), 1, MOST_COPIES))


def regressor(domains: Domains, seed: int) -> Answer:
    """Partial least squares on laboratory rows and labelled pixels; reads only those of `domains`.

    returns  spectra (k, width) on the same features to ln(1+ECe) (k,), not yet bounded
    """
    x, y, groups = _rows(domains)
    components = _components(x, y, groups, seed)
    offset, path = pls_path(x, y, components)
    slope = path[:, -1]
    return lambda spectra: spectra @ slope + offset[-1]


def _rows(domains: Domains) -> tuple[Floats, Floats, NDArray]:
    times = copies(len(domains.source_y), len(domains.target_y))
    x = np.vstack([domains.source_x, np.repeat(domains.target_x, times, axis=0)])
    y = np.r_[domains.source_y, np.repeat(domains.target_y, times)]
    groups = np.r_[domains.source_groups, np.repeat(domains.target_groups, times)]
    return x, y, groups


def _components(x: Floats, y: Floats, groups: NDArray, seed: int) -> int:
    """The number of components with the smallest squared error on grouped folds."""
    most = min(MOST_COMPONENTS, x.shape[1], len(x) - 1)
    folds = min(FOLDS, len(np.unique(groups)))
    if folds < 2:
        return min(most, 5)
    errors = np.zeros(most)
    for train, test in grouped_folds(groups, folds, seed):
        offset, path = pls_path(x[train], y[train], most)
        missed = ((x[test] @ path + offset - y[test, None]) ** 2).sum(axis=0)
        errors += np.pad(missed, (0, most - len(missed)), mode="edge")
    return int(np.argmin(errors)) + 1


def pls_path(x: Floats, y: Floats, components: int) -> tuple[Floats, Floats]:
    """PLS1 with 1, 2, ... components at once.

    x        (n, width); standardised inside, columns without spread are left alone
    y        (n,)
    returns  offsets (c,) and slopes (width, c) with c <= components: fewer where nothing is left to explain

    Source: Wold, Sjöström & Eriksson (2001), orthogonal scores by deflation.
    """
    centre, level = x.mean(axis=0), float(y.mean())
    spread = x.std(axis=0)
    spread = np.where(spread > _NOTHING_LEFT, spread, 1.0)
    left, aim = (x - centre) / spread, y - level
    enough = _NOTHING_LEFT * max(float(np.linalg.norm(left.T @ aim)), _NOTHING_LEFT)
    weights, loadings, shares = [], [], []
    for _ in range(components):
        weight = left.T @ aim
        length = float(np.linalg.norm(weight))
        if length <= enough:
            break
        weight /= length
        score = left @ weight
        size = float(score @ score)
        loading, share = left.T @ score / size, float(aim @ score) / size
        left, aim = left - np.outer(score, loading), aim - share * score
        weights.append(weight)
        loadings.append(loading)
        shares.append(share)
    if not weights:
        return np.array([level]), np.zeros((x.shape[1], 1))
    rotation = np.column_stack(weights) @ np.linalg.inv(np.array(loadings) @ np.column_stack(weights))
    slopes = np.cumsum(rotation * np.array(shares), axis=1) / spread[:, None]
    return level - centre @ slopes, slopes


def choose(
    settings: Sequence[Setting],
    domains: Domains,
    seed: int,
    build: Callable[[Domains, Setting], Answer],
    otherwise: Setting,
    folds: int = FOLDS,
) -> Setting:
    """The setting with the smallest error on held-out pixels whose salinity is known.

    build      learns from a part of the domains with a setting
    otherwise  taken where fewer than two groups have such pixels
    folds      at most this many

    Known are labelled pixels, and pixels beside a laboratory sample, which are given its label. Whole
    groups are held out of everything that has a label; unlabelled pixels are seen by all.
    """
    errors = np.zeros(len(settings))
    judged = 0
    for part, x, y in _held_out(domains, folds, seed):
        judged += len(y)
        for i, setting in enumerate(settings):
            guess = np.clip(build(part, setting)(x), 0, domains.ceiling)
            errors[i] += float(((guess - y) ** 2).sum())
    return settings[int(np.argmin(errors))] if judged else otherwise


def _held_out(domains: Domains, most: int, seed: int) -> Iterator[tuple[Domains, Floats, Floats]]:
    """Parts of the domains to learn from, each with the known pixels and labels held out of it."""
    x = np.vstack([domains.target_x, domains.pair_x])
    y = np.r_[domains.target_y, domains.pair_y]
    groups = np.r_[domains.target_groups, domains.pair_groups]
    folds = min(most, len(np.unique(groups)))
    if folds < 2:
        return
    for _, test in grouped_folds(groups, folds, seed):
        held = np.unique(groups[test])
        if np.isin(domains.source_groups, held).all():
            continue
        part = domains.without(held)
        if _nothing_lost(part, domains):
            yield part, x[test], y[test]


def _nothing_lost(part: Domains, whole: Domains) -> bool:
    """Whether the part still holds labelled pixels, pairs and pixels, as far as the whole does."""
    held = ((d.target_x, d.pair_x, d.pixels) for d in (part, whole))
    return all(len(left) > 1 or not len(all_) for left, all_ in zip(*held, strict=True))
