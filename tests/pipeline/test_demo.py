"""The demo, small: everything it names is there, and a second call repeats only what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.pipeline.conftest import WORLD, silent

from deepsalt.console import Console
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.pipeline.demo import Demo, run_demo

QUICK = {"steps": 200, "land_steps": 80, "members": 2, "hidden": [32], "teacher_steps": 60}
METHOD = {"method": {"preset": "deepsalt", "baselines": ["mean", "plsr"], "settings": QUICK}}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("demo") / "out", silent, WORLD, METHOD)


def test_report_model_and_maps_are_there(demo: Demo) -> None:
    assert demo.report.read_text(encoding="utf-8").count("Simulated") >= 1
    assert demo.run.model.stat().st_size > 10_000
    assert len(demo.maps) == len(WORLD.regions)
    assert {entry.summary["scene"] for entry in demo.maps} == {
        p.name for p in (demo.run.root.parent / "world" / "scenes").iterdir()
    }


def test_the_unseen_region_gave_samples_and_pixels_but_no_point(demo: Demo) -> None:
    unseen = demo.run.read("config")["split"]["unseen_region"]
    asked = demo.run.read_predictions().query("part == 'unseen'")
    assert set(asked["region"]) == {unseen}
    assert demo.run.read("metrics")["parts"]["unseen"]["title"] == "Unseen region, covered by the library"
    model = DeepSaltRegressor.load(demo.run.model)
    assert [land.points > 0 for land in model.lands_].count(False) == 1


def test_every_map_correlates_with_its_truth(demo: Demo) -> None:
    for entry in demo.maps:
        assert entry.summary["truth"]["pearson_ln"] > 0.2, entry.summary["scene"]


def test_json_is_one_document_with_every_method_and_part(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    summaries = [entry.summary for entry in demo.maps]
    Console(json=True).results(demo.run.read("metrics"), {"report": demo.report}, maps=summaries)
    document = json.loads(capsys.readouterr().out)
    asked = {(row["method"], row["part"]) for row in document["results"]}
    assert asked == {(m, p) for m in ("mean", "plsr", "deepsalt") for p in ("test", "unseen")}
    assert document["paths"]["report"] == str(demo.report)
    assert len(document["maps"]) == len(demo.maps)


def test_a_second_call_trains_nothing_again(demo: Demo) -> None:
    out: Path = demo.run.root.parent
    before = demo.run.model.stat().st_mtime_ns
    said: list[str] = []
    again = run_demo(out, lambda what, *_: said.append(what), WORLD, METHOD)
    assert again.run.model.stat().st_mtime_ns == before
    assert "config and inputs have not changed" in said
    assert not any("student" in what for what in said)
