"""Many scenes in one process: what is done again and what is not, and what happens to broken ones."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.archive.toys import (
    Brightness,
    archive,
    cut_off,
    files_in,
    recipe,
    silent,
    write_scene,
)

from deepsalt.archive import Outcome, Recipe, map_archive, plan_maps
from deepsalt.archive.alone import alone_in
from deepsalt.archive.pace import estimated
from deepsalt.errors import OutputError, UsageError
from deepsalt.mapping.questions import Questions
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.readers.raster import open_raster


def run(how: Recipe, paths: list[str], **options: Any) -> Outcome:
    return map_archive(plan_maps(how, paths, **options), how, silent)


def why(how: Recipe, paths: list[str], **options: Any) -> list[str]:
    return [task.why for task in plan_maps(how, paths, **options).todo]


def touch(path: str) -> None:
    later = os.stat(path).st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))


def test_each_scene_has_its_map_and_a_second_call_makes_none(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 3), recipe(tmp_path / "out")
    told: list[tuple[str, int, int]] = []
    outcome = map_archive(plan_maps(how, paths), how, lambda *step: told.append(step))
    assert [one.folder.name for one in outcome.made] == ["scene_00", "scene_01", "scene_02"]
    with open_raster(outcome.made[1].ece) as data, open_raster(paths[1]) as scene:
        np.testing.assert_allclose(data.read(1), 100 * scene.read(3), rtol=1e-6)
    assert told == [(f"mapping {n} of 3: scene_0{n - 1}", 24, 24) for n in (1, 2, 3)]
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")}
    again = run(how, paths)
    assert (again.made, again.failed) == ((), ())
    assert [one.summary["scene"] for one in again.kept] == ["scene_00", "scene_01", "scene_02"]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")} == before


def test_what_is_done_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, loads = archive(tmp_path / "in", 2), tmp_path / "loads"
    run(recipe(tmp_path / "out"), paths)
    monkeypatch.setattr(Recipe, "open", lambda *_: pytest.fail("opened"))
    how = recipe(tmp_path / "out", loads=str(loads))
    assert len(plan_maps(how, paths).done) == 2
    assert not loads.exists()


def test_only_what_changed_is_done_again_and_the_plan_says_why(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 3), recipe(tmp_path / "out")
    run(how, paths[:2])
    assert why(how, paths) == ["new"]
    touch(paths[0])
    assert why(how, paths[:2]) == ["inputs changed"]
    assert why(replace(how, model="other"), paths[:2]) == ["inputs, model changed", "model changed"]
    rules = SurfaceRules(max_ndvi=0.3)
    assert why(replace(how, rules=rules), paths[1:2]) == ["rules changed"]
    assert why(replace(how, covariates=None), paths[1:2]) == ["covariates changed"]
    assert why(replace(how, asked=Questions(0.8)), paths[1:2]) == ["level changed"]
    assert why(replace(how, asked=Questions(thresholds=(4, 8))), paths[1:2]) == ["thresholds changed"]
    (tmp_path / "out" / "scene_01" / "quicklook.png").write_bytes(b"cut")
    assert why(how, paths[1:2]) == ["no record of what it was made from"]


def test_another_version_of_the_code_makes_maps_anew(tmp_path: Path, monkeypatch: Any) -> None:
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    run(how, paths)
    monkeypatch.setattr("deepsalt.__version__", "99")
    assert why(how, paths) == ["deepsalt changed"]


def test_a_record_that_does_not_tell_all_is_not_taken_for_a_change(tmp_path: Path) -> None:
    """It was written by a version that asked for less."""
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    run(how, paths)
    place = tmp_path / "out" / "scene_00" / "ledger.json"
    record = json.loads(place.read_text())
    del record["settings"]["level"], record["settings"]["code"]
    place.write_text(json.dumps(record))
    assert why(how, paths) == ["code, level not in its record"]
    assert why(replace(how, model="other"), paths) == ["model changed; code, level not in its record"]


@pytest.mark.parametrize("part", ["head", "middle", "tail", "list beside it"])
def test_a_file_that_changed_is_seen(part: str, tmp_path: Path) -> None:
    """Even if its size stays; in the middle of a large file only its time of change tells."""
    from deepsalt.archive.inputs import quick_fingerprint

    path = write_scene(tmp_path / "in" / "a.tif", rows=2000, columns=40)
    before, state = quick_fingerprint([path]), path.stat()
    place = {"head": 1000, "middle": state.st_size // 2, "tail": state.st_size - 5, "list beside it": 0}[part]
    changed = path.with_suffix(".csv") if part == "list beside it" else path
    content, times = bytearray(changed.read_bytes()), changed.stat()
    content[place] ^= 1
    changed.write_bytes(content)
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (quick_fingerprint([path]) == before) is (part == "middle")
    touch(str(changed))
    assert quick_fingerprint([path]) != before


def test_an_archive_that_was_moved_is_still_done_and_pictures_of_viewers_do_not_count(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    run(how, paths)
    shutil.move(tmp_path / "in", tmp_path / "there")
    moved = [str(tmp_path / "there" / Path(path).name) for path in paths]
    Path(moved[0] + ".aux.xml").write_text("<PAMDataset/>")
    assert why(how, moved) == []


def test_a_broken_scene_is_set_aside_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 4), recipe(tmp_path / "out")
    cut_off(paths[1])
    write_scene(Path(paths[2]), bands=4)
    outcome = run(how, paths)
    assert [one.folder.name for one in outcome.made] == ["scene_00", "scene_03"]
    assert [Path(one.path).name for one in outcome.failed] == ["scene_01.tif", "scene_02.tif"]
    assert [one.error for one in outcome.failed] == ["ProductError", "ProductError"]
    assert "truncated" in outcome.failed[0].said
    assert "3" in outcome.failed[1].said
    assert "4" in outcome.failed[1].said
    records = sorted((tmp_path / "out" / "failed").iterdir())
    assert [json.loads(one.read_text())["said"] for one in records] == [one.said for one in outcome.failed]


class Unlucky(Brightness):
    def predict(self, spectra: Any) -> Any:
        raise MemoryError("no room for 3 TiB")


def test_what_failed_waits_for_retry_or_for_another_input(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    unlucky = replace(how, load=recipe(tmp_path, kind=Unlucky).load)
    _forget()
    first = run(unlucky, paths)
    assert [one.said for one in first.failed] == ["MemoryError: no room for 3 TiB"] * 2
    assert not list((tmp_path / "out").rglob("*.tif"))
    _forget()
    assert [one.said for one in run(how, paths).failed] == ["MemoryError: no room for 3 TiB"] * 2
    touch(paths[0])
    assert why(how, paths) == ["new"]
    assert why(how, paths, retry=True) == ["new", "failed before"]
    outcome = run(how, paths, retry=True)
    assert (len(outcome.made), outcome.failed) == (2, ())
    assert not (tmp_path / "out" / "failed").exists()


def _forget() -> None:
    """As in another process: the model is loaded again."""
    from deepsalt.archive import one

    one._HELD.clear()


def test_a_failure_keeps_the_earlier_map(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    run(how, paths)
    before = files_in(tmp_path / "out" / "scene_00")
    cut_off(paths[0])
    assert len(run(how, paths).failed) == 1
    assert files_in(tmp_path / "out" / "scene_00") == before


def test_a_scene_whose_files_change_meanwhile_is_not_done(tmp_path: Path) -> None:
    paths = archive(tmp_path / "in", 1)

    class Meddling(Brightness):
        def predict(self, spectra: Any) -> Any:
            touch(paths[0])
            return super().predict(spectra)

    how = replace(recipe(tmp_path / "out"), load=Meddling, model="meddling")
    outcome = run(how, paths)
    assert "the files changed while the scene was mapped" in outcome.failed[0].said
    assert not (tmp_path / "out" / "scene_00").exists()


def test_a_file_that_vanishes_between_plan_and_work_is_a_failure(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    plan = plan_maps(how, paths)
    os.remove(paths[0])
    outcome = map_archive(plan, how, silent)
    assert [one.folder.name for one in outcome.made] == ["scene_01"]
    assert "no such file" in outcome.failed[0].said
    (gone,) = plan_maps(how, paths).failed
    assert gone.error in {"ProductError", "UsageError"}


def test_two_scenes_of_one_name_are_refused_before_any_work(tmp_path: Path) -> None:
    one = write_scene(tmp_path / "a" / "scene.tif", 1)
    two = write_scene(tmp_path / "b" / "scene.tif", 2)
    how = recipe(tmp_path / "out")
    with pytest.raises(UsageError, match=r"two scenes are called 'scene': .*b/scene\.tif and .*a/scene\.tif"):
        plan_maps(how, [str(one), str(two)])
    run(how, [str(one)])
    with pytest.raises(UsageError, match=r"two scenes are called 'scene'"):
        plan_maps(how, [str(one), str(two)])
    assert why(how, [str(two)]) == ["inputs changed"]


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    cut_off(paths[1])
    plan = plan_maps(how, paths)
    assert not (tmp_path / "out").exists()
    (task,) = plan.to_dict()["scenes"]
    assert (task["scene"], task["why"], task["pixels"], task["windows"]) == ("scene_00", "new", 480, 1)
    assert task["bytes"] == os.stat(paths[0]).st_size + os.stat(paths[0].replace("tif", "csv")).st_size
    assert len(plan.failed) == 1


def test_the_time_of_a_plan_is_measured_on_a_strip(tmp_path: Path) -> None:
    paths = archive(tmp_path / "in", 2, rows=400)
    how = recipe(tmp_path / "out", slow=0.25, model="slow")
    plan = plan_maps(how, paths)
    tasks = tuple(replace(task, pixels_per_window=400, windows=20) for task in plan.todo)
    plan = replace(plan, todo=tasks)
    seconds = estimated(plan, how, 0, always=True).seconds
    assert seconds is not None
    assert seconds > 2 * 20 * 0.25
    two = estimated(plan, how, 2, always=True).seconds
    assert two is not None
    assert two < 0.8 * seconds
    assert estimated(replace(plan, todo=tasks[:1]), how, 0).seconds is None
    assert not (tmp_path / "out").exists()


def test_dates_of_a_place_are_one_task(tmp_path: Path) -> None:
    first = write_scene(tmp_path / "in" / "a.tif", 1)
    second = Path(shutil.copy(first, tmp_path / "in" / "b.tif"))
    shutil.copy(first.with_suffix(".csv"), second.with_suffix(".csv"))
    third = write_scene(tmp_path / "in" / "c.tif", 3)
    paths, how = [str(first), str(second), str(third)], recipe(tmp_path / "out", composite="median")
    outcome = run(how, paths)
    assert [one.folder.name for one in outcome.made] == ["a_and_1_more_median", "c"]
    assert len(run(how, paths).kept) == 2
    touch(str(second))
    assert why(how, paths) == ["inputs changed"]
    assert why(replace(how, min_looks=2), paths[:2]) == ["inputs, composite changed"]
    with pytest.raises(UsageError, match="composite is 'mean'"):
        recipe(tmp_path / "out", composite="mean")


def test_a_folder_belongs_to_one_call_at_a_time(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    plan = plan_maps(how, paths)
    with alone_in(tmp_path / "out"), pytest.raises(OutputError, match="another run is writing maps there"):
        map_archive(plan, how, silent)
    assert len(map_archive(plan, how, silent).made) == 1


def test_a_full_disk_fails_the_scene_and_not_the_call(tmp_path: Path, monkeypatch: Any) -> None:
    """Not even the record of the failure fits: it is told, and the next call tries again."""
    import deepsalt.files

    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    real = os.replace

    def full(source: Any, destination: Any) -> None:
        if "scene_00" in str(destination):
            raise OSError(28, "No space left on device")
        real(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(deepsalt.files.os, "replace", full)
        outcome = run(how, paths)
    assert [one.folder.name for one in outcome.made] == ["scene_01"]
    assert "no space left" in outcome.failed[0].said
    assert {p.name for p in (tmp_path / "out").iterdir()} <= {"scene_01", "failed"}
    assert why(how, paths) == ["new"]


def test_only_our_own_leftovers_of_these_scenes_are_cleared(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 1), recipe(tmp_path / "out")
    run(how, paths)
    out = tmp_path / "out"
    ours = [".scene_00.0123abcd.part", ".scene_00.earlier"]
    theirs = [".scene_99.0123abcd.part", ".scene_00.backup", ".scene_00.xyz.part", "notes"]
    for name in ours + theirs:
        (out / name).mkdir()
        (out / name / "file").write_text("x")
    run(how, paths)
    assert {p.name for p in out.iterdir()} == {"scene_00", *theirs}


def test_a_damaged_record_is_no_record(tmp_path: Path) -> None:
    paths, how = archive(tmp_path / "in", 2), recipe(tmp_path / "out")
    run(how, paths)
    (tmp_path / "out" / "scene_00" / "ledger.json").write_text("[]")
    (tmp_path / "out" / "scene_01" / "ledger.json").write_text('{"scene": 3')
    assert why(how, paths) == ["no record of what it was made from"] * 2
    (tmp_path / "out" / "failed").mkdir()
    (tmp_path / "out" / "failed" / "x.json").write_text('{"path": 3}')
    assert len(run(how, paths).made) == 2
