"""The plane through what networks say of one scene: their answers, made linear in its spectra.

Networks that learned from drawn pixels bend where the draws bent them. Over the pixels of one scene (one soil
map, one sky) salt shows by mixing, which is nearly linear in reflectance, and what the answers say beside
that is mostly error. Least squares over the scene's own pixels keep the one and drop the other. Plants hide
the soil, and networks take what they hide for fresh ground: a plane is kept from following them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepsalt.models.inference import BATCH

#: Pixels for each direction, below which a plane would follow the errors it is to drop.
_PIXELS_EACH = 10
_RIDGE = 1e-3  # of the directions' mean variance: directions that a scene lacks stay out
#: Share of the answers' variance that lies between patches (intraclass correlation), for them to be believed.
_AGREED = 0.5
#: Weight of a plane's variance inside patches, beside that of its errors; chosen on development worlds.
_INSIDE = 3.0
#: Weight of a plane's covariance with the plants that are read; chosen there too, 0.3 to 3 did about as well.
_PLANTS = 1.0


class Plane(nn.Module):
    """Inputs (n, direction) to answers (members, n), one plane for each member; shaped like `Members`.

    weights  (member, direction + 1), the last column a constant
    """

    weights: Tensor
    #: Rows at a time: a plane hands nothing on that a cache would have to hold. Chosen as `BATCH` was.
    rows = 4 * BATCH

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        answers = torch.addmm(self.weights[:, -1:], self.weights[:, :-1], inputs.T)
        return answers, inputs[None]


@torch.no_grad()
def plane_through(
    inputs: Tensor, answers: Tensor, patches: Tensor | None = None, plants: Tensor | None = None
) -> Tensor | None:
    """(member, direction + 1) weights of the plane through the answers; None for too few pixels.

    inputs   (n, direction) of a scene's pixels
    answers  (member, n) of the networks
    patches  (n,) which pixels lie together, None = not known. Salt changes little from a pixel to the next,
             plants, light and noise do: where the answers of a patch agree, they share their mean, and a
             plane that changes inside patches is penalised
    plants   (n, k) shares under plants as they are read, in units of that reading's error; None = not read. A
             plane that goes with them is penalised
    """
    n, directions = inputs.shape
    if n < _PIXELS_EACH * directions:
        return None
    inputs, told = inputs.double(), answers.double()
    centre = inputs.mean(dim=0)
    wide = inputs - centre
    moment = wide.T @ wide / n
    moment += _RIDGE * moment.diagonal().mean() * torch.eye(directions, dtype=torch.float64)
    penalty = torch.zeros_like(moment)
    if patches is not None and _agree(told, patches):
        inside = inputs - _means(inputs.T, patches).T
        penalty = _INSIDE * inside.T @ inside / n
        told = _means(told, patches)
    level = told.mean(dim=1, keepdim=True)
    towards = wide.T @ (told - level).T / n
    if plants is not None:
        read = plants.double() - plants.double().mean(dim=0)
        along = wide.T @ read / n / (read.square().mean(dim=0) + 1).sqrt()  # + 1: what error alone makes vary
        penalty = penalty + _PLANTS * along @ along.T
    free, held = torch.linalg.solve(moment, towards), torch.linalg.solve(moment + penalty, towards)
    slopes = (held * (_spread(free, moment) / _spread(held, moment).clamp(min=1e-9))).T
    return torch.cat([slopes, level - slopes @ centre[:, None]], dim=1).float()


def _spread(slopes: Tensor, moment: Tensor) -> Tensor:
    """(member,) standard deviation of the planes with these slopes (direction, member)."""
    return (slopes * (moment @ slopes)).sum(dim=0).clamp(min=0).sqrt()


def _agree(answers: Tensor, patches: Tensor) -> bool:
    """Whether answers vary more between patches than inside them."""
    inside = (answers - _means(answers, patches)).square().sum()
    freedom = len(answers) * (len(patches) - len(patches.unique()))
    return freedom > 0 and float(inside / freedom) < (1 - _AGREED) * float(answers.var(dim=1).mean())


def _means(values: Tensor, patches: Tensor) -> Tensor:
    """(k, n) the mean of values (k, n) over each pixel's patch."""
    number = torch.unique(patches, return_inverse=True)[1]
    count = torch.bincount(number)
    sums = torch.zeros(len(values), len(count), dtype=values.dtype).index_add_(1, number, values)
    return (sums / count)[:, number]
