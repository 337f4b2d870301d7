"""Prediction in batches: no gradient, no dropout, and no row that knows its neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

Rows = Tensor | np.ndarray
#: Rows at a time. On a core with 1 MiB of level-2 cache the student (40-128-64, three members) took 1.6 s
#: for 776,000 rows with 512 or 1,024 at a time, 2.2 s with 2,048 and 2.8 s with 8,192: what a layer hands on
#: to the next stays near.
BATCH = 1_024


def in_batches(module: nn.Module, answer: Callable[..., Tensor], *inputs: Rows) -> Tensor:
    """`answer(*rows)` over equally long inputs, `BATCH` rows at a time; the result on the CPU.

    The module is put into inference mode and left as it was found.
    """
    was_training = module.training
    device = next(module.parameters()).device
    module.eval()
    try:
        with torch.inference_mode():
            starts = range(0, len(inputs[0]), BATCH)
            parts = [answer(*(_batch(rows, i, device) for rows in inputs)).cpu() for i in starts]
    finally:
        module.train(was_training)
    return torch.cat(parts).clone() if parts else torch.empty(0)


def _batch(rows: Rows, start: int, device: torch.device) -> Tensor:
    """A copy of some rows, float32: an array may be read only, and torch knows no such tensor."""
    some = rows[start : start + BATCH]
    if isinstance(some, np.ndarray):
        some = torch.from_numpy(np.array(some, np.float32))
    return some.to(device, torch.float32)
