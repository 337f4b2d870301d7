"""Maps on disk to one map: places, dates, what is refused, and all of it or nothing."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from tests.mapping.combine.conftest import DEGREES, EAST, NORTH, band, write_map

from deepsalt.errors import DeepSaltError, OutputError, ProductError, UsageError
from deepsalt.files import fingerprint
from deepsalt.mapping.combine import FinishedMap, map_mosaic, open_map
from deepsalt.mapping.combine.grids import union_grid
from deepsalt.readers.raster import open_raster
from deepsalt.salinity.classes import FAO
from deepsalt.spectra import MaskReason, Window

Make = Callable[..., FinishedMap]
NONE = float("nan")


@pytest.fixture
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quicklook takes longer than all the rest."""
    monkeypatch.setattr("deepsalt.mapping.combine.mosaic.write_quicklook", lambda *_: None)


def test_two_places_become_one_map_where_they_lie(maps: Make, tmp_path: Path) -> None:
    west = maps("west", [[1.0, 3.0], [5.0, NONE]], sd=0.2)
    east = maps("east", [[20.0, 9.0]], sd=0.2, at=(1, 3))
    made = map_mosaic([west, east], tmp_path / "all")
    np.testing.assert_allclose(band(made.ece), [[1, 3, NONE, NONE, NONE], [5, NONE, NONE, 20, 9]], rtol=1e-6)
    assert band(made.classes).tolist() == [[0, 1, 255, 255, 255], [2, 255, 255, 4, 3]]
    told = made.summary
    assert (told["pixels"], told["valid"], told["reasons"]) == (10, 5, {"background": 4, "cloud": 1})
    ground, cloud = MaskReason.BACKGROUND, MaskReason.CLOUD
    assert band(made.mask).tolist() == [[0, 0, ground, ground, ground], [0, cloud, ground, 0, 0]]
    assert band(made.folder / "looks.tif").tolist() == [[1, 1, 0, 0, 0], [1, 0, 0, 1, 1]]
    with open_raster(made.ece) as dataset:
        assert tuple(dataset.transform)[:6] == (30.0, 0.0, EAST, 0.0, -30.0, NORTH)
    assert [c["pixels"] for c in made.summary["classes"]] == [1, 1, 1, 1, 1]
    assert [c["hectares"] for c in made.summary["classes"]] == [0.09] * 5
    assert json.loads((made.folder / "map.json").read_text("utf-8")) == made.summary


def test_the_folder_is_a_map_like_those_it_is_made_of(maps: Make, tmp_path: Path) -> None:
    inputs: dict[str, Any] = {"sd": 0.2, "above": {4.0: 0.5}, "outside": [[0, 1]]}
    one = maps("one", [[1.0, 3.0]], **inputs, SIMULATED="yes: a toy")
    other = maps("other", [[2.0, 4.0]], **inputs, date="2026-06-02T10:00:00+00:00")
    made = map_mosaic([one, other], tmp_path / "all", rho=0.25)
    again = open_map(made.folder)
    names = {"ece", "ece_low", "ece_high", "probability_above_4", "mask", "outside"}
    assert set(again.headers) == names
    assert set(made.summary["layers"]) == names | {"class", "looks"}
    written = {p.name for p in made.folder.iterdir()}
    assert {"quicklook.png", "ece.qml", "class.qml", "looks.qml", "outside.qml", "ece_low.qml"} <= written
    assert not [name for name in written if name.startswith(".")]
    assert again.level == 0.9
    assert band(made.folder / "outside.tif").tolist() == [[0, 1]]
    assert (again.tags["COMBINED"], again.tags["RHO"], again.tags["MAPS"]) == ("weighted", "0.25", "2")
    assert (again.tags["ACQUIRED_FIRST"][:10], again.tags["ACQUIRED"][:10]) == ("2026-05-01", "2026-06-02")
    assert again.tags["SIMULATED"] == "yes: a toy"
    assert [each["scene"] for each in made.summary["made_of"]] == ["one", "other"]


