"""How far a pixel lies from what a student was trained on: dissimilarity, residual, points nearby.

- Dissimilarity: the distance in the student's inputs to the nearest of many centres of drawn pixels, each
  input weighted by how much the answers hang on it, divided by the mean distance between drawn pixels (the
  dissimilarity index of Meyer and Pebesma 2021, Methods Ecol. Evol. 12:1620, with centres in place of all
  training rows).
- Residual: what of a spectrum lies at right angles to all that the student reads (as in the Q statistic of
  principal components, Jackson and Mudholkar 1979, Technometrics 21:341), along the few such directions in
  which training pixels vary most, each in units of their spread (as in Hotelling's T2).
- Density: how many labelled pixels lie within the limit of the dissimilarity (a local point density).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Centres that all pixels are compared with; one in twenty is near none of these, and is compared with all.
HUBS = 2
_MOST_WAITING = 32_768  # pixels, before they are compared with all: 64 centres make 8 MiB of them
_FARTHEST = 8.0  # standard deviations
_ROUNDING = 1e-4  # of the squared limit: what lies so near it is compared with all centres, too


class Familiar(nn.Module):
    """What a student knows of its own training pixels.

    importance  (direction,) how much an answer hangs on each input; the largest is 1, 0 = not compared
    centres     (centre, direction) of drawn pixels, times the importance; those near most pixels come first
    points      (point, direction) labelled pixels, times the importance
    rest        (channel, r) at right angles to the directions that are read, over the spread along each
    unit        () mean distance between drawn pixels
    limits      (2,) dissimilarity and residual beyond which a pixel is strange; 0 = never learned
    """

    importance: Tensor
    centres: Tensor
    points: Tensor
    rest: Tensor
    unit: Tensor
    limits: Tensor

    def __init__(self, channels: int, directions: int, centres: int, rest: int, points: int) -> None:
        super().__init__()
        self.register_buffer("importance", torch.ones(directions))
        self.register_buffer("centres", torch.zeros(centres, directions))
        self.register_buffer("points", torch.zeros(points, directions))
        self.register_buffer("rest", torch.zeros(channels, rest))
        self.register_buffer("unit", torch.ones(()))
        self.register_buffer("limits", torch.zeros(2))

    @property
    def learned(self) -> bool:
        """Whether there is anything to compare with."""
        return bool((self.limits > 0).all())

    def dissimilarity(self, inputs: Tensor) -> Tensor:
        """(n,) of the student's inputs (n, direction)."""
        return nearest(inputs * self.importance, self.centres) / self.unit

    def density(self, inputs: Tensor) -> Tensor:
        """(n,) how many labelled pixels lie within the limit of the dissimilarity."""
        within = self.limits[0] * self.unit
        return (torch.cdist(inputs * self.importance, self.points) <= within).sum(dim=1)


class Judge:
    """Tells of pixels, batch after batch, whether dissimilarity or residual is beyond its limit, not how far.

    To bound inputs brings them nearer to any centre, as centres lie within the bounds: a pixel near a hub
    without it is near one with it. The others are bounded and compared with all centres, many at a time.
    """

    def __init__(self, known: Familiar) -> None:
        self.first_of_rest = len(known.importance)
        compared = known.importance.nonzero()
        self.depth = int(compared.max()) + 1 if len(compared) else 0  # directions that distances hang on
        self.weights = known.importance[: self.depth].square()
        self.reach, self.largest = (known.limits[0] * known.unit).square(), known.limits[1]
        self.towards = -2.0 * (known.centres * known.importance)[:, : self.depth]
        self.own = known.centres.square().sum(dim=1, keepdim=True) - self.reach
        self.answers: list[Tensor] = []
        self.left: list[tuple[Tensor, Tensor]] = []  # which of the pixels so far, and their inputs
        self.asked, self.waiting = 0, 0

    def ask(self, projected: Tensor) -> None:
        """More pixels: (direction + r, n) student's inputs before they are bounded, then what `rest` makes of
        the same spectra."""
        inputs, residual = projected[: self.depth], projected[self.first_of_rest :].square().sum(dim=0)
        size = self.weights @ inputs.square()
        hubs = torch.addmm(self.own[:HUBS], self.towards[:HUBS], inputs).amin(dim=0)
        far = (hubs + size > -_ROUNDING * self.reach).nonzero().squeeze(1)
        self.answers.append(residual > self.largest)
        self.left.append((far + self.asked, inputs.index_select(1, far)))
        self.asked, self.waiting = self.asked + projected.shape[1], self.waiting + len(far)
        if self.waiting >= _MOST_WAITING:
            self._compare()

    def strange(self) -> Tensor:
        """(n,) of all pixels so far, on the CPU."""
        self._compare()
        return self.answers[0].cpu()

    def _compare(self) -> None:
        """Bring the answers up to date with those that are left."""
        answers = torch.cat(self.answers)
        if self.left:
            which = torch.cat([rows for rows, _ in self.left])
            inputs = bounded(torch.cat([inputs for _, inputs in self.left], dim=1))
            nearest_of_all = torch.addmm(self.own, self.towards, inputs).amin(dim=0)
            answers[which] |= nearest_of_all + self.weights @ inputs.square() > 0
        self.answers, self.left, self.waiting = [answers], [], 0


def bounded(inputs: Tensor) -> Tensor:
    """Inputs within 8 standard deviations: a hot pixel must not swamp the rest."""
    return inputs.clamp(-_FARTHEST, _FARTHEST)


def nearest(rows: Tensor, centres: Tensor) -> Tensor:
    """(n,) distance of each row to the nearest centre, by one matrix product."""
    squares = torch.addmm(centres.square().sum(dim=1, keepdim=True), centres, rows.T, alpha=-2.0).amin(dim=0)
    return (squares + rows.square().sum(dim=1)).clamp(min=0).sqrt()
