"""kill -9 at any moment, and a second call, give the files of an undisturbed one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_killed_call_and_a_second_one_give_the_same_files(tmp_path: Path) -> None:
    """20 moments: ten before the n-th thing done to a file, ten after a random time."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.archive.killed", str(tmp_path), "20", "7"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    moments = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(moments) == 20
    assert sum(one["killed"] for one in moments) >= 12
    assert [one for one in moments if one["problems"]] == []
