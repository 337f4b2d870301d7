"""Ground points: standard columns, and every label that cannot be true."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deepsalt.errors import LabelError, ProductError, UsageError
from deepsalt.readers.points import read_places, read_points

HEAD = "id,field,region,latitude,longitude,date,depth_top_cm,depth_bottom_cm,ece_ds_m"
ROW = "p1,f1,delta,36.5,-120.1,2023-06-15,0,10,4.5"


def test_points_of_a_world(write_csv) -> None:
    points = read_points(write_csv(HEAD, ROW, "p2,f1,delta,36.6,-120.2,,0,10,0"))
    assert points["id"].tolist() == ["p1", "p2"]
    assert points["group"].tolist() == ["f1", "f1"]
    assert points["latitude"].tolist() == [36.5, 36.6]
    assert points["date"].tolist()[0] == "2023-06-15"
    assert pd.isna(points["date"][1])
    assert points["ec_ds_m"].tolist() == points["ece_ds_m"].tolist() == [4.5, 0.0]
    assert points["ec_method"].tolist() == ["ECe", "ECe"]
    assert "EC from column ece_ds_m: ECe, dS/m" in points.attrs["notes"]
    assert "group taken from column field" in points.attrs["notes"]


def test_names_and_units_of_others(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"nr": [1, 2], "lat": [20.3, 20.4], "lon": [86.5, 86.6], "ec_uS_cm": [488.0, 8242.0]}
    )
    table.to_parquet(tmp_path / "p.parquet")
    points = read_points(tmp_path / "p.parquet", id="nr", ec="ec1:5")
    assert points["id"].tolist() == ["1", "2"]
    assert points["ec_ds_m"].tolist() == pytest.approx([0.488, 8.242])
    assert points["ec_method"].tolist() == ["EC1:5", "EC1:5"]
    assert "ece_ds_m" not in points


@pytest.mark.parametrize(
    ("head", "rows", "message"),
    [
        (HEAD, ["p1,f,r,1,2,2023-06-15,0,5,-1"], "EC below zero in row 1 of column ece_ds_m"),
        (HEAD, ["p1,f,r,-120,36,2023-06-15,0,5,1"], "latitude and longitude look swapped"),
        (HEAD, ["p1,f,r,36,-190,2023-06-15,0,5,1"], "not on Earth .first: row 1"),
        (HEAD, ["p1,f,r,36,,2023-06-15,0,5,1"], "no value in row 1 of column longitude"),
        (HEAD, ["p1,f,r,36,5,15.06.2023,0,5,1"], r"1 dates .* not ISO dates .first: '15.06.2023' in row 1"),
        (HEAD, [ROW, ROW], "id 'p1' stands in rows 1, 2"),
        (HEAD, ["p1,f,r,north,5,2023-06-15,0,5,1"], "'north' in row 1 of column latitude is not a number"),
        (HEAD, [], "a header but no points"),
        ("id,lat,lon,EC", ["1,2,3,4"], "name of EC does not tell the method.*say ec="),
        ("id,lat,lon,ece,ec_1to5", ["1,2,3,4,5"], "several columns hold it.*say ec="),
        ("id,lat,lon,ph", ["1,2,3,4"], "no EC column found. Ground points need EC: name its column"),
        ("id,x,y,ece", ["1,2,3,4"], r"no column of latitude and longitude .columns: id, x, y, ece.. Name it"),
    ],
)
def test_points_that_cannot_be(write_csv, head: str, rows: list[str], message: str) -> None:
    with pytest.raises(LabelError, match=message) as caught:
        read_points(write_csv(head, *rows))
    assert "table.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path, write_csv) -> None:
    with pytest.raises(UsageError, match=r"no such file. Check the path of the ground points"):
        read_points(tmp_path / "none.csv")
    with pytest.raises(ProductError, match="not UTF-8"):
        read_points(write_csv("id,größe", encoding="latin-1"))


@pytest.mark.real_data
def test_real_points(shared_data: Path) -> None:
    path = next((shared_data / "salinity").glob("odisha*/*.csv"))
    points = read_points(path, ec="ec1:5")
    assert (len(points), points["ec_ds_m"].min(), points["ec_ds_m"].max()) == (113, 0.0293, 8.242)
    with pytest.raises(LabelError, match="name of ec_uS_cm does not tell the method"):
        read_points(path)


def test_places_are_read_without_a_label(write_csv) -> None:
    places = read_places(write_csv("site,lat,lon,EC", "7,36.5,-120.1,3", "8,36.6,-120.2,"))
    assert list(places) == ["id", "latitude", "longitude"]
    assert places["latitude"].tolist() == [36.5, 36.6]
    assert places["longitude"].tolist() == [-120.1, -120.2]
    assert "latitude taken from column lat" in places.attrs["notes"]


@pytest.mark.parametrize(
    ("head", "rows", "message"),
    [
        ("lat,lon", ["-120,36"], "latitude and longitude look swapped"),
        ("lat,lon", ["36,"], "no value in row 1 of column lon"),
        ("lat,lon", [], "a header but no points"),
        ("lat,x", ["36,5"], "no column of longitude"),
    ],
)
def test_places_that_cannot_be(write_csv, head: str, rows: list[str], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        read_places(write_csv(head, *rows))
