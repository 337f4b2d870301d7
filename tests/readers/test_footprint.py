"""Outlines in degrees: where they are known by hand, at the antimeridian, around a pole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import ProductError
from deepsalt.readers.footprint import box_around, box_of, footprint


def area(ring: Any) -> float:
    """Signed area in square degrees; positive where the ring runs anticlockwise."""
    x, y = np.asarray(ring, float).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def polygons(geometry: Any) -> list[Any]:
    return geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


def test_a_raster_in_degrees_keeps_its_edges_and_runs_anticlockwise() -> None:
    found = footprint(20, 30, "EPSG:4326", (0.1, 0.0, 60.0, 0.0, -0.1, 41.0))
    assert found["type"] == "Polygon"
    (ring,) = found["coordinates"]
    assert ring[0] == ring[-1]
    assert area(ring) == pytest.approx(3.0 * 2.0)
    assert box_of(found) == (60.0, 39.0, 63.0, 41.0)


def test_a_utm_scene_lies_where_its_zone_is() -> None:
    """500 000 m east is the central meridian of zone 14, 99 degrees west; a degree there is about 111 km."""
    found = footprint(1000, 1000, "EPSG:32614", (30.0, 0.0, 500_000.0, 0.0, -30.0, 2_000_000.0))
    west, south, east, north = box_of(found)
    assert (west, north) == (pytest.approx(-99.0), pytest.approx(18.0887, abs=2e-4))
    assert (east - west) * 111.32 * np.cos(np.radians(18)) == pytest.approx(30.0, rel=0.01)
    assert (north - south) * 110.6 == pytest.approx(30.0, rel=0.01)


def test_a_rotated_raster_is_no_box() -> None:
    found = footprint(10, 10, "EPSG:4326", (0.1, 0.1, 10.0, 0.1, -0.1, 20.0))
    assert area(found["coordinates"][0]) == pytest.approx(2.0)
    assert box_of(found) == (10.0, 19.0, 12.0, 21.0)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", (0.01, 0.0, 175.0, 0.0, -0.01, 10.0)),
        ("EPSG:3857", (1000.0, 0.0, 19_500_000.0, 0.0, -1000.0, 5_000_000.0)),
        ("EPSG:32660", (300.0, 0.0, 500_000.0, 0.0, -300.0, 5_000_000.0)),
    ],
)
def test_an_outline_across_the_antimeridian_is_cut_there(crs: str, transform: Any) -> None:
    found = footprint(1000, 1000, crs, transform)
    assert found["type"] == "MultiPolygon"
    east_of, west_of = sorted(
        (np.asarray(part[0]) for part in polygons(found)), key=lambda ring: ring[:, 0].max()
    )
    assert east_of[:, 0].min() == -180.0
    assert west_of[:, 0].max() == 180.0
    assert all(area(part[0]) > 0 for part in polygons(found))
    west, _, east, _ = box_of(found)
    assert (west, east) == (west_of[:, 0].min(), east_of[:, 0].max())
    assert west > 170 > -160 > east


def test_longitudes_beyond_180_are_the_same_place() -> None:
    assert box_of(footprint(10, 10, "EPSG:4326", (1.0, 0.0, 200.0, 0.0, -1.0, 10.0))) == (-160, 0, -150, 10)
    assert box_of(footprint(10, 10, "EPSG:4326", (1.0, 0.0, 180.0, 0.0, -1.0, 10.0))) == (-180, 0, -170, 10)


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3413", 90.0), ("EPSG:3031", -90.0)])
def test_an_outline_around_a_pole_reaches_it(crs: str, pole: float) -> None:
    box = box_of(footprint(1000, 1000, crs, (1000.0, 0.0, -500_000.0, 0.0, -1000.0, 500_000.0)))
    assert (box[0], box[2]) == (-180.0, 180.0)
    assert pole in box


def test_the_whole_earth_is_one_polygon() -> None:
    found = footprint(180, 360, "EPSG:4326", (1.0, 0.0, -180.0, 0.0, -1.0, 90.0))
    assert found["type"] == "Polygon"
    assert box_of(found) == (-180, -90, 180, 90)


def test_a_raster_without_a_place_is_named() -> None:
    with pytest.raises(ProductError, match=r"EPSG:32614: a raster of 10 x 10 pixels from 1e\+12.*no place"):
        footprint(10, 10, "EPSG:32614", (30.0, 0.0, 1e12, 0.0, -30.0, 1e12))


def test_the_narrowest_box_around_boxes() -> None:
    assert box_around([(-10, 0, 20, 1), (15, -3, 30, 0)]) == (-10, -3, 30, 1)
    assert box_around([(170, 0, -170, 1), (-175, 0, -160, 1)]) == (170, 0, -160, 1)
    assert box_around([(-120, 0, -119, 1), (140, 0, 141, 1)]) == (140, 0, -119, 1)
    assert box_around([(100, 0, -100, 1), (-120, 0, 120, 1)]) == (-180, 0, 180, 1)
    assert box_around([(-60, 0, -50, 1), (50, 0, 60, 1)]) == (-60, 0, 60, 1)


@given(st.floats(-180, 180), st.floats(-60, 60), st.floats(0.01, 40), st.floats(0.01, 20))
def test_cutting_keeps_the_area_and_stays_on_earth(
    west: float, north: float, width: float, height: float
) -> None:
    found = footprint(10, 10, "EPSG:4326", (width / 10, 0.0, west, 0.0, -height / 10, north))
    rings = [np.asarray(part[0]) for part in polygons(found)]
    assert sum(map(area, rings)) == pytest.approx(width * height, rel=1e-3)
    assert all(np.abs(ring[:, 0]).max() <= 180 for ring in rings)
    box = box_of(found)
    assert (box[2] - box[0]) % 360 == pytest.approx(width, abs=1e-5)
