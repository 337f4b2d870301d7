"""Pixels under ground points, and pixels without a label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepsalt.errors import LabelError
from deepsalt.preprocessing.masks import DEFAULT_RULES
from deepsalt.sampling import (
    at_points,
    glimpsed_pixels,
    locate,
    patch_numbers,
    place,
    random_pixels,
    usable_axis,
)
from deepsalt.spectra import Axis, Sensor
from tests.mapping.conftest import MemoryScene, scene_of, soil
from tests.toys import TOY_SENSOR, toy_scene

SCENE = toy_scene()


def points(rows: list[int], columns: list[int], scene=SCENE) -> pd.DataFrame:
    latitude, longitude = place(scene, np.array(rows), np.array(columns))
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(len(rows))],
            "latitude": latitude,
            "longitude": longitude,
            "ece_ds_m": 1.0,
        }
    )


def test_place_and_locate_are_inverse() -> None:
    rows, columns = np.array([0, 5, 11]), np.array([9, 3, 0])
    found = locate(SCENE, *place(SCENE, rows, columns))
    assert [list(map(int, axis)) for axis in found] == [rows.tolist(), columns.tolist()]


def test_each_point_gets_the_spectrum_of_its_own_pixel() -> None:
    found = at_points([SCENE], points([7, 2, 11], [1, 9, 4]), TOY_SENSOR.axis)
    table = found.samples.set_index("id")
    for name, row, column in (("p0", 7, 1), ("p1", 2, 9), ("p2", 11, 4)):
        assert (table.loc[name, "row"], table.loc[name, "column"]) == (row, column)
    order = found.samples["row"].to_numpy()
    assert found.values[:, 0] == pytest.approx(order / 100 + 0.1)
    assert found.values[:, 4] == pytest.approx(found.samples["column"] / 100 + 0.1)
    assert found.samples["pixel_latitude"].to_numpy() == pytest.approx(found.samples["latitude"].to_numpy())


def test_masked_and_outside_points_are_left_out_and_counted() -> None:
    table = points([0, 0, 5], [0, 1, 5])
    far = points([500], [5]).assign(id="far")
    found = at_points([SCENE], pd.concat([table, far]), TOY_SENSOR.axis)
    assert found.samples["id"].tolist() == ["p2"]
    assert "1 of 4 ground points on a valid pixel; 1 outside the scenes, 2 masked" in found.provenance[-1]


def test_a_point_masked_in_one_scene_is_taken_from_the_next() -> None:
    clear = toy_scene("clear")
    clear.quality[0, 0] = 0
    found = at_points([SCENE, clear], points([0, 3], [0, 3]), TOY_SENSOR.axis)
    assert found.samples.set_index("id")["scene"].to_dict() == {"p1": "toy", "p0": "clear"}
    assert len(found) == 2


def test_swapped_coordinates_are_recognised() -> None:
    table = points([5, 6], [5, 6]).rename(columns={"latitude": "longitude", "longitude": "latitude"})
    with pytest.raises(LabelError, match=r"none of 2 .*look swapped: exchanged, 2 points would lie inside"):
        at_points([SCENE], table, TOY_SENSOR.axis)


def test_points_elsewhere_are_an_error() -> None:
    with pytest.raises(LabelError, match=r"none of 1 ground points.*\(1 lie outside\).*same place"):
        at_points([SCENE], points([900], [5]), TOY_SENSOR.axis)


def test_random_pixels_follow_the_seed_and_avoid_the_mask() -> None:
    one, two = (random_pixels([SCENE], TOY_SENSOR.axis, 60, seed=4) for _ in range(2))
    assert one.samples.equals(two.samples)
    assert 50 <= len(one) <= 65
    pixels = set(zip(one.samples["row"], one.samples["column"], strict=True))
    assert len(pixels) == len(one)
    assert not pixels & {(0, 0), (0, 1)}
    other = random_pixels([SCENE], TOY_SENSOR.axis, 60, seed=5)
    assert not other.samples.equals(one.samples)


def test_random_pixels_come_with_those_around_them() -> None:
    found = random_pixels([SCENE], TOY_SENSOR.axis, 40, seed=1).samples
    cells = set(zip(found["row"] // 3, found["column"] // 3, strict=True))
    drawn = set(zip(found["row"], found["column"], strict=True))
    whole = {(row, column) for row in range(12) for column in range(10) if (row // 3, column // 3) in cells}
    assert drawn == whole - {(0, 0), (0, 1)}  # these two are masked
    assert len(cells) < 16
    patches = patch_numbers(found)
    assert len(np.unique(patches)) == len(cells)
    alike = found.assign(patch=patches).groupby("patch")[["row", "column"]].agg(lambda one: np.ptp(one) < 3)
    assert alike.to_numpy().all()


def test_windows_that_begin_inside_a_patch_do_not_tear_those_after_it() -> None:
    """Patches were once counted from the edge of the window, and torn in two by the scene's grid."""
    scene = toy_scene(rows=200, columns=1000)
    windows = list(scene.windows())
    assert any(window.row % 3 for window in windows)
    found = random_pixels([scene], TOY_SENSOR.axis, 900, seed=2).samples
    for window in windows:
        part = found[found["row"].between(window.row, window.row + window.rows - 1)]
        drawn = set(zip(part["row"], part["column"], strict=True))
        cells = {(row // 3, column // 3) for row, column in drawn}
        here = range(window.row, window.row + window.rows)
        whole = {(row, column) for i, j in cells for row in (3 * i, 3 * i + 1, 3 * i + 2) if row in here
                 for column in (3 * j, 3 * j + 1, 3 * j + 2) if column < 1000}  # fmt: skip
        assert drawn == whole - {(0, 0), (0, 1)}


def test_patches_of_two_scenes_are_two_and_lone_pixels_have_their_own() -> None:
    table = pd.DataFrame({"scene": ["a", "a", "b", "a"], "row": [0, 2, 1, 3], "column": [4, 5, 4, 4]})
    assert patch_numbers(table).tolist() == [0, 0, 1, 2]
    assert patch_numbers(table[["scene"]]).tolist() == [0, 1, 2, 3]


class Constant:
    """Covariates that tell the latitude."""

    names = ("sand_pct",)

    def at(self, latitude, longitude) -> pd.DataFrame:
        return pd.DataFrame({"sand_pct": np.asarray(latitude) * 2})


def test_covariates_are_asked_at_each_points_own_place() -> None:
    found = at_points([SCENE], points([9, 2], [2, 7]), TOY_SENSOR.axis, Constant())
    assert found.samples["sand_pct"].to_numpy() == pytest.approx(found.samples["latitude"].to_numpy() * 2)


def test_bands_empty_in_any_scene_are_not_used() -> None:
    one = replace(toy_scene("one"), band_faults=("", "", "", "no data", ""))
    other = replace(toy_scene("other"), band_faults=("", "no data", "", "", ""))
    assert usable_axis([one, other]).values.tolist() == [560, 850, 2200]


def fine_scene(holes: dict[tuple[int, int], slice]):
    """A scene of 40 bands, 10 nm apart, on a line; these bands are missing in these pixels."""
    sensor = Sensor("fine", Axis(np.arange(600.0, 1000, 10), "nm"))
    cube = np.broadcast_to(sensor.axis.values / 4000, (12, 10, 40)).copy()
    for pixel, bands in holes.items():
        cube[pixel][bands] = np.nan
    return replace(toy_scene("fine"), sensor=sensor, cube=cube, band_faults=())


def test_a_short_gap_is_filled_and_a_pixel_with_a_wide_one_is_left_out() -> None:
    scene = fine_scene({(3, 3): slice(20, 21), (5, 5): slice(10, 20)})
    found = at_points([scene], points([3, 5, 7], [3, 5, 7]), scene.sensor.axis)
    assert found.samples["id"].tolist() == ["p0", "p2"]
    np.testing.assert_allclose(found.values, np.tile(scene.sensor.axis.values / 4000, (2, 1)), rtol=1e-6)
    assert "2 of 3 ground points on a valid pixel; 0 outside the scenes, 1 masked" in found.provenance[-1]
    assert found.provenance[-2] == "1 of 2 pixels had missing bands, filled from those around"
    assert "bands filled" not in found.samples


def test_one_point_in_a_window_does_not_decide_which_bands_a_scene_has() -> None:
    """Alone in its window, a pixel's wide gap once looked like bands that the scene lacks: an error."""
    scene = fine_scene({(5, 5): slice(10, 20)})
    with pytest.raises(LabelError, match="none of 1 ground points falls on a valid pixel"):
        at_points([scene], points([5], [5]), scene.sensor.axis)


def test_pixels_without_a_label_are_treated_alike() -> None:
    scene = fine_scene({(row, 4): slice(20, 21) for row in range(12)} | {(5, 5): slice(10, 20)})
    found = random_pixels([scene], scene.sensor.axis, 120, seed=0)
    assert len(found) == 118  # 120 but for a cloud and the wide gap
    assert np.isfinite(found.values).all()
    assert found.provenance[-1] == "12 of 118 pixels had missing bands, filled from those around"


def large_scene(valid_rows: slice = slice(None)) -> MemoryScene:
    """600 x 300 pixels in blocks of two rows, whose reflectance at 2200 nm tells their row."""
    quality = np.full((600, 300), 2)
    quality[valid_rows] = 0
    return scene_of(soil(600, 300, np.arange(600)[:, None] / 1000), quality)


def test_a_large_scene_is_glimpsed_from_top_to_bottom() -> None:
    scene = large_scene()
    found = glimpsed_pixels(scene, usable_axis([scene]), 300, 1, DEFAULT_RULES)
    assert sum(window.rows * window.columns for window in scene.windows_read) < 0.25 * 600 * 300
    assert 290 <= len(found) <= 400
    rows = found.samples["row"].to_numpy()
    assert rows.min() < 100
    assert rows.max() > 500
    assert np.ptp(np.histogram(rows, bins=4, range=(0, 600))[0]) < 60
    np.testing.assert_allclose(found.values[:, 2], rows / 1000, rtol=1e-5)
    again = glimpsed_pixels(large_scene(), usable_axis([scene]), 300, 1, DEFAULT_RULES)
    assert np.array_equal(again.values, found.values)


def test_where_a_glimpse_shows_too_little_all_of_it_is_looked_at() -> None:
    scene = large_scene(slice(0, 40))  # a glimpse sees the last four of these rows: some 40 pixels
    found = glimpsed_pixels(scene, usable_axis([scene]), 300, 1, DEFAULT_RULES)
    plain = random_pixels([large_scene(slice(0, 40))], usable_axis([scene]), 300, 1)
    assert np.array_equal(found.values, plain.values)
    with pytest.raises(LabelError, match="no valid pixel"):
        glimpsed_pixels(large_scene(slice(0, 0)), usable_axis([scene]), 300, 1, DEFAULT_RULES)


def test_a_small_scene_is_read_whole_as_before() -> None:
    small = scene_of(soil(40, 30, 0.1))
    found = glimpsed_pixels(small, usable_axis([small]), 300, 1, DEFAULT_RULES)
    assert np.array_equal(found.samples["row"], random_pixels([small], found.axis, 300, 1).samples["row"])
