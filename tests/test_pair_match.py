"""Pairs by distance and date in three modes, their weights, their report, and none across a split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError, OutputError, UsageError
from deepsalt.pairing import (
    Pairs,
    great_circle_m,
    match,
    nearest_pairs,
    pair_report,
    refuse_across,
    write_pair_map,
)

METRE = 1 / 111_195  # degrees of latitude


def sites(*north_m: float, **columns: object) -> pd.DataFrame:
    """Places on one meridian, so many metres north of the equator."""
    return pd.DataFrame({"latitude": np.array(north_m) * METRE, "longitude": 10.0, **columns})


def couples(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.lab.tolist(), pairs.satellite.tolist(), strict=True))


LAB, PIXELS = sites(0, 39), sites(10, 25, 200)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("nearest", [(0, 0), (1, 1)]),
        ("mutual", [(0, 0), (1, 1)]),
        ("all", [(0, 0), (0, 1), (1, 1), (1, 0)]),
    ],
)
def test_modes(mode: str, expected: list[tuple[int, int]]) -> None:
    assert couples(match(LAB, PIXELS, 30, mode=mode)) == expected


def test_two_sites_on_one_pixel_are_one_mutual_pair() -> None:
    lab = sites(0, 12)
    assert couples(match(lab, sites(8), 30)) == [(0, 0), (1, 0)]
    mutual = match(lab, sites(8), 30, mode="mutual")
    assert couples(mutual) == [(1, 0)]
    assert mutual.left_out == {"its pixel is nearer to another site": 1}


def test_a_gap_in_time_leaves_the_nearest_for_one_that_fits() -> None:
    lab = sites(0, date=["2023-05-01"])
    pixels = sites(5, 20, date=["2022-05-01", "2023-05-11"])
    assert couples(match(lab, pixels, 30)) == [(0, 0)]
    timely = match(lab, pixels, 30, max_days=10)
    assert couples(timely) == [(0, 1)]
    assert timely.days.tolist() == [10]
    assert match(lab, pixels, 30, max_days=9).left_out == {"no pixel within the date gap": 1}


def test_of_one_place_on_several_dates_the_nearest_date_is_taken() -> None:
    pixels = sites(5, 5, 5, date=["2023-01-01", "2023-04-25", "2023-05-09"])
    assert couples(match(sites(0, date=["2023-05-01"]), pixels, 30)) == [(0, 1)]


def test_rows_without_place_or_date_are_never_paired_and_counted() -> None:
    lab = sites(0, np.nan, 0, 500, date=["2023-05-01", "2023-05-01", None, "2023-05-01"])
    pixels = sites(5, np.nan, date=["2023-05-02", "2023-05-02"])
    pairs = match(lab, pixels, 30, max_days=10)
    assert couples(pairs) == [(0, 0)]
    assert pairs.left_out == {"no place": 1, "no date": 1, "no pixel within the distance": 1}
    assert len(match(sites(np.nan), pixels, 30)) == 0


def test_weights_by_hand() -> None:
    lab = sites(0, date=["2023-05-01"])
    pixels = sites(0, 30, date=["2023-05-01", "2023-05-06"], pixel_purity=[np.nan, 0.5])
    pairs = match(lab, pixels, 60, max_days=10, mode="all")
    assert pairs.weight.tolist() == pytest.approx([1.0, np.exp(-0.5) * np.exp(-0.5) * 0.5], rel=1e-4)
    edge = match(sites(0), sites(59.9999), 60)
    assert edge.weight[0] == pytest.approx(np.exp(-2), rel=1e-3)


places = st.lists(
    st.tuples(st.floats(-0.001, 0.001), st.floats(-0.001, 0.001), st.integers(0, 9)), max_size=9
)


def table(rows: list[tuple[float, float, int]]) -> pd.DataFrame:
    dates = [f"2023-05-0{day + 1}" if day < 9 else None for _, _, day in rows]
    columns = {"latitude": [r[0] for r in rows], "longitude": [r[1] for r in rows]}
    return pd.DataFrame({**columns, "date": pd.Series(dates, dtype=object)})


@given(places, places)
def test_mutual_pairs_are_the_same_from_either_side(one, other) -> None:
    there, back = (match(table(a), table(b), 90, mode="mutual") for a, b in ((one, other), (other, one)))
    assert sorted(couples(there)) == sorted((a, b) for b, a in couples(back))
    assert len(set(there.lab)) == len(set(there.satellite)) == len(there)


@given(places, places, st.sampled_from([None, 3]))
def test_all_pairs_are_what_brute_force_finds_and_hold_the_nearest(one, other, max_days) -> None:
    lab, satellite = table(one), table(other)
    if max_days is not None and (lab["date"].isna().all() or satellite["date"].isna().all()):
        return
    expected = {
        (i, j)
        for i, a in lab.iterrows()
        for j, b in satellite.iterrows()
        if great_circle_m(a["latitude"], a["longitude"], b["latitude"], b["longitude"]) <= 90
        and (
            max_days is None
            or (a["date"] and b["date"] and abs(int(a["date"][-1]) - int(b["date"][-1])) <= max_days)
        )
    }
    everything = match(lab, satellite, 90, max_days=max_days, mode="all")
    assert set(couples(everything)) == expected
    nearest = match(lab, satellite, 90, max_days=max_days)
    assert set(couples(nearest)) <= expected
    assert set(nearest.lab) == {i for i, _ in expected}
    assert ((everything.weight > 0) & (everything.weight <= 1)).all()
    if max_days is None:
        plain = nearest_pairs(
            lab["latitude"], lab["longitude"], satellite["latitude"], satellite["longitude"], 90
        )
        assert plain.distance_m.tolist() == pytest.approx(nearest.distance_m.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "both"}, UsageError, "unknown mode 'both'. Use one of: nearest, mutual, all"),
        ({"within_m": 0}, UsageError, "within_m is 0"),
        ({"max_days": -1}, UsageError, "max_days is -1"),
        ({"max_days": 5}, LabelError, "laboratory rows: no row has a date"),
    ],
)
def test_calls_that_cannot_be(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        match(LAB, PIXELS, **{"within_m": 30, **options})
    with pytest.raises(LabelError, match="satellite rows: no column longitude"):
        match(LAB, PIXELS.drop(columns="longitude"), 30)


def test_no_pair_joins_two_parts_of_a_split() -> None:
    pairs = match(LAB, PIXELS, 30, mode="all")
    refuse_across(pairs, ["train", "train"], ["train", "train", "test"])
    told = r"2 of 4 pairs join different parts.*row 1 of 'train' with satellite row 2 of 'test'"
    with pytest.raises(LabelError, match=told):
        refuse_across(pairs, ["train", "train"], ["train", "test", "test"])
    with pytest.raises(UsageError, match="laboratory row 2 is paired but belongs to no part"):
        refuse_across(pairs, ["train", None], ["train", "train", "test"])
    refuse_across(match(LAB, PIXELS, 1), [None, None], [None] * 3)


def test_the_report(tmp_path: Path) -> None:
    lab = sites(0, 40, 900, id=["s1", "s2", "s3"], ece_ds_m=[1.0, 9.0, 3.0],
                date=["2023-05-01", "2023-05-03", None])  # fmt: skip
    pixels = PIXELS.assign(date=["2023-05-04", "2023-05-04", None])
    pairs = match(lab, pixels, 30)
    report = pair_report(pairs, lab, pixels)
    assert (report["pairs"], report["laboratory rows"], report["pixels"]) == (2, 2, 2)
    assert report["distance_m"]["least"] == pytest.approx(10, abs=0.01)
    assert report["distance_m"]["most"] == pytest.approx(15, abs=0.01)
    assert report["days_apart"]["median"] == 2
    assert report["laboratory dates"] == ["2023-05-01", "2023-05-03"]
    assert report["satellite dates"] == ["2023-05-04", "2023-05-04"]
    assert report["classes"] == {"non-saline": 1, "very slightly saline": 0, "slightly saline": 0,
                                 "moderately saline": 1, "strongly saline": 0}  # fmt: skip
    assert report["left_out"] == {"no pixel within the distance": 1}
    json.dumps(report)
    none = pair_report(match(lab.assign(ece_ds_m=np.nan), pixels, 0.1), lab, pixels)
    assert (none["pairs"], none["left_out"]) == (0, {"no pixel within the distance": 3})
    assert "distance_m" not in none


def test_the_map_is_a_geojson_of_lines(tmp_path: Path) -> None:
    lab = sites(0, 40, id=["s1", "s2"], ece_ds_m=[1.0, np.nan])
    write_pair_map(tmp_path / "pairs.geojson", match(lab, PIXELS, 30), lab, PIXELS)
    found = json.loads((tmp_path / "pairs.geojson").read_text())
    first = found["features"][0]
    assert first["geometry"]["type"] == "LineString"
    assert first["geometry"]["coordinates"] == [[10.0, 0.0], [10.0, pytest.approx(10 * METRE, abs=1e-6)]]
    assert first["properties"] == {"lab": "s1", "satellite": 0, "distance_m": pytest.approx(10, abs=0.1),
                                   "days": None, "weight": pytest.approx(0.801, abs=0.002),
                                   "ece_ds_m": 1.0}  # fmt: skip
    assert found["features"][1]["properties"]["ece_ds_m"] is None
    import geopandas

    assert len(geopandas.read_file(tmp_path / "pairs.geojson")) == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_pair_map(tmp_path / "file" / "pairs.geojson", match(lab, PIXELS, 30), lab, PIXELS)