@pytest.mark.usefixtures("no_picture")
def test_its_numbers_are_those_of_its_layers(maps: Make, tmp_path: Path) -> None:
    inputs: dict[str, Any] = {"sd": 0.2, "outside": [[0, 0, 1, 255]]}
    one = maps("one", [[1.0, 3.0, 40.0, NONE]], above={2.0: [[0.0, 0.5, 1.0, NONE]]}, **inputs)
    other = maps(
        "other", [[2.0, 9.0, 40.0, NONE]], above={2.0: [[0.25, 1.0, 1.0, NONE]]}, **inputs, at=(1, 0)
    )
    told = map_mosaic([one, other], tmp_path / "all").summary
    low, high = (band(tmp_path / "all" / f"ece_{which}.tif") for which in ("low", "high"))
    assert told["interval"] == {
        "level": 0.9,
        "mean_width": pytest.approx(np.nanmean(high - low), abs=1e-4),
        "mean_width_ln": pytest.approx(np.nanmean(np.log1p(high) - np.log1p(low)), abs=1e-4),
    }
    assert told["probability_above"] == {"2": pytest.approx(3.75 / 6, abs=1e-4)}
    assert told["outside"] == {"pixels": 2, "share": pytest.approx(2 / 6, abs=1e-4)}
    assert told["ece"] == {
        "p5": pytest.approx(1.25),
        "median": pytest.approx(6.0),
        "p95": pytest.approx(40.0),
    }


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("how", ["weighted", "latest", "median"])
def test_gaps_in_a_layer_are_left_out_of_its_mean(maps: Make, tmp_path: Path, how: str) -> None:
    """An edited raster may lack a bound or a chance where it has an ECe."""
    bounds = [[NONE, 1.0, NONE]], [[NONE, 3.0, NONE]]
    one = maps("one", [[2.0, 2.0, NONE]], bounds=bounds, above={4.0: [[NONE, 0.5, NONE]]})
    told = map_mosaic([one], tmp_path / "all", how=how).summary
    low, high = (band(tmp_path / "all" / f"ece_{which}.tif") for which in ("low", "high"))
    assert told["interval"]["mean_width"] == pytest.approx(np.nanmean(high - low), abs=1e-4)
    assert told["probability_above"] == {"4": 0.5}


def test_without_intervals_it_tells_of_none(maps: Make, tmp_path: Path) -> None:
    told = map_mosaic([maps("one", [[NONE, NONE]])], tmp_path / "all").summary
    assert not {"interval", "probability_above", "outside"} & set(told)
    assert told["ece"] == {"p5": None, "median": None, "p95": None}
    empty = map_mosaic([maps("two", [[NONE]], sd=0.2)], tmp_path / "empty").summary
    assert empty["interval"] == {"level": 0.9, "mean_width": None, "mean_width_ln": None}


@pytest.mark.usefixtures("no_picture")
def test_two_dates_shrink_the_interval_as_rho_says(maps: Make, tmp_path: Path) -> None:
    """With rho 0.5 to the root of 0.75."""
    one, other = (maps(name, [[4.0]], sd=0.3) for name in ("one", "other"))
    made = map_mosaic([one, other], tmp_path / "all", rho=0.5).folder
    width = np.log1p(band(made / "ece_high.tif")) - np.log1p(band(made / "ece_low.tif"))
    before = np.log1p(band(one.folder / "ece_high.tif")) - np.log1p(band(one.folder / "ece_low.tif"))
    assert width[0, 0] / before[0, 0] == pytest.approx(np.sqrt(0.75), rel=1e-5)


@pytest.mark.usefixtures("no_picture")
def test_by_default_dates_add_little(maps: Make, tmp_path: Path) -> None:
    """Ten dates, rho 0.9: the interval keeps the root of 0.91 of its width."""
    dates = [maps(f"date{number}", [[4.0]], sd=0.3) for number in range(10)]
    made = map_mosaic(dates, tmp_path / "all").folder
    half = np.log1p(band(made / "ece_high.tif")) - np.log(5.0)
    alone = np.log1p(band(dates[0].folder / "ece_high.tif")) - np.log(5.0)
    assert half[0, 0] / alone[0, 0] == pytest.approx(np.sqrt(0.91), rel=1e-5)


