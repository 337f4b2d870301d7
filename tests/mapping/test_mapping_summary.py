"""map.json: hectares, distribution, and agreement with a truth computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.mapping.conftest import Brightness, MemoryScene, scene_of, soil

from deepsalt.errors import ProductError
from deepsalt.files import fingerprint
from deepsalt.mapping import compare_with_truth, map_scene
from deepsalt.mapping.area import hectares_per_pixel
from deepsalt.mapping.cog import Grid
from deepsalt.readers.raster import open_raster

PLACE = (30.0, 0.0, 500_000.0, 0.0, -30.0, 2_000_000.0)


def raster(path: Path, bands: list[Any], names: list[str], transform: Any = PLACE, **changes: Any) -> Path:
    layers = np.asarray(bands, np.float32)
    profile = {"driver": "GTiff", "dtype": "float32", "count": len(layers), "crs": "EPSG:32614", **changes}
    height, width = layers.shape[1:]
    place = rasterio.Affine(*transform)
    with rasterio.open(path, "w", height=height, width=width, transform=place, **profile) as dataset:
        dataset.write(layers)
        dataset.descriptions = tuple(names)
    return path


def test_hectares_and_distribution_of_known_pixels(six_pixels: MemoryScene, tmp_path: Path) -> None:
    facts = map_scene(Brightness(), six_pixels, tmp_path).summary
    assert (facts["pixels"], facts["valid"], facts["reasons"]) == (6, 5, {"cloud": 1})
    assert [c["pixels"] for c in facts["classes"]] == [1, 1, 1, 1, 1]
    assert [c["hectares"] for c in facts["classes"]] == [0.09] * 5
    assert (facts["classes"][-1]["lower"], facts["classes"][-1]["upper"]) == (16, None)
    assert facts["ece"] == {"median": 5.0, "p5": 1.2, "p95": 34.4}


def test_pixels_in_degrees_shrink_towards_the_pole() -> None:
    """A degree square at the equator is 12 309 km2 on WGS84; at 60 degrees north, 6 217 km2."""
    grid = Grid(61, 1, "EPSG:4326", (1.0, 0.0, 10.0, 0.0, -1.0, 60.5))
    area = hectares_per_pixel(grid)
    assert area is not None
    assert area[60] / 100 == pytest.approx(12_309.0, rel=1e-3)
    assert area[0] / 100 == pytest.approx(6_217.0, rel=1e-3)


def test_hectares_follow_the_rows_across_windows(tmp_path: Path) -> None:
    """Degrees: a pixel in the last window, farther north, is smaller than one in the first."""
    place = (0.1, 0.0, 10.0, 0.0, 5.0, 0.0)  # rows go north from the equator
    swir = [[0.01]] * 4 + [[0.4]] * 4
    scene = scene_of(soil(8, 1, swir), crs="EPSG:4326", transform=place, block=(2, 1))
    facts = map_scene(Brightness(), scene, tmp_path, pixels_per_window=2).summary
    area = hectares_per_pixel(Grid.of(scene))
    assert area is not None
    found = [facts["classes"][number]["hectares"] for number in (0, 4)]
    assert found == pytest.approx([area[:4].sum(), area[4:].sum()], rel=1e-6)
    assert found[1] < 0.96 * found[0]


def test_world_wide_mercator_does_not_inflate_hectares() -> None:
    """At 60 degrees north its plane shows four times the ground."""
    y = 8_399_737.9
    area = hectares_per_pixel(Grid(1, 1, "EPSG:3857", (100.0, 0.0, 0.0, 0.0, -100.0, y)))
    assert area is not None
    assert area[0] == pytest.approx(0.25, rel=0.01)


def test_projected_feet_are_metres_first() -> None:
    """A US survey foot is 0.3048006 m; California zone 3."""
    area = hectares_per_pixel(Grid(1, 1, "EPSG:2227", (100.0, 0.0, 6_000_000.0, 0.0, -100.0, 2_000_000.0)))
    assert area is not None
    assert area[0] == pytest.approx(0.092903, rel=1e-4)


def test_truth_is_compared_on_the_log_scale(tmp_path: Path) -> None:
    """ln(1+map) = 1, 2, 3 and ln(1+truth) = 1, 2, 4: pearson 4.5 / sqrt(21), rmse sqrt(1/3), r2 11/14."""
    mapped = raster(tmp_path / "map.tif", [[np.expm1([1, 2, 3, np.nan])]], ["ece"])
    truth = raster(
        tmp_path / "truth.tif", [[[9, 9, 9, 9]], [np.expm1([1, 2, 4, 5])]], ["gypsum_pct", "ece_ds_m"]
    )
    result = compare_with_truth(mapped, truth)
    assert result == {
        "n": 3,
        "pearson_ln": pytest.approx(4.5 / np.sqrt(21), abs=1e-5),
        "spearman": 1.0,
        "r2_ln": pytest.approx(11 / 14, abs=1e-5),
        "rmse_ln": pytest.approx(np.sqrt(1 / 3), abs=1e-5),
    }


def test_ranks_disagree_where_the_order_does(tmp_path: Path) -> None:
    """Ranks 1 2 3 4 against 2 1 4 3: spearman 1 - 6*4/(4*15) = 0.6."""
    mapped = raster(tmp_path / "map.tif", [[[1, 2, 3, 4]]], ["ece"])
    truth = raster(tmp_path / "truth.tif", [[[2, 1, 40, 3]]], ["anything"])
    assert compare_with_truth(mapped, truth)["spearman"] == pytest.approx(0.6)


def test_a_constant_map_has_no_correlation(tmp_path: Path) -> None:
    mapped = raster(tmp_path / "map.tif", [[[3, 3, 3]]], ["ece"])
    truth = raster(tmp_path / "truth.tif", [[[1, 2, 3]]], ["ece_ds_m"])
    result = compare_with_truth(mapped, truth)
    assert (result["n"], result["pearson_ln"], result["spearman"]) == (3, None, None)
    assert result["rmse_ln"] is not None


def test_truth_with_a_nodata_number_is_not_taken_for_ece(tmp_path: Path) -> None:
    mapped = raster(tmp_path / "map.tif", [[[1, 2, 3]]], ["ece"])
    truth = raster(tmp_path / "truth.tif", [[[1, 2, -9999]]], ["ece_ds_m"], nodata=-9999)
    assert compare_with_truth(mapped, truth)["n"] == 2


def test_no_pixel_in_common(tmp_path: Path) -> None:
    mapped = raster(tmp_path / "map.tif", [[[np.nan, 2]]], ["ece"])
    truth = raster(tmp_path / "truth.tif", [[[1, np.nan]]], ["ece_ds_m"])
    assert compare_with_truth(mapped, truth) == {
        "n": 0,
        "pearson_ln": None,
        "spearman": None,
        "r2_ln": None,
        "rmse_ln": None,
    }


@pytest.mark.parametrize("transform", [PLACE, (30.0, 0.0, 500_030.0, 0.0, -30.0, 2_000_000.0)])
def test_another_grid_is_refused(transform: Any, tmp_path: Path) -> None:
    width = 3 if transform == PLACE else 2
    mapped = raster(tmp_path / "map.tif", [[[1, 2]]], ["ece"])
    truth = raster(tmp_path / "truth.tif", [[[1] * width]], ["ece_ds_m"], transform)
    with pytest.raises(ProductError, match=r"truth\.tif: its grid .* is not the map's .*gdalwarp"):
        compare_with_truth(mapped, truth)


def test_the_truth_travels_with_the_map(six_pixels: MemoryScene, tmp_path: Path) -> None:
    true = [[1, 2, 5], [12, 40, 50]]
    truth = raster(tmp_path / "world.tif", [np.zeros((2, 3)), true], ["gypsum_pct", "ece_ds_m"])
    result = map_scene(Brightness(), six_pixels, tmp_path / "maps", truth=truth)
    assert result.summary["truth"]["n"] == 5
    assert result.summary["truth"]["pearson_ln"] == 1.0
    assert result.summary["layers"]["truth"] == "truth.tif"
    with open_raster(result.folder / "truth.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.float32(true))
        assert dataset.units == ("dS/m",)


def test_a_truth_that_does_not_fit_leaves_no_map(six_pixels: MemoryScene, tmp_path: Path) -> None:
    truth = raster(tmp_path / "world.tif", [[[1, 2]]], ["ece_ds_m"])
    with pytest.raises(ProductError):
        map_scene(Brightness(), six_pixels, tmp_path / "maps", truth=truth)
    assert list((tmp_path / "maps").iterdir()) == []


def test_another_scene_gives_another_map(tmp_path: Path) -> None:
    maps = [
        map_scene(Brightness(), scene_of(soil(2, 2, swir)), tmp_path / str(swir)) for swir in (0.1, 0.1001)
    ]
    assert fingerprint(maps[0].ece) != fingerprint(maps[1].ece)
