"""What a run tells of itself in its model's card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import config_of
from tests.report.conftest import satellite_result
from tests.training.small_models import about as about_of
from tests.training.small_models import write_deepsalt

from deepsalt.cli import app
from deepsalt.config import parse_config
from deepsalt.console import run_command
from deepsalt.errors import ConfigError
from deepsalt.estimators import load_regressor
from deepsalt.estimators.model_card import About
from deepsalt.files import fingerprint
from deepsalt.pipeline.about import about_laboratory_run, box_of, judged, source, tell
from deepsalt.pipeline.run import Run
from deepsalt.spectra import Axis, Spectra


def library() -> Spectra:
    table = pd.DataFrame(
        {
            "id": list("abcd"),
            "group": ["p", "p", "q", "r"],
            "region": ["delta", "fan", "delta", None],
            "latitude": [10.123, 10.5, np.nan, 10.0],
            "longitude": [-20.121, -20.5, np.nan, -20.0],
            "date": ["2021-05-03", "2020-01-02", None, "2022-07-09"],
            "ec_ds_m": [1.0, 2.0, np.nan, 4.0],
            "ec_method": ["EC1:5", "ECe", "EC1:5", "EC1:5"],
            "ece_ds_m": [8.0, 2.0, np.nan, 32.0],
            "ece_sd_ds_m": [2.0, 0.0, np.nan, 16.0],
        }
    )
    return Spectra.of_table(
        np.full((4, 3), 0.3), Axis(np.array([500.0, 600.0, 700.0]), "nm"), "reflectance", samples=table
    )


def test_a_table_tells_its_counts_methods_error_range_and_places() -> None:
    told = source("library.csv", library(), "CC0-1.0", "ece_ds_m")
    assert (told.samples, told.measured, told.groups) == (4, 3, 3)
    assert told.methods == {"EC1:5": 2, "ECe": 1}
    assert told.conversion == pytest.approx(0.375)  # of the two that were converted: 0.25 and 0.5
    assert told.ece_ds_m == (2.0, 8.0, 32.0)
    assert told.regions == ("delta", "fan")
    assert told.box == (10.0, 10.5, -20.5, -20.0)
    assert told.dates == ("2020-01-02", "2022-07-09")
    assert told.licence == "CC0-1.0"


def test_a_box_is_rounded_outwards_and_none_without_places() -> None:
    assert box_of(pd.DataFrame({"latitude": [1.234], "longitude": [-5.678]})) == (1.23, 1.24, -5.68, -5.67)
    assert box_of(pd.DataFrame({"latitude": [np.nan], "longitude": [np.nan]})) is None
    assert box_of(pd.DataFrame({"a": [1]})) is None


def test_what_went_in_and_what_came_out() -> None:
    content = {"path": "lab/x.csv", "licence": "CC0-1.0"}
    model = {"author": "me", "contact": "here"}
    config = parse_config({"name": "n", "simulated": True, "library": content, "model": model})
    inputs = {"/a/x.csv": "1", "/b/x.csv": "2", "/b/y.csv": "3"}
    about = about_laboratory_run(config, library(), "ECe", inputs, "2026-05-01")
    assert (about.name, about.simulated, about.trained, about.author) == ("n", True, "2026-05-01", "me")
    assert about.fingerprints == {"x.csv": "1", "x.csv (2)": "2", "y.csv": "3"}
    assert about.libraries[0].licence == "CC0-1.0"
    assert about.parts == ()
    _, document = satellite_result()
    leak = {"kind": "row", "count": 1, "example": "", "found": "row 3 is on both sides", "fix": "Split anew."}
    after = judged(about, {**document, "leaks": [leak]}, "paper")
    own = [row for row in document["results"] if row["method"] == "paper"]
    assert [part.name for part in after.parts] == [row["part"] for row in own]
    assert after.parts[0].ln["rmse"] == own[0]["ln"]["rmse"]
    assert after.parts[0].intervals["ln"]["rmse"] == tuple(own[0]["intervals"]["ln"]["rmse"])
    assert after.parts[1].question == document["parts"]["unseen"]["question"]
    assert after.leaks == ("row 3 is on both sides. Split anew.",)
    assert after.notes == tuple(document["notes"])
    assert (after.trained, after.libraries) == (about.trained, about.libraries)


def test_telling_changes_the_file_but_no_answer_and_not_its_fingerprint(tmp_path: Path) -> None:
    run = Run(tmp_path)
    write_deepsalt(run.model)
    before, whole = load_regressor(run.model), fingerprint(run.model)
    tell(run, About.model_validate({**about_of(), "trained": "2026-12-24"}))
    after = load_regressor(run.model)
    assert fingerprint(run.model) != whole
    assert after.fingerprint == before.fingerprint
    assert after.card_["about"]["trained"] == "2026-12-24"
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_fingerprint_is_of_all_that_an_answer_depends_on(tmp_path: Path) -> None:
    write_deepsalt(tmp_path / "a.safetensors")
    found = load_regressor(tmp_path / "a.safetensors")
    found.card_["scenes"]["ENMAP-1"]["offset"] += 0.1
    found.save(tmp_path / "b.safetensors")
    assert load_regressor(tmp_path / "b.safetensors").fingerprint != found.fingerprint


def test_inspect_and_card_show_the_page(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "model.safetensors", tmp_path / "CARD.md"
    write_deepsalt(path)
    assert run_command(app, ["inspect", str(path)]) == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert "Must not be used for" in shown
    assert "places and ECe of 2 laboratory samples" in shown
    assert run_command(app, ["card", str(path), "--out", str(out)]) == 0
    assert run_command(app, ["card", str(path)]) == 0
    assert capfd.readouterr().out == out.read_text("utf-8")
    path.write_bytes(path.read_bytes()[:-1])
    assert run_command(app, ["card", str(path), "--out", str(tmp_path / "none.md")]) == 1
    assert not (tmp_path / "none.md").exists()


def test_a_misspelt_key_of_the_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.autor.*Did you mean 'author'"):
        parse_config({"library": {"path": "x.csv"}, "model": {"autor": "me"}})
    assert config_of(tmp_path).model.licence == "not stated"
