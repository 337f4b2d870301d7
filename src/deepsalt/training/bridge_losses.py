"""Terms of the loss of the preset `deepsalt`, each a scalar tensor."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_BINS = 8
_MOST_WEIGHT = 5.0


def heard(answers: Tensor, target: Tensor, weight: Tensor, delta: float) -> Tensor:
    """Huber loss of the answers (members, n) to one target a row (n,), rows weighted (n,).

    A row of weight 0 may have any target, NaN included.
    """
    safe = torch.where(weight > 0, target, torch.zeros_like(target))
    each = functional.huber_loss(answers, safe.expand_as(answers), delta=delta, reduction="none")
    return (each * weight).sum() / (len(answers) * weight.sum().clamp(min=1.0))


def relation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Do samples lie as far apart for the student (n, units) as for the teacher (n, features)?

    Distances within the batch, each side over its own mean: Park et al. (2019), relational knowledge
    distillation (distance-wise).
    """
    return functional.smooth_l1_loss(_spacing(student), _spacing(teacher))


def _spacing(rows: Tensor) -> Tensor:
    length = rows.square().sum(dim=-1)
    square = length[:, None] + length[None] - 2 * rows @ rows.T  # far cheaper than all differences
    distance = (square.clamp(min=0) + 1e-6).sqrt()
    return distance / distance.mean().clamp(min=1e-6)


def label_shift_weights(drawn: Tensor, target: Tensor) -> Tensor:
    """Weights (n,) with mean 1 that give the labels of drawn rows (n,) the spread of answers on land (m,).

    Histograms over quantile bins of both. Source of the idea: Tachet des Combes et al. (2020), generalised
    label shift: features must agree given the label, not whatever the labels are.
    """
    edges = torch.quantile(torch.cat([drawn, target]), torch.linspace(0, 1, _BINS + 1)[1:-1])
    ours, theirs = torch.bucketize(drawn, edges), torch.bucketize(target, edges)
    have = torch.bincount(ours, minlength=_BINS).float() / len(drawn)
    want = torch.bincount(theirs, minlength=_BINS).float() / len(target)
    ratio = (want / have.clamp(min=1e-3)).clamp(max=_MOST_WEIGHT)[ours]
    return ratio / ratio.mean().clamp(min=1e-6)


def alignment_loss(drawn: Tensor, real: Tensor, outputs: Tensor, weights: Tensor) -> Tensor:
    """Do real pixels lie where drawn ones do, in the directions that the answer is made of?

    drawn, real  (members, n, units) and (members, m, units) last hidden layers
    outputs      (members, units, 1) weights of the last layer: a unit counts by what it does to the answer
    weights      (n,) of the drawn rows, against label shift

    Mean and standard deviation of each unit's share of the answer. Source of the idea: significant-subspace
    alignment (arXiv 2410.03263).
    """
    ours = drawn * outputs.squeeze(-1)[:, None].detach()
    theirs = real * outputs.squeeze(-1)[:, None].detach()
    share = (weights / weights.sum())[None, :, None]
    mean = (ours * share).sum(dim=1, keepdim=True)
    deviation = ((ours - mean).square() * share).sum(dim=1).add(1e-8).sqrt()
    gap = (mean[:, 0] - theirs.mean(dim=1)).square() + (
        deviation - theirs.var(dim=1, correction=0).add(1e-8).sqrt()
    ).square()
    return gap.sum(dim=-1).mean()


def bag_loss(answers: Tensor, bag: Tensor, share: Tensor, wanted: Tensor, spread: Tensor) -> Tensor:
    """Loss of map units whose pixels share one label distribution.

    answers  (n,) ln(1+ECe) of pixels, bag (n,) the unit of each, share (n,) its area in the unit
    wanted   (bags,) mean of ln(1+ECe) in the unit, spread (bags,) its standard deviation
    The pixels of a unit must have its mean, and its spread no less: one value copied to all pixels is
    wrong where a unit holds several soils.
    """
    bags = len(wanted)
    total = torch.zeros(bags).index_add(0, bag, share).clamp(min=1e-8)
    mean = torch.zeros(bags).index_add(0, bag, share * answers) / total
    apart = share * (answers - mean[bag]).square()
    deviation = (torch.zeros(bags).index_add(0, bag, apart) / total).add(1e-8).sqrt()
    missing = (spread - deviation).clamp(min=0)
    return ((mean - wanted).square() + 0.5 * missing.square()).mean()
