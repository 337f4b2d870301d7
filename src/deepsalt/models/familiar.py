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

from collections.abc import Callable

import torch
from torch import Tensor, nn

#: Centres that all pixels are compared with; one in twelve is near none of these, and is compared with all.
HUBS = 2
_FARTHEST = 8.0  # standard deviations
_ROUNDING = 1e-4  # of the squared limit: what lies so near it is compared with all centres, too


class Familiar(nn.Module):
    """What a student knows of its own training pixels.

    importance  (direction,) how much an answer hangs on each input; the largest is 1
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

    def judge(self) -> Callable[[Tensor], Tensor]:
        """A function that tells of pixels whether dissimilarity or residual is beyond its limit, not how far.

        It asks for (direction + r, n): the student's inputs before they are bounded, then what `rest` makes
        of the same spectra. To bound inputs brings them nearer to any centre, as centres lie within the
        bounds: a pixel near a hub without it is near one with it. Others are bounded and compared with all.
        """
        directions, weights = len(self.importance), self.importance.square()
        reach, largest = (self.limits[0] * self.unit).square(), self.limits[1]
        towards = -2.0 * self.centres * self.importance
        own = self.centres.square().sum(dim=1, keepdim=True) - reach
        sizes = self.centres.new_zeros(2, directions + self.rest.shape[1])
        sizes[0, :directions], sizes[1, directions:] = weights, 1.0

        def strange(projected: Tensor) -> Tensor:
            size, residual = sizes @ projected.square()
            inputs = projected[:directions]
            far = torch.addmm(own[:HUBS], towards[:HUBS], inputs).amin(dim=0) + size > -_ROUNDING * reach
            which = far.nonzero().squeeze(1)
            if len(which):
                asked = bounded(inputs.index_select(1, which))
                far[which] = torch.addmm(own, towards, asked).amin(dim=0) + weights @ asked.square() > 0
            return far | (residual > largest)

        return strange

    def density(self, inputs: Tensor) -> Tensor:
        """(n,) how many labelled pixels lie within the limit of the dissimilarity."""
        within = self.limits[0] * self.unit
        return (torch.cdist(inputs * self.importance, self.points) <= within).sum(dim=1)


def bounded(inputs: Tensor) -> Tensor:
    """Inputs within 8 standard deviations: a hot pixel must not swamp the rest."""
    return inputs.clamp(-_FARTHEST, _FARTHEST)


def nearest(rows: Tensor, centres: Tensor) -> Tensor:
    """(n,) distance of each row to the nearest centre, by one matrix product."""
    squares = torch.addmm(centres.square().sum(dim=1, keepdim=True), centres, rows.T, alpha=-2.0).amin(dim=0)
    return (squares + rows.square().sum(dim=1)).clamp(min=0).sqrt()
