"""Zonal statistics against every pixel cut by hand: slivers, holes, parts, borders, other systems."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from tests.mapping.zonal_toys import (
    LEFT,
    NORTH_UP,
    TOP,
    UTM,
    brute_quantile,
    brute_shares,
    frame,
    near,
    rectangle,
    write_map,
)

from deepsalt.mapping.area import hectares_on_ellipsoid, hectares_on_plane, hectares_per_pixel
from deepsalt.mapping.cog import Grid
from deepsalt.mapping.zonal import MapLayers, open_maps, zonal_statistics
from deepsalt.mapping.zonal.quantiles import quantiles, quantiles_in_passes
from deepsalt.readers.vector import in_short_edges
from deepsalt.spectra import MaskReason

HEIGHT, WIDTH = 6, 8
HA = 0.09  # of a pixel of 30 m


def layers() -> dict[str, np.ndarray]:
    """Random layers of 6 x 8 pixels; five of them are masked, one is outside of what the model knows."""
    rng = np.random.default_rng(7)
    ece = rng.gamma(2, 3, (HEIGHT, WIDTH)).astype(np.float32)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[0, :3], mask[4, 5], mask[5, 5] = MaskReason.CLOUD, MaskReason.WATER, MaskReason.WATER
    ece[mask > 0] = np.nan
    outside = (rng.random(ece.shape) < 0.3).astype(np.uint8)
    outside[mask > 0] = 255
    return {
        "ece": ece,
        "mask": mask,
        "ece_low": ece * np.float32(0.5),
        "ece_high": ece * np.float32(1.75),
        "probability_above_4": (ece / (ece + 4)).astype(np.float32),
        "outside": outside,
    }


def expected(shares: np.ndarray, hectares: float, pixel_ha: np.ndarray | float = HA) -> dict[str, float]:
    """Every statistic of the layers above, by its definition."""
    one = layers()
    area, ece = shares * pixel_ha, one["ece"].astype(np.float64)
    mapped = np.isfinite(ece) & (area > 0)
    w, x, ha = area[mapped], ece[mapped], area.sum()
    wanted = {
        "hectares": hectares,
        "mapped_ha": w.sum(),
        "masked_ha": ha - w.sum(),
        "off_map_ha": hectares - ha,
        "non_saline_ha": w[x < 2].sum(),
        "slightly_saline_ha": w[(x >= 4) & (x < 8)].sum(),
        "strongly_saline_ha": w[x >= 16].sum(),
        "above_4_ha": w[x >= 4].sum(),
        "above_8_low_ha": w[one["ece_low"][mapped] >= 8].sum(),
        "above_8_high_ha": w[one["ece_high"][mapped] >= 8].sum(),
        "above_4_expected_ha": (w * one["probability_above_4"][mapped]).sum(),
    }
    for reason in ("cloud", "water"):
        wanted[f"masked_{reason}_ha"] = area[one["mask"] == MaskReason[reason.upper()]].sum()
    if w.sum() > 0:
        wanted |= {
            "ece_mean": w @ x / w.sum(),
            "ln1p_ece_mean": w @ np.log1p(x) / w.sum(),
            "ece_mean_low": w @ one["ece_low"][mapped] / w.sum(),
            "ece_mean_high": w @ one["ece_high"][mapped] / w.sum(),
            "share_outside": w[one["outside"][mapped] == 1].sum() / w.sum(),
        }
    return wanted


def measured(found: dict[str, float], wanted: dict[str, float]) -> None:
    near({name: found.get(name, 0.0) for name in wanted}, wanted)  # a reason that nothing has, has no column


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[MapLayers, ...]:
    one, place = layers(), tmp_path_factory.mktemp("maps") / "toy"
    return open_maps([write_map(place, one.pop("ece"), mask=one.pop("mask"), **one)])


def on_the_ground(shape: shapely.Geometry, transform: tuple[float, ...] = NORTH_UP) -> shapely.Geometry:
    a, b, c, d, e, f = transform
    return shapely.affinity.affine_transform(shape, [a, b, d, e, c, f])


def places(first: int, last: int) -> st.SearchStrategy[float]:
    """Columns or rows to a millionth of a pixel: closer, a judge that cuts pixel by pixel fails first."""
    return st.integers(first * 10**6, last * 10**6).map(lambda place: place / 1e6)


corners = st.tuples(places(-2, WIDTH + 2), places(-2, HEIGHT + 2))
grid_corners = st.tuples(st.integers(-1, WIDTH + 1), st.integers(-1, HEIGHT + 1))
hulls = st.lists(corners | grid_corners, min_size=3, max_size=7).map(
    lambda points: shapely.MultiPoint(points).convex_hull
)
slivers = st.tuples(corners, corners, st.floats(0.005, 0.05)).map(
    lambda three: shapely.LineString(three[:2]).buffer(three[2], cap_style="flat")
)
pieces = st.tuples(hulls, hulls, slivers, st.sampled_from(["holed", "parts", "sliver", "one"]))


def shape_of(pieces: tuple[shapely.Geometry, shapely.Geometry, shapely.Geometry, str]) -> shapely.Geometry:
    one, other, sliver, kind = pieces
    if kind == "holed":
        return one.difference(shapely.affinity.scale(one, 0.5, 0.4)).difference(sliver)
    if kind == "parts":
        return one.union(other).difference(sliver)
    return sliver if kind == "sliver" else one


def is_worth(shape: shapely.Geometry) -> bool:
    return shape.geom_type in ("Polygon", "MultiPolygon") and shape.is_valid and shape.area > 1e-3


@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
@given(pieces.map(shape_of).filter(is_worth))
def test_any_polygon_agrees_with_every_pixel_cut_by_hand(
    toy: tuple[MapLayers, ...], shape: shapely.Geometry
) -> None:
    shape = on_the_ground(shape)
    shares = brute_shares(shape, HEIGHT, WIDTH)
    found = zonal_statistics(toy, frame(shape))
    measured(found.table.iloc[0].to_dict(), expected(shares, shape.area / 1e4))
    near(found.total, found.table.iloc[0].to_dict())


@settings(max_examples=6)
@given(st.lists(pieces.map(shape_of).filter(is_worth), min_size=2, max_size=3), st.integers(16, 40))
def test_windows_of_any_size_give_the_same(
    toy: tuple[MapLayers, ...], shapes: list[shapely.Geometry], pixels: int
) -> None:
    """A polygon larger than memory, and any grouping of small ones."""
    features = frame(*map(on_the_ground, shapes))
    once = zonal_statistics(toy, features)
    cut = zonal_statistics(toy, features, pixels=pixels, kept=pixels)
    np.testing.assert_allclose(cut.table, once.table, rtol=1e-6, atol=1e-7)
    near(cut.total, once.total)


@given(pieces.map(shape_of).filter(is_worth), st.sampled_from([0.1, 0.5, 0.9]))
def test_quantiles_are_the_values_below_which_that_share_of_the_area_lies(
    toy: tuple[MapLayers, ...], shape: shapely.Geometry, share: float
) -> None:
    shape = on_the_ground(shape)
    weights, ece = brute_shares(shape, HEIGHT, WIDTH), layers()["ece"]
    mapped = np.isfinite(ece) & (weights > 1e-12)
    if not mapped.any():
        return
    name = {0.1: "ece_p10", 0.5: "ece_median", 0.9: "ece_p90"}[share]
    found = zonal_statistics(toy, frame(shape)).table[name][0]
    below = weights[mapped & (ece < found)].sum() / weights[mapped].sum()
    reached = weights[mapped & (ece <= found)].sum() / weights[mapped].sum()
    assert below - 1e-6 <= share <= reached + 1e-6
    assert found in ece


groups = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.floats(-2, 50, width=32) | st.sampled_from([0.0, -0.0, 4.0, 4.001, 4.002, 4.003]),
        st.floats(0.01, 5),
    ),
    min_size=1,
    max_size=40,
)


@given(groups)
def test_both_ways_to_quantiles_follow_the_definition(pixels: list[tuple[int, float, float]]) -> None:
    group = np.array([one[0] for one in pixels])
    values = np.array([one[1] for one in pixels], np.float32)
    weights = np.array([one[2] for one in pixels])
    wanted = (0.1, 0.5, 0.9, 1.0)
    sorted_once = quantiles(group, values, weights, 5, wanted)
    for number in range(5):
        here = group == number
        judge = [brute_quantile(values[here], weights[here], share) for share in wanted]
        parts = [(values[here][i::2], weights[here][i::2]) for i in (0, 1)]
        np.testing.assert_array_equal(sorted_once[number], judge)
        np.testing.assert_array_equal(quantiles_in_passes(lambda parts=parts: parts, wanted), judge)


def test_numpy_agrees_on_quantiles() -> None:
    rng = np.random.default_rng(1)
    values, weights = rng.gamma(2, 3, 1000).astype(np.float32), rng.random(1000)
    wanted = (0.1, 0.5, 0.9)
    judge = np.quantile(values, wanted, weights=weights, method="inverted_cdf")
    np.testing.assert_array_equal(quantiles(np.zeros(1000, np.intp), values, weights, 1, wanted)[0], judge)


def test_a_field_by_hand(tmp_path: Path) -> None:
    """Two pixels and a half: ECe 1 and 5 whole, half of 12; a cloud beside them."""
    write_map(tmp_path / "m", [[1, 5, 12, np.nan]])
    found = zonal_statistics(open_maps([tmp_path / "m"]), frame(rectangle(0, 0, 2.5, 1)))
    row = found.table.iloc[0]
    near(
        row,
        {
            "hectares": 0.225,
            "mapped_ha": 0.225,
            "masked_ha": 0,
            "off_map_ha": 0,
            "ece_mean": 12 / 2.5,
            "ece_median": 5,
            "ece_p10": 1,
            "ece_p90": 12,
            "non_saline_ha": 0.09,
            "slightly_saline_ha": 0.09,
            "moderately_saline_ha": 0.045,
            "above_4_ha": 0.135,
            "above_8_ha": 0.045,
            "above_16_ha": 0,
        },
    )
    assert found.units["ece_mean"] == "dS/m"
    assert found.units["above_4_ha"] == "ha"
    assert found.units["ln1p_ece_mean"] == "ln(1 + ECe in dS/m)"
    assert list(found.units) == list(found.table)


def test_the_total_weighs_polygons_by_their_mapped_hectares(tmp_path: Path) -> None:
    write_map(tmp_path / "m", [[1, 1, 1, np.nan, 9, 2]])
    fields = frame(rectangle(0, 0, 3, 1), rectangle(3, 0, 5, 1))
    total = zonal_statistics(open_maps([tmp_path / "m"]), fields).total
    near(total, {"hectares": 0.45, "mapped_ha": 0.36, "masked_ha": 0.09, "masked_cloud_ha": 0.09})
    near(total, {"ece_mean": 3.0, "ece_median": 1.0, "ece_p90": 9.0, "strongly_saline_ha": 0.0})


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32613", "EPSG:3857", "EPSG:2225"])
def test_polygons_of_another_system_are_the_same_polygons(toy: tuple[MapLayers, ...], crs: str) -> None:
    shape = on_the_ground(shapely.Polygon([(0.3, 0.4), (7.1, 1.2), (6.3, 5.5), (1.5, 4.9)]))
    shares = brute_shares(shape, HEIGHT, WIDTH)
    found = zonal_statistics(toy, frame(shape).to_crs(crs)).table.iloc[0].to_dict()
    measured(found, expected(shares, shape.area / 1e4))


def test_a_long_edge_is_straight_in_the_system_of_the_polygons() -> None:
    """The border of a district along a parallel bends in UTM: corners alone would be off by 200 m."""
    border = shapely.LineString([(9.0, 60.0), (12.0, 60.0)])
    series = gpd.GeoSeries([border], crs="EPSG:4326")
    cut = in_short_edges(series).to_crs("EPSG:32632").iloc[0]
    true = gpd.GeoSeries(gpd.points_from_xy(np.linspace(9, 12, 501), np.full(501, 60.0)), crs="EPSG:4326")
    points = true.to_crs("EPSG:32632")
    assert points.distance(series.to_crs("EPSG:32632").iloc[0]).max() > 200
    assert points.distance(cut).max() < 0.05
    feet = in_short_edges(gpd.GeoSeries([shapely.LineString([(6e6, 2e6), (6.1e6, 2e6)])], crs="EPSG:2227"))
    steps = np.diff(shapely.get_coordinates(feet.iloc[0])[:, 0])
    assert 900 < steps.max() * 1200 / 3937 <= 1000


def test_in_degrees_every_row_weighs_by_its_ground_area(tmp_path: Path) -> None:
    """Rows of a hundredth of a degree from 60 to 59.94 north, tilted polygon."""
    transform = (0.01, 0.0, 20.0, 0.0, -0.01, 60.0)
    one = layers()
    write_map(
        tmp_path / "m", one.pop("ece"), mask=one.pop("mask"), crs="EPSG:4326", transform=transform, **one
    )
    shape = on_the_ground(shapely.Polygon([(0.3, 0.4), (7.1, 1.2), (6.3, 5.5), (1.5, 4.9)]), transform)
    shares = brute_shares(shape, HEIGHT, WIDTH, transform)
    rows = hectares_per_pixel(Grid(HEIGHT, WIDTH, "EPSG:4326", transform))
    assert rows is not None
    assert rows[-1] / rows[0] == pytest.approx(
        np.cos(np.radians(59.945)) / np.cos(np.radians(59.995)), rel=1e-4
    )
    found = (
        zonal_statistics(open_maps([tmp_path / "m"]), frame(shape, crs="EPSG:4326")).table.iloc[0].to_dict()
    )
    wanted = expected(shares, found["hectares"], rows[:, None])
    assert found["hectares"] == pytest.approx((shares * rows[:, None]).sum(), rel=1e-6)
    measured(found, wanted | {"off_map_ha": 0.0})


def test_area_on_the_ellipsoid_is_that_of_a_zone() -> None:
    """The whole ellipsoid has 510 065 621.7 km2 (WGS84); a degree cell at 45 north 8 772.1 km2."""
    from pyproj import Geod

    cell = shapely.box(10, 45, 11, 46)
    geod = Geod(ellps="WGS84")
    dense = shapely.segmentize(cell, 0.001)
    judge = abs(geod.geometry_area_perimeter(dense)[0]) / 1e4
    assert hectares_on_ellipsoid(gpd.GeoSeries([cell, None], crs="EPSG:4326")) == pytest.approx([judge, 0.0])
    assert hectares_on_plane(Grid(4, 4, UTM, NORTH_UP)) == pytest.approx(HA)
    mercator = Grid(4, 4, "EPSG:3857", (30.0, 0.0, 0.0, 0.0, -30.0, 8e6))
    assert hectares_on_plane(mercator) is None


def test_on_world_mercator_hectares_are_those_on_the_ground(tmp_path: Path) -> None:
    transform = (30.0, 0.0, 2e6, 0.0, -30.0, 8_399_737.0)  # 60 degrees north: a quarter of the plane's area
    write_map(tmp_path / "m", np.full((HEIGHT, WIDTH), 3), crs="EPSG:3857", transform=transform)
    shape = on_the_ground(shapely.box(1, 1, 5, 4.5), transform)
    row = zonal_statistics(open_maps([tmp_path / "m"]), frame(shape, crs="EPSG:3857")).table.iloc[0]
    assert row["hectares"] == pytest.approx(14 * HA / 4, rel=5e-3)
    near(row, {"mapped_ha": row["hectares"], "masked_ha": 0, "off_map_ha": 0})


def test_on_a_turned_grid_shares_are_exact_too(tmp_path: Path) -> None:
    turn = Affine.translation(LEFT, TOP) @ Affine.rotation(25) @ Affine.scale(30, -30)
    transform = tuple(turn)[:6]
    one = layers()
    write_map(tmp_path / "m", one.pop("ece"), mask=one.pop("mask"), transform=transform, **one)
    shape = on_the_ground(shapely.Polygon([(-0.7, 0.4), (7.1, 1.2), (6.3, 5.5)]), transform)
    shares = brute_shares(shape, HEIGHT, WIDTH, transform)
    found = zonal_statistics(open_maps([tmp_path / "m"]), frame(shape)).table.iloc[0].to_dict()
    measured(found, expected(shares, shape.area / 1e4))


def test_a_polygon_on_two_neighbouring_maps_gets_the_pixels_of_both(tmp_path: Path) -> None:
    one = layers()
    halves = {"west": slice(0, 3), "east": slice(3, 8)}
    for name, part in halves.items():
        cut = {key: values[:, part] for key, values in one.items()}
        place = (30.0, 0.0, LEFT + 30 * part.start, 0.0, -30.0, TOP)
        write_map(tmp_path / name, cut.pop("ece"), mask=cut.pop("mask"), transform=place, **cut)
    shapes = [on_the_ground(shapely.Polygon([(0.3, 0.4), (7.1, 1.2), (6.3, 5.5)])), rectangle(0, 0, 3, 2)]
    found = zonal_statistics(open_maps([tmp_path]), frame(*shapes))
    for number, shape in enumerate(shapes):
        row = found.table.iloc[number].to_dict()
        shares = brute_shares(shape, HEIGHT, WIDTH)
        measured(row, expected(shares, shape.area / 1e4))
        mapped = np.isfinite(one["ece"]) & (shares > 0)
        assert row["ece_median"] == brute_quantile(one["ece"][mapped], shares[mapped], 0.5)


def test_a_bound_that_is_not_known_on_a_mapped_pixel_is_not_made_up(tmp_path: Path) -> None:
    ece = np.array([[1.0, 5.0, 3.0]])
    low = np.array([[0.5, np.nan, 2.5]])
    write_map(tmp_path / "m", ece, ece_low=low, ece_high=ece + 1)
    fields = frame(rectangle(0, 0, 2, 1), rectangle(2, 0, 3, 1))
    table = zonal_statistics(open_maps([tmp_path / "m"]), fields).table
    assert np.isnan(table["ece_mean_low"]).tolist() == [True, False]
    assert np.isnan(table["above_2_low_ha"]).tolist() == [True, False]
    assert table["above_2_low_ha"][1] == pytest.approx(HA)
    assert table["ece_mean_high"].tolist() == [4.0, 4.0]


def test_applicability_counts_only_where_it_is_known(tmp_path: Path) -> None:
    write_map(tmp_path / "m", [[1, 2, 3, np.nan]], outside=[[1, 0, 255, 1]])
    row = zonal_statistics(open_maps([tmp_path / "m"]), frame(rectangle(0, 0, 4, 1))).table.iloc[0]
    assert row["share_outside"] == 0.5


def test_progress_counts_the_polygons_that_touch_a_map(toy: tuple[MapLayers, ...]) -> None:
    told: list[tuple[int, int]] = []
    fields = frame(rectangle(0, 0, 1, 1), rectangle(2, 2, 3, 3), rectangle(500, 0, 501, 1))
    zonal_statistics(toy, fields, progress=lambda *now: told.append(now), pixels=1)
    assert told == [(1, 2), (2, 2)]
