"""What a comparison is asked: on one's own data, by a config, from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from tests.pipeline.conftest import config_of, silent

import deepsalt
from deepsalt.cli import app
from deepsalt.config import CompareConfig, compare_config, parse_config
from deepsalt.console import run_command
from deepsalt.errors import ConfigError, UsageError
from deepsalt.evaluation.comparison import TUNED
from deepsalt.pairing import far_from
from deepsalt.pipeline.cases import cases_of, digest, own_frames
from deepsalt.pipeline.compare import asked_for, compare
from deepsalt.pipeline.methods import METHODS, methods_named, register
from deepsalt.pipeline.prepare import prepare
from deepsalt.pipeline.stored import load_data
from deepsalt.sampling import place
from deepsalt.simulate import World, WorldSettings, simulate_world


@pytest.mark.parametrize("sensor", ["enmap", "prisma"])
def test_dates_of_a_world_become_one_scene_of_each_place(sensor: str, tmp_path: Path) -> None:
    small = {key: value for key, value in WorldSettings.small().as_dict().items() if key != "seed"}
    small |= {"sensor": sensor}
    wanted = CompareConfig(worlds=[3], world=small, covered=[True], points=[0], dates=2)
    (case,) = cases_of(None, wanted, tmp_path)
    assert case.frame.name == "world 3, gypsum_marl unseen, covered, 2 dates"
    simulate_world(tmp_path / digest(case.frame.world.as_dict()), case.frame.world)
    data = prepare(case.frame.config, silent)
    assert [type(scene).__name__ for scene in data.scenes] == ["Composite", "Composite"]
    assert {scene.facts["composite"] for scene in data.scenes} == {"bare"}
    assert all(len(scene.facts["dates"].split(", ")) == 2 for scene in data.scenes)
    assert set(data.sites.samples["scene"]) == {scene.name for scene in data.scenes}
    once = cases_of(None, wanted.model_copy(update={"dates": 1}), tmp_path)[0]
    assert once.frame.key != case.frame.key


@pytest.mark.parametrize("dates", [1, 2])
def test_pixels_of_the_unseen_scene_are_asked_about_against_their_truth(dates: int, tmp_path: Path) -> None:
    small = {key: value for key, value in WorldSettings.small().as_dict().items() if key != "seed"}
    small |= {"library_position_error": 10.0}
    wanted = CompareConfig(
        worlds=[3], world=small, covered=[True], points=[0], dates=dates, scene_pixels=400,
        methods=["subspace"], reference="subspace", workers=1,
    )  # fmt: skip
    document = compare(None, tmp_path / "out", silent, wanted)
    title = "Scene of the unseen region, against its truth"
    assert [table["title"] for table in document["tables"]][2] == title
    predictions = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    asked = predictions[predictions["part"] == "scene"].set_index("id")
    assert 200 < len(asked) < 600
    assert asked.index.is_unique
    world = World.open(next((tmp_path / "out" / "worlds").iterdir()))
    with rasterio.open(world.truth("gypsum_marl")) as truth:
        ece = truth.read(1)
    cells = [tuple(map(int, name.split("-")[1:])) for name in asked.index]
    assert asked["observed"].tolist() == pytest.approx([ece[cell] for cell in cells])
    assert {name.rsplit("-", 2)[0] for name in asked["group"]} == {"gypsum_marl"}
    assert all(
        group.split("-")[1:] == [str(row // 10), str(column // 10)]
        for group, (row, column) in zip(asked["group"], cells, strict=True)
    )
    stored = load_data(next((tmp_path / "out" / "data").iterdir()))
    assert stored.scene is not None
    told = stored.scene.samples[list(stored.covariates)]
    assert told.notna().all(axis=None)  # else a method that asks for covariates has no answer
    assert len(told.columns) == 4
    library = stored.libraries["visnir"].samples
    scene = deepsalt.read(world.scene("gypsum_marl"))
    latitude, longitude = place(scene, *np.array(cells).T)
    assert far_from(latitude, longitude, library["latitude"], library["longitude"], 60.0).all()
    (plain,) = cases_of(None, wanted.model_copy(update={"scene_pixels": 0}), tmp_path)
    (frame,) = {case.frame.key for case in cases_of(None, wanted, tmp_path)}
    assert plain.frame.key != frame


def test_regions_of_a_world_are_held_out_in_turn_and_count_as_one_land(tmp_path: Path) -> None:
    wanted = CompareConfig(worlds=[1, 2], covered=[True], points=[0], regions=9)
    frames = [case.frame for case in cases_of(None, wanted, tmp_path)]
    assert len({frame.key for frame in frames}) == 10
    for seed in (1, 2):
        names = list(WorldSettings().regions)
        held = [f.config.split.unseen_region for f in frames if f.cluster == f"world {seed}"]
        assert held == names[seed:] + names[:seed]
    first = cases_of(None, wanted.model_copy(update={"regions": 1}), tmp_path)
    assert [case.frame.key for case in first] == [frames[0].key, frames[5].key]


def test_dates_that_cannot_be_put_together_are_refused(tmp_path: Path) -> None:
    for world, words in (({"sensor": "emit"}, "2 dates of emit"), ({"looks": 3}, "say it twice")):
        with pytest.raises(ConfigError, match=words):
            cases_of(None, CompareConfig(worlds=[0], world=world, dates=2), tmp_path)


def test_the_configs_word_on_pixels_stands_unless_the_call_says_otherwise(world: Path) -> None:
    split = {"unseen_region": "gypsum_marl", "library_covers_unseen": True}
    config = config_of(world, split=split)
    for said, pixels in ((None, False), ([True], True)):
        (frame,) = own_frames(config, CompareConfig(repeats=1, covered=said))
        assert frame.config.split.library_covers_unseen
        assert frame.config.split.pixels_of_unseen == pixels


def test_days_of_ones_own_scenes_are_not_for_the_comparison_to_say(world: Path) -> None:
    with pytest.raises(UsageError, match=r"3 regions in turn.*unseen_region"):
        own_frames(config_of(world), CompareConfig(regions=3))
    with pytest.raises(UsageError, match="known of simulated worlds alone"):
        own_frames(config_of(world), CompareConfig(scene_pixels=100))
    with pytest.raises(UsageError, match=r"4 dates .* own data"):
        own_frames(config_of(world), CompareConfig(dates=4))


def test_own_data_are_split_anew_and_count_as_one_land(world: Path, tmp_path: Path) -> None:
    config = config_of(world, compare={"methods": ["mean", "plsr"], "repeats": 2, "workers": 1})
    document = compare(config, tmp_path / "out", silent)
    assert [case["name"] for case in document["cases"]] == [
        f"split {i}, gypsum_marl unseen, unknown, all points, draw 0" for i in range(2)
    ]
    assert {table["clusters"] for table in document["tables"]} == {1}
    assert "say nothing about other lands" in document["notes"][0]
    tests = pd.read_parquet(tmp_path / "out" / "predictions.parquet").query("part == 'test'")
    first, second = (set(rows["group"]) for _, rows in tests.groupby("case"))
    assert first != second


def test_a_laboratory_only_config_has_nothing_to_compare_on() -> None:
    with pytest.raises(UsageError, match="no ground points to compare on"):
        compare(parse_config({"library": {"path": "x.csv"}}), Path("never"), silent)


def test_rows_are_registered_once_and_named_nearly() -> None:
    assert [method.name for method in methods_named(["plsr", "mean"])] == ["mean", "plsr"]
    assert methods_named() == [method for method in METHODS.values() if method.by_default]
    with pytest.raises(UsageError, match="registered already"):
        register(METHODS["mean"])
    with pytest.raises(UsageError, match="Did you mean 'covariates-only'"):
        methods_named(["covariate-only"])


def test_the_call_wins_over_the_config() -> None:
    config = parse_config(
        {"library": {"path": "x.csv"}, "compare": {"points": [25], "draws": 4, "world": {"rows": 48}}}
    )
    wanted = asked_for(config, points=["50", "all"], covers=[True], laws="other", methods=None, dates=4,
        position_error=10.0, scene_pixels=None)  # fmt: skip
    assert wanted.dates == 4
    assert wanted.points == [50, "all"]
    assert (wanted.draws, wanted.covered, wanted.methods) == (4, [True], None)
    assert wanted.world == {"rows": 48, "laws": "other", "library_position_error": 10.0}
    assert wanted.scene_pixels == 0
    assert asked_for(config).covered is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"points": [-1]}, "points"), ({"worlds": []}, "worlds"), ({"point": [1]}, "Did you mean 'points'")],
)
def test_wrong_values_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compare_config(CompareConfig(), changes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--worlds", "0", "--methods", "mean", "plrs"], "unknown method 'plrs'. Did you mean 'plsr'?"),
        ([], "nothing to compare on"),
        (["--worlds", "0", "--points", "many"], "points"),
        (["--worlds", "0", "--sensor", "x", "--methods", "mean"], "sensor"),
        (["--worlds", "0", "--methods", "mean", "--reference", "papr"], "is not among the methods compared"),
        (["--worlds", "0", "--dates", "2", "--sensor", "emit"], "2 dates of emit, whose products are swaths"),
    ],
)
def test_a_wrong_call_is_exit_code_2(
    arguments: list[str], words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_command(app, ["compare", *arguments, "--out", str(tmp_path / "out"), "--workers", "1"]) == 2
    assert words in capfd.readouterr().err


def test_the_command_prints_its_document_alone(
    world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.toml"
    config.write_text(
        f"""seed = 3
[library]
path = "{world}/library.parquet"
domain = "mir"
ec = "ec1:2"
[satellite]
scenes = ["{world}/scenes/*"]
points = "{world}/points.csv"
unlabelled_pixels = 100
[compare]
repeats = 1
workers = 1
"""
    )
    out = tmp_path / "out"
    call = ["compare", str(config), "--methods", "mean", "plsr", "--points", "12", "all", "--out", str(out)]
    assert run_command(app, [*call, "--json"]) == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out) == json.loads((out / "compare.json").read_text())
    assert [case["points"] for case in json.loads(captured.out)["cases"]] == [12, "all"]
    assert run_command(app, call) == 0
    printed = capfd.readouterr().out
    assert "Grouped random test, 12 ground points (1 case)" in printed
    assert re.search(rf"{TUNED} +0\.\d+ +-?\d\.\d+ +reference", printed)