@pytest.mark.parametrize("how", ["weighted", "latest", "median"])
def test_the_order_of_the_maps_does_not_matter_to_the_last_byte(maps: Make, tmp_path: Path, how: str) -> None:
    rng = np.random.default_rng(1)
    given_maps = [
        maps(f"m{k}", rng.uniform(0, 20, (5, 6)), sd=rng.uniform(0.1, 0.5, (5, 6)), at=(k, 2 * k),
             date=f"2026-0{5 - k}-01") for k in range(4)
    ]  # fmt: skip
    first = map_mosaic(given_maps, tmp_path / "a" / "all", how=how)
    second = map_mosaic([given_maps[k] for k in (2, 0, 3, 1)], tmp_path / "b" / "all", how=how)
    assert fingerprint(first.folder) == fingerprint(second.folder)


cells = st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(1, 4), st.integers(1, 4))


@pytest.mark.usefixtures("no_picture")
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(cells, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_any_places_are_put_together_as_by_a_loop(
    places: list[tuple[int, int, int, int]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, rng = tmp_path_factory.mktemp("any"), np.random.default_rng(seed)
    looks: dict[tuple[int, int], list[float]] = {}
    made = []
    for number, (row, column, rows, columns) in enumerate(places):
        ece = np.where(rng.random((rows, columns)) < 0.2, NONE, rng.uniform(0, 30, (rows, columns)))
        made.append(write_map(root / f"m{number}", ece, at=(row, column)))
        for (y, x), value in np.ndenumerate(ece):
            looks.setdefault((row + y, column + x), []).append(float(np.log1p(np.float32(value))))
    result = map_mosaic(made, root / "all")
    top, left = min(p[0] for p in places), min(p[1] for p in places)
    ece, count = band(result.ece), band(result.folder / "looks.tif")
    assert ece.shape == (max(p[0] + p[2] for p in places) - top, max(p[1] + p[3] for p in places) - left)
    for (y, x), value in np.ndenumerate(ece):
        shown = [v for v in looks.get((y + top, x + left), []) if not np.isnan(v)]
        assert count[y, x] == len(shown)
        np.testing.assert_allclose(value, np.expm1(np.mean(shown)) if shown else NONE, rtol=1e-5)


@pytest.mark.usefixtures("no_picture")
def test_each_pixel_of_a_layer_is_read_once_and_windows_change_nothing(
    maps: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    some = [maps(f"m{k}", rng.uniform(0, 20, (7, 9)), sd=0.3, at=(3 * k, k)) for k in range(3)]
    whole = {how: map_mosaic(some, tmp_path / "whole" / how, how=how) for how in ("weighted", "median")}
    read: dict[tuple[str, str], np.ndarray] = {}
    original = FinishedMap.read

    def counting(self: FinishedMap, layer: str, window: Window) -> Any:
        seen = read.setdefault((self.scene, layer), np.zeros((self.height, self.width), int))
        seen[window.slices] += 1
        return original(self, layer, window)

    monkeypatch.setattr(FinishedMap, "read", counting)
    monkeypatch.setattr("deepsalt.mapping.combine.grids.SIDE", 4)
    monkeypatch.setattr("deepsalt.mapping.combine.mosaic._VALUES_AT_ONCE", 10)
    for how, expected in whole.items():
        read.clear()
        made = map_mosaic(some, tmp_path / "parts" / how, how=how)
        assert len(read) == 3 * 4
        assert all((count == 1).all() for count in read.values())
        for name in ("ece", "ece_low", "looks", "mask"):
            np.testing.assert_array_equal(
                band(made.folder / f"{name}.tif"), band(expected.folder / f"{name}.tif")
            )


def test_an_index_finds_the_maps_under_a_window(maps: Make) -> None:
    far = [maps(f"far{k}", [[1.0, 1.0]], at=(0, 10 * k)) for k in range(3)]
    union = union_grid(far)
    assert (union.grid.height, union.grid.width) == (1, 22)
    assert union.under(Window(0, 11, 1, 9)).tolist() == [1]
    assert union.under(Window(0, 12, 1, 8)).tolist() == []
    assert union.shared(1, Window(0, 11, 1, 5)) == (Window(0, 0, 1, 1), Window(0, 1, 1, 1))


@pytest.mark.usefixtures("no_picture")
def test_maps_without_intervals_count_alike_and_say_so(maps: Make, tmp_path: Path) -> None:
    sure, unsure = maps("sure", [[np.expm1(1.0)]], sd=0.1), maps("unsure", [[np.expm1(2.0)]])
    made = map_mosaic([sure, unsure], tmp_path / "all")
    assert band(made.ece)[0, 0] == pytest.approx(np.expm1(1.5), rel=1e-6)
    assert set(made.summary["layers"]) == {"ece", "class", "mask", "looks"}
    notes = " ".join(made.summary["notes"])
    assert "1 of 2 maps have no interval (unsure): all looks count alike" in notes
    assert "not every map has it: ece_high" in notes


@pytest.mark.usefixtures("no_picture")
def test_a_layer_that_one_map_lacks_is_left_out_and_told(maps: Make, tmp_path: Path) -> None:
    one = maps("one", [[1.0]], sd=0.2, above={4.0: 0.1, 8.0: 0.05}, outside=[[1]])
    other = maps("other", [[1.0]], sd=0.2, above={4.0: 0.1}, MODEL="another")
    made = map_mosaic([one, other], tmp_path / "all")
    assert "probability_above_4" in made.summary["layers"]
    assert not {"probability_above_8", "outside"} & set(made.summary["layers"])
    notes = " ".join(made.summary["notes"])
    assert "not every map has it: probability_above_8" in notes
    assert "not every map has it: outside" in notes
    assert "differ in model: another; toy" in notes or "differ in model: toy; another" in notes


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("how", ["weighted", "latest", "median"])
def test_thresholds_and_a_level_of_ones_own_come_through(maps: Make, tmp_path: Path, how: str) -> None:
    """Where two looks meet the chances are those of a normal error; seen once, a pixel keeps its own."""
    own = {4.0: 0.25, 12.5: 0.125}
    one = maps("one", [[5.0, 9.0]], sd=0.2, level=0.68, above=own)
    two = maps("two", [[5.0]], sd=0.2, level=0.68, above={4.0: 0.5, 12.5: 0.5, 8.0: 0.5}, date="2026-06-01")
    made = map_mosaic([one, two], tmp_path / "all", how=how, rho=1.0)
    there = open_map(made.folder)
    assert (there.level, dict(there.thresholds)) == (
        0.68,
        {"probability_above_4": 4.0, "probability_above_12.5": 12.5},
    )
    for threshold, alone in own.items():
        met = norm.cdf((np.log1p(5) - np.log1p(threshold)) / 0.2) if how != "latest" else 0.5
        found = band(made.folder / f"probability_above_{threshold:g}.tif")
        np.testing.assert_allclose(found, [[met, alone]], atol=1e-5)
    if how != "latest":
        half = 0.2 * norm.ppf(0.84)
        low = band(made.folder / "ece_low.tif")
        np.testing.assert_allclose(np.log1p(low), np.log1p([[5, 9]]) - half, atol=1e-5)
    assert "Left out, because not every map has it: probability_above_8." in made.summary["notes"]


@pytest.mark.usefixtures("no_picture")
def test_the_latest_is_by_date_not_by_the_order_given(maps: Make, tmp_path: Path) -> None:
    """An offset from UTC counts: 01:30 at +02:00 is the day before."""
    late = maps("a", [[1.0, 9.0]], date="2026-05-02T00:10:00+00:00")
    early = maps("b", [[2.0, 2.0]], date="2026-05-02T01:30:00+02:00")
    made = map_mosaic([late, early], tmp_path / "all", how="latest")
    assert band(made.ece).tolist() == [[1.0, 9.0]]
    undated = maps("c", [[2.0, 2.0]], date=None)
    with pytest.raises(UsageError, match="does not say when"):
        map_mosaic([late, undated], tmp_path / "no", how="latest")
    with pytest.raises(ProductError, match="is no date: 'spring'"):
        map_mosaic([late, maps("d", [[1.0]], date="spring")], tmp_path / "no")


@pytest.mark.usefixtures("no_picture")
def test_degrees_are_joined_and_measured_on_the_ellipsoid(maps: Make, tmp_path: Path) -> None:
    north = maps("north", [[1.0]], crs="EPSG:4326", transform=DEGREES)
    place = (*DEGREES[:5], DEGREES[5] - 10.0)
    south = maps("south", [[1.0]], crs="EPSG:4326", transform=place)
    made = map_mosaic([north, south], tmp_path / "all")
    alone = [one.summary["classes"][0]["hectares"] for one in (north, south)]
    assert alone[1] > 1.2 * alone[0]
    assert made.summary["classes"][0]["hectares"] == pytest.approx(sum(alone), abs=1e-3)


OTHER_GRIDS: list[tuple[dict[str, Any], str]] = [
    ({"crs": "EPSG:32615"}, "is in EPSG:32615, not in EPSG:32614"),
    ({"transform": (20.0, 0.0, EAST, 0.0, -20.0, NORTH)}, r"has pixels of \(20, 0; 0, -20\)"),
    ({"transform": (30.0, 0.0, EAST + 10, 0.0, -30.0, NORTH)}, "lies 0.000 rows and 0.333 columns beside it"),
]


@pytest.mark.parametrize(("changes", "says"), OTHER_GRIDS)
def test_the_one_map_on_another_grid_is_named(
    maps: Make, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    """Also where it comes first by name and date."""
    odd = maps("a", [[1.0]], **changes)
    others = [maps(name, [[1.0]]) for name in "bc"]
    with pytest.raises(ProductError, match=says) as error:
        map_mosaic([odd, *others], tmp_path / "all")
    assert error.value.where == odd.name
    assert "Warp the scenes" in error.value.fix
    assert not (tmp_path / "all").exists()


def test_maps_that_do_not_belong_together_are_refused(maps: Make, tmp_path: Path) -> None:
    one, like = (maps(name, [[1.0]], sd=0.2) for name in ("one", "two"))
    for odd, says in [
        (maps("a", [[1.0]], sd=0.2, scheme=FAO), "/a: has classes of FAO, not of USDA"),
        (maps("b", [[1.0]], sd=0.2, level=0.68), "/b: has intervals of level 0.68, not of 0.9"),
    ]:
        with pytest.raises(ProductError, match=says):
            map_mosaic([odd, one, like], tmp_path / "all")
    twice = write_map(tmp_path / "elsewhere" / "one", [[1.0]], sd=0.2)
    with pytest.raises(UsageError, match="one look, not two"):
        map_mosaic([one, twice], tmp_path / "all")


@pytest.mark.parametrize(("call", "says"), [({"how": "mean"}, "how is 'mean'"), ({"rho": 2.0}, "rho is 2.0")])
def test_a_wrong_call_is_refused(maps: Make, tmp_path: Path, call: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        map_mosaic([maps("one", [[1.0]])], tmp_path / "all", **call)
    with pytest.raises(UsageError, match="no map"):
        map_mosaic([], tmp_path / "all")


def test_a_mosaic_does_not_replace_what_it_is_made_of(maps: Make) -> None:
    one, other = maps("one", [[1.0]]), maps("other", [[2.0]])
    before = fingerprint(one.folder)
    with pytest.raises(UsageError, match="is one of the maps"):
        map_mosaic([one, other], one.folder)
    assert fingerprint(one.folder) == before


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_fault_leaves_nothing_and_keeps_the_earlier_mosaic(
    maps: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    some = [maps("one", [[1.0]]), maps("other", [[2.0]], at=(0, 3))]
    earlier = map_mosaic(some[:1], tmp_path / "out" / "all")
    before = fingerprint(earlier.folder)

    def failing(*_: Any) -> None:
        raise fault

    monkeypatch.setattr("deepsalt.mapping.combine.mosaic.write_quicklook", failing)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        map_mosaic(some, tmp_path / "out" / "all")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["all"]
    assert fingerprint(earlier.folder) == before


def test_a_cut_off_layer_is_told_before_anything_is_made(maps: Make, tmp_path: Path) -> None:
    one = maps("one", np.full((600, 600), 3.0))
    layer = one.folder / "ece.tif"
    layer.write_bytes(layer.read_bytes()[:-200])
    with pytest.raises(DeepSaltError):
        map_mosaic([open_map(one.folder)], tmp_path / "all")
    assert not (tmp_path / "all").exists()
