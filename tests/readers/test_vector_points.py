"""Ground points as features, and in tables of map coordinates: any system comes out in degrees WGS84."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import MultiPoint, Point, box

from deepsalt.errors import LabelError, ProductError, UsageError
from deepsalt.readers.point_places import X_NAMES, Y_NAMES
from deepsalt.readers.points import read_places, read_points
from deepsalt.readers.vector import is_vector, read_vector

#: Two places in the Fergana valley: longitude, latitude.
PLACES = [(71.24, 40.62), (71.30, 40.65)]
COLUMNS = {"id": ["007", "8"], "field": ["a", "b"], "date": ["2023-09-01", "2023-09-03"], "ece": [4.5, 0.0]}
SUFFIXES = ("gpkg", "parquet", "geojson", "shp", "fgb")


def features(crs: str = "EPSG:4326", **columns: list) -> gpd.GeoDataFrame:
    points = [Point(*place) for place in PLACES]
    return gpd.GeoDataFrame({**COLUMNS, **columns}, geometry=points, crs="EPSG:4326").to_crs(crs)


def write(frame: gpd.GeoDataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio")
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32642", "EPSG:3857"])
def test_any_format_and_system_gives_degrees(tmp_path: Path, suffix: str, crs: str) -> None:
    """EPSG:4326 names latitude first; a reader that follows that order swaps every place."""
    if suffix == "geojson" and crs != "EPSG:4326":
        pytest.skip("GeoJSON is WGS84 (RFC 7946)")
    path = write(features(crs), tmp_path / f"p.{suffix}")
    assert is_vector(path)
    points = read_points(path).sort_values("id")  # FlatGeobuf sorts features by place
    assert points["longitude"].tolist() == pytest.approx([71.24, 71.30], abs=1e-7)
    assert points["latitude"].tolist() == pytest.approx([40.62, 40.65], abs=1e-7)
    assert points["id"].tolist() == ["007", "8"]
    assert points["group"].tolist() == ["a", "b"]
    assert points["date"].tolist() == COLUMNS["date"]
    assert points["ec_ds_m"].tolist() == [4.5, 0.0]
    assert "geometry" not in points
    assert any("places from the geometry" in note for note in points.attrs["notes"])


def test_content_decides_not_the_suffix(tmp_path: Path) -> None:
    path = write(features(), tmp_path / "p.gpkg").rename(tmp_path / "points.csv")
    assert is_vector(path)
    with pytest.raises(LabelError, match=r"the name of the file ends as its format asks"):
        read_points(path)
    plain = tmp_path / "plain.parquet"
    pd.DataFrame({"lat": [40.0], "lon": [71.0], "ece": [1.0]}).to_parquet(plain)
    assert not is_vector(plain)
    assert not is_vector(tmp_path / "none")


def test_the_geometry_stands_above_columns_of_places(tmp_path: Path) -> None:
    frame = features(latitude=[1.0, 2.0], lat=[3.0, 4.0])
    points = read_points(write(frame, tmp_path / "p.gpkg"))
    assert points["latitude"].tolist() == pytest.approx([40.62, 40.65])
    assert points["latitude (as found)"].tolist() == [1.0, 2.0]


def test_a_file_without_a_system_needs_it_said(tmp_path: Path) -> None:
    path = write(features("EPSG:32642"), tmp_path / "p.shp")
    path.with_suffix(".prj").unlink()
    with pytest.raises(LabelError, match=r"does not say its coordinate system. Say it with crs="):
        read_points(path)
    said = read_points(path, crs="EPSG:32642")
    assert said["longitude"].tolist() == pytest.approx([71.24, 71.30], abs=1e-7)
    with pytest.raises(UsageError, match=r"unknown coordinate system 'EPSG:1'.*EPSG:32642"):
        read_points(path, crs="EPSG:1")


def test_a_system_that_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    path = write(features("EPSG:32642"), tmp_path / "p.gpkg")
    assert len(read_points(path, crs="EPSG:32642")) == 2
    with pytest.raises(UsageError, match=r"crs = 'EPSG:4326', but the file says WGS 84 / UTM zone 42N"):
        read_points(path, crs="EPSG:4326")


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ([box(71, 40, 72, 41), Point(71, 40)], r"Polygon in row 1, not points.*read_map_units"),
        ([Point(71, 40), MultiPoint([(71, 40), (72, 41)])], r"MultiPoint in row 2, not points"),
        ([Point(71, 40), None], r"no geometry in row 2"),
        ([Point(71, 40), Point()], r"no geometry in row 2"),
    ],
)
def test_features_that_are_no_points(tmp_path: Path, geometry: list, message: str) -> None:
    path = tmp_path / "p.parquet"
    gpd.GeoDataFrame(COLUMNS, geometry=geometry, crs="EPSG:4326").to_parquet(path)
    with pytest.raises(LabelError, match=message):
        read_points(path)


def test_layers(tmp_path: Path) -> None:
    path = tmp_path / "p.gpkg"
    features().to_file(path, layer="summer")
    assert read_points(path)["id"].tolist() == ["007", "8"]
    features(id=["1", "2"]).to_file(path, layer="winter")
    with pytest.raises(UsageError, match=r"2 layers with geometry. Name one with layer=: summer, winter"):
        read_points(path)
    assert read_points(path, layer="winter")["id"].tolist() == ["1", "2"]
    with pytest.raises(UsageError, match=r"no layer 'wintr'. Layers: summer, winter"):
        read_points(path, layer="wintr")


def test_options_that_do_not_fit_the_file(tmp_path: Path, write_csv) -> None:
    path = write(features(), tmp_path / "p.gpkg")
    with pytest.raises(UsageError, match="a vector file has no sheets"):
        read_points(path, sheet="1")
    with pytest.raises(UsageError, match=r"latitude= is for tables"):
        read_points(path, latitude="id")
    table = write_csv("id,lat,lon,ece", "1,2,3,4")
    with pytest.raises(UsageError, match="a table has no layers"):
        read_points(table, layer="a")
    with pytest.raises(UsageError, match="x and y need their coordinate system"):
        read_points(table, x="lon")


@pytest.mark.parametrize(("cut", "error"), [(100, ProductError), (0, ProductError)])
def test_a_file_cut_off(tmp_path: Path, cut: int, error: type[Exception]) -> None:
    path = write(features(), tmp_path / "p.gpkg")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(error) as caught:
        read_points(path)
    assert "\n" not in str(caught.value)


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    path = write(features(), tmp_path / "p.gpkg")
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with pytest.raises(UsageError, match=r"pip install 'deepsalt\[vector\]'") as caught:
        read_points(path)
    assert caught.value.exit_code == 2


def test_a_geojson_without_features_and_with_others_first(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"name": "x", "type": "FeatureCollection", "features": []}))
    assert is_vector(path)
    with pytest.raises(LabelError, match=r"no features|no geometry"):
        read_vector(path)


def utm(x_name: str = "easting", y_name: str = "northing") -> list[str]:
    places = features("EPSG:32642").geometry
    head = f"id,{x_name},{y_name},ece"
    return [head, *(f"p{n},{p.x:.3f},{p.y:.3f},{n}" for n, p in enumerate(places))]


@pytest.mark.parametrize(("x", "y"), list(zip(X_NAMES, Y_NAMES, strict=True)))
def test_a_table_in_map_coordinates(write_csv, x: str, y: str) -> None:
    points = read_points(write_csv(*utm(x.title(), y.title())), crs="EPSG:32642")
    assert points["longitude"].tolist() == pytest.approx([71.24, 71.30], abs=1e-7)
    assert points["latitude"].tolist() == pytest.approx([40.62, 40.65], abs=1e-7)
    assert f"places from columns {x.title()} and {y.title()}, EPSG:32642" in points.attrs["notes"]
    assert read_places(write_csv(*utm(x, y)), crs="EPSG:32642")["id"].tolist() == ["p0", "p1"]


def test_map_coordinates_by_name_and_degrees_on_another_datum(write_csv) -> None:
    path = write_csv(*utm("rechts", "hoch"))
    points = read_points(path, crs="EPSG:32642", x="rechts", y="hoch")
    assert points["latitude"].tolist() == pytest.approx([40.62, 40.65], abs=1e-7)
    old = read_points(write_csv("lat,lon,ece", "40,-100,1"), crs="EPSG:4267")
    moved_m = (old["longitude"][0] + 100) * 85_300  # metres in a degree of longitude at 40 degrees
    assert -50 < moved_m < -20, "NAD27 lies some 35 m west of WGS84 here"


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (["id,x,y,ece", "1,71.2,40.6,1"], {"crs": "EPSG:32642"}, "look like degrees, but EPSG:32642 counts"),
        (["id,x,y,ece", "1,,40.6,1"], {"crs": "EPSG:32642"}, "no value in row 1 of column x"),
        (
            ["id,x,ece", "1,2,1"],
            {"crs": "EPSG:32642"},
            r"no column of y .columns: id, x, ece.*y=",
        ),
        (["id,x,y,ece", "1,1e30,5e6,1"], {"crs": "EPSG:32642"}, "do not belong to EPSG:32642"),
        (["id,x,y,ece", "1,500000,5e6,1"], {}, r"no column of latitude and longitude.*crs="),
    ],
)
def test_map_coordinates_that_cannot_be(write_csv, rows: list[str], options: dict, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        read_points(write_csv(*rows), **options)


def test_position_errors(write_csv) -> None:
    points = read_points(write_csv("lat,lon,ece,accuracy_m", "40,71,1,4.5", "40,72,1,"))
    assert points["position_error_m"].tolist()[0] == 4.5
    assert pd.isna(points["position_error_m"][1])
    with pytest.raises(LabelError, match="position error below zero in row 1"):
        read_points(write_csv("lat,lon,ece,gps", "40,71,1,-3"), position_error="gps")
