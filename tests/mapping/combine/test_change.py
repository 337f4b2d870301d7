"""Change between two maps: known pixels, what is significant, hectares, and what is refused."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm
from tests.mapping.combine.conftest import DEGREES, EAST, NORTH, band

from deepsalt.errors import OutputError, ProductError, UsageError
from deepsalt.files import fingerprint
from deepsalt.mapping.area import hectares_per_pixel
from deepsalt.mapping.cog import Grid
from deepsalt.mapping.combine import FinishedMap, map_change, map_mosaic
from deepsalt.readers.raster import open_raster
from deepsalt.salinity.classes import FAO, USDA

Make = Callable[..., FinishedMap]
NONE = float("nan")
LATER = "2026-06-18T10:00:00+00:00"


@pytest.fixture
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepsalt.mapping.combine.change.png_bytes", lambda *_, **__: b"")


@pytest.mark.usefixtures("no_picture")
def test_known_pixels_give_known_changes_on_the_land_both_show(maps: Make, tmp_path: Path) -> None:
    before = maps("before", [[9.0, 9.0, 9.0, 9.0], [9.0, 1.0, 3.0, NONE]], sd=0.3)
    after = maps("after", [[3.0, 3.0, 5.0, 7.0]], sd=0.4, at=(1, 1), date=LATER)
    made = map_change(before, after, tmp_path / "change", rho=0.5)
    np.testing.assert_allclose(band(made.folder / "change.tif"), [[np.log(2), 0.0, NONE]], rtol=1e-6)
    np.testing.assert_allclose(band(made.folder / "change_ds_m.tif"), [[2.0, 0.0, NONE]], rtol=1e-6)
    error = np.sqrt(0.09 + 0.16 - 2 * 0.5 * 0.12)
    np.testing.assert_allclose(band(made.folder / "change_se.tif"), [[error, error, NONE]], rtol=1e-5)
    with open_raster(made.folder / "change.tif") as dataset:
        assert tuple(dataset.transform)[:6] == (30.0, 0.0, EAST + 30, 0.0, -30.0, NORTH - 30)
        assert dataset.tags()["ACQUIRED_AFTER"] == LATER
    assert made.summary["coverage"]["both"] == {"pixels": 2, "hectares": 0.18}
    assert made.summary["coverage"]["after_only"] == {"pixels": 1, "hectares": 0.09}
    assert made.summary["mean_change"] == {"ln": pytest.approx(np.log(2) / 2, abs=1e-6), "ds_m": 1.0}


def test_the_folder_tells_all_and_holds_nothing_else(maps: Make, tmp_path: Path) -> None:
    before = maps("before", [[1.0, 3.0, 20.0]], sd=0.1, SIMULATED="yes: a toy")
    after = maps("after", [[30.0, 3.0, 0.5]], sd=0.1, date=LATER)
    made = map_change(before, after, tmp_path / "change")
    layers = {"change", "change_ds_m", "change_se", "significance"}
    written = {f"{name}.tif" for name in layers} | {"significance.tif.aux.xml", "quicklook.png", "map.json"}
    styles = {"change.qml", "change_ds_m.qml", "significance.qml"}
    assert {p.name for p in made.folder.iterdir()} == written | styles
    assert set(made.summary["layers"]) == layers
    assert json.loads((made.folder / "map.json").read_text("utf-8")) == made.summary
    assert made.summary["provenance"]["SIMULATED"] == "yes: a toy"
    with open_raster(made.folder / "significance.tif") as dataset:
        assert dataset.colormap(1)[1] == (0xC0, 0x5A, 0x12, 255)
    assert 'value="1" color="#c05a12"' in (made.folder / "significance.qml").read_text("utf-8")


@pytest.mark.usefixtures("no_picture")
def test_saltier_fresher_and_neither_are_told_apart_with_their_hectares(maps: Make, tmp_path: Path) -> None:
    before = maps("before", [[1.0, 3.0, 20.0, 5.0, NONE]], sd=0.1, outside=[[0, 0, 0, 1, 255]])
    after = maps("after", [[30.0, 3.1, 0.5, 50.0, 2.0]], sd=0.1, date=LATER)
    made = map_change(before, after, tmp_path / "change", rho=0.0)
    assert band(made.folder / "significance.tif").tolist() == [[1, 0, 2, 3, 255]]
    hectares = {entry["name"]: entry["hectares"] for entry in made.summary["verdicts"]}
    assert list(hectares.values()) == [0.09] * 4
    assert np.isnan(band(made.folder / "change_se.tif")[0, 3])
    assert band(made.folder / "change_ds_m.tif")[0, 3] == 45.0
    test = made.summary["test"]
    assert (test["alpha"], test["tested"], test["significant"]) == (0.05, 3, 2)
    least = (np.log(21) - np.log(1.5)) / (0.1 * np.sqrt(2))
    assert test["largest_p"] == pytest.approx(2 * norm.sf(least), rel=1e-3)


def counted(before: np.ndarray, after: np.ndarray, area: np.ndarray) -> np.ndarray:
    found = np.zeros((5, 5))
    for (row, column), value in np.ndenumerate(before):
        if np.isfinite(value) and np.isfinite(after[row, column]):
            found[USDA.classify(value), USDA.classify(after[row, column])] += area[row]
    return found


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("crs", ["EPSG:32614", "EPSG:4326"])
def test_hectares_from_class_to_class_are_those_of_a_loop(maps: Make, tmp_path: Path, crs: str) -> None:
    rng = np.random.default_rng(6)
    ece = rng.exponential(6.0, (2, 40, 7)).astype(np.float32)
    ece[rng.random(ece.shape) < 0.1] = np.nan
    place = {"transform": DEGREES} if crs == "EPSG:4326" else {}
    before = maps("before", ece[0], sd=0.3, crs=crs, **place)
    after = maps("after", ece[1], sd=0.3, crs=crs, date=LATER, **place)
    made = map_change(before, after, tmp_path / "change")
    area = hectares_per_pixel(Grid(40, 7, before.crs, before.transform))
    assert area is not None
    table = made.summary["transitions"]
    assert table["classes"] == [one.name for one in USDA.classes]
    np.testing.assert_allclose(table["hectares"], counted(*ece, area), atol=2e-4)
    assert np.sum(table["pixels"]) == made.summary["coverage"]["both"]["pixels"]
    told = np.array([entry["hectares"] for entry in made.summary["verdicts"]])
    verdicts = band(made.folder / "significance.tif")
    by_hand = [((verdicts == value) * area[:, None]).sum() for value in range(4)]
    np.testing.assert_allclose(told, by_hand, atol=2e-4)


@pytest.mark.usefixtures("no_picture")
def test_what_is_significant_is_what_scipy_says_of_the_written_layers(maps: Make, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    truth = rng.uniform(1, 3, (300, 40))
    moved = np.where(rng.random(truth.shape) < 0.2, 1.0, 0.0)
    sd = rng.uniform(0.1, 0.3, (2, *truth.shape))
    x = np.stack([truth, truth + moved]) + sd * rng.normal(size=sd.shape)
    before = maps("before", np.expm1(x[0]), sd=sd[0])
    after = maps("after", np.expm1(x[1]), sd=sd[1], date=LATER)
    made = map_change(before, after, tmp_path / "change", rho=0.0, alpha=0.1)
    change, error = (band(made.folder / f"{name}.tif") for name in ("change", "change_se"))
    p = 2 * norm.sf(np.abs(change / error).astype(float))
    expected = false_discovery_control(p.ravel()).reshape(p.shape) <= 0.1
    verdict = band(made.folder / "significance.tif")
    np.testing.assert_array_equal(verdict > 0, expected)
    np.testing.assert_array_equal(verdict == 1, expected & (change > 0))
    false = (expected & (moved == 0)).sum() / expected.sum()
    assert 0.05 < false < 0.1


@pytest.mark.usefixtures("no_picture")
def test_where_nothing_changed_next_to_nothing_is_significant(maps: Make, tmp_path: Path) -> None:
    """Simulated: errors of correlation 0.7. Taken for independent they are more than wide enough."""
    rng = np.random.default_rng(8)
    shared, own = rng.normal(size=(200, 200)), rng.normal(size=(2, 200, 200))
    x = 2.0 + 0.3 * (np.sqrt(0.7) * shared + np.sqrt(0.3) * own)
    before = maps("before", np.expm1(x[0]), sd=0.3)
    after = maps("after", np.expm1(x[1]), sd=0.3, date=LATER)
    for rho in (0.0, 0.5, 0.7):
        made = map_change(before, after, tmp_path / f"change{rho}", rho=rho)
        assert made.summary["test"]["significant"] <= 2
        assert made.summary["test"]["tested"] == 40_000
    bold = map_change(before, after, tmp_path / "bold", rho=0.95)
    assert bold.summary["test"]["significant"] > 1000


@pytest.mark.usefixtures("no_picture")
def test_errors_cancel_by_default_only_between_maps_of_one_model(maps: Make, tmp_path: Path) -> None:
    before = maps("before", [[1.0]], sd=0.2)
    same = maps("same", [[2.0]], sd=0.2, date=LATER)
    other = maps("other", [[2.0]], sd=0.2, date=LATER, MODEL_FINGERPRINT="9", SURFACE_RULES="NDVI 0.5")
    assert map_change(before, same, tmp_path / "a").summary["rho"] == 0.5
    made = map_change(before, other, tmp_path / "b")
    assert made.summary["rho"] == 0.0
    assert band(made.folder / "change_se.tif")[0, 0] == pytest.approx(0.2 * np.sqrt(2), rel=1e-5)
    notes = " ".join(made.summary["notes"])
    assert "The maps differ in fingerprint of the model: 0123; 9." in notes
    assert "The maps differ in rules of what is masked: not told; NDVI 0.5." in notes


@pytest.mark.usefixtures("no_picture")
def test_maps_of_two_levels_are_compared_by_the_errors_that_they_tell_of(maps: Make, tmp_path: Path) -> None:
    before = maps("before", [[5.0]], sd=0.2, level=0.9, above={4.0: 0.5})
    after = maps("after", [[12.0]], sd=0.1, level=0.68, above={4.0: 0.5, 8.0: 0.5}, date=LATER)
    made = map_change(before, after, tmp_path / "change", rho=0.0)
    assert band(made.folder / "change_se.tif")[0, 0] == pytest.approx(np.hypot(0.2, 0.1), rel=1e-5)


def test_maps_without_intervals_give_the_change_but_no_verdict(maps: Make, tmp_path: Path) -> None:
    before, after = maps("before", [[1.0]], sd=0.1), maps("after", [[2.0]], date=LATER)
    made = map_change(before, after, tmp_path / "change")
    assert set(made.summary["layers"]) == {"change", "change_ds_m"}
    assert (made.summary["test"], made.summary["verdicts"]) == (None, [])
    assert "No interval in the map of after" in " ".join(made.summary["notes"])
    assert not (made.folder / "significance.qml").exists()


@pytest.mark.usefixtures("no_picture")
def test_windows_change_nothing(maps: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    place = {"crs": "EPSG:4326", "transform": (1.0, 0.0, 10.0, 0.0, -1.0, 60.0)}  # rows differ in hectares
    before = maps("before", rng.uniform(0, 20, (9, 11)), sd=0.3, **place)
    place["transform"] = (1.0, 0.0, 13.0, 0.0, -1.0, 58.0)
    after = maps("after", rng.uniform(0, 20, (9, 11)), sd=0.3, date=LATER, **place)
    whole = map_change(before, after, tmp_path / "a" / "change")
    monkeypatch.setattr("deepsalt.mapping.combine.grids.SIDE", 4)
    monkeypatch.setattr("deepsalt.mapping.cog._STRIP_ROWS", 3)
    parts = map_change(before, after, tmp_path / "b" / "change")
    for key in whole.summary.keys() - {"transitions", "coverage"}:
        assert whole.summary[key] == parts.summary[key]
    tables = [made.summary["transitions"]["hectares"] for made in (whole, parts)]
    np.testing.assert_allclose(*tables, rtol=1e-9)
    for name in whole.summary["layers"].values():
        np.testing.assert_array_equal(band(whole.folder / name), band(parts.folder / name))


def test_pairs_that_cannot_be_compared_are_refused(maps: Make, tmp_path: Path) -> None:
    before, out = maps("before", [[1.0]], sd=0.1), tmp_path / "change"
    after = maps("after", [[1.0]], sd=0.1, date=LATER)
    with pytest.raises(UsageError, match="one map given twice"):
        map_change(before, before, out)
    with pytest.raises(UsageError, match=r"taken 2026-06-18, later than .*before \(2026-05-01\)"):
        map_change(after, before, out)
    with pytest.raises(ProductError, match="has classes of FAO"):
        map_change(before, maps("fao", [[1.0]], scheme=FAO, date=LATER), out)
    with pytest.raises(ProductError, match="shares no pixel"):
        map_change(before, maps("far", [[1.0]], at=(5, 5), date=LATER), out)
    with pytest.raises(ProductError, match="beside it"):
        map_change(before, maps("off", [[1.0]], transform=(30, 0, EAST + 7, 0, -30, NORTH), date=LATER), out)
    for call, says in [({"rho": 1.0}, "rho is 1.0"), ({"alpha": 0.0}, "alpha is 0.0")]:
        with pytest.raises(UsageError, match=says):
            map_change(before, after, out, **call)
    with pytest.raises(UsageError, match="is one of the maps"):
        map_change(before, after, after.folder)
    assert not out.exists()


def test_a_fault_leaves_nothing(maps: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = maps("before", [[1.0]], sd=0.1), maps("after", [[1.0]], sd=0.1, date=LATER)
    earlier = map_change(before, after, tmp_path / "out" / "change")
    kept = fingerprint(earlier.folder)

    def failing(*_: Any, **__: Any) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("deepsalt.mapping.combine.change.change_figure", failing)
    with pytest.raises(OutputError, match="no space left"):
        map_change(before, after, tmp_path / "out" / "change")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["change"]
    assert fingerprint(earlier.folder) == kept


def test_a_mosaic_can_be_compared_and_a_change_cannot_be_combined(maps: Make, tmp_path: Path) -> None:
    from deepsalt.mapping.combine import open_map

    spring = [maps(f"s{k}", [[1.0 + k]], sd=0.1) for k in range(2)]
    autumn = maps("autumn", [[9.0]], sd=0.1, date=LATER)
    mosaic = open_map(map_mosaic(spring, tmp_path / "spring").folder)
    change = map_change(mosaic, autumn, tmp_path / "change")
    expected = np.log(10) - (np.log(2) + np.log(3)) / 2
    assert band(change.folder / "change.tif")[0, 0] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ProductError, match="does not tell of a map of ECe: it has no 'scene'"):
        open_map(change.folder)
