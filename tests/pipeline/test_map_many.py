"""`deepsalt map` over many scenes: the plan, exit codes, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.archive.toys import Brightness, archive, cut_off
from tests.pipeline.conftest import Call


@pytest.fixture
def call(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """`deepsalt map` with a toy for a model; gives exit code, stdout and stderr."""
    monkeypatch.setattr("deepsalt.pipeline.maps.load_regressor", lambda _: Brightness())
    (tmp_path / "model.safetensors").write_bytes(b"toy of these tests")

    def run(*arguments: object) -> tuple[int, str, str]:
        common = ("map", tmp_path / "model.safetensors", tmp_path / "in" / "*.tif", "--out", tmp_path / "out")
        return call(*common, *arguments)

    return run


def test_a_dry_run_prints_the_plan_and_stops(call, tmp_path: Path) -> None:
    archive(tmp_path / "in", 2)
    code, out, _ = call("--dry-run")
    assert code == 0
    assert "2 scenes to map, 2 windows, 0.0 Mpixel" in out
    assert "about" in out
    plan = json.loads(call("--dry-run", "--json")[1])
    assert [one["scene"] for one in plan["scenes"]] == ["scene_00", "scene_01"]
    assert plan["seconds"] >= 0
    assert not (tmp_path / "out").exists()


def test_exit_code_is_one_while_a_scene_is_set_aside(call, tmp_path: Path) -> None:
    paths = archive(tmp_path / "in", 2)
    whole = Path(paths[1]).read_bytes()
    cut_off(paths[1])
    code, out, err = call()
    assert code == 1
    assert "1 mapped, 0 mapped already, 1 set aside" in out
    assert "set aside: " in err
    assert "truncated" in err
    code, out, _ = call("--json")
    told = json.loads(out)
    assert (code, [one["made"] for one in told["maps"]]) == (1, [False])
    assert told["failed"][0]["error"] == "ProductError"
    Path(paths[1]).write_bytes(whole)
    code, out, err = call()
    assert (code, "1 mapped, 1 mapped already, 0 set aside" in out) == (0, True)
    assert not (tmp_path / "out" / "failed").exists()


def test_a_wrong_call_makes_nothing(call, tmp_path: Path) -> None:
    archive(tmp_path / "in", 1)
    for options, message in (
        (("--memory", "lots"), "'lots' is no size"),
        (("--memory", "1MB"), "Promise at least"),
        (("--workers", "2", "--scheduler", "tcp://x:1"), "both workers and a scheduler"),
    ):
        code, _, err = call(*options)
        assert (code, message in err) == (2, True), err
    assert not (tmp_path / "out").exists()


def test_a_model_that_was_exchanged_meanwhile_is_refused(call, tmp_path: Path, monkeypatch) -> None:
    """Its maps would be recorded as those of the model that was planned with."""
    archive(tmp_path / "in", 1)

    def exchanged(path: Path) -> Brightness:
        path.write_bytes(b"another")
        return Brightness()

    monkeypatch.setattr("deepsalt.pipeline.maps.load_regressor", exchanged)
    (tmp_path / "model.safetensors").write_bytes(b"one that no other test has loaded")
    code, _, err = call()
    assert (code, "another model has taken its place" in err) == (1, True)
