"""Terms of the loss of the preset `deepsalt`, each a scalar tensor."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def heard(answers: Tensor, target: Tensor, weight: Tensor, delta: float) -> Tensor:
    """Huber loss of the answers (members, n) to one target a row (n,), rows weighted (n,).

    A row of weight 0 may have any target, NaN included.
    """
    safe = torch.where(weight > 0, target, torch.zeros_like(target))
    each = functional.huber_loss(answers, safe.expand_as(answers), delta=delta, reduction="none")
    return (each * weight).sum() / (len(answers) * weight.sum().clamp(min=1.0))


def relation_loss(student: Tensor, teacher: Tensor, there: Tensor) -> Tensor:
    """Do samples lie as far apart for the student (n, units) as for the teacher (n, features)?

    there  (n,) 1 for the rows that are asked, 0 for others
    Distances within the batch, each side over its own mean: Park et al. (2019), relational knowledge
    distillation (distance-wise).
    """
    pairs = there[:, None] * there
    count = pairs.sum().clamp(min=1)
    ours, theirs = (_spacing(side, pairs, count) for side in (student, teacher))
    return (functional.smooth_l1_loss(ours, theirs, reduction="none") * pairs).sum() / count


def _spacing(rows: Tensor, pairs: Tensor, count: Tensor) -> Tensor:
    length = rows.square().sum(dim=-1)
    square = length[:, None] + length[None] - 2 * rows @ rows.T  # far cheaper than all differences
    distance = (square.clamp(min=0) + 1e-6).sqrt()
    return distance / ((distance * pairs).sum() / count).clamp(min=1e-6)


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
