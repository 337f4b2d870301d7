"""From a model and spectra to an explanation: of the whole, of a row, of a pixel, in a run and by command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.estimators.test_lab import QUICK
from tests.estimators.test_lab import soils as lab_soils
from tests.pipeline.conftest import silent

from deepsalt.cli import app
from deepsalt.console import run_command
from deepsalt.errors import UsageError
from deepsalt.estimators import DeepSaltRegressor, LabRegressor
from deepsalt.estimators.baselines import baseline
from deepsalt.labels import with_ece
from deepsalt.pipeline.explain import explain_run, explain_spectra, pixels_of
from deepsalt.pipeline.run import Run
from deepsalt.readers import read
from deepsalt.report import write_report
from deepsalt.sampling import random_pixels, usable_axis
from deepsalt.spectra import Scene, Sensor, Spectra
from deepsalt.training import DeepSaltSettings

SMALL = DeepSaltSettings(
    steps=120, members=2, hidden=(32,), directions=20,
    same_sample=False, distillation=False, gate=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def model(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student that knows the library alone, in a folder as a run has it."""
    library = {"visnir": with_ece(read(world / "library.parquet", domain="visnir", ec="ec1:2"))}
    folder = tmp_path_factory.mktemp("model")
    trained = DeepSaltRegressor(SMALL, sensor=Sensor.load("enmap")).fit(library)
    trained.save(folder / "model.safetensors", {"simulated": True})
    return folder


@pytest.fixture(scope="module")
def scene(world: Path) -> Path:
    return sorted((world / "scenes").iterdir())[0]


@pytest.fixture(scope="module")
def bare(scene: Path) -> tuple[float, float]:
    """Longitude and latitude of a valid pixel."""
    opened = read(scene)
    assert isinstance(opened, Scene)
    first = random_pixels([opened], usable_axis([opened]), 20, 5).samples.iloc[0]
    return float(first["longitude"]), float(first["latitude"])


