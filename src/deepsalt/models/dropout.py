"""Dropout whose masks cost little: on a CPU drawing them took a quarter of a transformer's training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_STEPS = 256  # of a byte


class Dropout(nn.Module):
    """`dropped` while in training, else nothing."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        return dropped(values, self.share) if self.training else values


def dropped(values: Tensor, share: float) -> Tensor:
    """Values of which a share is set to 0, and the others are scaled so that the mean stays what it was.

    share  from 0 to below 1
    Source: Srivastava et al. 2014, JMLR 15:1929. On the CPU eight values share one random number, a byte
    each: the share is then that of the nearest 256th, and the scale is exactly its own.
    """
    if share == 0:
        return values
    if values.device.type != "cpu":
        return functional.dropout(values, share)
    cut = min(round(share * _STEPS), _STEPS - 1)
    drawn = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
    kept = drawn.view(torch.uint8)[: values.numel()].view(values.shape) >= cut
    return values * kept.to(values.dtype).mul_(_STEPS / (_STEPS - cut))
