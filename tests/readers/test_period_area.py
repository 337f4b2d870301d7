"""Dates and areas as people write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import UsageError
from deepsalt.readers.period import Period

pytest.importorskip("shapely")

from deepsalt.readers.area import Area


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", at(2024, 1, 1), at(2024, 12, 31, 23, 59, 59, 999_999)),
        ("2024-02", at(2024, 2, 1), at(2024, 2, 29, 23, 59, 59, 999_999)),
        ("2024-12", at(2024, 12, 1), at(2024, 12, 31, 23, 59, 59, 999_999)),
        ("2024-05-01", at(2024, 5, 1), at(2024, 5, 1, 23, 59, 59, 999_999)),
        ("2024-05-01/2024-09-30", at(2024, 5, 1), at(2024, 9, 30, 23, 59, 59, 999_999)),
        ("2024-05-01T10:00:00+02:00", at(2024, 5, 1, 8), at(2024, 5, 1, 8)),
        ("../2024", None, at(2024, 12, 31, 23, 59, 59, 999_999)),
        ("2024-03/", at(2024, 3, 1), None),
    ],
)
def test_spans_hold_both_ends(text: str, first: datetime | None, last: datetime | None) -> None:
    assert (Period.of(text).first, Period.of(text).last) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "May 2024", "2024-13", "2024/2023", "2024-05-01/yesterday", "2024-02-30"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="dates: "):
        Period.of(text)


def test_a_span_meets_what_reaches_into_it() -> None:
    may = Period.of("2024-05")
    assert may.meets(at(2024, 5, 31, 23, 59, 59))
    assert not may.meets(at(2024, 6, 1))
    assert not may.meets(at(2024, 4, 30, 23, 59, 59))
    assert may.meets(at(2024, 4, 1), at(2024, 5, 1))
    assert may.meets(at(2024, 4, 1), at(2024, 7, 1))
    assert not may.meets(at(2024, 3, 1), at(2024, 4, 1))
    assert Period.of("../2024-05").meets(at(1999, 1, 1))
    assert Period.of("2024-05/..").meets(at(2099, 1, 1))


def test_an_api_is_asked_in_its_own_words() -> None:
    assert Period.of("2024-05-01/..").as_interval() == "2024-05-01T00:00:00Z/.."
    assert Period.of("2024-05-01").as_interval() == "2024-05-01T00:00:00Z/2024-05-01T23:59:59.999999Z"


@given(st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)))
def test_every_moment_lies_in_its_day_month_and_year(moment: datetime) -> None:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        assert Period.of(moment.strftime(form)).meets(moment)


def square(west: float, south: float, side: float = 1.0) -> dict:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_box_meets_what_it_overlaps() -> None:
    area = Area.of("60, 40, 62.5, 41")
    assert area.meets(square(62, 40.5))
    assert not area.meets(square(63, 40.5))
    assert not area.meets(square(60, 42))
    assert area.as_geojson()["type"] == "Polygon"


def test_a_box_may_cross_the_antimeridian() -> None:
    area = Area.of("178,-19,-178,-16")
    assert area.meets(square(178.5, -18))
    assert area.meets(square(-179.5, -18))
    assert not area.meets(square(0, -18))


@pytest.mark.parametrize("text", ["60,41,62,40", "60,40,60,41", "200,40,210,41", "60,-91,61,0"])
def test_a_box_off_the_earth_or_empty_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no box of longitudes and latitudes"):
        Area.of(text)


@pytest.mark.parametrize("text", ["60,40,61", "nowhere.geojson"])
def test_what_is_neither_box_nor_file_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no box and no file"):
        Area.of(text)


def test_an_area_is_read_from_a_file_in_any_system(tmp_path: Path) -> None:
    """A square of 10 km at 600 000 m east, 5 800 000 m north in zone 32: 10.47 east, 52.34 north."""
    geopandas = pytest.importorskip("geopandas")
    shapely = pytest.importorskip("shapely")
    shapes = [shapely.box(600_000, 5_800_000, 610_000, 5_810_000), shapely.box(0, 0, 1, 1)]
    file = tmp_path / "district.gpkg"
    geopandas.GeoDataFrame(geometry=shapes[:1], crs="EPSG:32632").to_file(file, layer="district")
    area = Area.of(file)
    assert area.meets(square(10.5, 52.36, 0.01))
    assert not area.meets(square(10.5, 52.2, 0.01))


def test_a_bare_geometry_is_an_area(tmp_path: Path) -> None:
    pytest.importorskip("geopandas")
    file = tmp_path / "area.geojson"
    file.write_text(json.dumps(square(60, 40)))
    assert Area.of(str(file)).meets(square(60.5, 40.5, 0.1))
    assert not Area.of(str(file)).meets(square(62, 40.5, 0.1))
