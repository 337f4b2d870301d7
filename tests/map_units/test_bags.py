"""Pixels under map units: exact shares, only valid pixels, and the form that the loss takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.affinity import affine_transform
from shapely.geometry import Polygon, box
from tests.toys import TOY_SENSOR, MemoryScene, toy_scene

from deepsalt.errors import LabelError, UsageError
from deepsalt.map_units import MapUnitLabels, aggregate, bags_of, coverage
from deepsalt.readers.map_units import read_map_units, read_unit_polygons
from deepsalt.spectra import MaskReason, Window
from deepsalt.training.bridge_losses import bag_loss

LEFT, TOP = 500_000.0, 5_000_000.0
AXIS = TOY_SENSOR.axis


def pixels(left: float, top: float, right: float, bottom: float) -> Polygon:
    """A rectangle given in columns and rows of the toy scene, in its map coordinates."""
    return box(LEFT + 30 * left, TOP - 30 * bottom, LEFT + 30 * right, TOP - 30 * top)


def polygons(**shapes: Polygon) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"mukey": list(shapes)}, geometry=list(shapes.values()), crs="EPSG:32632")


@pytest.fixture
def labels(write_tables) -> MapUnitLabels:
    components = ("mukey,cokey,comppct_r", "a,1,60", "a,2,40", "b,3,100", "c,4,100")
    horizons = ("cokey,hzdept_r,hzdepb_r,ec_l,ec_r,ec_h", "1,0,9,1,2,4", "2,0,9,6,8,16", "3,0,5,0,0,0",
                "4,0,5,,,")  # fmt: skip
    return aggregate(read_map_units(*write_tables(components, horizons)))


def shares(scene: MemoryScene, shape: Polygon, crs: str = "EPSG:32632") -> np.ndarray:
    """(y, x) what `coverage` finds of one unit."""
    frame = gpd.GeoDataFrame({"mukey": ["a"]}, geometry=[shape], crs="EPSG:32632").to_crs(crs)
    found = coverage(scene, frame)
    grid = np.zeros((scene.height, scene.width))
    grid[found["row"], found["column"]] = found["coverage"]
    return grid


def test_shares_by_hand() -> None:
    found = shares(toy_scene(), pixels(1.5, 2.25, 4, 4))
    expected = np.zeros((12, 10))
    expected[2, 1:4] = [0.375, 0.75, 0.75]
    expected[3, 1:4] = [0.5, 1, 1]
    assert found == pytest.approx(expected)


corner = st.tuples(st.floats(-3, 13), st.floats(-3, 15))


@given(st.lists(corner, min_size=3, max_size=7), st.floats(0, 1.5))
def test_shares_are_those_of_a_fine_raster_also_on_a_turned_grid(corners, angle: float) -> None:
    shape = Polygon(corners).convex_hull
    if shape.geom_type != "Polygon" or shape.area < 0.5:
        return
    turn = Affine.translation(LEFT, TOP) @ Affine.rotation(np.degrees(angle)) @ Affine.scale(30, -30)
    scene = replace(toy_scene(), transform=tuple(turn)[:6])
    fine = rasterize(
        [(shape, 1.0)], out_shape=(12 * 40, 10 * 40), transform=Affine.scale(1 / 40), dtype="float32"
    )
    expected = fine.reshape(12, 40, 10, 40).mean(axis=(1, 3))
    on_map = affine_transform(shape, [turn.a, turn.b, turn.d, turn.e, turn.c, turn.f])
    found = shares(scene, on_map)
    assert np.abs(found - expected).max() < 0.06
    inside = shape.intersection(box(0, 0, 10, 12)).area
    assert found.sum() == pytest.approx(inside, abs=1e-6), "the area is exact"


def test_polygons_of_another_system_are_brought_to_the_scene() -> None:
    there = shares(toy_scene(), pixels(1.5, 2.25, 4, 4), "EPSG:4326")
    assert there == pytest.approx(shares(toy_scene(), pixels(1.5, 2.25, 4, 4)), abs=1e-3)


def test_parts_of_a_unit_add_up_and_no_pixel_is_under_more_than_the_whole() -> None:
    frame = polygons(a=pixels(0, 2, 2.5, 3), b=pixels(2.5, 2, 4, 3))
    parts = coverage(toy_scene(), pd.concat([frame, frame.assign(mukey="c")], ignore_index=True))
    assert parts[parts["mukey"] == "c"]["coverage"].tolist() == [1, 1, 1, 1]
    assert parts[parts["mukey"] == "a"]["coverage"].tolist() == [1, 1, 0.5]


def test_bags_hold_the_valid_pixels_of_each_unit_with_their_share(labels: MapUnitLabels) -> None:
    scene = toy_scene()  # (0, 0) is a cloud and (0, 1) a plant
    bags = bags_of(
        [scene], polygons(b=pixels(6, 4, 8, 5), a=pixels(0, 0, 3.5, 2), c=pixels(0, 6, 9, 9)), labels, AXIS
    )
    assert bags.mukeys == ("a", "b")
    assert len(bags) == 2
    table = bags.spectra.samples
    here = table.assign(bag=bags.bag, share=bags.share)
    first = here[here["bag"] == 0]
    assert list(zip(first["row"], first["column"], strict=True)) == [
        (0, 2),
        (0, 3),
        (1, 0),
        (1, 1),
        (1, 2),
        (1, 3),
    ]
    assert first["coverage"].tolist() == [1, 0.5, 1, 1, 1, 0.5]
    assert first["share"].tolist() == pytest.approx(np.array([1, 0.5, 1, 1, 1, 0.5]) / 5)
    assert here[here["bag"] == 1]["share"].tolist() == [0.5, 0.5]
    assert bags.spectra.values[:, 0] == pytest.approx(table["row"] / 100 + 0.1)
    assert bags.spectra.values[:, 4] == pytest.approx(table["column"] / 100 + 0.1)
    assert bags.wanted.tolist() == labels.units["wanted"].tolist()
    assert bags.spread[1] == 0
    assert "1 map units without a known ECe left out" in bags.notes
    assert "8 of 10 pixels of map units are valid" in bags.notes


def test_bags_are_what_the_loss_takes(labels: MapUnitLabels) -> None:
    """Pixels with the mean of their unit and its spread cost nothing; one value for all of them does."""
    bags = bags_of([toy_scene()], polygons(a=pixels(0, 2, 2, 12), b=pixels(4, 2, 6, 12)), labels, AXIS)
    tensors = (torch.tensor(bags.bag), *(torch.tensor(x) for x in (bags.share, bags.wanted, bags.spread)))
    side = torch.tensor(np.where(bags.spectra.samples["column"] % 2, 1.0, -1.0))
    wanted, spread = torch.tensor(bags.wanted)[bags.bag], torch.tensor(bags.spread)[bags.bag]

    def loss(answers: torch.Tensor) -> float:
        bag, share, mean, deviation = tensors
        return float(bag_loss(answers.float(), bag, share.float(), mean.float(), deviation.float()))

    assert loss(wanted + side * spread) == pytest.approx(0, abs=1e-6)
    assert loss(wanted) == pytest.approx(0.5 * float(np.mean(bags.spread**2)), rel=1e-2)


def test_slivers_are_dropped_and_counted(labels: MapUnitLabels) -> None:
    bags = bags_of([toy_scene()], polygons(a=pixels(2, 2, 4.04, 4)), labels, AXIS)
    assert bags.spectra.samples["column"].tolist() == [2, 3, 2, 3]
    assert "toy: 2 pixels left out, less than 0.05 of them under a unit" in bags.notes
    assert (
        len(bags_of([toy_scene()], polygons(a=pixels(2, 2, 4.04, 4)), labels, AXIS, least_coverage=0).bag)
        == 6
    )
    with pytest.raises(UsageError, match="least_coverage is 1"):
        bags_of([toy_scene()], polygons(a=pixels(2, 2, 4, 4)), labels, AXIS, least_coverage=1)


def test_only_windows_with_units_are_read_and_several_scenes_join(labels: MapUnitLabels) -> None:
    seen: list[Window] = []

    class Small(MemoryScene):
        def windows(self, pixels: int = 40):
            return super().windows(40)

        def read(self, window=None):
            seen.append(window)
            return super().read(window)

    one = toy_scene("one")
    small = Small(**{name: getattr(one, name) for name in one.__dataclass_fields__})
    south = toy_scene("south", north=TOP - 12 * 30)
    bags = bags_of([small, south], polygons(a=pixels(2, 9, 3, 15)), labels, AXIS)
    assert [(window.row, window.rows) for window in seen] == [(8, 4)]
    assert bags.spectra.samples["scene"].tolist() == ["one"] * 3 + ["south"] * 3
    assert bags.share == pytest.approx(np.full(6, 1 / 6), rel=1e-4)
    assert bags.mukeys == ("a",)


def test_large_units_are_thinned_by_seed(labels: MapUnitLabels) -> None:
    frame = polygons(a=pixels(0, 2, 10, 9), b=pixels(0, 9, 3, 10))
    one, two, other = (bags_of([toy_scene()], frame, labels, AXIS, most_pixels=20, seed=s) for s in (1, 1, 2))
    assert np.bincount(one.bag).tolist() == [20, 3]
    assert one.spectra.samples.equals(two.spectra.samples)
    assert not one.spectra.samples.equals(other.spectra.samples)
    assert "toy: 50 pixels of units with more than 20 left out" in one.notes
    assert one.share[one.bag == 0].sum() == pytest.approx(1)


def test_pixels_can_be_kept_away_from_held_out_places(labels: MapUnitLabels) -> None:
    bags = bags_of([toy_scene()], polygons(a=pixels(2, 2, 4, 4), b=pixels(6, 6, 7, 7)), labels, AXIS)
    kept = bags.take((bags.spectra.samples["column"] > 2).to_numpy())
    assert kept.mukeys == ("a", "b")
    assert kept.share.tolist() == [0.5, 0.5, 1.0]
    last = bags.take((bags.spectra.samples["column"] > 5).to_numpy())
    assert (last.mukeys, last.bag.tolist(), last.wanted.tolist()) == (("b",), [0], [0.0])
    with pytest.raises(LabelError, match="no pixel of any map unit is left"):
        bags.take(np.zeros(len(bags.bag), bool))


def test_no_overlap_says_where_both_lie(labels: MapUnitLabels) -> None:
    with pytest.raises(
        LabelError, match=r"toy: no polygon lies in a scene: polygons 4\d\.\d+ to .* east; scene 45"
    ):
        bags_of([toy_scene()], polygons(a=pixels(900, 900, 910, 910)), labels, AXIS)


def test_units_of_another_survey_and_masked_ones_are_errors(labels: MapUnitLabels) -> None:
    with pytest.raises(
        LabelError, match=r"none of 4 pixels lies under a map unit with a known ECe.*mukey joins"
    ):
        bags_of([toy_scene()], polygons(x=pixels(2, 2, 4, 4)), labels, AXIS)
    cloudy = toy_scene()
    cloudy.quality[:] = MaskReason.CLOUD
    with pytest.raises(LabelError, match="none of 4 pixels of map units is valid"):
        bags_of([cloudy], polygons(a=pixels(2, 2, 4, 4)), labels, AXIS)


@pytest.mark.parametrize("suffix", ["gpkg", "parquet", "geojson", "shp"])
def test_polygons_of_any_format(tmp_path: Path, suffix: str) -> None:
    frame = polygons(a=pixels(0, 0, 2, 2)).rename(columns={"mukey": "MUKEY"}).assign(MUKEY=[123456.0])
    path = tmp_path / f"mupolygon.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_crs("EPSG:4326").to_file(path)
    found = read_unit_polygons(path)
    assert found["mukey"].tolist() == ["123456"], "a number stored as 123456.0 is the key 123456"
    assert found.to_crs("EPSG:32632").area.iloc[0] == pytest.approx(3600, rel=1e-4)


def test_polygons_that_cannot_be_used(tmp_path: Path) -> None:
    def written(**columns) -> Path:
        path = tmp_path / "p.gpkg"
        path.unlink(missing_ok=True)
        gpd.GeoDataFrame(columns, crs="EPSG:32632").to_file(path)
        return path

    square, point = pixels(0, 0, 1, 1), pixels(0, 0, 1, 1).centroid
    with pytest.raises(UsageError, match="no such file"):
        read_unit_polygons(tmp_path / "none.gpkg")
    with pytest.raises(LabelError, match=r"no column mukey. Name it with mukey=. Columns: musym"):
        read_unit_polygons(written(musym=["a"], geometry=[square]))
    assert read_unit_polygons(written(musym=["a"], geometry=[square]), mukey="musym")["mukey"].tolist() == [
        "a"
    ]
    with pytest.raises(LabelError, match=r"no value in row 2 of column mukey"):
        read_unit_polygons(written(mukey=["a", None], geometry=[square, square]))
    with pytest.raises(LabelError, match=r"Point in row 2, not polygons"):
        read_unit_polygons(written(mukey=["a", "b"], geometry=[square, point]))
