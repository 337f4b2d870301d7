"""Which bands drive a prediction: integrated gradients, for models whose answer is a smooth function of them.

An answer's difference to that of a baseline spectrum is shared out among the bands, exactly: along the
straight way from the baseline to the spectrum, each band gets what it adds (Sundararajan, Taly and Yan 2017,
Axiomatic attribution for deep networks, ICML). So the question is always "why this, and not what the baseline
has?". Own code: captum takes one number of steps for all samples and does not look whether they were enough;
it judges this in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError, SpectraError, UsageError
from deepsalt.evaluation.band_groups import BandGroup
from deepsalt.spectra import Axis, Spectra

if TYPE_CHECKING:
    from torch import Tensor

    from deepsalt.estimators.differentiable import Differentiable

    #: (n, band) values as samples `rows` (n,) are read, to (n,) answers.
    Function = Callable[[Tensor, NDArray[np.intp]], Tensor]

Floats = NDArray[np.float64]

#: Attributions of a sample add up to its difference from the baseline within this, on ln(1+ECe).
COMPLETE = 1e-3
_NODES, _SHARES = np.polynomial.legendre.leggauss(4)
#: A stretch of the way whose sum is off by more than this is halved, so many times at most.
_STRETCH, _HALVINGS = COMPLETE / 32, 15
#: Halvings of a rough sum.
_ROUGH = 2
#: Points and weights on a stretch: Gauss-Legendre, exact for polynomials up to the seventh degree.
_AT, _WEIGHT = (_NODES + 1) / 2, _SHARES / 2
#: Stretches that are walked at once.
_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each band adds to the answer of each sample, beside the baseline, on ln(1+ECe).

    axis              bands
    spectra           (sample, band) as the model read them
    baseline          (sample, band) what each sample is compared with; NaN where there is nothing
    values            (sample, band); NaN for a sample that cannot be read or compared, or whose sum is off by
                      more than 1e-3
    answer            (sample,) ln(1+ECe), as `predict` gives it
    baseline_answer   (sample,) of the baseline, read as this sample is read
    """

    axis: Axis
    spectra: Floats
    baseline: Floats
    values: Floats
    answer: Floats
    baseline_answer: Floats

    @property
    def gap(self) -> Floats:
        """(sample,) how far the attributions are from adding up, ln(1+ECe)."""
        return self.values.sum(axis=1) - (self.answer - self.baseline_answer)

    @property
    def explained(self) -> NDArray[np.bool_]:
        """(sample,) whether there are attributions."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def of(self, groups: Sequence[BandGroup]) -> Floats:
        """(sample, group) sums over the bands of each group."""
        return np.stack([self.values[:, one.bands].sum(axis=1) for one in groups], axis=1)

    def departure(self, groups: Sequence[BandGroup]) -> Floats:
        """(sample, group) mean of the spectrum less mean of the baseline, over the bands of each group."""
        apart = self.spectra - self.baseline
        return np.stack([apart[:, one.bands].mean(axis=1) for one in groups], axis=1)


def explain(model: Any, spectra: Spectra, baseline: Spectra | None = None) -> Attribution:
    """Attributions of a trained model's answers to a table of spectra.

    model     a network of deepsalt: `DeepSaltRegressor`, `PaperRegressor`, `LabRegressor`, `PaperTeacher`
    baseline  a table on the same bands, whose mean answers are compared with; None: `spectra` themselves.
              Where samples tell their `scene`, each is compared with the mean of its own scene: sky and soil
              of another are no part of what is asked

    The baseline is read as each sample is read (by the tuning of its scene, with its covariates), so that the
    difference is one of spectra alone. Raises UsageError for a model without gradients, SpectraError where no
    sample has a mean of two spectra or more to be compared with, and what reading raises.
    """
    function = function_of(model, spectra)
    table = function if baseline is None else function_of(model, baseline)
    if len(table.axis) != len(function.axis) or not np.array_equal(table.axis.values, function.axis.values):
        raise BandError(f"the baseline has {table.axis.describe()}, the spectra {function.axis.describe()}")
    theirs = _scenes(spectra if baseline is None else baseline)
    middle = _middle(function.values, _scenes(spectra), table.values, theirs)
    if np.isnan(middle).all():
        raise SpectraError(
            "no spectrum has others of its scene to be compared with: a single one is its own mean",
            fix="Give a table of spectra as the baseline, such as more pixels of the same scene.",
        )
    return attribution_of(function, function.answer, middle)


def function_of(model: Any, spectra: Spectra) -> Differentiable:
    """What the model does to spectra. Raises UsageError for one that has no gradients."""
    if not hasattr(model, "differentiable"):
        raise UsageError(
            f"{getattr(model, 'name', type(model).__name__)} has no gradients to integrate",
            fix="Use deepsalt.evaluation.occlusion, which asks any model.",
        )
    found: Differentiable = model.differentiable(spectra)
    return found


def attribution_of(
    function: Differentiable, answer: Function, baseline: Floats, *, rough: bool = False
) -> Attribution:
    """Integrated gradients of one of a model's functions, from baselines (sample, band).

    answer  `function.answer`, or that of a single network
    rough   few points, and no NaN where the sum is off: enough to rank windows by, at a fraction of the cost
    """
    values = function.values.astype(np.float64)
    rows = np.flatnonzero(np.isfinite(values + baseline).all(axis=1))
    shares = np.full(values.shape, np.nan)
    ends = np.full((2, len(values)), np.nan)
    if len(rows):
        shares[rows], ends[:, rows] = _integrated(answer, values[rows], baseline[rows], rows, rough)
    return Attribution(function.axis, values, baseline, shares, ends[1], ends[0])


def _scenes(spectra: Spectra) -> NDArray[np.str_]:
    """(sample,) the scene of each; all alike where the samples do not tell."""
    if "scene" not in spectra.samples:
        return np.full(len(spectra), "")
    return spectra.samples["scene"].fillna("").to_numpy().astype(np.str_)


def _middle(
    values: NDArray[np.float32],
    scenes: NDArray[np.str_],
    others: NDArray[np.float32],
    their_scenes: NDArray[np.str_],
) -> Floats:
    """(sample, band) mean of the readable others of the same scene; NaN with fewer than two."""
    whole = np.isfinite(others).all(axis=1)
    found = np.full(values.shape, np.nan)
    for name in np.unique(scenes):
        there = others[whole & (their_scenes == name)]
        if len(there) >= 2:
            found[scenes == name] = there.astype(np.float64).mean(axis=0)
    return found


def _integrated(
    answer: Function, values: Floats, baseline: Floats, rows: NDArray[np.intp], rough: bool
) -> tuple[Floats, Floats]:
    """(n, band) attributions, NaN where they do not add up, and (2, n) answers at both ends.

    On each stretch of the way attributions must add up as well. So where the sum of a sample is off, only
    those stretches are halved that have a kink, as an answer has that is held at a bound.
    """
    ends = np.stack([_answers(answer, one, rows) for one in (baseline, values)])
    done, found, way = np.zeros(values.shape), np.full(values.shape, np.nan), values - baseline
    row, begin, end = np.arange(len(rows)), np.zeros(len(rows)), np.ones(len(rows))
    for halving in range(_HALVINGS):
        gained = _walked(answer, baseline[row], way[row], rows[row], begin, end)
        tried = np.array(done)
        np.add.at(tried, row, gained)
        open_ = np.abs(tried.sum(axis=1) - (ends[1] - ends[0])) > COMPLETE
        open_ &= not (rough and halving == _ROUGH)
        closed = np.isnan(found).any(axis=1) & ~open_
        found[closed] = tried[closed]
        rise = [_answers(answer, baseline[row] + at[:, None] * way[row], rows[row]) for at in (begin, end)]
        bent = np.abs(gained.sum(axis=1) - (rise[1] - rise[0])) > _STRETCH
        np.add.at(done, row[~bent], gained[~bent])
        halved = bent & np.isnan(found).any(axis=1)[row]
        if not halved.any():
            break
        middle = (begin[halved] + end[halved]) / 2
        row, begin, end = (
            np.r_[row[halved], row[halved]], np.r_[begin[halved], middle], np.r_[middle, end[halved]],
        )  # fmt: skip
    return found, ends


def _answers(answer: Function, values: Floats, rows: NDArray[np.intp]) -> Floats:
    import torch

    with torch.no_grad():
        parts = [answer(torch.as_tensor(values[one]), rows[one]).numpy() for one in _parts(len(rows))]
    return np.concatenate(parts).astype(np.float64)


def _walked(
    answer: Function, start: Floats, way: Floats, rows: NDArray[np.intp], begin: Floats, end: Floats
) -> Floats:
    """(n, band) what is gained on a stretch of the way: its length times the mean gradient there.

    start, way   (n, band) baselines, and from there to the spectra
    begin, end   (n,) between 0 and 1
    """
    import torch

    gained = np.empty(way.shape)
    for one in _parts(len(rows)):
        at = begin[one, None] + (end - begin)[one, None] * _AT  # (n, point)
        points = start[one, None, :] + at[:, :, None] * way[one, None, :]
        asked = torch.as_tensor(points).flatten(0, 1).requires_grad_()
        (slope,) = torch.autograd.grad(answer(asked, np.repeat(rows[one], len(_AT))).sum(), asked)
        mean = np.einsum("npb,p->nb", slope.numpy().reshape(points.shape), _WEIGHT)
        gained[one] = way[one] * mean * (end - begin)[one, None]
    return gained


def _parts(count: int) -> list[slice]:
    return [slice(begin, min(begin + _AT_ONCE, count)) for begin in range(0, count, _AT_ONCE)]
