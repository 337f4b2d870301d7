"""Composites: several dates of a place as one scene of bare soil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.toys import TOY_SENSOR, MemoryScene, toy_scene

import deepsalt as ds
from deepsalt.errors import BandError, ProductError, UsageError
from deepsalt.pipeline.prepare import composed
from deepsalt.preprocessing.composites import composite, same_places
from deepsalt.preprocessing.looks import bare_mean, medoid_look, spread_of
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.preprocessing.present import median_present, range_present
from deepsalt.preprocessing.read_ahead import AHEAD
from deepsalt.readers.describe import describe
from deepsalt.sampling import random_pixels, usable_axis
from deepsalt.spectra import Axis, MaskReason, Sensor, Window

V, CLOUD, BACK, SNOW = MaskReason.VALID, MaskReason.CLOUD, MaskReason.BACKGROUND, MaskReason.SNOW
SOIL = (0.15, 0.2, 0.25, 0.3, 0.29)
GREEN = (0.08, 0.04, 0.5, 0.25, 0.12)
LOOKS = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4)),
    elements=st.floats(0, 1, width=32) | st.just(np.nan),
)


def look(day: int, level: Any = 1.0, quality: Any = 0, **changes: Any) -> MemoryScene:
    """4 x 3 pixels of soil, times a level; (y, x) or one number each."""
    cube = np.array(SOIL) * np.broadcast_to(np.asarray(level, float), (4, 3))[..., None]
    mask = np.broadcast_to(np.asarray(quality, np.uint8), (4, 3)).copy()
    scene = replace(
        toy_scene(f"day{day}", 4, 3),
        cube=cube,
        quality=mask,
        block=(1, 3),
        acquired=datetime(2024, 8, day, 10, tzinfo=UTC),
    )
    return replace(scene, **changes)


@given(LOOKS)
def test_the_median_is_that_of_numpy(looks: np.ndarray) -> None:
    expected = np.array(
        [
            np.nanmedian(column) if np.isfinite(column).any() else np.nan
            for column in looks.reshape(len(looks), -1).T
        ]
    ).reshape(looks.shape[1:])
    assert median_present(looks, axis=0) == pytest.approx(expected, nan_ok=True, abs=1e-6)


@given(LOOKS)
def test_the_medoid_is_one_of_the_looks_and_beats_the_others(looks: np.ndarray) -> None:
    looks = np.where(np.isnan(looks).any(axis=-1, keepdims=True), np.float32("nan"), looks)
    found = medoid_look(looks)
    for pixel in range(looks.shape[1]):
        there = looks[:, pixel][~np.isnan(looks[:, pixel, 0])].astype(float)
        if not len(there):
            assert np.isnan(found[pixel]).all()
            continue
        assert (there == found[pixel]).all(axis=1).any()
        sums = np.sqrt(((there[:, None] - there[None]) ** 2).mean(axis=2)).sum(axis=1)
        own = np.sqrt(((there - found[pixel]) ** 2).mean(axis=1)).sum()
        assert own == pytest.approx(sums.min(), abs=1e-5)


@given(LOOKS, st.randoms(use_true_random=False))
def test_the_order_of_dates_changes_neither_median_nor_spread(looks: np.ndarray, random: Any) -> None:
    order = list(range(len(looks)))
    random.shuffle(order)
    assert np.array_equal(median_present(looks, axis=0), median_present(looks[order], axis=0), equal_nan=True)
    assert np.array_equal(spread_of(looks), spread_of(looks[order]), equal_nan=True)


def test_a_bare_and_dry_look_counts_most() -> None:
    """Against the formula, worked out band by band for a soil, and for it with some plants and water."""
    axis = TOY_SENSOR.axis
    soil = np.array(SOIL, np.float32)
    other = (0.97 * soil + 0.03 * np.array(GREEN, np.float32)) * np.array([1, 1, 1, 1, 0.97], np.float32)
    found = bare_mean(np.stack([soil, other])[:, None], axis)[0]
    red, near, first, second = (np.abs(axis.values - at).argmin() for at in (660, 850, 1610, 2200))

    def cover(one: np.ndarray) -> float:
        pairs = ((near, red), (first, second))
        return float(sum((one[a] - one[b]) / (one[a] + one[b]) for a, b in pairs))

    weight = np.exp((cover(soil) - cover(other)) / 0.05)
    assert 0.2 < weight < 0.6
    assert found == pytest.approx((soil + weight * other) / (1 + weight), rel=1e-4)
    gone = np.stack([np.full(5, np.nan, np.float32), other])[:, None]
    assert bare_mean(gone, axis)[0] == pytest.approx(other)
    assert np.isnan(bare_mean(gone[:1], axis)).all()


@given(LOOKS)
def test_a_bare_mean_lies_between_its_looks(looks: np.ndarray) -> None:
    axis = Axis(np.linspace(500, 2300, looks.shape[-1]) if looks.shape[-1] > 1 else np.array([700.0]), "nm")
    found = bare_mean(looks, axis)
    low, high = range_present(looks, axis=0)
    there = ~np.isnan(low)
    assert np.array_equal(there, ~np.isnan(found))
    assert (found[there] >= low[there] - 1e-5).all()
    assert (found[there] <= high[there] + 1e-5).all()


def test_spread_by_hand() -> None:
    looks = np.array([0.1, 0.2, 0.9], np.float32)[:, None]
    assert spread_of(looks) == pytest.approx(1.4826 * 0.1)
    assert np.isnan(spread_of(looks[:1])).all()


def test_a_composite_by_hand() -> None:
    one, two, three = look(1, 1.0), look(9, 1.2), look(20, 2.0)
    one.quality[0, 0] = two.quality[0, 0] = three.quality[0, 0] = CLOUD
    three.quality[1] = SNOW
    three.cube[2, 2] = GREEN
    made = composite([one, two, three])
    found = made.composed()
    assert found.looks.tolist() == [[0, 3, 3], [2, 2, 2], [3, 3, 2], [3, 3, 3]]
    assert found.values[3, 0] == pytest.approx(np.array(SOIL) * 1.2)
    assert found.values[1, 0] == pytest.approx(np.array(SOIL) * 1.1)  # two looks: their mean
    assert found.values[2, 2] == pytest.approx(np.array(SOIL) * 1.1)  # the plant does not count
    assert np.isnan(found.values[0, 0]).all()
    assert found.reasons.tolist() == [[CLOUD, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert np.array_equal(made.mask(), found.reasons)
    spread = made.spread()
    assert spread[3, 0] == pytest.approx(1.4826 * 0.2 * np.mean(SOIL))
    assert np.isnan(spread[0, 0])
    assert made.band_spread(Window(3, 0, 1, 1))[0, 0] == pytest.approx(1.4826 * 0.2 * np.array(SOIL))


def test_the_medoid_is_a_spectrum_of_one_date() -> None:
    one, two, three = look(1, 1.0), look(9, 1.3), look(20, 2.0)
    made = composite([one, two, three], how="medoid")
    assert np.array_equal(made.read().values, two.read().values)


def test_the_mean_of_dates_shows_no_edge_where_one_is_missing() -> None:
    """One date is 1.44 times as bright as the other: both are brought to 1.2 before they are averaged."""
    one, two = look(1, 1.0), look(9, 1.44)
    one.quality[0, 0] = two.quality[1, 1] = two.quality[2, 2] = CLOUD
    found = composite([one, two], how="bare").composed()
    assert found.values == pytest.approx(np.broadcast_to(1.2 * np.array(SOIL), (4, 3, 5)), rel=1e-4)
    assert found.looks[0, 0] == found.looks[1, 1] == 1
    apart = composite([look(1, quality=[[0, CLOUD, CLOUD]]), look(9, 1.44, [[CLOUD, 0, CLOUD]])], how="bare")
    assert apart.composed().values[0, :2] == pytest.approx(np.array([SOIL, np.array(SOIL) * 1.44]))


def test_a_pixel_without_a_look_keeps_the_reason_of_most_dates() -> None:
    reasons = [[CLOUD, BACK, BACK], [CLOUD, BACK, CLOUD], [SNOW, SNOW, V]]
    quality = [np.tile(np.array(row, np.uint8), (4, 1)) for row in reasons]
    looks = [look(day, quality=mask) for day, mask in zip((1, 2, 3), quality, strict=True)]
    assert composite(looks).mask()[0].tolist() == [CLOUD, BACK, V]
    assert composite(looks, min_looks=2).mask()[0].tolist() == [
        CLOUD,
        BACK,
        CLOUD,
    ]  # not the background of a tie
    assert np.isnan(composite(looks, min_looks=2).read().values[0, 2]).all()


@pytest.mark.parametrize("how", ["medoid", "bare"])
def test_every_window_gives_what_the_whole_gives(how: str) -> None:
    rng = np.random.default_rng(0)
    scenes = [
        look(day, rng.uniform(0.5, 2, (4, 3)), rng.choice([0, 0, CLOUD], (4, 3))) for day in (1, 5, 9, 12)
    ]
    whole = composite(scenes, how=how).composed()
    made = composite(scenes, how=how)
    for window in (Window(0, 0, 2, 3), Window(1, 1, 3, 2), Window(3, 2, 1, 1)):
        part = made.composed(window)
        for one, other in zip(whole, part, strict=True):
            assert np.array_equal(one[window.slices], other, equal_nan=True)
        assert np.array_equal(made.read().values, whole.values, equal_nan=True)


def test_windows_shrink_with_the_number_of_dates_and_reads_stay_small() -> None:
    scenes = [replace(toy_scene(f"s{n}", 64, 10), block=(4, 10)) for n in range(4)]
    made = composite(scenes)
    assert max(window.rows * window.columns for window in made.windows(320)) == 80
    asked: list[Window] = []
    for scene in scenes:
        inner = scene.read
        object.__setattr__(scene, "read", lambda window, inner=inner: asked.append(window) or inner(window))
    import deepsalt.preprocessing.composites as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIXELS_AT_ONCE", 320)
        values = made.read().values
        made.mask()
    assert values.shape == (64, 10, 5)
    assert max(window.rows * window.columns for window in asked) == 80
    assert len(asked) == 8 * 4  # the mask after the reflectance is not read again


def test_windows_that_threads_are_about_at_once_are_read_once() -> None:
    """Another thread asks for its window between reflectance and mask of this one."""
    scenes = [replace(toy_scene(f"s{n}", 64, 10), block=(4, 10)) for n in range(2)]
    asked: list[Window] = []
    for scene in scenes:
        inner = scene.read
        object.__setattr__(scene, "read", lambda window, inner=inner: asked.append(window) or inner(window))
    made = composite(scenes)
    windows = list(made.windows(80))[: AHEAD + 1]
    for work in (made.read, made.mask):
        for window in windows:
            work(window)
    assert len(asked) == 2 * len(windows)


def test_no_more_is_kept_of_a_composite_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made = composite([look(1), look(2)])
    monkeypatch.setattr("deepsalt.preprocessing.composites._KEPT_PIXELS", 7)
    for row in range(4):
        made.composed(Window(row, 0, 1, 3))
    assert [window.row for window, _ in made._last] == [2, 3]
    made.composed(Window(0, 0, 3, 3))
    assert made._last == []


def test_shifted_scenes_give_the_land_that_all_show_at_its_place() -> None:
    here = toy_scene("here", 12, 10)
    rows, columns = 2, -3
    a, _, c, _, e, f = here.transform
    there = replace(
        here,
        name="there",
        cube=np.pad(here.cube, ((0, 2), (3, 0), (0, 0)), mode="edge")[rows:, :10] * 1.0,
        quality=np.zeros((12, 10), np.uint8),
        transform=(a, 0.0, c + columns * a, 0.0, e, f + rows * e),
    )
    made = composite([here, there])
    assert (made.height, made.width) == (10, 7)
    assert made.transform == (a, 0.0, c, 0.0, e, f + 2 * e)
    assert made.read().values == pytest.approx(here.read().values[2:, :7])
    x, y = made.xy(np.array([0]), np.array([0]))
    assert (x, y) == here.xy(np.array([2]), np.array([0]))
    later, sooner = (replace(here, acquired=datetime(2024, 8, 9, tzinfo=UTC)),
                     replace(there, acquired=datetime(2024, 8, 1, tzinfo=UTC)))  # fmt: skip
    for scenes in ([later, sooner], [sooner, later]):
        turned = composite(scenes)
        assert turned.transform == made.transform
        assert turned.read().values == pytest.approx(here.read().values[2:, :7])
    assert any("10 x 7 pixels that all scenes show" in note for note in made.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"crs": "EPSG:32613"}, r"day2: is in EPSG:32613, not in EPSG:326"),
        ({"crs": ""}, "day2: is in no coordinate system"),
        ({"shift": (0.5, 0.0)}, "0.000 rows and 0.500 columns beside it: not a whole number"),
        ({"shift": (0.0, 0.03)}, "0.030 rows and 0.000 columns beside it"),
        ({"shift": (0.0, 50.0)}, r"shares no pixel with the others: shifted by \(50, 0\) pixels"),
        ({"scale": 0.5}, r"has pixels of \(15, 0; 0, -15\), not of \(30, 0; 0, -30\)"),
    ],
)
def test_grids_that_differ_are_one_error_that_says_how(change: dict[str, Any], said: str) -> None:
    one, two = look(1), look(2)
    a, b, c, d, e, f = two.transform
    dx, dy = change.pop("shift", (0.0, 0.0))
    scale = change.pop("scale", 1.0)
    moved = (a * scale, b, c + dx * a, d, e * scale, f + dy * e)
    with pytest.raises(ProductError, match=said):
        composite([one, replace(two, transform=moved, **change)])


def test_scenes_without_a_place_cannot_be_laid_on_each_other() -> None:
    with pytest.raises(ProductError, match="no coordinate system: where its pixels lie"):
        composite([look(1, crs=""), look(2, crs="")])


def test_one_crs_in_two_spellings_is_one() -> None:
    from rasterio.crs import CRS

    one = look(1)
    wkt = CRS.from_user_input(one.crs).to_wkt()
    assert composite([one, look(2, crs=wkt)]).crs == one.crs


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(UsageError, match="a composite of 1 scene"):
        composite([look(1)])
    with pytest.raises(UsageError, match="composite is 'mode'"):
        composite([look(1), look(2)], how="mode")
    with pytest.raises(UsageError, match="min_looks is 3 for 2 scenes"):
        composite([look(1), look(2)], min_looks=3)


def test_bands_that_drift_are_one_band_and_others_are_resampled_or_refused() -> None:
    widths = np.full(5, 40.0)
    base = Sensor("toy", Axis(TOY_SENSOR.axis.values, "nm", widths))
    drifted = Sensor("toy", Axis(base.axis.values + 0.5, "nm", widths))
    off = Sensor("toy", Axis(base.axis.values + 15.0, "nm", widths))
    far = Sensor("toy", Axis(base.axis.values + 30.0, "nm", widths))
    one = look(1, sensor=base)
    assert composite([one, look(2, 3.0, sensor=drifted)]).read().values[0, 0] == pytest.approx(
        np.array(SOIL) * 2
    )
    resampled = composite([one, look(2, sensor=off)])
    assert any("day2: resampled from 5 bands" in note for note in resampled.notes)
    assert resampled.read().values[0, 0] == pytest.approx(SOIL, abs=0.02)
    with pytest.raises(
        BandError, match=r"scene day2 has 5 bands, 590.0-2230.0 nm; 5 bands are needed and 5 are missing"
    ):
        composite([one, look(2, sensor=far)])


def test_a_band_that_one_date_lacks_comes_from_the_others() -> None:
    one, two = look(1), look(2, 1.5)
    one.cube[..., 3] = np.nan
    one = replace(one, band_faults=("", "", "", "water vapour", ""))
    made = composite([one, two])
    assert made.band_faults == ("",) * 5
    assert made.read().values[0, 0, 3] == pytest.approx(SOIL[3] * 1.5)
    narrow, off = (
        Sensor("toy", Axis(TOY_SENSOR.axis.values + by, "nm", np.full(5, 40.0))) for by in (0.0, 15.0)
    )
    stale = replace(two, sensor=off, band_faults=one.band_faults)  # yet it holds values
    assert np.isnan(composite([replace(one, sensor=narrow), stale]).read().values[..., 3]).all()
    both = composite([one, replace(two, band_faults=one.band_faults)])
    assert both.band_faults == one.band_faults


def test_what_the_composite_tells_of_itself() -> None:
    made = composite([look(20), look(1), look(9)], how="medoid", rules=SurfaceRules(nbr2=0.1))
    assert made.name == "day20_and_2_more_medoid"
    assert made.acquired == datetime(2024, 8, 9, 10, tzinfo=UTC)
    assert made.facts["dates"] == "2024-08-01, 2024-08-09, 2024-08-20"
    assert made.facts["surface rules"] == "max_ndvi 0.35, nbr2 0.1, salt_crust_guard"
    assert composite([look(1), look(2, acquired=None)]).acquired is None
    told = describe(made)
    assert told["masks"]["valid"]["pixels"] == 12
    assert told["facts"]["composite"] == "medoid"


def test_a_composite_is_sampled_like_any_scene() -> None:
    made = ds.composite([look(1), look(2, quality=CLOUD)])
    pixels = random_pixels([made], usable_axis([made]), 100, 0)
    assert len(pixels) == 12
    assert set(pixels.samples["scene"]) == {made.name}


def test_scenes_are_sorted_into_places_and_single_ones_stay() -> None:
    elsewhere = replace(toy_scene("elsewhere", north=6_000_000.0))
    one, two = look(1), look(2)
    assert same_places([one, elsewhere, two]) == ((one, two), (elsewhere,))
    found = composed((one, elsewhere, two), "median", SurfaceRules())
    assert [scene.name for scene in found] == ["day1_and_1_more_median", "elsewhere"]
    assert composed((one, two), None, SurfaceRules()) == (one, two)
    nowhere = (look(1, crs=""), look(2, crs=""))
    assert same_places(nowhere) == ((nowhere[0],), (nowhere[1],))
