"""What a model as a whole reads: attributions of many samples in a few numbers, and what they are worth.

Two checks stand beside every importance. A model whose learned weights were put in random order knows
nothing: where its attributions look alike, the picture shows the spectra and not what was learned (Adebayo et
al. 2018, Sanity checks for saliency maps, NeurIPS). And the networks of an ensemble, which differ by chance
alone, say how far another training might have told another story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.evaluation.band_groups import BandGroup
from deepsalt.evaluation.bootstrap import group_draws, numbered, percentiles
from deepsalt.evaluation.explain import Attribution, attribution_of
from deepsalt.evaluation.paired import DRAWS, FEWEST_GROUPS, LEVEL

if TYPE_CHECKING:
    from deepsalt.estimators.differentiable import Differentiable
    from deepsalt.evaluation.explain import Function

Floats = NDArray[np.float64]

#: Randomised models that attributions are compared with.
_RANDOMISED = 3
#: Rank correlation with a randomised model from which a picture shows the spectra more than the model.
ALIKE = 0.5
_STILL = 1e-12


@dataclass(frozen=True)
class Importance:
    """One window of bands, over many samples.

    importance          mean of the absolute effect, ln(1+ECe)
    interval            of it, 95 % of draws of whole groups; None with fewer than five
    signed              mean of the effect; near 0 where samples are compared with their own mean
    signed_interval     of that
    higher_is_saltier  correlation of how far the window departs from the baseline with its effect, -1 to 1;
                         None where nothing varies
    """

    importance: float
    interval: list[float] | None
    signed: float
    signed_interval: list[float] | None
    higher_is_saltier: float | None


@dataclass(frozen=True)
class Randomised:
    """How like the attributions of a model are to those of models that know nothing.

    Rank correlations over windows, mean over samples and over the randomised models; 0 = unlike.

    signed    of the effects
    absolute  of their size
    models    how many randomised models
    """

    signed: float
    absolute: float
    models: int

    @property
    def passed(self) -> bool:
        """Whether the attributions tell of what was learned."""
        return self.signed < ALIKE


@dataclass(frozen=True)
class Agreement:
    """How far the networks of an ensemble share one picture.

    networks     how many
    correlation  mean rank correlation of the importance of windows between two of them; None of a single one
    spread       (window,) standard deviation of importance over the networks, ln(1+ECe)
    """

    networks: int
    correlation: float | None
    spread: list[float]


def importance_of(
    effects: Floats, departure: Floats, sample_groups: ArrayLike, *, seed: int = 0
) -> list[Importance]:
    """The windows' importance, from effects (sample, window); samples with a NaN do not count.

    departure      (sample, window) how far the spectrum is from its baseline in each window
    sample_groups  (sample,) field or profile: what is drawn together
    """
    index = numbered(sample_groups, effects[:, 0])
    known = np.isfinite(effects).all(axis=1)
    effects, departure = effects[known], departure[known]
    index = np.unique(index[known], return_inverse=True)[1].astype(np.intp)
    sizes, size_intervals = _means(np.abs(effects), index, seed)
    means, mean_intervals = _means(effects, index, seed)
    return [
        Importance(
            float(sizes[at]),
            size_intervals[at],
            float(means[at]),
            mean_intervals[at],
            _correlation(departure[:, at], effects[:, at]),
        )
        for at in range(effects.shape[1])
    ]


def _means(effects: Floats, index: NDArray[np.intp], seed: int) -> tuple[Floats, list[list[float] | None]]:
    """(window,) means, and the interval of each over draws of groups."""
    if len(effects) == 0:
        return np.full(effects.shape[1], np.nan), [None] * effects.shape[1]
    groups = int(index.max()) + 1
    if groups < FEWEST_GROUPS:
        return effects.mean(axis=0), [None] * effects.shape[1]
    sums = np.zeros((groups, effects.shape[1]))
    np.add.at(sums, index, effects)
    counts = np.bincount(index)
    drawn = [(weights @ sums) / (weights @ counts)[:, None] for weights in group_draws(groups, DRAWS, seed)]
    intervals: list[list[float] | None] = [
        percentiles([part[:, at] for part in drawn], LEVEL) for at in range(effects.shape[1])
    ]
    return effects.mean(axis=0), intervals


def _correlation(value: Floats, effect: Floats) -> float | None:
    known = np.isfinite(value)
    value, effect = value[known], effect[known]
    if len(value) < 3 or value.std() < _STILL or effect.std() < _STILL:
        return None
    return float(np.corrcoef(value, effect)[0, 1])


def against_randomised(
    function: Differentiable, found: Attribution, windows: Sequence[BandGroup], *, seed: int = 0
) -> Randomised:
    """The attributions of a model beside those of the same networks with their weights in random order.

    Their answers are taken without bounds: at random most would be held at one.
    """
    own = found.of(windows)
    signed, absolute = [], []
    for number in range(_RANDOMISED):
        other = function.shuffled(seed + number)
        theirs = attribution_of(other, _unbounded(other), found.baseline, rough=True).of(windows)
        signed.append(_mean_rank_correlation(own, theirs))
        absolute.append(_mean_rank_correlation(np.abs(own), np.abs(theirs)))
    return Randomised(_mean(signed), _mean(absolute), _RANDOMISED)


def _unbounded(function: Differentiable) -> Function:
    return lambda values, rows: function.networks(values, rows).mean(dim=0)


def _network(function: Differentiable, number: int) -> Function:
    return lambda values, rows: function.networks(values, rows)[number]


def agreement_of(function: Differentiable, found: Attribution, windows: Sequence[BandGroup]) -> Agreement:
    """Importance of windows by each network of the ensemble on its own."""
    effects = np.abs(by_network(function, found, windows))
    pictures = [one[np.isfinite(one).all(axis=1)].mean(axis=0) for one in effects]
    pairs = [_rank_correlation(a, b) for a, b in combinations(pictures, 2)]
    spread = np.std(pictures, axis=0)
    return Agreement(len(pictures), _mean(pairs) if pairs else None, [float(value) for value in spread])


def by_network(function: Differentiable, found: Attribution, windows: Sequence[BandGroup]) -> Floats:
    """(network, sample, window) effects by each network of the ensemble on its own."""
    import torch

    with torch.no_grad():
        first = torch.as_tensor(found.baseline[found.explained][:1])
        count = len(function.networks(first, np.flatnonzero(found.explained)[:1]))
    if count == 1:
        return found.of(windows)[None]
    each = [
        attribution_of(function, _network(function, one), found.baseline, rough=True) for one in range(count)
    ]
    return np.stack([one.of(windows) for one in each])


def _mean_rank_correlation(own: Floats, theirs: Floats) -> float:
    """Mean over samples of the rank correlation over windows; NaN where no sample has one."""
    return _mean([_rank_correlation(a, b) for a, b in zip(own, theirs, strict=True)])


def _rank_correlation(a: Floats, b: Floats) -> float:
    from scipy.stats import rankdata

    if not (np.isfinite(a).all() and np.isfinite(b).all()) or np.ptp(a) < _STILL or np.ptp(b) < _STILL:
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