def as_table(library: Spectra, path: Path) -> Path:
    columns = {f"{nm:g}": library.values[:, i] for i, nm in enumerate(library.axis.values)}
    pd.concat([library.samples[["id", "group"]], pd.DataFrame(columns)], axis=1).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A laboratory model file, and a table it can read."""
    folder = tmp_path_factory.mktemp("teacher")
    library = lab_soils(120)["visnir"]
    LabRegressor(replace(QUICK, steps=60)).fit(library).save(folder / "teacher.safetensors")
    return folder / "teacher.safetensors", as_table(library, folder / "soils.csv")


def test_a_model_on_a_scene(model: Path, scene: Path) -> None:
    document = explain_spectra(model, scene, silent, samples=60)
    assert document["of"] == "model"
    assert document["simulated"] is True
    assert document["rows"] >= 50
    assert document["checks"]["completeness"] <= 1e-3
    assert document["checks"]["networks"]["networks"] == 2
    assert "read by a plane" in document["notes"][0]  # how the scene is read comes first
    assert {"name", "low", "high", "gradients", "hidden"} == set(document["windows"][0])
    opened = read(scene)
    assert isinstance(opened, Scene)
    groups = pixels_of([opened], 60, 0).samples["group"]
    assert 5 <= groups.nunique() < len(groups) / 4  # pixels of a patch are alike
    again = explain_spectra(model / "model.safetensors", scene, silent, samples=60)
    assert again == document


def test_a_pixel_is_explained_against_its_scene(
    model: Path, scene: Path, bare: tuple[float, float], tmp_path: Path
) -> None:
    out = tmp_path / "pixel.json"
    document = explain_spectra(model, scene, silent, pixel=bare, samples=60, out=out)
    assert document["of"] == "sample"
    assert document["where"]["longitude"] == pytest.approx(bare[0], abs=1e-6)
    assert document["where"]["latitude"] == pytest.approx(bare[1], abs=1e-6)
    difference = document["answer"]["ln"] - document["baseline"]["ln"]
    assert sum(one["gradients"] for one in document["windows"]) == pytest.approx(difference, abs=1e-3)
    written = json.loads(out.read_text())
    assert written == {name: value for name, value in document.items() if name != "out"}
    assert not any("no value at this pixel" in note for note in document["notes"])


def test_a_masked_pixel_is_explained_with_a_warning(model: Path, scene: Path) -> None:
    from deepsalt.preprocessing.masks import DEFAULT_RULES, surface_mask
    from deepsalt.sampling import place

    opened = read(scene)
    assert isinstance(opened, Scene)
    image = opened.read()
    masked = (surface_mask(image, opened.mask(), DEFAULT_RULES) != 0) & np.isfinite(image.values[..., 0])
    latitude, longitude = (float(one[0]) for one in place(opened, *(at[:1] for at in np.nonzero(masked))))
    document = explain_spectra(model, scene, silent, pixel=(longitude, latitude), samples=40)
    assert any("no value at this pixel" in note for note in document["notes"])


def test_a_row_of_a_table_and_a_table(teacher: tuple[Path, Path], tmp_path: Path) -> None:
    path, table = teacher
    document = explain_spectra(path, table, silent, row=3, domain="visnir")
    assert document["where"]["row"] == 3
    assert str(document["where"]["id"]) == "1002"
    whole = explain_spectra(path, table, silent, width=200, domain="visnir", out=tmp_path / "whole.png")
    assert whole["rows"] == 120
    largest = max(whole["windows"], key=lambda one: one["hidden"]["importance"])
    assert largest["low"] <= 1900 <= largest["high"]  # where salt shows in these soils
    assert largest["hidden"]["interval"] is not None  # over profiles
    with Image.open(tmp_path / "whole.png") as picture:
        assert picture.size[0] > 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"row": 121}, "there is no row 121.*Rows are 1 to 120"),
        ({"pixel": (1.0, 2.0)}, "a table has no pixels.*--row"),
        ({"row": 1, "pixel": (1.0, 2.0)}, "at once"),
        ({"out": "picture.gif"}, r"cannot be written as '\.gif'.*png"),
        ({"width": -5.0}, "width above zero"),
    ],
)
def test_what_cannot_be_asked_of_a_table(
    teacher: tuple[Path, Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        explain_spectra(*teacher, silent, domain="visnir", **changes)


def test_what_cannot_be_asked_of_a_scene(model: Path, scene: Path) -> None:
    with pytest.raises(UsageError, match=r"a scene has no rows.*--pixel"):
        explain_spectra(model, scene, silent, row=1)
    with pytest.raises(UsageError, match=r"lies outside of the scene.*longitude first"):
        explain_spectra(model, scene, silent, pixel=(0.0, 0.0))


def test_the_command_prints_a_table_or_one_document(
    model: Path, scene: Path, bare: tuple[float, float], capfd: pytest.CaptureFixture[str]
) -> None:
    place = f"{bare[0]},{bare[1]}"
    assert (
        run_command(app, ["explain", str(model), str(scene), "--pixel", place, "--json", "--samples", "40"])
        == 0
    )
    out, err = capfd.readouterr()
    assert json.loads(out)["of"] == "sample"
    assert err == ""
    assert run_command(app, ["explain", str(model), str(scene), "--samples", "40"]) == 0
    out, _ = capfd.readouterr()
    assert "water 1190" in out
    assert "Halite" in out
    assert run_command(app, ["explain", str(model), str(scene), "--pixel", "north"]) == 2
    assert "'north' is no place" in capfd.readouterr()[1]


def test_a_run_explains_its_student_on_rows_it_did_not_learn_from(run: Run) -> None:
    document = run.read("explanation")
    assert document["held_out"] is True
    assert document["model"] == "paper"
    assert 0 < document["rows"] <= 40
    assert document["checks"]["completeness"] <= 1e-3
    page = write_report(run.root).read_text()
    assert "What the model reads" in page
    assert "were not learned from" in page


def test_a_model_that_cannot_be_explained_loses_no_run(tmp_path: Path) -> None:
    run, soils = Run(tmp_path), lab_soils(40)["visnir"]
    seconds: dict[str, float] = {}
    explain_run(run, baseline("mean").fit(soils), soils, 0, seconds, held_out=True)
    assert not run.has("explanation")
    assert "no explanation: mean has no gradients" in (tmp_path / "log.txt").read_text()
    explain_run(run, LabRegressor(replace(QUICK, steps=20)).fit(soils), soils, 0, seconds, held_out=False)
    assert run.read("explanation")["held_out"] is False
    assert "explanation" in seconds
