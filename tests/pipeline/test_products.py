"""The commands `mosaic` and `change`: one JSON document, a table, one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.mapping.combine.conftest import write_map


@pytest.fixture
def two_dates(tmp_path: Path) -> Path:
    """2026-05-01 and 2027-05-03: 3 to 15 dS/m, and no change."""
    write_map(tmp_path / "maps" / "spring26", [[3.0, 3.0]], sd=0.1)
    write_map(tmp_path / "maps" / "spring27", [[15.0, 3.0]], sd=0.1, date="2027-05-03T10:00:00+00:00")
    return tmp_path / "maps"


def test_a_mosaic_of_a_glob_of_maps(call, two_dates: Path, tmp_path: Path) -> None:
    out = tmp_path / "mosaic"
    code, said, _ = call("mosaic", two_dates / "*", "--out", out, "--how", "latest", "--json")
    assert code == 0
    (told,) = json.loads(said)
    assert (told["folder"], told["how"], told["rho"]) == (str(out), "latest", 0.9)
    assert [one["hectares"] for one in told["classes"]] == [0.0, 0.09, 0.0, 0.09, 0.0]
    code, said, _ = call("mosaic", two_dates / "spring26", two_dates / "spring27", "--out", out)
    assert code == 0
    assert "slightly saline" in said
    assert "Made of 2 maps (weighted)" in said


def test_a_change_is_told_in_hectares(call, two_dates: Path, tmp_path: Path) -> None:
    both = (two_dates / "spring26", two_dates / "spring27")
    code, said, _ = call("change", *both, "--out", tmp_path / "change", "--json")
    assert code == 0
    told = json.loads(said)
    assert (told["folder"], told["rho"]) == (str(tmp_path / "change"), 0.5)
    assert [one["hectares"] for one in told["verdicts"]] == [0.09, 0.09, 0.0, 0.0]
    assert told["transitions"]["hectares"][1] == [0.0, 0.09, 0.0, 0.09, 0.0]
    code, said, _ = call("change", *both, "--out", tmp_path / "change", "--rho", "0.2", "--alpha", "0.01")
    assert code == 0
    rows = [line.split() for line in said.splitlines()]
    assert ["saltier", "0.1"] in rows
    assert ["very", "slightly", "saline", "0.0", "0.1", "0.0", "0.1", "0.0"] in rows
    assert json.loads((tmp_path / "change" / "map.json").read_text("utf-8"))["rho"] == 0.2


def test_a_change_without_intervals_prints_no_verdict(call, tmp_path: Path) -> None:
    for name in "ab":
        write_map(tmp_path / name, [[3.0]])
    code, said, _ = call("change", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "change")
    assert code == 0
    assert "verdict" not in said
    assert "No interval in the map of a, b" in " ".join(said.split())


def test_wrong_calls_are_one_line(call, two_dates: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    both = (two_dates / "spring26", two_dates / "spring27")
    for arguments, says in [
        (("mosaic", tmp_path / "empty", "--out", tmp_path / "o"), "not the folder of a map"),
        (("mosaic", tmp_path / "none*", "--out", tmp_path / "o"), "no map there"),
        (("mosaic", *both, "--out", tmp_path / "o", "--how", "mean"), "how is 'mean'"),
        (("mosaic", *both, "--out", tmp_path / "o", "--rho", "2"), "--rho"),
        (("change", *both[::-1], "--out", tmp_path / "o"), "Give the earlier map first."),
        (("change", *both, "--out", tmp_path / "o", "--alpha", "1"), "alpha is 1"),
    ]:
        code, _, err = call(*arguments)
        assert code == 2
        assert says in err
        assert "Traceback" not in err
    assert not (tmp_path / "o").exists()


def test_something_else_in_the_way_is_kept(call, two_dates: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep", "utf-8")
    code, _, err = call("mosaic", two_dates / "spring26", "--out", tmp_path / "mine")
    assert code == 1
    assert "something that is not a map is in the way" in err
    assert (tmp_path / "mine" / "notes.txt").read_text("utf-8") == "keep"
