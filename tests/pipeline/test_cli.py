"""The commands: one JSON document, exit codes, and one clear line for every kind of bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.pipeline.conftest import write_config

from deepsalt.pipeline.template import TEMPLATE


def test_help_and_version_are_quick_and_exit_with_zero(call) -> None:
    assert call("--help")[0] == 0
    code, out, _ = call("--version")
    assert (code, out) == (0, "deepsalt 0.1.0\n")


def test_init_prints_the_template(call) -> None:
    assert call("init") == (0, TEMPLATE, "")


def test_simulate_takes_a_sensor_and_laws(call, tmp_path: Path) -> None:
    made = tmp_path / "world"
    code, out, _ = call("simulate", "--out", made, "--small", "--sensor", "emit", "--laws", "other", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["settings"]["sensor"], told["settings"]["laws"]) == ("emit", "other")
    assert all(scene["scene"].startswith("EMIT_") for scene in told["regions"])
    code, out, err = call("simulate", "--out", tmp_path / "none", "--sensor", "emti")
    assert (code, out) == (2, "")
    assert "sensor is 'emti'. Did you mean 'emit'?" in re.sub(r"\s+", " ", err)
    assert not (tmp_path / "none").exists()


def test_train_evaluate_report_and_map_from_the_command_line(call, world: Path, tmp_path: Path) -> None:
    config, run = write_config(tmp_path, world), tmp_path / "run"
    code, out, err = call("train", config, "--out", run, "--json")
    assert (code, err) == (0, "")
    trained = json.loads(out)
    assert trained["methods"] == ["mean", "student-alone"]
    code, out, _ = call("evaluate", run, "--json")
    assert json.loads(out)["results"] == trained["results"]
    code, out, _ = call("evaluate", run)
    assert code == 0
    assert "Unseen region" in out
    scene = sorted((world / "scenes").iterdir())[0]
    code, out, _ = call("map", run, scene, "--out", tmp_path / "maps", "--json")
    assert (code, len(json.loads(out)["maps"])) == (0, 1)
    assert (tmp_path / "maps" / scene.name / "ece.tif").is_file()
    code, out, _ = call("report", run, "--json")
    assert Path(json.loads(out)["report"]).read_text().startswith("<!")
    code, out, _ = call("inspect", run / "model.safetensors", "--json")
    card = json.loads(out)
    assert (card["kind"], card["target"], card["unit"]) == ("model", "ECe", "dS/m")


def test_without_json_progress_goes_to_stderr_and_results_to_stdout(
    call, world: Path, tmp_path: Path
) -> None:
    code, out, err = call("train", write_config(tmp_path, world), "--out", tmp_path / "run")
    assert code == 0
    assert "reading the library" in err
    assert "student-alone" in out
    assert "reading the library" not in out


def test_a_wrong_call_exits_with_two(call, tmp_path: Path) -> None:
    assert call("train", tmp_path / "none.toml")[0] == 2
    assert call("nonsense")[0] == 2
    assert call("map", tmp_path)[0] == 2
    assert call("evaluate", tmp_path)[0] == 2
    assert call("inspect", tmp_path / "nothing")[0] == 2
