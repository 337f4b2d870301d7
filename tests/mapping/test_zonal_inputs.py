"""Maps and polygons as they come: damaged, overlapping, invalid, empty, elsewhere; files whole or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from tests.mapping.conftest import Brightness, MemoryScene
from tests.mapping.zonal_toys import LEFT, TOP, frame, near, rectangle, write_map

from deepsalt.errors import LabelError, OutputError, ProductError, UsageError
from deepsalt.files import destination_of
from deepsalt.mapping import map_scene
from deepsalt.mapping.zonal import open_maps, zonal_statistics
from deepsalt.mapping.zonal.files import SUFFIXES, with_own_columns, write

ECE = [[1.0, 5.0, 12.0], [3.0, 20.0, np.nan]]
EAST = (30.0, 0.0, LEFT + 60, 0.0, -30.0, TOP)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write_map(tmp_path / "toy", ECE)


def notes_of(folder: Path, *shapes: Any) -> str:
    return "\n".join(zonal_statistics(open_maps([folder]), frame(*shapes)).notes)


def test_a_map_without_further_layers_says_which_columns_are_left_out(toy: Path) -> None:
    found = zonal_statistics(open_maps([toy]), frame(rectangle(0, 0, 3, 2)))
    left_out = {"ece_mean_low", "above_4_low_ha", "above_4_expected_ha", "share_outside"}
    assert not left_out & set(found.table)
    assert found.notes == (
        "the map has no ece_low.tif and ece_high.tif: left out: interval of the mean, hectares by its bounds",
        "the map has no probability_above_*.tif: left out: expected hectares above a threshold",
        "the map has no outside.tif: left out: share outside of what the model knows",
    )


def test_a_map_as_the_engine_makes_it(six_pixels: MemoryScene, tmp_path: Path) -> None:
    """ECe 1, 2, 5 over 12, 40 and a cloud."""
    made = map_scene(Brightness(), six_pixels, tmp_path)
    found = zonal_statistics(open_maps([tmp_path]), frame(rectangle(0, 0, 3, 2)))
    near(found.total, {"mapped_ha": 0.45, "masked_cloud_ha": 0.09, "ece_mean": 12.0, "ece_median": 5.0})
    for one in made.summary["classes"]:
        assert found.total[f"{one['name'].replace(' ', '_').replace('-', '_')}_ha"] == pytest.approx(
            one["hectares"]
        )


def test_only_ece_is_enough(toy: Path) -> None:
    facts = json.loads((toy / "map.json").read_text())
    (toy / "map.json").write_text(json.dumps({"layers": {"ece": facts["layers"]["ece"]}}))
    found = zonal_statistics(open_maps([toy]), frame(rectangle(0, 0, 3, 2)))
    assert list(found.table) == [
        "hectares",
        "mapped_ha",
        "masked_ha",
        "off_map_ha",
        "ece_mean",
        "ece_median",
        "ece_p10",
        "ece_p90",
        "ln1p_ece_mean",
    ]
    near(found.total, {"mapped_ha": 0.45, "masked_ha": 0.09, "ece_mean": 8.2})
    assert "the map has no mask.tif: left out: masked hectares by reason" in found.notes


def test_layers_that_only_one_of_two_maps_has_are_left_out(tmp_path: Path) -> None:
    write_map(tmp_path / "a", [[1.0, 2.0]], outside=[[0, 1]])
    write_map(tmp_path / "b", [[1.0, 2.0]], transform=EAST)
    found = zonal_statistics(open_maps([tmp_path]), frame(rectangle(0, 0, 4, 1)))
    assert "share_outside" not in found.table
    assert "not every map has outside.tif: left out: share outside of what the model knows" in found.notes
    assert found.total["mapped_ha"] == pytest.approx(0.36)


def test_a_threshold_of_a_probability_alone_is_told_too(tmp_path: Path) -> None:
    probability = {"probability_above_2.5": [[0.25, 1.0]]}
    write_map(tmp_path / "a", [[1.0, 2.5]], **probability)  # at the threshold is above
    row = zonal_statistics(open_maps([tmp_path / "a"]), frame(rectangle(0, 0, 2, 1))).table.iloc[0]
    near(row, {"above_2.5_ha": 0.09, "above_2.5_expected_ha": 1.25 * 0.09, "above_2_ha": 0.09})


def test_each_threshold_has_its_hectares_and_those_without_a_layer_are_told(tmp_path: Path) -> None:
    """ECe 1 and 10; of the classes 2, 4, 8 and 16 only 8 has a layer, and so has 12.5."""
    layers: dict[str, Any] = {
        "ece_low": [[0.5, 5.0]],
        "ece_high": [[2.0, 20.0]],
        "probability_above_8": [[0.0, 0.75]],
        "probability_above_12.5": [[0.0, 0.5]],
        "outside": [[0, 0]],
    }
    write_map(tmp_path / "a", [[1.0, 10.0]], level="0.68", **layers)
    found = zonal_statistics(open_maps([tmp_path / "a"]), frame(rectangle(0, 0, 2, 1)))
    near(found.total, {"above_8_expected_ha": 0.75 * 0.09, "above_12.5_expected_ha": 0.5 * 0.09})
    near(
        found.total,
        {"above_8_ha": 0.09, "above_12.5_ha": 0.0, "above_12.5_high_ha": 0.09, "above_4_low_ha": 0.09},
    )
    assert "above_4_expected_ha" not in found.table
    assert found.notes == (
        "the map has no probability_above_T.tif for T = 2, 4, 16: left out: above_T_expected_ha; "
        "ask for it with: deepsalt map --threshold T",
    )


def test_a_threshold_that_one_of_two_maps_was_asked_for_is_told(tmp_path: Path) -> None:
    four, ten = {"probability_above_4": [[0.5, 1.0]]}, {"probability_above_10": [[0.25, 1.0]]}
    write_map(tmp_path / "a", [[1.0, 12.0]], **four)
    write_map(tmp_path / "b", [[1.0, 12.0]], transform=EAST, **four, **ten)
    found = zonal_statistics(open_maps([tmp_path]), frame(rectangle(0, 0, 4, 1)))
    near(found.total, {"above_4_expected_ha": 3 * 0.09, "above_10_ha": 2 * 0.09})
    assert "above_10_expected_ha" not in found.table
    assert any(
        note.startswith("not every map has probability_above_T.tif for T = 2, 8, 10, 16: left out")
        for note in found.notes
    )
    write_map(tmp_path / "c", [[1.0, 12.0]], transform=(30.0, 0.0, 500_120.0, 0.0, -30.0, 2_000_000.0))
    none = zonal_statistics(open_maps([tmp_path]), frame(rectangle(0, 0, 6, 1))).notes
    assert "not every map has probability_above_*.tif: left out: expected hectares above a threshold" in none
    assert not any("for T =" in note for note in none)


def test_maps_that_overlap_under_a_polygon_are_refused(tmp_path: Path) -> None:
    write_map(tmp_path / "a", [[1.0, 2.0, 3.0]])
    write_map(tmp_path / "b", [[1.0, 2.0, 3.0]], transform=EAST)
    maps = open_maps([tmp_path])
    with pytest.raises(UsageError, match=r"maps a and b overlap under a polygon.*Make one mosaic"):
        zonal_statistics(maps, frame(rectangle(0, 0, 2.5, 1)))
    aside = zonal_statistics(maps, frame(rectangle(0, 0, 1.9, 1)))
    assert aside.total["mapped_ha"] == pytest.approx(1.9 * 0.09)


def test_neighbours_that_touch_do_not_overlap_whatever_their_system(tmp_path: Path) -> None:
    write_map(tmp_path / "a", [[1.0, 2.0]])
    write_map(tmp_path / "b", [[4.0, 8.0]], transform=EAST)
    assert len(open_maps([tmp_path, tmp_path / "a"])) == 2, "a map that is named twice counts once"
    found = zonal_statistics(open_maps([tmp_path]), frame(rectangle(1, 0, 3, 1)).to_crs(4326))
    near(found.total, {"mapped_ha": 0.18, "ece_mean": 3.0, "ece_median": 2.0})


def test_maps_of_two_kinds_are_not_added_up(tmp_path: Path) -> None:
    bounds: dict[str, Any] = {"ece_low": [[1.0, 1.0]], "ece_high": [[3.0, 3.0]]}
    write_map(tmp_path / "a", [[2.0, 2.0]], level="0.9", **bounds)
    b = write_map(tmp_path / "b", [[2.0, 2.0]], level="0.5", transform=EAST, **bounds)
    with pytest.raises(UsageError, match=r"level of the interval \(0.5\) differ from those of a \(0.9\)"):
        open_maps([tmp_path])
    facts = json.loads((b / "map.json").read_text())
    (b / "map.json").write_text(json.dumps({**facts, "classes": facts["classes"][:2]}))
    with pytest.raises(UsageError, match="its classes"):
        open_maps([tmp_path])


def test_what_is_no_map_is_one_clear_error(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        open_maps([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no map here"):
        open_maps([tmp_path / "empty"])
    text = (toy / "map.json").read_text()
    for broken, words in (
        (text[:40], "cannot be read"),
        ("[]", "does not name the layers"),
        ('{"layers": {}}', "names no layer ece.tif"),
        (text.replace('"mask.tif"', '"ece_low.tif"'), "ece_low.tif: map.json names this layer, but"),
    ):
        (toy / "map.json").write_text(broken)
        with pytest.raises(ProductError, match=words):
            open_maps([toy])


def test_a_half_written_map_beside_it_is_no_map(toy: Path, tmp_path: Path) -> None:
    toy.rename(tmp_path / ".toy.1234.part")
    with pytest.raises(UsageError, match="no map here"):
        open_maps([tmp_path])


def test_a_layer_on_another_grid_is_refused(toy: Path, tmp_path: Path) -> None:
    other = write_map(tmp_path / "other", [[1.0, 2.0]])
    (other / "mask.tif").replace(toy / "mask.tif")
    with pytest.raises(ProductError, match=r"mask.tif: its pixels are not those of ece.tif"):
        open_maps([toy])


def test_a_map_without_a_coordinate_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match="the map has no coordinate system"):
        open_maps([write_map(tmp_path / "m", ECE, crs="")])


def test_a_damaged_layer_is_one_error(toy: Path) -> None:
    maps = open_maps([toy])
    (toy / "ece.tif").write_bytes((toy / "ece.tif").read_bytes()[:-100])
    with pytest.raises(ProductError, match=r"ece\.tif"):
        zonal_statistics(maps, frame(rectangle(0, 0, 3, 2)))


def test_a_part_without_extent_beside_a_whole_one_is_repaired(toy: Path) -> None:
    """The usual repair gives up on it: a ring that has collapsed to a point."""
    at = shapely.get_coordinates(rectangle(0, 0, 0, 0))[0]
    collapsed = shapely.MultiPolygon([shapely.Polygon([at] * 4), rectangle(1, 0, 3, 1)])
    found = zonal_statistics(open_maps([toy]), frame(collapsed, rectangle(1, 0, 3, 1)))
    assert found.table["hectares"].tolist() == pytest.approx([0.18, 0.18], rel=1e-9)
    assert found.table["ece_mean"][0] == found.table["ece_mean"][1]
    assert "1 polygon (1) invalid, repaired before it was measured" in found.notes


def test_invalid_polygons_are_repaired_and_told(toy: Path) -> None:
    bow = shapely.affinity.affine_transform(
        shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]), [30, 0, 0, -30, LEFT, TOP]
    )
    x, y = [0, 30, 30, 90, 30, 0], [30, 30, 0, 0, 0, 0]
    spike = shapely.Polygon([(LEFT + east, TOP - south) for east, south in zip(x, y, strict=True)])
    found = zonal_statistics(open_maps([toy]), frame(rectangle(0, 0, 1, 1), bow, spike))
    assert found.table["mapped_ha"].tolist() == pytest.approx([0.09, 0.18, 0.09])
    assert found.table["hectares"].tolist() == pytest.approx([0.09, 0.18, 0.09])
    assert "2 polygons (2, 3) invalid, repaired before it was measured" in found.notes


def test_features_without_an_area_and_polygons_elsewhere_are_kept_and_told(toy: Path) -> None:
    cloud = rectangle(2, 1, 3, 2)
    shapes = [shapely.Point(LEFT, TOP), None, shapely.Polygon(), rectangle(500, 0, 501, 1), cloud,
              rectangle(-1, 0, 1, 1), rectangle(1e4, 0, 1e4 + 1, 1)]  # fmt: skip
    found = zonal_statistics(open_maps([toy]), frame(*shapes))
    assert found.table["hectares"].tolist() == pytest.approx([0, 0, 0, 0.09, 0.09, 0.18, 0.09], rel=0.02)
    assert found.table["mapped_ha"].tolist() == pytest.approx([0, 0, 0, 0, 0, 0.09, 0])
    assert found.table["off_map_ha"].tolist() == pytest.approx([0, 0, 0, 0.09, 0, 0.09, 0.09], rel=0.02)
    assert found.table["ece_mean"].tolist() == pytest.approx([np.nan] * 5 + [1.0, np.nan], nan_ok=True)
    assert found.table["ece_median"].isna().tolist() == [True] * 5 + [False, True]
    assert found.notes[:4] == (
        "3 polygons (1, 2, 3) without an area: 0 hectares, no statistics",
        "2 polygons (4, 7) outside the map: no statistics",
        "1 polygon (6) in part outside the map: see off_map_ha",
        "1 polygon (5) on the map, but without a valid pixel",
    )


def test_a_collection_counts_with_its_areas(toy: Path) -> None:
    pieces = [shapely.Point(LEFT, TOP), rectangle(0, 0, 1, 1), shapely.MultiPolygon([rectangle(1, 0, 2, 1)])]
    found = zonal_statistics(open_maps([toy]), frame(shapely.GeometryCollection(pieces)))
    near(found.total, {"hectares": 0.18, "mapped_ha": 0.18, "ece_mean": 3.0})


def test_points_alone_are_refused(toy: Path) -> None:
    with pytest.raises(LabelError, match=r"no feature has an area \(found: Point\)"):
        zonal_statistics(open_maps([toy]), frame(shapely.Point(LEFT, TOP)))


def test_a_polygon_beyond_the_projection_is_one_clear_error(toy: Path) -> None:
    world = shapely.box(-180, -90, 180, 90)
    with pytest.raises(LabelError, match=r"1 polygon \(1\) reach where the map's coordinate system has no"):
        zonal_statistics(open_maps([toy]), frame(world, crs="EPSG:4326"))


def test_polygons_of_another_system_than_they_say_are_no_place_on_earth(toy: Path) -> None:
    with pytest.raises(LabelError, match=r"1 polygon \(2\) lie outside .* Check the coordinate system"):
        zonal_statistics(open_maps([toy]), frame(rectangle(0, 0, 1, 1), shapely.box(1e9, 1e9, 2e9, 2e9)))


def result(toy: Path) -> gpd.GeoDataFrame:
    fields = frame(rectangle(0, 0, 2, 1), rectangle(500, 0, 501, 1), name=["a", "b"], year=[2020, 2021])
    return with_own_columns(fields, zonal_statistics(open_maps([toy]), fields).table, None)


@pytest.mark.parametrize("suffix", [".csv", ".gpkg", ".parquet", ".geojson"])
def test_every_format_holds_the_same(toy: Path, tmp_path: Path, suffix: str) -> None:
    features, path = result(toy), tmp_path / f"out{suffix}"
    write(features, path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, "toy"]
    if suffix == ".csv":
        again: Any = pd.read_csv(path)
        assert list(again) == list(features.columns[:-1])
    else:
        again = gpd.read_parquet(path) if suffix == ".parquet" else gpd.read_file(path)
        assert again.crs.to_epsg() == (4326 if suffix == ".geojson" else 32614)
        places = again.to_crs(features.crs).geometry
        assert places.geom_equals_exact(features.geometry, tolerance=1e-3).all()
    assert again["name"].tolist() == ["a", "b"]
    numbers = list(features.columns[1:-1])
    np.testing.assert_allclose(again[numbers].astype(float), features[numbers].astype(float), rtol=1e-9)


def test_geojson_has_no_infinity(toy: Path, tmp_path: Path) -> None:
    features = result(toy).assign(ece_mean_high=[np.inf, 2.0])
    write(features, tmp_path / "out.geojson")
    read = json.loads((tmp_path / "out.geojson").read_text(), parse_constant=pytest.fail)
    assert [one["properties"]["ece_mean_high"] for one in read["features"]] == [None, 2.0]


def test_own_columns_come_first_and_can_be_chosen(toy: Path) -> None:
    fields = frame(rectangle(0, 0, 2, 1), name=["a"], year=[2020])
    table = zonal_statistics(open_maps([toy]), fields).table
    assert list(with_own_columns(fields, table, ["year"]))[:2] == ["year", "hectares"]
    assert next(iter(with_own_columns(fields, table, []))) == "hectares"
    with pytest.raises(UsageError, match=r"no column crop.*Columns: name, year"):
        with_own_columns(fields, table, ["crop"])
    again = fields.assign(hectares=1.0)
    with pytest.raises(UsageError, match="names of statistics: hectares"):
        with_own_columns(again, table, None)
    assert with_own_columns(again, table, ["name"])["hectares"].tolist() == pytest.approx([0.18])


def test_another_suffix_or_a_file_in_the_way_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written as '.xlsx'.*\.gpkg"):
        destination_of("zonal statistics", tmp_path / "a.xlsx", SUFFIXES)
    with pytest.raises(UsageError, match="a file without a suffix"):
        destination_of("zonal statistics", tmp_path / "a", SUFFIXES)
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(OutputError, match="a file is in the way"):
        destination_of("zonal statistics", tmp_path / "a.csv", SUFFIXES)
    assert destination_of("zonal statistics", tmp_path / "a.GPKG", SUFFIXES) == tmp_path / "a.GPKG"


@pytest.mark.parametrize("suffix", [".csv", ".gpkg", ".parquet", ".geojson"])
def test_a_fault_while_writing_leaves_nothing(
    toy: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: half of the file is there when the writer fails."""
    import os

    features, place = result(toy), tmp_path / "new"
    monkeypatch.setattr(os, "replace", _full_disk)
    with pytest.raises(OutputError, match="no space left"):
        write(features, place / f"out{suffix}")
    assert list(place.iterdir()) == []


def _full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_gdal_says_is_one_error_and_its_journal_goes_too(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyogrio.errors import DataSourceError

    def broken(self: Any, path: Path, **_: Any) -> None:
        path.write_bytes(b"half")
        path.with_name(f"{path.name}-journal").write_bytes(b"half")
        raise DataSourceError("disk I/O error\nmore")

    features, place = result(toy), tmp_path / "new"
    monkeypatch.setattr(gpd.GeoDataFrame, "to_file", broken)
    with pytest.raises(OutputError, match=r"could not be written \(disk I/O error\)"):
        write(features, place / "out.gpkg")
    assert list(place.iterdir()) == []
