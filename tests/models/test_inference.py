"""Prediction in batches: any kind of rows, any number of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsalt.models.inference import BATCH, in_batches


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_batches_give_the_rows_in_order_even_of_an_array_that_is_read_only(n: int) -> None:
    rows = np.arange(2 * n, dtype=np.float64).reshape(n, 2)
    rows.setflags(write=False)
    net = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(2, 1)).train()
    found = in_batches(net, lambda r: r.sum(dim=1), rows)
    assert found.tolist() == rows.sum(axis=1).tolist()
    assert net.training
    again = in_batches(net, lambda r: r.sum(dim=1), torch.as_tensor(rows.copy()))
    assert torch.equal(found, again)


def test_a_batch_is_a_copy_nothing_is_written_into_the_rows() -> None:
    rows = np.ones((3, 2), np.float32)
    in_batches(torch.nn.Linear(2, 1), lambda r: r.mul_(0)[:, 0], rows)
    assert (rows == 1).all()
