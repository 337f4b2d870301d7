"""A leak stops train, evaluate and compare; where it is allowed, every output says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console as RichConsole
from tests.evaluation.test_leaks_planted import CLEAN, HELD, LEARNED
from tests.pipeline.conftest import config_of, silent

from deepsalt.cli import app
from deepsalt.config import Config, load_config
from deepsalt.console import Console, run_command
from deepsalt.errors import LabelError
from deepsalt.evaluation.leakage import FIELD
from deepsalt.evaluation.leaks import Leak
from deepsalt.evaluation.protocol import TEST, UNSEEN
from deepsalt.pipeline.compare import compare
from deepsalt.pipeline.compare_leaks import leaks_of_comparison
from deepsalt.pipeline.evaluate import evaluate
from deepsalt.pipeline.inspection import inspect_path
from deepsalt.pipeline.leaks import leaks_of_folds, leaks_of_run, leaks_of_training
from deepsalt.pipeline.run import Run, write_json
from deepsalt.pipeline.stored import CaseData, load_data, load_leaks, save_data
from deepsalt.pipeline.train import train
from deepsalt.report import write_report
from deepsalt.splits import FittedOn

LEAK = Leak.of("group", ["field 1"], "group field 1 is on both sides of the split (1 in all)")
QUICK = {
    "preset": "paper",
    "adaptation": False,
    "distillation": False,
    "baselines": ["mean"],
    "settings": {
        "directions": 16,
        "hidden": [32],
        "latent": 16,
        "tokens": 4,
        "autoencoder": {"epochs": 4, "learning_rate": 3e-3},
        "student": {"epochs": 40, "patience": 40, "batch": 16, "learning_rate": 3e-3},
    },
}


@pytest.fixture(scope="module")
def leaky(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A survey in which every point stands twice, the second time as one of another field."""
    points = pd.read_csv(world / "points.csv")
    again = points.assign(**{name: points[name].astype(str) + "-again" for name in ("id", "field")})
    place = tmp_path_factory.mktemp("leaky") / "points.csv"
    pd.concat([points, again]).to_csv(place, index=False)
    satellite = {
        "scenes": [str(world / "scenes" / "*")],
        "points": str(place),
        "unlabelled_pixels": 100,
    }
    return config_of(world, satellite=satellite, method=QUICK)


