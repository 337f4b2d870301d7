"""What a trained network does to spectra, as one function with gradients, to ask which bands count.

It says what `predict` says, on ln(1+ECe), in float64: a difference of two answers must not drown in rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepsalt.models.plane import Plane
from deepsalt.spectra import Axis

if TYPE_CHECKING:
    from deepsalt.models import BridgeStudent, LabModel, LabNet, PaperModel

_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Differentiable:
    """The answers to a table of spectra as a function of their values.

    axis     bands of `values`
    values   (sample, band) what is read: on these bands, short gaps filled; NaN where one is too wide
    readers  networks, each of its own rows: (n, band) and (n, beside) to (networks, n), before the bounds
    reader   (sample,) which of them answers
    beside   (sample, beside) what else they read of a sample, such as covariates
    line     (sample, 2) what an answer is multiplied by, and what is added to it, whatever the spectrum says
    bounds   smallest answer, and the largest one of each reader
    """

    axis: Axis
    values: NDArray[np.float32]
    readers: tuple[Reading, ...]
    reader: NDArray[np.intp]
    beside: NDArray[np.float32]
    line: NDArray[np.float64]
    bounds: tuple[float, tuple[float, ...]]

    def networks(self, values: Tensor, rows: NDArray[np.intp]) -> Tensor:
        """(networks, n) what each network says of values (n, band), read as samples `rows` (n,) are read."""
        which = self.reader[rows]
        parts = {int(one): torch.as_tensor(np.flatnonzero(which == one)) for one in np.unique(which)}
        beside = torch.as_tensor(self.beside[rows]).double()
        said = [self.readers[one](values[at], beside[at]) for one, at in parts.items()]
        return torch.cat(said, dim=1)[:, torch.cat(list(parts.values())).argsort()]

    def answer(self, values: Tensor, rows: NDArray[np.intp]) -> Tensor:
        """(n,) ln(1+ECe) as `predict` gives it."""
        low, highest = self.bounds
        high = torch.as_tensor(highest, dtype=torch.float64)[torch.as_tensor(self.reader[rows])]
        mean = self.networks(values, rows).mean(dim=0).clamp(min=low).minimum(high)
        counts, added = torch.as_tensor(self.line[rows]).T
        return (counts * mean + added).clamp(min=low).minimum(high)

    def shuffled(self, seed: int) -> Differentiable:
        """The same function with every tensor of weights in random order: as large, and knowing nothing."""
        draw = torch.Generator().manual_seed(seed)
        return replace(self, readers=tuple(one.shuffled(draw) for one in self.readers))


class Reading(nn.Module):
    """A network that answers (networks, n); a copy of its own, frozen, without dropout, in float64."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = deepcopy(network).double().eval().requires_grad_(False)

    def learned(self) -> list[Tensor]:
        """The tensors that training changed."""
        return list(self.network.parameters())

    def shuffled(self, draw: torch.Generator) -> Reading:
        other = deepcopy(self)
        for tensor in other.learned():
            order = torch.randperm(tensor.numel(), generator=draw)
            tensor.copy_(tensor.reshape(-1)[order].reshape(tensor.shape))
        return other


class _StudentReading(Reading):
    network: BridgeStudent

    def forward(self, values: Tensor, _beside: Tensor) -> Tensor:
        line = self.network.line
        return self.network(values)[0] * line[0] + line[1]

    def learned(self) -> list[Tensor]:
        members = self.network.members
        return [members.weights] if isinstance(members, Plane) else list(members.parameters())


class _TeacherReading(Reading):
    """One domain of a laboratory model; the other domains are not there."""

    network: LabNet

    def __init__(self, network: LabNet, domain: int) -> None:
        super().__init__(network)
        self.domain = domain

    def forward(self, values: Tensor, _beside: Tensor) -> Tensor:
        bands = self.network.architecture.bands
        asked = [values.new_full((len(values), width), torch.nan) for width in bands]
        asked[self.domain] = values
        return self.network(*asked)[0]

    def learned(self) -> list[Tensor]:
        return list(self.network.network.parameters())


class _PaperTeacherReading(Reading):
    network: LabModel

    def forward(self, values: Tensor, _beside: Tensor) -> Tensor:
        return self.network(values)[None]


class _PaperReading(Reading):
    """Covariates stand beside the spectrum: no band gets what they say."""

    network: PaperModel

    def forward(self, values: Tensor, beside: Tensor) -> Tensor:
        return self.network(values, beside)[None]


def of_students(
    students: Sequence[BridgeStudent],
    axis: Axis,
    values: NDArray[np.float32],
    reader: NDArray[np.intp],
    line: NDArray[np.float64],
) -> Differentiable:
    """Of the preset `deepsalt`: a tuned student for each scene."""
    readers = tuple(_StudentReading(one) for one in students)
    bounds = (0.0, tuple(float(one.ceiling) for one in students))
    return Differentiable(axis, values, readers, reader, _nothing(values), line, bounds)


def of_teacher(network: LabNet, domain: int, axis: Axis, values: NDArray[np.float32]) -> Differentiable:
    """Of a laboratory model, asked about one of its domains."""
    low, high = network.bounds.tolist()
    return _alone(_TeacherReading(network, domain), axis, values, _nothing(values), (low, high))


def of_paper_teacher(network: LabModel, axis: Axis, values: NDArray[np.float32]) -> Differentiable:
    """Of the laboratory half of the preset `paper`."""
    return _alone(_PaperTeacherReading(network), axis, values, _nothing(values))


def of_paper(
    network: PaperModel, axis: Axis, values: NDArray[np.float32], covariates: NDArray[np.float32]
) -> Differentiable:
    """Of the preset `paper`; covariates (sample, covariate), NaN = missing."""
    return _alone(_PaperReading(network), axis, values, covariates)


def _alone(
    reading: Reading,
    axis: Axis,
    values: NDArray[np.float32],
    beside: NDArray[np.float32],
    bounds: tuple[float, float] = (-_LARGEST, _LARGEST),
) -> Differentiable:
    """One network for all samples."""
    rows = len(values)
    low, high = bounds
    one = np.zeros(rows, np.intp)
    return Differentiable(axis, values, (reading,), one, beside, as_it_is(rows), (low, (high,)))


def as_it_is(rows: int) -> NDArray[np.float64]:
    """(rows, 2) the line that leaves an answer as it is."""
    return np.tile([1.0, 0.0], (rows, 1))


def _nothing(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.zeros((len(values), 0), np.float32)
