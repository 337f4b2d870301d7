"""From a world to a run folder: what was learned from, what was asked, and that it can be repeated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import FAST, FAST_TEACHER, config_of, silent

from deepsalt.errors import DeepSaltError, LabelError, OutputError, UsageError
from deepsalt.estimators import PaperRegressor, load_regressor
from deepsalt.files import fingerprint
from deepsalt.pipeline.evaluate import evaluate
from deepsalt.pipeline.maps import map_run, map_scenes
from deepsalt.pipeline.prepare import prepare
from deepsalt.pipeline.run import Run, to_json
from deepsalt.pipeline.train import train

METHODS = ["mean", "plsr", "student-alone", "paper"]


def test_every_method_answers_on_every_part(run: Run) -> None:
    metrics = run.read("metrics")
    assert metrics["methods"] == METHODS
    assert {(r["method"], r["part"]) for r in metrics["results"]} == {
        (m, p) for m in METHODS for p in ("test", "unseen")
    }
    for row in metrics["results"]:
        assert set(row["ln"]) == set(row["dS_m"]) == {"rmse", "mae", "bias", "r2", "ccc", "rpiq"}
    assert metrics["simulated"] is True


def test_the_parts_share_no_field_and_the_unseen_region_is_whole(run: Run) -> None:
    predictions = run.read_predictions()
    test, unseen = (predictions[predictions["part"] == part] for part in ("test", "unseen"))
    assert set(unseen["region"]) == {"gypsum_marl"}
    assert "gypsum_marl" not in set(test["region"])
    split = run.read("split")
    assert not set(split["train"]["fields"]) & (set(split["test"]["fields"]) | set(split["unseen"]["fields"]))
    assert set(test["id"]) == set(split["test"]["ids"])


def test_every_method_was_asked_about_the_same_rows(run: Run) -> None:
    predictions = run.read_predictions()
    asked = [
        table[["part", "id", "observed"]].reset_index(drop=True) for _, table in predictions.groupby("method")
    ]
    assert all(asked[0].equals(other) for other in asked[1:])


def test_nothing_of_the_unseen_region_is_learned_from(world: Path) -> None:
    data = prepare(config_of(world), silent)
    assert "gypsum_marl" not in set(data.library.samples["region"])
    assert "gypsum_marl" not in set(data.part("train").samples["region"])
    away = set(data.part("unseen").samples["scene"])
    assert not set(data.unlabelled.samples["scene"]) & away
    covered = prepare(
        config_of(world, split={"unseen_region": "gypsum_marl", "library_covers_unseen": True}), silent
    )
    assert "gypsum_marl" in set(covered.library.samples["region"])


def test_labels_are_the_points_own_and_covariates_their_places(world: Path) -> None:
    data = prepare(config_of(world), silent)
    points = pd.read_csv(world / "points.csv").set_index("id")
    table = data.sites.samples
    assert table["ece_ds_m"].to_numpy() == pytest.approx(points.loc[table["id"], "ece_ds_m"].to_numpy())
    assert list(data.covariate_names) == ["sand_pct", "clay_pct", "temperature_c", "precipitation_mm"]
    assert table[list(data.covariate_names)].notna().all(axis=None)


def test_the_pairs_of_the_alignment_are_told(run: Run) -> None:
    pairs = run.read("data")["pairs"]
    assert pairs["pairs"] == sum(pairs["classes"].values()) >= 20
    assert 0 < pairs["distance_m"]["median"] == pytest.approx(pairs["median distance, m"], abs=0.1)
    assert pairs["distance_m"]["most"] <= pairs["within, m"] == 60


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    run: Run, world: Path, tmp_path: Path
) -> None:
    again = train(config_of(world), tmp_path / "again", silent)
    assert again.read("metrics")["results"] == run.read("metrics")["results"]
    assert again.model.read_bytes() == run.model.read_bytes()
    other = train(config_of(world, seed=4), tmp_path / "other", silent)
    assert other.read("metrics")["results"] != run.read("metrics")["results"]


def test_a_current_run_is_not_trained_again_and_a_changed_one_is(
    run: Run, world: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.root, copy)
    before = (copy / "model.safetensors").stat().st_mtime_ns
    said: list[str] = []
    train(config_of(world), copy, lambda what, *_: said.append(what))
    assert said == ["config and inputs have not changed"]
    assert (copy / "model.safetensors").stat().st_mtime_ns == before
    alone = {
        "preset": "paper",
        "baselines": ["mean"],
        "adaptation": False,
        "distillation": False,
        "settings": FAST,
    }
    changed = config_of(world, method=alone)
    train(changed, copy, silent)
    assert Run(copy).read("metrics")["methods"] == ["mean", "student-alone"]


def test_a_failed_run_leaves_no_result_of_an_earlier_one(run: Run, world: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.root, copy)
    with pytest.raises(UsageError, match="unseen region 'nowhere'"):
        train(config_of(world, split={"unseen_region": "nowhere"}), copy, silent)
    with pytest.raises(UsageError, match="no finished run there"):
        Run.open(copy)
    assert not (copy / "model.safetensors").exists()


def test_the_stored_model_predicts_what_the_run_says(run: Run, world: Path) -> None:
    model = PaperRegressor.load(run.model)
    data = prepare(config_of(world), silent)
    stored = run.read_predictions().query("method == 'paper' and part == 'unseen'")
    assert model.predict(data.part("unseen")) == pytest.approx(stored["predicted"].to_numpy(), rel=1e-5)
    assert model.simulated
    assert model.card_["about"]["parts"][0]["n"] == len(
        run.read_predictions().query("method == 'paper' and part == 'test'")
    )


def test_the_preset_deepsalt_runs_maps_and_tells_what_its_gate_did(world: Path, tmp_path: Path) -> None:
    quick = {"steps": 200, "land_steps": 60, "members": 2, "hidden": [32]}
    quick |= {"teacher_steps": 60, "teacher_members": 1}
    method = {"preset": "deepsalt", "baselines": ["mean"], "settings": quick}
    run = train(config_of(world, method=method), tmp_path / "run", silent)
    document = run.read("metrics")
    assert document["methods"] == ["mean", "deepsalt"]
    asked = run.read_predictions().query("method == 'deepsalt' and part == 'test'")
    likeness = np.corrcoef(np.log1p(asked["predicted"]), np.log1p(asked["observed"]))[0, 1]
    assert likeness > 0.6  # 0.90 where this was written
    assert any(note.startswith("Gate: adaptation") for note in document["notes"])
    assert any(note.startswith("Intervals of deepsalt, grouped random test") for note in document["notes"])
    scene = next((world / "scenes").iterdir())
    made = map_scenes(run.root, [str(scene)], tmp_path / "maps", silent).made
    assert made[0].summary["valid"] > 100
    model = load_regressor(run.model)
    stored = run.read_predictions().query("method == 'deepsalt' and part == 'unseen'")
    data = prepare(config_of(world, method=method), silent)
    assert model.predict(data.part("unseen")) == pytest.approx(stored["predicted"].to_numpy(), rel=1e-5)


def test_evaluate_computes_the_numbers_anew_and_sees_a_change(run: Run, tmp_path: Path) -> None:
    assert json.loads(to_json(evaluate(run))) == run.read("metrics")
    copy = tmp_path / "run"
    shutil.copytree(run.root, copy)
    table = pd.read_parquet(copy / "predictions.parquet")
    table.loc[0, "predicted"] += 0.5
    table.to_parquet(copy / "predictions.parquet")
    with pytest.raises(UsageError, match=r"does not follow from predictions.parquet"):
        evaluate(Run.open(copy))


def test_maps_of_a_run_are_the_same_bytes_twice_and_know_their_truth(
    run: Run, world: Path, tmp_path: Path
) -> None:
    truth = [str(world / "truth" / "*.tif")]
    scenes = [str(world / "scenes" / "*")]
    rasters = [str(world / "covariates" / "*.tif")]
    made = [
        map_scenes(run.model, scenes[:1], tmp_path / name, silent, covariates=rasters, truth=truth).made
        for name in ("a", "b")
    ]
    assert len(made[0]) == 3
    for one, two in zip(*made, strict=True):
        assert fingerprint(one.ece) == fingerprint(two.ece)
        assert fingerprint(one.classes) == fingerprint(two.classes)
        assert one.summary["truth"]["n"] > 1000
    facts = json.loads((made[0][0].folder / "map.json").read_text())
    assert sum(entry["pixels"] for entry in facts["classes"]) == facts["valid"]


def test_a_map_without_covariates_must_be_asked_for(run: Run, world: Path, tmp_path: Path) -> None:
    scene = [str(sorted((world / "scenes").iterdir())[0])]
    with pytest.raises(UsageError, match=r"sand_pct.*--covariates none"):
        map_scenes(run.model, scene, tmp_path, silent)
    made = map_scenes(run.model, scene, tmp_path, silent, covariates=["none"]).made
    assert any("without covariates" in note for note in made[0].summary["notes"])


def test_a_library_without_ec_method_is_refused(world: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(world / "library.parquet").rename(columns={"ec_usda.a364_ds.m": "EC"})
    table.to_parquet(tmp_path / "lab.parquet")
    config = config_of(world, library={"path": str(tmp_path / "lab.parquet"), "domain": "mir"})
    with pytest.raises(LabelError, match=r"no EC label to learn from.*ec = 'ec1:2'"):
        prepare(config, silent)


def test_a_folder_that_is_no_run_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="not empty and holds no run"):
        Run.create(tmp_path)
    with pytest.raises(OutputError, match="a file is in the way"):
        Run.create(tmp_path / "mine.txt")


def test_a_laboratory_only_run_cross_validates_by_profile(world: Path, tmp_path: Path) -> None:
    method = {"preset": "paper", "baselines": ["mean", "plsr"], "settings": FAST_TEACHER}
    config = config_of(world, satellite=None, split={"folds": 2}, method=method)
    lab = train(config, tmp_path / "lab", silent)
    metrics = lab.read("metrics")
    assert metrics["methods"] == ["mean", "plsr", "teacher"]
    predictions = lab.read_predictions()
    library = pd.read_parquet(world / "library.parquet")
    assert (predictions.groupby("method")["id"].nunique() == len(library)).all()
    scores = {row["method"]: row["ln"]["r2"] for row in metrics["results"]}
    assert scores["plsr"] > 0.3 > scores["mean"]
    with pytest.raises(UsageError, match="no scenes to map"):
        map_run(lab, silent)
    with pytest.raises(DeepSaltError, match="a teacher for laboratory spectra"):
        PaperRegressor.load(lab.model)


def test_json_has_no_nan() -> None:
    assert json.loads(to_json({"a": float("nan"), "b": [np.float32(1.5), np.inf], "c": Path("x")})) == {
        "a": None,
        "b": [1.5, None],
        "c": "x",
    }
