"""`deepsalt map` over many scenes: the plan, exit codes, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.archive.toys import Brightness, Sure, archive, cut_off
from tests.pipeline.conftest import Call

from deepsalt.readers.raster import open_raster


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
        (("--level", "90"), "level is 90.0"),
        (("--threshold", "4", "--threshold", "-1"), "threshold is -1.0 dS/m"),
        (("--nbr2", "2"), "nbr2"),
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


def test_level_and_thresholds_make_the_layers_and_are_part_of_what_a_map_is(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(tmp_path / "in", 1)
    monkeypatch.setattr("deepsalt.pipeline.maps.load_regressor", lambda _: Sure())
    (tmp_path / "model.safetensors").write_bytes(b"one that is sure")
    asked = ("--level", 0.75, "--threshold", 12.5, "--threshold", 4)
    (made,) = json.loads(call(*asked, "--json")[1])["maps"]
    assert (made["interval"]["level"], list(made["probability_above"])) == (0.75, ["4", "12.5"])
    folder = tmp_path / "out" / "scene_00"
    ece = values(folder / "ece.tif")
    np.testing.assert_allclose(values(folder / "ece_low.tif"), 0.25 * ece, rtol=1e-6)
    np.testing.assert_array_equal(values(folder / "probability_above_12.5.tif"), ece > 12.5)
    assert json.loads((folder / "ledger.json").read_text())["settings"]["thresholds"] == "4, 12.5"
    (again,) = json.loads(call("--threshold", 4, "--threshold", 12.5, "--level", 0.75, "--json")[1])["maps"]
    assert again["made"] is False
    for options, why in (
        (("--level", 0.75), "thresholds changed"),
        (("--threshold", 4, "--threshold", 12.5), "level changed"),
        ((), "level, thresholds changed"),
    ):
        (scene,) = json.loads(call(*options, "--dry-run", "--json")[1])["scenes"]
        assert scene["why"] == why
    assert call()[0] == 0
    assert not (folder / "probability_above_12.5.tif").exists()


def values(path: Path) -> np.ndarray:
    with open_raster(path) as data:
        return data.read(1)


def test_the_strip_that_is_timed_is_asked_what_its_map_is(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(tmp_path / "in", 1)
    asked: list[tuple[float, tuple[float, ...]]] = []
    monkeypatch.setattr(
        "deepsalt.archive.pace.map_scene", lambda *_, **how: asked.append((how["level"], how["thresholds"]))
    )
    assert call("--dry-run", "--level", 0.75, "--threshold", 8, "--threshold", 2)[0] == 0
    assert asked == [(0.75, (2, 8))]


def test_a_map_of_other_code_is_in_the_plan_with_that_reason(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(tmp_path / "in", 1)
    assert "to map" not in call()[1], "one new scene needs no plan"
    assert "0 scenes to map" in call("--dry-run")[1]
    monkeypatch.setattr("deepsalt.archive.recipe.code_fingerprint", lambda: "0123456789abcdef")
    assert "code changed" in call("--dry-run")[1]
    assert "code changed" in call()[1]


def test_without_sources_a_note_stands_on_stderr(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(tmp_path / "in", 1)
    monkeypatch.setattr("deepsalt.archive.plan.code_fingerprint", lambda: "")
    code, out, err = call("--json")
    assert (code, len(json.loads(out)["maps"])) == (0, 1)
    assert "The sources of deepsalt cannot be read here" in err
