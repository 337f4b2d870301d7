"""Scenes on Dask workers: the same bytes as in one process, whoever is killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.archive.toys import Deadly, Sure, archive, cut_off, files_in, recipe, silent, write_scene

from deepsalt.archive import cluster, map_archive, plan_maps
from deepsalt.archive.one import predictor_of
from deepsalt.errors import DeepSaltError, UsageError
from deepsalt.mapping.questions import Questions

pytest.importorskip("distributed")


@contextmanager
def killing(notes: Path, kills: int, seed: int) -> Iterator[list[int]]:
    """Meanwhile, worker after worker is killed at a random moment after it noted itself."""
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        rng = random.Random(seed)
        while len(killed) < kills and not over.wait(rng.uniform(0.1, 0.5)):
            noted = notes.read_text().split() if notes.is_file() else []
            alive = [int(pid) for pid in dict.fromkeys(noted) if int(pid) not in killed]
            if alive:
                over.wait(rng.uniform(0.0, 1.5))
                os.kill(alive[0], signal.SIGKILL)
                killed.append(alive[0])

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join(timeout=30)


def test_workers_are_killed_and_the_maps_are_right(tmp_path: Path) -> None:
    """12 scenes, 2 of them broken, 2 workers, 3 of which are killed."""
    paths, loads = archive(tmp_path / "in", 12), tmp_path / "loads"
    cut_off(paths[4])
    write_scene(Path(paths[9]), bands=4)
    alone = recipe(tmp_path / "alone")
    right = map_archive(plan_maps(alone, paths), alone, silent)
    assert (len(right.made), len(right.failed)) == (10, 2)
    how = recipe(tmp_path / "out", slow=0.4)
    noting = replace(how, load=recipe(tmp_path, slow=0.4, loads=str(loads)).load)
    told: list[tuple[str, int, int]] = []
    with killing(loads, 3, seed=11) as killed:
        outcome = map_archive(plan_maps(how, paths), noting, lambda *step: told.append(step), workers=2)
    assert len(killed) == 3
    assert [one.folder.name for one in outcome.made] == [one.folder.name for one in right.made]
    assert [Path(one.path).name for one in outcome.failed] == ["scene_04.tif", "scene_09.tif"]
    assert files_in(tmp_path / "out") == files_in(tmp_path / "alone")
    assert told == [("mapping scenes", done, 10) for done in range(11)]
    pids = loads.read_text().split()
    assert len(pids) == len(set(pids)), "a worker loaded the model twice"
    assert str(os.getpid()) not in pids
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("ece.tif")}
    again = map_archive(plan_maps(how, paths), noting, silent, workers=2)
    assert (len(again.made), len(again.kept), len(again.failed)) == (0, 10, 2)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("ece.tif")} == before
    assert loads.read_text().split() == pids


def test_a_scene_that_kills_every_worker_is_set_aside(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(cluster, "_DEATHS_ALLOWED", 1)
    paths = archive(tmp_path / "in", 3)
    deadly = write_scene(Path(paths[1]), seed=1)
    _brighten(deadly)
    how = recipe(tmp_path / "out", kind=Deadly, model="deadly")
    outcome = map_archive(plan_maps(how, paths), how, silent, workers=1)
    assert [one.folder.name for one in outcome.made] == ["scene_00", "scene_02"]
    (failure,) = outcome.failed
    assert (failure.error, Path(failure.path).name) == ("KilledWorker", "scene_01.tif")
    assert "was killed" in failure.said
    assert len(plan_maps(how, paths).failed) == 1
    assert [task.why for task in plan_maps(how, paths, retry=True).todo] == ["failed before"]


def _brighten(path: Path) -> None:
    import rasterio

    with rasterio.open(path, "r+") as data:
        data.write(data.read() * 0 + 0.9)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with one worker of its own."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as running:
        yield running.scheduler_address


def test_a_running_scheduler_is_used(address: str, tmp_path: Path) -> None:
    paths, loads = archive(tmp_path / "in", 3), tmp_path / "loads"
    how = recipe(tmp_path / "out", model="elsewhere", asked=Questions(0.8, (8.0, 2.0)))
    noting = replace(how, load=recipe(tmp_path, kind=Sure, loads=str(loads)).load)
    made = map_archive(plan_maps(how, paths), noting, silent, scheduler=address).made
    assert [list(one.summary["probability_above"]) for one in made] == [["2", "8"]] * 3
    assert {one.summary["interval"]["level"] for one in made} == {0.8}
    assert len(loads.read_text().split()) == 1


def test_workers_of_another_version_are_refused(address: str, tmp_path: Path, monkeypatch: Any) -> None:
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    monkeypatch.setattr(cluster, "__version__", "99")
    with pytest.raises(
        DeepSaltError, match=r"the call was made with 99 \(code [0-9a-f]{16}\)\. Install the same"
    ):
        map_archive(plan_maps(how, paths), how, silent, scheduler=address)
    assert not (tmp_path / "out" / "failed").exists()


def test_workers_of_other_code_are_refused(address: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Their maps would be recorded as those of the code that planned them."""
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    monkeypatch.setattr(cluster, "code_fingerprint", lambda: "0123456789abcdef")
    with pytest.raises(
        DeepSaltError, match=r"the worker has deepsalt .* made with .* \(code 0123456789abcdef\)"
    ):
        map_archive(plan_maps(how, paths), how, silent, scheduler=address)


def unloadable() -> Any:
    raise ImportError("no module named salt")


def test_a_worker_that_cannot_load_the_model_ends_the_call(address: str, tmp_path: Path) -> None:
    """It is no fault of the scenes: none is set aside."""
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    plan = plan_maps(how, paths)
    with pytest.raises(DeepSaltError, match=r"a worker could not begin.*no module named salt"):
        map_archive(plan, replace(how, load=unloadable, model="none"), silent, scheduler=address)
    assert not (tmp_path / "out" / "failed").exists()


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        map_archive(plan_maps(how, paths), how, silent, scheduler="tcp://127.0.0.1:9")


def test_threads_that_ask_at_once_load_the_model_once(tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    how = recipe(tmp_path, model="asked at once", loads=str(loads))

    def slowly() -> Any:
        time.sleep(0.05)
        return how.load()

    slow = replace(how, load=slowly)
    threads = [threading.Thread(target=predictor_of, args=(slow,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads.read_text().split()) == 1


def test_without_dask_the_way_to_install_it_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    with pytest.raises(UsageError, match=r"--workers: .*pip install 'deepsalt\[dask\]'"):
        map_archive(plan_maps(how, paths), how, silent, workers=2)
