"""One landscape through four sensors' own products and readers: the truth, at the right place."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rasterio.warp import transform
from tests.simulate.true_reflectance import true_reflectance

import deepsalt as ds
from deepsalt.errors import LabelError, UsageError
from deepsalt.pairing import great_circle_m
from deepsalt.readers.points import read_points
from deepsalt.sampling import at_points, place, usable_axis
from deepsalt.simulate import PRODUCTS, REGIONS, WorldSettings, simulate_world
from deepsalt.simulate.instrument import noise_of
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.place import grid_of
from deepsalt.simulate.products import write_products
from deepsalt.spectra import MaskReason, Scene

REGION = REGIONS["alluvial_basin"]
SETTINGS = replace(WorldSettings.small(), cloud_cover=0.0, regions=(REGION.name,), products=PRODUCTS)
LAND = landscape(REGION, SETTINGS)
PIXEL_M = {"enmap": 30, "prisma": 30, "emit": 60, "sentinel2": 20}
#: Bands of Sentinel-2 that are coarser than the grid of the scene.
_SIXTY_METRES = ("B1", "B9")
_POINTS = (np.arange(6) + 0.5) / 6 - 0.5


@dataclass
class Seen:
    """What a reader gave, (n, band), where its pixels lie in the land's zone, and the truth on the land."""

    scene: Scene
    spectra: NDArray[np.float32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    truth: NDArray[np.float32]

    def truth_at(self, east_m: float = 0.0, south_m: float = 0.0) -> NDArray[np.float64]:
        """(n, band) mean truth of 6 x 6 points of each pixel, moved; NaN where one lies beyond the land."""
        grid, size = grid_of(REGION, LAND.shape), PIXEL_M[self.scene.sensor.name]
        total = np.zeros(self.spectra.shape)
        for u in _POINTS * size:
            for v in _POINTS * size:
                column = np.floor((self.x + east_m + u - grid.left) / grid.pixel_m).astype(int)
                row = np.floor((grid.top - self.y + south_m + v) / grid.pixel_m).astype(int)
                inside = (row >= 0) & (row < grid.rows) & (column >= 0) & (column < grid.columns)
                found = self.truth[row.clip(0, grid.rows - 1), column.clip(0, grid.columns - 1)]
                total += np.where(inside[:, None], found, np.nan)
        return total / 36


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    folder = tmp_path_factory.mktemp("products")
    written = write_products(LAND, SETTINGS, folder)
    return {told["sensor"]: _read(folder / told["path"]) for told in written}


def _read(path: Path) -> Seen:
    scene = ds.read(path)
    assert isinstance(scene, Scene)
    rows, columns = np.nonzero(scene.mask() == MaskReason.VALID)
    latitude, longitude = place(scene, rows, columns)
    if scene.sensor.name == "emit":  # an ortho pixel shows the nearest raw one, whose place is another
        latitude, longitude = (part[rows, columns] for part in scene.places())  # type: ignore[attr-defined]
    x, y = transform("EPSG:4326", grid_of(REGION, LAND.shape).crs, longitude, latitude)
    truth = true_reflectance(LAND, SETTINGS, scene.sensor)
    return Seen(scene, scene.read().values[rows, columns], np.array(x), np.array(y), truth)


@pytest.mark.parametrize("sensor", PRODUCTS)
def test_a_product_shows_the_truth_within_its_noise(seen: dict[str, Seen], sensor: str) -> None:
    """Pixel for pixel, after the gain and offset that each band of an image has wrong by a few percent."""
    one = seen[sensor]
    truth, live = one.truth_at(), ~one.scene.empty & ~np.isin(one.scene.sensor.detector, _SIXTY_METRES)
    whole = np.isfinite(truth).all(axis=1) & np.isfinite(one.spectra[:, live]).all(axis=1)
    assert whole.sum() > 500
    truth, shown = truth[whole][:, live], one.spectra[whole][:, live]
    gain = np.median(shown / truth, axis=0)
    assert np.abs(gain - 1).max() < 0.06
    noise = noise_of(one.scene.sensor)[live] * np.sqrt(np.clip(truth, 0.02, None) / 0.3)
    off = (shown - gain * truth) / np.hypot(noise, 5e-5)
    spread = 1.4826 * np.median(np.abs(off - np.median(off, axis=0)), axis=0)
    assert np.median(spread) < 2.2
    assert np.quantile(np.abs(shown - gain * truth), 0.99) < 0.02


@pytest.mark.parametrize("sensor", PRODUCTS)
def test_a_product_lies_where_the_land_lies(seen: dict[str, Seen], sensor: str) -> None:
    """Moved by a quarter of a pixel in any direction, it agrees less."""
    one = seen[sensor]
    band = int(np.abs(one.scene.sensor.axis.values - 850.0).argmin())

    def misfit(east_m: float, south_m: float) -> float:
        truth = one.truth_at(east_m, south_m)[:, band]
        there = np.isfinite(truth) & np.isfinite(one.spectra[:, band])
        ratio = np.median(one.spectra[there, band] / truth[there])
        return float(np.sqrt(np.mean((one.spectra[there, band] - ratio * truth[there]) ** 2)))

    step = PIXEL_M[sensor] / 4
    moved = [misfit(east, south) for east in (-step, 0, step) for south in (-step, 0, step)]
    assert int(np.argmin(moved)) == 4


def test_a_world_tells_its_products_by_sensor_and_day(tmp_path: Path) -> None:
    settings = replace(SETTINGS, products=("prisma", "enmap"), looks=2)
    world = simulate_world(tmp_path / "world", settings)
    told = json.loads((world.root / "world.json").read_text())["regions"][0]["products"]
    assert [(one["sensor"], one["look"]) for one in told] == [
        ("prisma", 0), ("enmap", 0), ("prisma", 1), ("enmap", 1),
    ]  # fmt: skip
    first, later = (ds.read(path) for path in world.products(REGION.name, "enmap"))
    assert first.name == ds.read(world.scene(REGION.name)).name
    assert 22 <= (later.acquired - first.acquired).days <= 25
    assert len(world.products(REGION.name)) == 4
    assert all(path.is_file() for path in (*world.map_units(REGION.name), world.zones(REGION.name)))
    reopened = ds.read(world.products(REGION.name, "prisma")[0])
    assert reopened.sensor.name == "prisma"


def test_a_product_that_nobody_flies_is_refused() -> None:
    with pytest.raises(UsageError, match=r"products is 'emmit'.*'emit'"):
        replace(SETTINGS, products=("emmit",))
    with pytest.raises(UsageError, match="looks is 0"):
        replace(SETTINGS, looks=0)


def test_points_find_their_pixels_in_every_product(tmp_path: Path) -> None:
    """What a run does with a product: the bands that hold data, the pixel under each point, no cloud."""
    settings = replace(SETTINGS, points_per_field=8)
    world = simulate_world(tmp_path / "world", settings)
    points = read_points(world.points)
    for sensor in PRODUCTS:
        (path,) = world.products(REGION.name, sensor)
        scene = ds.read(path)
        found = at_points([scene], points, usable_axis([scene]))
        assert len(found) > 20
        assert np.isfinite(found.values).all()
        apart = great_circle_m(
            *(found.samples[name] for name in ("latitude", "longitude", "pixel_latitude", "pixel_longitude"))
        )
        assert apart.max() < PIXEL_M[sensor]


def test_a_product_without_a_place_says_what_is_missing(tmp_path: Path) -> None:
    scene = ds.read(write_emit_of(tmp_path), geometry="swath")
    assert isinstance(scene, Scene)
    assert scene.crs == ""
    with pytest.raises(LabelError, match=r"has no coordinate system.*Give the product with its place"):
        at_points([scene], pd.DataFrame({"latitude": [1.0], "longitude": [2.0]}), usable_axis([scene]))


def write_emit_of(folder: Path) -> Path:
    told = write_products(LAND, replace(SETTINGS, products=("emit",)), folder)
    return folder / told[0]["path"]
