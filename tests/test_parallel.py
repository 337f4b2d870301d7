"""Work over several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepsalt.errors import TrainingError
from deepsalt.parallel import in_parallel

_PARENT = """
import sys
from tests.test_parallel import noted_and_asleep
from deepsalt.parallel import in_parallel

if __name__ == "__main__":
    in_parallel(noted_and_asleep, [sys.argv[1] + "/a", sys.argv[1] + "/b"], 2, "sleeping", lambda *_: None)
"""


def squared(number: int) -> int:
    return number**2


def killed(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def noted_and_asleep(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.mark.parametrize("workers", [1, 2])
def test_each_job_has_its_answer(workers: int) -> None:
    told: list[tuple[str, int, int]] = []
    found = in_parallel(squared, [3, 4, 5], workers, "squaring", lambda *step: told.append(step))
    assert dict(found) == {3: 9, 4: 16, 5: 25}
    assert told == [("squaring", done, 3) for done in range(4)]


def test_a_process_that_was_ended_from_outside_is_told() -> None:
    with pytest.raises(TrainingError, match="ended from outside"):
        in_parallel(killed, [1, 2], 2, "dying", lambda *_: None)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])}
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    notes = [tmp_path / "a", tmp_path / "b"]
    _until(lambda: all(note.is_file() and note.read_text() for note in notes))
    workers = [int(note.read_text()) for note in notes]
    assert all(alive(pid) for pid in workers)
    parent.kill()
    parent.wait()
    _until(lambda: not any(alive(pid) for pid in workers))


def _until(true, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
