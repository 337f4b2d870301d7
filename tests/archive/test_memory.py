"""A promise on memory: its arithmetic, and a process that keeps it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.toys import recipe, write_scene
from tests.toys import toy_scene

from deepsalt.archive import memory, plan_maps
from deepsalt.archive.memory import USUAL_PIXELS, Promise, bytes_in
from deepsalt.errors import UsageError

MIB = 2**20


def test_sizes_are_read_as_people_write_them() -> None:
    assert bytes_in("2GB") == bytes_in("2 GiB") == bytes_in("2g") == 2 * 2**30
    assert (bytes_in("800MB"), bytes_in("1.5 G"), bytes_in("4096")) == (800 * MIB, 1536 * MIB, 4096)
    for wrong in ("much", "2 XB", "-1GB", ""):
        with pytest.raises(UsageError, match=r"--memory: .* is no size"):
            bytes_in(wrong)


@given(total=st.integers(300, 4000), rows=st.integers(1, 4000), block=st.integers(1, 64))
def test_windows_never_need_more_than_is_left(total: int, rows: int, block: int) -> None:
    scene = replace(toy_scene(), height=rows, width=3000, block=(block, 3000))
    fixed = memory.GDAL_CACHE + memory._GROWTH + memory._PER_SCENE_PIXEL * rows * 3000
    pixel = memory._PER_BAND * 5
    try:
        pixels = Promise(total * MIB).pixels(scene, held=200 * MIB)
    except UsageError:
        assert min(block, rows) * 3000 * pixel + fixed > (total - 200) * MIB
        return
    largest = max(window.rows * window.columns for window in scene.windows(pixels))
    assert 200 * MIB + fixed + largest * pixel <= total * MIB
    assert pixels <= USUAL_PIXELS


def test_workers_share_a_promise_and_those_elsewhere_do_not() -> None:
    assert Promise(1000 * MIB).share(300 * MIB) == 700 * MIB
    two = Promise(3000 * MIB, workers=2).share(300 * MIB)
    assert 300 * MIB + memory._WORKER + 2 * (two + 300 * MIB + memory._WORKER) == 3000 * MIB
    assert Promise(1000 * MIB, elsewhere=True).share(300 * MIB) == 700 * MIB - memory._WORKER


def test_a_promise_that_cannot_be_kept_names_one_that_can() -> None:
    scene = toy_scene("big", rows=400, columns=500)
    with pytest.raises(UsageError, match=r"scene big: 100 MiB are too little for 400 x 500 pixels") as raised:
        Promise(100 * MIB).pixels(scene, held=50 * MIB)
    enough = 50 + _least(scene, tuned=False)
    assert raised.value.fix == f"Promise at least {enough} MiB."
    assert Promise(enough * MIB).pixels(scene, held=50 * MIB) > 0
    with pytest.raises(UsageError):
        Promise((enough - 1) * MIB).pixels(scene, held=50 * MIB)
    with pytest.raises(UsageError, match="or use fewer workers"):
        Promise(100 * MIB, workers=3).pixels(scene, held=50 * MIB)


def test_a_model_that_looks_at_each_scene_first_needs_usual_windows_for_that() -> None:
    scene = replace(toy_scene(), height=600, width=1000, block=(4, 1000))
    plain = _least(scene, tuned=False)
    assert _least(scene, tuned=True) - plain >= (65_000 * 20 - 4_000 * 32) * 5 // MIB - 1


def _least(scene: Any, tuned: bool) -> int:
    """The promise, MiB, that is named as enough."""
    with pytest.raises(UsageError) as raised:
        Promise(0).pixels(scene, 0, tuned)
    return int(raised.value.fix.split("at least ")[1].split(" ")[0].replace(",", ""))


def test_less_memory_means_smaller_windows_in_the_plan(tmp_path: Path) -> None:
    how = recipe(tmp_path / "out")
    paths = [str(write_scene(tmp_path / "in" / "a.tif", rows=400, columns=300))]
    (usual,) = plan_maps(how, paths).todo
    assert (usual.pixels_per_window, usual.windows) == (USUAL_PIXELS, 2)
    left = memory.GDAL_CACHE + memory._GROWTH + memory._PER_SCENE_PIXEL * 120_000
    left += 6000 * 3 * memory._PER_BAND
    (small,) = plan_maps(how, paths, memory=Promise(left + memory.held_now())).todo
    assert small.pixels_per_window <= 8000
    assert small.windows >= 15


_MEASURED = """
import json, sys
from pathlib import Path
from tests.archive.toys import recipe, silent
from deepsalt.archive import map_archive, plan_maps
from deepsalt.archive.memory import Promise

def peak():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024

how = recipe(Path(sys.argv[1]) / "out")
promise = int(sys.argv[2])
plan = plan_maps(how, sys.argv[3:], memory=Promise(promise))
outcome = map_archive(plan, how, silent)
print(json.dumps({"peak": peak(), "made": len(outcome.made), "windows": [t.windows for t in plan.todo]}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc for the peak")
def test_a_process_stays_below_its_promise_whatever_the_number_of_scenes(tmp_path: Path) -> None:
    """Scenes of 200 bands, of which a sixth fits into what is left for windows.

    Two scenes against six: after the first, libraries for its picture are loaded beside all the rest. What
    the allocator keeps in pieces differs by some 80 MiB from run to run; four scenes held would be 250.
    """
    paths = [_of_200_bands(tmp_path / "in" / f"s{number}.tif", number) for number in range(6)]
    root, peaks = Path(__file__).resolve().parents[2], []
    for some in (paths[:2], paths):
        command = [sys.executable, "-c", _MEASURED, str(tmp_path / str(len(some))), str(540 * MIB), *some]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["made"] == len(some)
        assert min(told["windows"]) > 4
        assert told["peak"] < 540 * MIB
        peaks.append(told["peak"])
    assert peaks[1] < peaks[0] + 120 * MIB


def _of_200_bands(path: Path, seed: int) -> str:
    import numpy as np

    write_scene(path, seed, rows=200, columns=400, bands=200)
    lines = [f"{centre:.1f},10" for centre in np.linspace(420, 2400, 200)]
    path.with_suffix(".csv").write_text("\n".join(["centre_nm,fwhm_nm", *lines]) + "\n")
    return str(path)
