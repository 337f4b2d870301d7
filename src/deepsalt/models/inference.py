"""Prediction in batches: no gradient, no dropout, and no row that knows its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

Rows = Tensor | np.ndarray
#: Rows at a time. On a core with 1 MiB of level-2 cache the student (40-128-64, three members) took 1.6 s
#: for 776,000 rows with 512 or 1,024 at a time, 2.2 s with 2,048 and 2.8 s with 8,192: what a layer hands on
#: to the next stays near.
BATCH = 1_024


def in_batches(module: nn.Module, answer: Callable[..., Tensor], *inputs: Rows, rows: int = BATCH) -> Tensor:
    """`answer(*some)` over equally long inputs, so many `rows` at a time; the result on the CPU.

    The last dimension of an answer is that of the rows: (n,), or (k, n) for k answers a row.

    The module is put into inference mode and left as it was found.
    """
    was_training = module.training
    device = next(chain(module.parameters(), module.buffers())).device
    module.eval()
    try:
        with torch.inference_mode():
            starts = range(0, max(1, len(inputs[0])), rows)
            parts = [answer(*(_batch(one[i : i + rows], device) for one in inputs)).cpu() for i in starts]
    finally:
        module.train(was_training)
    return torch.cat(parts, dim=-1).clone()


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch computes in the calling thread alone, and as before afterwards.

    For products as small as a batch's: others read the next window meanwhile, and threads of OpenMP that spin
    while they wait for a core take it from them. On 2 cores a scene of 1.2 million pixels took 61 s so, 7.5 s
    with one thread.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def some_columns(rows: Tensor, columns: Tensor) -> Tensor:
    """Columns (k,) of rows (n, all), laid out as the rows are: those of a raster lie column by column."""
    if rows.stride(0) == 1:
        return rows.T.index_select(0, columns).T
    return rows.index_select(1, columns)


def _batch(some: Rows, device: torch.device) -> Tensor:
    """A copy of some rows, float32: an array may be read only, and torch knows no such tensor."""
    if isinstance(some, np.ndarray):
        some = torch.from_numpy(np.array(some, np.float32))
    return some.to(device, torch.float32)
