"""Which point may label which image, and how pure its pixel is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import LabelError, UsageError
from deepsalt.sampling import PointRules, at_points, place
from deepsalt.sampling.purity import pixel_size_m, purity
from deepsalt.spectra import MaskReason, Window
from tests.toys import TOY_SENSOR, MemoryScene, toy_scene

AXIS = TOY_SENSOR.axis


def scene_of(name: str, day: str | None, level: float = 0.3, **changes: object) -> MemoryScene:
    """A uniform scene without clouds, taken on a day."""
    scene = toy_scene(name)
    taken = None if day is None else datetime.fromisoformat(f"{day}T10:30:00").replace(tzinfo=UTC)
    cube = np.full_like(scene.cube, level)
    return replace(scene, cube=cube, quality=np.zeros_like(scene.quality), acquired=taken, **changes)


def points(**columns: list) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    latitude, longitude = place(toy_scene(), np.arange(2, 2 + count), np.arange(3, 3 + count))
    ids = [f"p{n}" for n in range(count)]
    return pd.DataFrame({"id": ids, "latitude": latitude, "longitude": longitude, "ece_ds_m": 1.0, **columns})


def scenes_of(found) -> dict[str, str]:
    return found.samples.set_index("id")["scene"].to_dict()


def test_a_point_takes_the_image_nearest_in_date() -> None:
    early, late = scene_of("early", "2023-05-01"), scene_of("late", "2023-08-01")
    found = at_points([early, late], points(date=["2023-05-20", "2023-07-20", None]), AXIS)
    assert scenes_of(found) == {"p0": "early", "p1": "late", "p2": "early"}
    assert found.samples.set_index("id")["days_apart"][["p0", "p1"]].tolist() == [-19, 12]
    order = found.samples["scene"].tolist()
    assert order == sorted(order), "in the order of scenes"


def test_without_dates_the_first_image_wins_as_ever() -> None:
    first, second = scene_of("first", "2023-05-01"), scene_of("second", "2023-08-01")
    assert set(scenes_of(at_points([first, second], points(x=[0, 1]), AXIS)).values()) == {"first"}
    undated = scene_of("undated", None)
    found = at_points([undated, second], points(date=["2023-01-01"]), AXIS)
    assert scenes_of(found) == {"p0": "second"}, "a known gap stands before an unknown one"


def test_the_nearest_image_must_show_the_point() -> None:
    near, far = scene_of("near", "2023-05-01"), scene_of("far", "2023-08-01")
    near.quality[2, 3] = MaskReason.CLOUD
    found = at_points([near, far], points(date=["2023-05-01", "2023-05-01"]), AXIS)
    assert scenes_of(found) == {"p0": "far", "p1": "near"}


def test_the_day_counts_not_the_hour() -> None:
    found = at_points([scene_of("one", "2023-05-01")], points(date=["2023-04-30"]), AXIS)
    assert found.samples["days_apart"].tolist() == [1]


def test_max_days_keeps_what_is_near_and_counts_the_rest() -> None:
    scene = scene_of("one", "2023-05-10")
    table = points(date=["2023-05-20", "2023-05-21", "2023-04-30", None])
    found = at_points([scene], table, AXIS, point_rules=PointRules(max_days=10))
    assert found.samples["id"].tolist() == ["p0", "p2"]
    assert "1 of 4 ground points left out: they have no date" in " ".join(found.provenance)
    assert found.provenance[-1].endswith("0 masked (cloud, water, vegetation, ...), "
                                         "1 without an image that fits in date and place")  # fmt: skip
    assert "2 of 3 ground points on a valid pixel" in found.provenance[-1]


def test_an_image_without_a_date_gives_no_label_where_dates_are_asked_for() -> None:
    both = [scene_of("undated", None), scene_of("dated", "2023-05-10")]
    found = at_points(both, points(date=["2023-05-10"]), AXIS, point_rules=PointRules(max_days=5))
    assert scenes_of(found) == {"p0": "dated"}
    assert "scene undated has no date and gives no label" in found.provenance
    with pytest.raises(LabelError, match=r"1 have no image that fits in date and place: loosen the rules"):
        at_points(both[:1], points(date=["2023-05-10"]), AXIS, point_rules=PointRules(max_days=5))
    with pytest.raises(LabelError, match=r"The rules leave none: 1 of 1 ground points left out: they"):
        at_points(both, points(date=[None]), AXIS, point_rules=PointRules(max_days=5))


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"months": (5, 6)}, ["p0", "p2"]),
        ({"months": (6,)}, None),  # the image is of May
        ({"same_season_days": 20}, ["p0", "p2"]),
        ({"same_season_days": 20, "max_days": 400}, ["p0"]),
    ],
)
def test_seasons(rule: dict, kept: list[str] | None) -> None:
    table = points(date=["2023-05-20", "2023-08-20", "2019-05-01"])
    asked = PointRules(**rule)
    if kept is None:
        with pytest.raises(LabelError, match="no image that fits"):
            at_points([scene_of("may", "2023-05-10")], table, AXIS, point_rules=asked)
    else:
        found = at_points([scene_of("may", "2023-05-10")], table, AXIS, point_rules=asked)
        assert found.samples["id"].tolist() == kept


def test_a_season_goes_across_the_turn_of_the_year() -> None:
    scene, table = scene_of("january", "2023-01-05"), points(date=["2021-12-28", "2021-12-01"])
    found = at_points([scene], table, AXIS, point_rules=PointRules(same_season_days=10))
    assert found.samples["id"].tolist() == ["p0"]


def test_a_sample_from_below_does_not_label_the_surface() -> None:
    table = points(depth_top_cm=[0, 5, 30, None])
    found = at_points([scene_of("one", None)], table, AXIS, point_rules=PointRules(max_depth_top_cm=5))
    assert found.samples["id"].tolist() == ["p0", "p1", "p3"]
    told = " ".join(found.provenance)
    assert "1 of 4 ground points left out: they begin deeper than 5 cm" in told
    assert "1 of 4 ground points do not say their depth; they stay" in told
    bare = at_points([scene_of("one", None)], points(x=[0]), AXIS, point_rules=PointRules(max_depth_top_cm=0))
    assert "1 of 1 ground points do not say their depth" in " ".join(bare.provenance)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_days": -1}, "max_days is -1"),
        ({"min_purity": 1.2}, "min_purity is 1.2. Use 0 to 1"),
        ({"months": (0,)}, "numbers from 1 to 12"),
        ({"max_depth_top_cm": float("nan")}, "max_depth_top_cm is nan"),
    ],
)
def test_rules_that_cannot_be(values: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PointRules(**values)


def purity_at(scene: MemoryScene, table: pd.DataFrame, **rules: float) -> pd.DataFrame:
    return at_points([scene], table, AXIS, point_rules=PointRules(**rules)).samples.set_index("id")


def test_a_uniform_place_is_pure_and_an_edge_is_not() -> None:
    scene = scene_of("one", None)
    scene.cube[:, 5:] = 0.2  # the second point, at row 3 and column 4, has three pixels of the other field
    found = purity_at(scene, points(x=[0, 1]))
    assert found["pixel_purity"].tolist()[0] == pytest.approx(1.0)
    shares = np.sqrt(1 / 3 * 2 / 3) * 0.1  # standard deviation of six pixels of 0.3 and three of 0.2
    assert found["pixel_purity"].tolist()[1] == pytest.approx(1 - shares / (0.8 / 3), rel=1e-6)
    assert found["neighbours"].tolist() == [8, 8]


def test_masked_neighbours_do_not_count() -> None:
    scene = scene_of("one", None)
    scene.cube[1, :] = 0.9
    scene.quality[1, :] = MaskReason.CLOUD
    found = purity_at(scene, points(x=[0]))
    assert (found["pixel_purity"].iloc[0], found["neighbours"].iloc[0]) == (pytest.approx(1.0), 5)


def test_a_pixel_alone_cannot_show_that_it_is_pure() -> None:
    scene = scene_of("one", None)
    scene.quality[:] = MaskReason.CLOUD
    scene.quality[2, 3] = MaskReason.VALID
    found = purity_at(scene, points(x=[0]))
    assert found["pixel_purity"].isna().all()
    assert found["neighbours"].tolist() == [0]
    with pytest.raises(LabelError, match="lower min_purity"):
        purity_at(scene, points(x=[0]), min_purity=0.1)


def test_the_neighbourhood_reaches_across_windows() -> None:
    """Blocks of 4 rows: the pixel of row 3 has neighbours in the next window."""
    scene = replace(scene_of("one", None), block=(4, 10))
    scene.cube[4:] = 0.6
    seen: list[Window] = []

    class Small(MemoryScene):
        def windows(self, pixels: int = 40):
            return super().windows(40)

        def read(self, window=None):
            seen.append(window)
            return super().read(window)

    small = Small(**{name: getattr(scene, name) for name in scene.__dataclass_fields__})
    found = purity_at(small, points(x=[0, 1]))
    assert found["pixel_purity"].iloc[1] < 0.8
    assert found["neighbours"].tolist() == [8, 8]
    assert [(window.row, window.rows) for window in seen] == [(0, 5)], "windows without points are not read"


def test_a_position_error_widens_the_neighbourhood() -> None:
    scene = scene_of("one", None)
    scene.cube[:, 0] = 0.9  # three columns from the point: the rim of a 7 x 7
    for error, pure in ((0, True), (30, True), (60, True), (61, False), (90, False)):
        found = purity_at(scene, points(position_error_m=[float(error)]))
        assert (found["pixel_purity"].iloc[0] == pytest.approx(1.0)) == pure, error
    by_rule = purity_at(scene, points(position_error_m=[None, 10.0]).iloc[:1], position_error_m=90.0)
    assert by_rule["pixel_purity"].iloc[0] < 0.9
    with pytest.raises(LabelError, match="no image that fits in date and place"):
        purity_at(scene, points(position_error_m=[301.0]))


def test_mixed_pixels_are_dropped_and_counted_and_a_pure_look_is_preferred() -> None:
    near, far = scene_of("near", "2023-05-01"), scene_of("far", "2023-08-01")
    near.cube[2, 4] = 0.9  # beside the first point
    table = points(date=["2023-05-01", "2023-05-01", "2023-05-01", "2023-05-01"]).iloc[[0, 3]]
    found = at_points([near, far], table, AXIS, point_rules=PointRules(min_purity=0.95))
    assert scenes_of(found) == {"p0": "far", "p3": "near"}
    alone = at_points([near], table, AXIS, point_rules=PointRules(min_purity=0.95))
    assert scenes_of(alone) == {"p3": "near"}
    assert "1 on a pixel of a purity below 0.95" in alone.provenance[-1]


def test_without_rules_no_purity_is_measured() -> None:
    found = at_points([scene_of("one", None)], points(x=[0]), AXIS)
    assert not {"pixel_purity", "neighbours", "days_apart"} & set(found.samples)


def test_pixels_are_measured_in_metres_on_every_grid() -> None:
    assert pixel_size_m(toy_scene()) == pytest.approx(30, rel=0.01)
    degrees = replace(toy_scene(), crs="EPSG:4326", transform=(0.000542, 0, 71, 0, -0.000542, 40.0))
    assert pixel_size_m(degrees) == pytest.approx(60.3 * np.sqrt(np.cos(np.radians(40))), rel=0.01)


levels = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=9)


@given(levels, st.floats(0.1, 10))
def test_purity_is_between_0_and_1_and_does_not_follow_the_light(values: list[float], light: float) -> None:
    spectra = np.array(values)[:, None] * np.array([1.0, 0.5, 2.0])
    found = purity(spectra)
    assert 0 <= found <= 1
    assert purity(light * spectra) == pytest.approx(found, abs=1e-9)
    assert purity(np.repeat(spectra[:1], 5, axis=0)) == pytest.approx(1.0)


def test_purity_of_what_cannot_be_measured() -> None:
    assert np.isnan(purity(np.full((1, 3), 0.3)))
    assert np.isnan(purity(np.full((4, 3), np.nan)))
    assert np.isnan(purity(np.full((4, 3), -0.01)))
    with_gap = np.full((4, 3), 0.3)
    with_gap[0, 0] = np.nan
    assert purity(with_gap) == pytest.approx(1.0)
