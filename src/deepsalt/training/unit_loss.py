"""Map units as a term of the loss: the pixels of a unit together must answer what its survey says."""

from __future__ import annotations

import torch
from torch import Tensor

from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.members import Members
from deepsalt.training.bridge_data import Units
from deepsalt.training.bridge_losses import bag_loss

#: Units of one draw, and pixels of each of them.
_UNITS, _PIXELS = 8, 24


class UnitLoss:
    """Draws units, and pixels of each by their share of its area."""

    def __init__(self, units: Units, gain: Tensor) -> None:
        """`gain` (pixel, channel) is what the channels of each pixel are multiplied by."""
        self.x, self.gain = torch.as_tensor(units.x), gain
        self.wanted, self.spread = torch.as_tensor(units.wanted), torch.as_tensor(units.spread)
        self.share = torch.as_tensor(units.share)
        bag = torch.as_tensor(units.bag)
        self.rows = [torch.nonzero(bag == number).squeeze(1) for number in range(len(self.wanted))]

    def loss(self, student: BridgeStudent, members: Members, generator: torch.Generator) -> Tensor:
        """Mean over the networks of the loss of a few units, each by a few of its pixels.

        Pixels are drawn by share, with repetition, so that all drawn ones count alike.
        """
        drawn = torch.randperm(len(self.rows), generator=generator)[:_UNITS]
        rows = torch.cat([self._pixels(int(number), generator) for number in drawn])
        bag = torch.arange(len(drawn)).repeat_interleave(_PIXELS)
        answers = members(student.inputs(self.x[rows], self.gain[rows]))[0]
        share, wanted, spread = torch.ones(len(rows)), self.wanted[drawn], self.spread[drawn]
        each = [bag_loss(one, bag, share, wanted, spread) for one in answers]
        return torch.stack(each).mean()

    def _pixels(self, unit: int, generator: torch.Generator) -> Tensor:
        rows = self.rows[unit]
        return rows[torch.multinomial(self.share[rows], _PIXELS, True, generator=generator)]
