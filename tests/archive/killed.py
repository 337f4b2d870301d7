"""Kills calls at random moments; run by test_killed.py in a process of its own, because it forks.

    python -m tests.archive.killed FOLDER MOMENTS SEED

The children patch the picture of a map, which is slow and beside the point. Prints one line for each moment
at which something was not as it should be.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.archive.toys import archive, cut_off, files_in, recipe, silent

from deepsalt.archive import map_archive, plan_maps
from deepsalt.archive.ledger import Ledger
from deepsalt.mapping import engine

_FILES = ("open", "os.", "shutil.")
_LIMIT_S = 60


def main(folder: Path, moments: int, seed: int) -> None:
    engine.write_quicklook = lambda place, *_: (place / "quicklook.png").write_bytes(b"picture")  # type: ignore[assignment]
    paths = archive(folder / "in", 3)
    before = folder / "before"
    call(before, paths, "old")  # here, so that children need not import anything
    cut_off(paths[1])
    right, counted = folder / "right", folder / "count"
    shutil.copytree(before, right)
    start = time.monotonic()
    in_child(lambda: counted.write_text(str(with_hook(lambda: call(right, paths, "new"), None))))
    took, events = time.monotonic() - start, int(counted.read_text())
    rng = random.Random(seed)
    for moment in range(moments):
        out = folder / f"out_{moment}"
        shutil.copytree(before, out)
        if moment % 2:
            told = f"event {(at := rng.randint(1, events))} of {events}"
            killed = in_child(lambda out=out, at=at: with_hook(lambda: call(out, paths, "new"), at))
        else:
            told = f"{(wait := rng.uniform(0, took)):.3f} of {took:.3f} s"
            killed = in_child(lambda out=out: call(out, paths, "new"), kill_after=wait)
        problems = half_done(out, before, right)
        in_child(lambda out=out: call(out, paths, "new"))
        problems += differences(files_in(out), files_in(right))
        print(json.dumps({"moment": told, "killed": killed, "problems": problems}), flush=True)


def call(out: Path, paths: list[str], model: str) -> None:
    how = recipe(out, model=model, times=100.0 if model == "new" else 50.0)
    map_archive(plan_maps(how, paths), how, silent)


def with_hook(work: Callable[[], None], at: int | None) -> int:
    """The number of events about files; at one of them the process is killed."""
    seen = 0

    def hook(event: str, _: Any) -> None:
        nonlocal seen
        if event.startswith(_FILES):
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    work()
    return seen


def in_child(work: Callable[[], Any], kill_after: float | None = None) -> bool:
    """Do it in a child; True if the child was killed. A child that fails ends everything."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(_LIMIT_S)
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(json.dumps({"moment": "", "killed": False, "problems": [repr(error)]}), flush=True)
            os._exit(1)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(1)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def half_done(out: Path, before: Path, right: Path) -> list[str]:
    """Maps that pass for done and are neither those of before nor those that are right."""
    found = []
    for folder in Ledger.read(out).maps.values():
        there = files_in(folder)
        if there not in (files_in(before / folder.name), files_in(right / folder.name)):
            found.append(f"{folder.name} passes for done")
    return found


def differences(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    names = sorted(found.keys() | wanted.keys())
    return [f"{name} differs" for name in names if found.get(name) != wanted.get(name)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
