"""`deepsalt inspect`: what a path holds, and the options of every format."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook
from tests.readers.test_asd import AsdFile

from deepsalt.pipeline.run import Run


def test_inspect_knows_what_it_is_given(call, world: Path, run: Run) -> None:
    scene = sorted((world / "scenes").iterdir())[0]
    kinds = {
        world: "world",
        scene: "scene",
        world / "points.csv": "points",
        run.root: "run",
        run.model: "model",
    }
    for path, kind in kinds.items():
        code, out, _ = call("inspect", path, "--json")
        assert (code, json.loads(out)["kind"]) == (0, kind)
    points = json.loads(call("inspect", world / "points.csv", "--json")[1])
    table = pd.read_csv(world / "points.csv")
    assert (points["points"], points["fields"]) == (len(table), table["field"].nunique())
    assert points["ec"]["method"] == ["ECe"]
    assert points["ec"]["median"] == pytest.approx(table["ece_ds_m"].median())
    code, out, _ = call("inspect", world / "library.parquet", "--domain", "mir")
    assert code == 0
    assert "851 bands" in out


def test_inspect_joins_a_folder_of_scans_to_its_samples(call, tmp_path: Path) -> None:
    folder = tmp_path / "field"
    folder.mkdir()
    for number in range(3):
        AsdFile().write(folder, f"plot{number}.asd")
    (tmp_path / "samples.csv").write_text("id,ec_ds_m\nplot0,0.5\nplot2,3\n")
    code, out, _ = call("inspect", folder, "--metadata", tmp_path / "samples.csv", "--ec", "ec1:5", "--json")
    facts = json.loads(out)
    assert (code, facts["samples"], facts["quantity"]) == (0, 3, "reflectance")
    assert facts["ec"]["method"] == {"EC1:5": 2}
    code, _, err = call("inspect", folder, "--block", "a")
    assert code == 2
    assert "asd files have no blocks" in err


def test_inspect_takes_the_options_of_every_format(call, tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Spectra"
    for row in (["nr", 400, 1000, 2000], ["a", 12, 22, 42], ["b", 22, 32, 45]):
        book.active.append(row)
    for row in (["nr", "EC(uS/cm)"], ["a", 900], ["b", 1500]):
        (book["Samples"] if "Samples" in book else book.create_sheet("Samples")).append(row)
    path = tmp_path / "lab.xlsx"
    book.save(path)
    code, _, err = call("inspect", path)
    assert code == 2
    assert "several sheets hold data: 'Spectra', 'Samples'" in err
    options = ["--sheet", "Spectra", "--unit", "nm", "--scale", "0.01", "--metadata", path, "--id", "nr"]
    code, out, _ = call("inspect", path, *options, "--metadata-sheet", "Samples", "--ec", "ec1:5", "--json")
    facts = json.loads(out)
    assert (code, facts["samples"], facts["quantity"], facts["unit"]) == (0, 2, "reflectance", "nm")
    assert facts["values"]["look_like"] == "reflectance"
    assert (facts["ec"]["column"], facts["ec"]["method"]) == ("EC(uS/cm)", {"EC1:5": 2})
    code, _, err = call("inspect", path, "--sheet", "Spectra", "--block", "a")
    assert code == 2
    assert "has no option 'block'" in err


def test_inspect_knows_a_long_table_from_ground_points(call, tmp_path: Path) -> None:
    rows = [f"{sample},{nm},0.{sample}{nm // 100}" for sample in (1, 2) for nm in (450, 550, 2200)]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(["id,wavelength_nm,reflectance", *rows]))
    code, out, _ = call("inspect", path, "--json")
    assert (code, json.loads(out)["samples"], json.loads(out)["bands"]) == (0, 2, 3)


@pytest.mark.real_data
def test_inspect_tells_the_real_enmap_products(call, shared_data: Path) -> None:
    folder = next((shared_data / "enmap").glob("ENMAP01-____L2A-DT0000004950*"))
    code, out, _ = call("inspect", folder, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["sensor"], facts["bands"]) == ("enmap", 224)
    assert facts["acquired"].startswith("2022-11-03T16:24:38")
    code, out, _ = call("inspect", next((shared_data / "enmap").glob("*TRIMMED-METADATA.XML")), "--json")
    assert (code, json.loads(out)["bands"]) == (0, 218)
