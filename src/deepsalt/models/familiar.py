"""How far a pixel lies from what a student was trained on: dissimilarity, residual, points nearby.

- Dissimilarity: the distance in the student's inputs to the nearest of many centres of drawn pixels, each
  input weighted by how much the answers hang on it, divided by the mean distance between drawn pixels (the
  dissimilarity index of Meyer and Pebesma 2021, Methods Ecol. Evol. 12:1620, with centres in place of all
  training rows).
- Residual: what of a spectrum lies at right angles to all that the student reads (the Q statistic of
  principal components, Jackson and Mudholkar 1979, Technometrics 21:341), told from some of these directions.
- Density: how many labelled pixels lie within the limit of the dissimilarity (a local point density).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Familiar(nn.Module):
    """What a student knows of its own training pixels.

    importance  (direction,) how much an answer hangs on each input; the largest is 1
    centres     (centre, direction) of drawn pixels, times the importance
    points      (point, direction) labelled pixels, times the importance
    rest        (channel, r) orthonormal, at right angles to the directions that are read
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


def nearest(rows: Tensor, centres: Tensor) -> Tensor:
    """(n,) distance of each row to the nearest centre, by one matrix product."""
    squares = torch.addmm(centres.square().sum(dim=1, keepdim=True), centres, rows.T, alpha=-2.0).amin(dim=0)
    return (squares + rows.square().sum(dim=1)).clamp(min=0).sqrt()
