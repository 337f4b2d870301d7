"""`deepsalt zonal`: one JSON document, a table for people, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from tests.mapping.zonal_toys import frame, near, rectangle, write_map

from deepsalt.cli import app
from deepsalt.console import run_command
from deepsalt.quiet import quiet

ECE = [[1.0, 5.0, 12.0, 3.0]]
EXPECTED_LEFT_OUT = (
    "the map has no probability_above_T.tif for T = 2, 8, 16: left out: above_T_expected_ha; "
    "ask for it with: deepsalt map --threshold T"
)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    more: dict[str, Any] = {
        "ece_low": [[0.5, 3.0, 6.0, 1.0]],
        "ece_high": [[2.0, 9.0, 24.0, 6.0]],
        "probability_above_4": [[0.0, 0.75, 1.0, 0.25]],
        "outside": [[0, 0, 1, 0]],
    }
    return write_map(tmp_path / "maps" / "toy", ECE, **more)


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    path = tmp_path / "fields.gpkg"
    names = {"owner": ["Ada [1]", "Ben"], "year": [2020, 2021]}
    frame(rectangle(0, 0, 2, 1), rectangle(2, 0, 4, 1), **names).to_file(path, layer="fields")
    return path


def zonal(*arguments: object) -> int:
    return run_command(app, ["zonal", *map(str, arguments)])


def test_one_document_with_rows_total_units_and_notes(
    toy: Path, fields: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zonal(toy, fields, "--json", "--id", "owner") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["simulated"], told["level"]) == ("zonal", True, "0.9")
    assert (told["maps"], told["out"], told["notes"]) == ([str(toy)], None, [EXPECTED_LEFT_OUT])
    assert told["names"] == ["Ada [1]", "Ben"]
    first, second = told["rows"]
    assert (first["owner"], first["year"]) == ("Ada [1]", 2020)
    near(first, {"ece_mean": 3.0, "ece_mean_low": 1.75, "ece_mean_high": 5.5, "share_outside": 0.0})
    near(second, {"above_4_ha": 0.09, "above_4_low_ha": 0.09, "above_4_high_ha": 0.18})
    near(second, {"above_4_expected_ha": 1.25 * 0.09, "share_outside": 0.5})
    near(told["total"], {"hectares": 0.36, "ece_mean": 5.25, "ece_median": 3.0, "share_outside": 0.25})
    assert set(told["units"]) == set(told["total"])


def test_a_table_for_people_ends_with_the_total(
    toy: Path, fields: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "zonal.csv"
    assert zonal(toy.parent, fields, "--out", out, "--id", "owner", "--keep", "owner") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 polygons (simulated, dS/m and hectares)")
    firsts = [line.split()[0] for line in lines]
    assert firsts[3:6] == ["Ada", "Ben", "TOTAL"]
    assert "Ada [1]" in "\n".join(lines)
    assert lines[-1] == f"zonal  {out}"
    assert (
        out.read_text().splitlines()[0].startswith("owner,hectares,mapped_ha,masked_ha,off_map_ha,ece_mean")
    )


def test_of_many_polygons_the_first_are_shown(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "many.parquet"
    frame(*[rectangle(0, 0, 1, 1)] * 30, rectangle(900, 0, 901, 1)).to_parquet(path)
    assert zonal(toy, path) == 0
    out = capsys.readouterr().out
    assert "31 polygons (simulated, dS/m and hectares, the first 20)" in out
    firsts = [line.split()[0] for line in out.splitlines()]
    assert firsts[3:24] == [*map(str, range(1, 21)), "TOTAL"]
    assert "1 polygon (31) outside the map: no statistics" in out


def test_without_interval_the_columns_are_absent_and_that_is_said(
    tmp_path: Path, fields: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write_map(tmp_path / "plain", [[float("nan")] * 4], simulated=False)
    assert zonal(plain, fields) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 polygons (dS/m and hectares)")
    assert "low" not in out.split("TOTAL")[0]
    assert "the map has no outside.tif" in out
    assert out.split("TOTAL")[1].split()[:4] == ["0.4", "0.0", "-", "0.0"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--id", "crop"], "no column 'crop'. Columns: owner, year"),
        (["--keep", "crop"], "no column crop"),
        (["--layer", "roads"], "no layer 'roads'"),
        (["--crs", "EPSG:4326"], "but the file says"),
        (["--out", "zonal.txt"], "cannot be written as '.txt'"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    toy: Path, fields: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zonal(toy, fields, *more) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert [line for line in told.err.splitlines() if line.startswith("error:")] == [
        told.err.splitlines()[-1]
    ]
    assert words in told.err


def test_polygons_that_are_not_there_or_say_no_system(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zonal(toy, tmp_path / "nowhere.gpkg") == 2
    assert "no such file" in capsys.readouterr().err
    path = tmp_path / "plain.gpkg"
    with quiet(UserWarning):  # that the file has no coordinate system, which is what is tested
        gpd.GeoDataFrame(geometry=[rectangle(0, 0, 1, 1)]).to_file(path)
    assert zonal(toy, path) == 1
    assert zonal(toy, path, "--crs", "EPSG:32614") == 0
