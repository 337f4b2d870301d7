"""A comparison on cubes of other sensors, where single detector elements failed under the ground points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from tests.pipeline.conftest import config_of, silent

from deepsalt.config import CompareConfig
from deepsalt.pipeline.compare import compare
from deepsalt.pipeline.prepare import prepare
from deepsalt.simulate import WorldSettings, simulate_world

NODATA = -32768
SETTINGS = {
    "seed": 3,
    "regions": ("alluvial_basin", "gypsum_marl"),
    "rows": 44,
    "columns": 40,
    "library_samples": 30,
    "fields": 9,
    "points_per_field": 4,
}


@pytest.fixture(scope="module", params=["prisma", "emit"])
def cubes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which every second column lacks one band, and every eighth a stretch of bands."""
    root = tmp_path_factory.mktemp(request.param) / "world"
    world = simulate_world(root, WorldSettings(sensor=request.param, **SETTINGS))
    for path in world.scenes:
        with rasterio.open(path, "r+") as file:
            cube = file.read()
            cube[60, :, ::2] = NODATA
            cube[70:85, :, ::8] = NODATA
            file.write(cube)
    return root


def test_points_with_a_failed_detector_are_kept_and_wide_gaps_masked(cubes: Path) -> None:
    found = prepare(config_of(cubes), silent)
    for table in (found.sites, found.unlabelled):
        assert np.isfinite(table.values).all()
        column = table.samples["column"].to_numpy()
        assert (column % 2 == 0).sum() > 0.3 * len(table)
        assert not (column % 8 == 0).any()
        assert any("had missing bands, filled from those around" in step for step in table.provenance)


def test_every_kind_of_method_can_be_compared_on_them(cubes: Path, tmp_path: Path) -> None:
    methods = ["mean", "plsr", "svr", "pooled", "coral"]
    wanted = CompareConfig(methods=methods, points=["all"], repeats=1, workers=1)
    compare(config_of(cubes), tmp_path / "comparison", silent, wanted)
    results = [path.read_text("utf-8") for path in (tmp_path / "comparison").glob("tasks/*/result.json")]
    assert len(results) == len(methods)
    assert all('"failure": ""' in text for text in results)
