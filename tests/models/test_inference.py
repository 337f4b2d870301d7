"""Prediction in batches: any kind of rows, any number of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepsalt.models import BridgeArchitecture, BridgeStudent
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


def test_the_student_answers_in_one_thread_and_leaves_torch_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    architecture = BridgeArchitecture(bands=3, channels=2, directions=2, hidden=(4,), members=2)
    student = BridgeStudent(architecture).eval()
    seen: list[int] = []

    def watched(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(torch.get_num_threads())
        raise RuntimeError("stop here")

    monkeypatch.setattr(student.members, "forward", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="stop here"):
            student.predict(np.zeros((5, 3), np.float32))
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)
