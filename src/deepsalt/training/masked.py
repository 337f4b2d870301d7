"""Masked bands: the student tells channels that it is not shown from those that it is.

What it needs for that (how soil, water, plants and light go together over the spectrum) needs no label, so it
learns from every pixel of every scene. The channels in hidden runs are told from its last hidden layer alone.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.members import Members
from deepsalt.training.bridge_settings import DeepSaltSettings

_FLAT = 1e-4  # reflectance; a channel that never leaves the mean spectrum is told by it


class MaskedBands(nn.Module):
    """A linear layer from the last hidden layer of a student's networks back to its channels.

    loose   (u, channel) pixels without a label, as the student's channels
    centre  (channel,) mean of the drawn pixels
    scale   (channel,) how far drawn pixels lie from the mean spectrum of their own brightness
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self, student: BridgeStudent, drawn: Tensor, loose: Tensor, settings: DeepSaltSettings
    ) -> None:
        """drawn  (n, band) pixels that the scale is taken from"""
        super().__init__()
        self.settings, self.loose = settings, loose
        self.back = nn.Linear(settings.hidden[-1], len(student.centre))
        self.register_buffer("centre", student.centre.clone())
        seen = student.seen(drawn)
        apart = seen - self.without(seen, torch.zeros_like(seen, dtype=torch.bool))[1]
        self.register_buffer("scale", apart.std(dim=0).clamp(min=_FLAT))

    def on(self, rows: Tensor) -> MaskedBands:
        """A copy of its own for these pixels without a label (u,)."""
        other = deepcopy(self)
        other.loose = self.loose[rows]
        return other

    def without(self, seen: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The channels (n, channel) with the mean spectrum, at each pixel's own brightness, in hidden ones.

        Also that spectrum (n, channel). Neither depends on a hidden value.
        """
        shown = (~hidden).to(seen)
        light = ((seen * shown) @ self.centre) / (shown @ self.centre.square()).clamp(min=_FLAT**2)
        mean = light[:, None] * self.centre
        return torch.where(hidden, mean, seen), mean

    def loss(
        self, student: BridgeStudent, members: Members, drawn: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Huber loss of hidden channels, in units of `scale`.

        drawn  (n, channel) drawn pixels; as many of `loose` are asked beside them, as far as there are any
        """
        rows = torch.randint(max(len(self.loose), 1), (len(drawn),), generator=generator)
        seen = torch.cat([drawn, self.loose[rows]]) if len(self.loose) else drawn
        n, channels = seen.shape
        settings = self.settings
        hidden = hidden_runs(n, channels, settings.masked_most, settings.masked_runs, generator)
        filled, mean = self.without(seen, hidden)
        told = self.back(members(student.inputs_of(filled))[1])  # (members, n, channel)
        wanted = ((seen - mean) / self.scale).expand_as(told)
        each = functional.huber_loss(told, wanted, reduction="none") * hidden
        return each.sum() / (len(told) * hidden.sum().clamp(min=1))


def hidden_runs(n: int, channels: int, most: float, runs: int, generator: torch.Generator) -> Tensor:
    """(n, channel) which are hidden: in each row `runs` runs of one to `most` x channels neighbours."""
    length = 1 + torch.floor(torch.rand(n, runs, 1, generator=generator) * most * channels)
    first = torch.floor(torch.rand(n, runs, 1, generator=generator) * channels)
    at = torch.arange(channels)
    return ((at >= first) & (at < first + length)).any(dim=1)