@pytest.fixture(scope="module")
def allowed(leaky: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    loose = leaky.model_copy(update={"allow_leak": True})
    return train(loose, tmp_path_factory.mktemp("allowed") / "run", silent)


def test_training_stops_on_a_leak_before_anything_is_learned(leaky: Config, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"leak: pixel .* is on both sides.*--allow-leak"):
        train(leaky, tmp_path / "run", silent)
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_an_allowed_leak_stands_in_metrics_model_inspection_and_report(allowed: Run) -> None:
    told = allowed.read("metrics")["leaks"]
    assert {leak["kind"] for leak in told} == {"pixel", "spectrum", "fitting"}
    assert inspect_path(allowed.root)["leaks"] == told
    card = inspect_path(allowed.model)
    assert card["about"]["leaks"] == [f"{leak['found']}. {leak['fix']}" for leak in told]
    assert card["limits"][1] == "Not by its metrics: rows that were to be held out were learned from."
    page = write_report(allowed.root).read_text("utf-8")
    assert page.count('class="banner leak"') == len(told)
    assert f"LEAK: {told[0]['found']}. The numbers are too good to be true." in page


def test_evaluating_a_run_with_a_leak_must_be_asked_for(allowed: Run) -> None:
    with pytest.raises(LabelError, match="leak: pixel"):
        evaluate(allowed)
    assert evaluate(allowed, allow_leak=True)["leaks"] == allowed.read("metrics")["leaks"]


def test_a_comparison_stops_on_a_leak_and_does_not_forget_one_that_was_allowed(
    leaky: Config, tmp_path: Path
) -> None:
    wanted = leaky.compare.model_copy(update={"methods": ["mean"], "repeats": 1, "workers": 1})
    with pytest.raises(LabelError, match="leak: pixel"):
        compare(leaky, tmp_path / "out", silent, wanted)
    document = compare(leaky, tmp_path / "out", silent, wanted, allow_leak=True)
    assert {leak["kind"] for leak in document["leaks"]} == {"pixel", "spectrum"}
    text = (tmp_path / "out" / "compare.md").read_text("utf-8")
    assert '<span style="color:red">**LEAK: pixel' in text
    with pytest.raises(LabelError, match="leak: pixel"):  # its data lie there, prepared
        compare(leaky, tmp_path / "out", silent, wanted)


@pytest.mark.parametrize("told", [True, False])
def test_the_commands_hand_the_permission_on(
    told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them, or a leak that was allowed would stop the run all the same."""
    seen: dict[str, bool] = {}

    def keep(name: str, allowed: bool) -> None:
        seen[name] = allowed
        raise LabelError("seen")

    stages = {
        "train": lambda config, out, progress, trained, workers: keep("train", config.allow_leak),
        "evaluate": lambda run, allow: keep("evaluate", allow),
        "compare": lambda config, out, progress, wanted, allow: keep("compare", allow),
    }
    for name, stage in stages.items():
        monkeypatch.setattr(f"deepsalt.pipeline.{name}.{name}", stage)
    config = tmp_path / "config.toml"
    config.write_text('[library]\npath = "x.csv"\n')
    (tmp_path / "metrics.json").write_text("{}")
    permission = ["--allow-leak"] if told else []
    for name, target in (("train", config), ("evaluate", tmp_path), ("compare", config)):
        assert run_command(app, [name, str(target), *permission]) == 1
    assert seen == dict.fromkeys(stages, told)


def test_the_config_may_allow_leaks_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('allow_leak = true\n[library]\npath = "x.csv"\n')
    assert load_config(tmp_path / "config.toml").allow_leak


def test_evaluate_prints_an_allowed_leak(allowed: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(app, ["evaluate", str(allowed.root)]) == 1
    assert "error: " in (told := capfd.readouterr().err)
    assert "--allow-leak goes on" in told
    assert run_command(app, ["evaluate", str(allowed.root), "--allow-leak"]) == 0
    assert "LEAK: pixel" in capfd.readouterr().out


# --- what a finished run shows ------------------------------------------------------------------------


def finished(folder: Path, **changes: object) -> tuple[Run, dict]:
    split = {
        "train": {"ids": ["a", "b"], "fields": ["f"]},
        "test": {"ids": ["c"], "fields": ["g"]},
        "unseen": {"ids": ["d"], "fields": ["h"]},
    }
    document: dict = {"leaks": []}
    write_json(folder / "split.json", {**split, **changes})
    return Run(folder), document


def test_a_clean_run_has_no_leak(tmp_path: Path) -> None:
    assert leaks_of_run(*finished(tmp_path)) == []
    assert leaks_of_run(Run(tmp_path / "laboratory"), {}) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"test": {"ids": ["b"], "fields": ["g"]}}, "sample"),
        ({"unseen": {"ids": ["d"], "fields": ["f"]}}, "group"),
    ],
)
def test_the_split_of_a_finished_run_is_looked_at_again(tmp_path: Path, changes: dict, kind: str) -> None:
    assert [leak.kind for leak in leaks_of_run(*finished(tmp_path, **changes))] == [kind]


# --- what was fitted on which rows --------------------------------------------------------------------


def trained(covariates: tuple[str, ...] = ()) -> SimpleNamespace:
    """What `leaks_of_training` needs of prepared data: a covariate `map` that is the label itself."""
    label = np.exp(np.random.default_rng(0).normal(1, 0.8, len(CLEAN.sites)))
    clay = np.random.default_rng(1).uniform(5, 60, len(label))
    sites = CLEAN.sites.with_samples(ece_ds_m=label, map=label, clay=clay)
    part = lambda name: sites.take(CLEAN.split.part(name))  # noqa: E731
    return SimpleNamespace(sites=sites, split=CLEAN.split, leaks=(), covariate_names=covariates, part=part)


def answers(data: SimpleNamespace, noise: float) -> list[pd.DataFrame]:
    """Predictions of the full method on the test part."""
    observed = data.part("test").samples["ece_ds_m"].to_numpy()
    error = np.random.default_rng(2).normal(0, noise, len(observed))
    table = {"method": "full", "part": "test", "observed": observed, "predicted": observed * np.exp(error)}
    return [pd.DataFrame(table)]


def test_a_stage_that_saw_a_held_out_row_is_caught_after_training() -> None:
    data = trained()
    clean = FittedOn.of("plsr", LEARNED, CLEAN.unlabelled, kind=FIELD)
    dirty = FittedOn.of("autoencoder", HELD.take([0]), kind=FIELD)
    asked = (data, [TEST, UNSEEN], [clean], [], "full", 0)
    assert leaks_of_training(*asked) == []  # type: ignore[arg-type]
    (leak,) = leaks_of_training(data, [TEST, UNSEEN], [clean, dirty], [], "full", 0)  # type: ignore[arg-type]
    assert leak.found.startswith("autoencoder was fitted on ground point p48")


@pytest.mark.parametrize(("covariates", "found"), [(("map",), ["look-up"]), (("clay",), [])])
def test_a_covariate_that_is_the_label_is_a_look_up(covariates: tuple[str, ...], found: list[str]) -> None:
    data = trained(covariates)
    leaks = leaks_of_training(data, [TEST, UNSEEN], [], answers(data, 0.3), "full", 0)  # type: ignore[arg-type]
    assert [leak.kind for leak in leaks] == found


def test_in_a_comparison_the_control_is_set_against_the_best_preset(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.exp(rng.normal(1, 1, 80))

    def rows(method: str, case: str, noise: float) -> pd.DataFrame:
        guess = truth * np.exp(rng.normal(0, noise, 80))
        return pd.DataFrame(
            {"method": method, "case": case, "part": "test", "observed": truth, "predicted": guess}
        )

    fine = [rows("deepsalt", "a", 0.1), rows("paper", "a", 0.5), rows("covariates-only", "a", 0.25)]
    assert leaks_of_comparison(tmp_path, [], pd.concat(fine)) == []
    bad = [*fine, rows("paper", "b", 0.3), rows("covariates-only", "b", 0.1)]
    assert [leak.kind for leak in leaks_of_comparison(tmp_path, [], pd.concat(bad))] == ["look-up"]


def test_folds_of_a_laboratory_library_are_looked_at() -> None:
    folds = [(np.arange(40), np.arange(40, 80)), (np.arange(40, 80), np.arange(40))]
    assert leaks_of_folds(CLEAN.sites, folds) == []
    kinds = [leak.kind for leak in leaks_of_folds(CLEAN.copied(5, 50).sites, folds)]
    assert kinds == ["spectrum"]


# --- where they are told ------------------------------------------------------------------------------


def test_leaks_of_prepared_data_are_kept_with_them(tmp_path: Path) -> None:
    data = CaseData({"mir": CLEAN.library}, CLEAN.sites, CLEAN.split, CLEAN.unlabelled, (), (LEAK,))
    save_data(data, tmp_path / "data")
    assert load_data(tmp_path / "data").leaks == load_leaks(tmp_path / "data") == (LEAK,)


def test_the_console_prints_a_leak_in_red_above_the_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.out = RichConsole(force_terminal=True, color_system="standard", highlight=False, width=200)
    leak = {"kind": "group", "found": LEAK.found, "fix": LEAK.fix}
    console.results({"parts": {}, "notes": ["a note"], "leaks": [leak]}, {})
    out = capfd.readouterr().out
    assert re.search(r"\x1b\[1;31mLEAK: group field 1 is on both sides", out)
    assert out.index("LEAK") < out.index("a note")


def test_json_output_holds_the_leaks(capfd: pytest.CaptureFixture[str]) -> None:
    Console(json=True).results({"parts": {}, "notes": [], "leaks": [{"kind": "group"}]}, {})
    assert json.loads(capfd.readouterr().out)["leaks"] == [{"kind": "group"}]
