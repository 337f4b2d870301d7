"""The usual world stays what it was; the other laws of water, mixture and scene."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from deepsalt.files import fingerprint
from deepsalt.simulate import World, WorldSettings, simulate_world
from deepsalt.simulate.acquisition import NODATA, SCALE, acquire
from deepsalt.simulate.bands import WAVELENGTHS_NM
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.laws import OtherLaws, UsualLaws, laws_of, mixed
from deepsalt.simulate.regions import REGIONS
from deepsalt.simulate.surface import Surface, surface_reflectance
from deepsalt.simulate.visnir import dry_reflectance
from deepsalt.simulate.water import film_reflectance

LAWS = OtherLaws(seed=0, film_cm=0.05, spreading=1.5, v=2.0)
REGION = "alluvial_basin"


def at(nm: float) -> int:
    return int(np.abs(WAVELENGTHS_NM - nm).argmin())


def image_of(world: World, region: str) -> np.ndarray:
    scene = world.scene(region)
    with rasterio.open(scene / f"{scene.name}-SPECTRAL_IMAGE.TIF") as file:
        return file.read()


def raster(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> World:
    settings = replace(WorldSettings.small(), laws="other")
    return simulate_world(tmp_path_factory.mktemp("other") / "world", settings)


# What the small world of seed 0 held before there were other laws, other sensors and unmeasured EC.


@pytest.mark.parametrize(
    ("region", "scene", "dn", "ece", "covariates"),
    [
        (
            "alluvial_basin",
            "ENMAP01-____L2A-DT0000041025_20250919T061126Z_016_V010110_20250927T111616Z",
            [573, 4070, 4353, 3039, 1666],
            1.7213676,
            [28.171997, 22.519804, 13.515540, 229.756424],
        ),
        (
            "gypsum_marl",
            "ENMAP01-____L2A-DT0000086430_20240827T111037Z_012_V010110_20240830T031541Z",
            [1358, 3518, 4248, 4466, 3497],
            2.6482069,
            [27.835794, 29.538509, 15.039839, 331.280396],
        ),
    ],
    ids=["alluvial_basin", "gypsum_marl"],
)
def test_the_usual_world_has_not_changed(world, region, scene, dn, ece, covariates):
    """To a digital number and the seventh digit: processors may round the last one otherwise."""
    assert world.about(region)["scene"] == scene
    np.testing.assert_allclose(image_of(world, region)[[10, 60, 115, 150, 205], 24, 20], dn, atol=1)
    assert raster(world.truth(region))[0, 24, 20] == pytest.approx(ece, rel=1e-5)
    np.testing.assert_allclose(raster(world.covariates(region))[:, 24, 20], covariates, rtol=1e-5)


def test_the_usual_tables_have_not_changed(world):
    library, points = pd.read_parquet(world.library), pd.read_csv(world.points)
    assert library["ec_usda.a364_ds.m"].sum() == pytest.approx(79.51, abs=0.05)
    columns = [
        "ec_usda.a364_ds.m", "clay.tot_usda.a334_w.pct", "scan_mir.1620_abs", "scan_visnir.650_ref",
        "scan_visnir.2200_ref", "latitude.point_wgs84_dd",
    ]  # fmt: skip
    held = library.loc[[0, 30], columns].to_numpy(float)
    wanted = [
        [1.06, 18.4, 0.7196936, 0.3447492, 0.4705832, 40.624467],
        [1.09, 29.07, 0.8398570, 0.3893251, 0.4871788, 41.491750],
    ]
    np.testing.assert_allclose(held, wanted, atol=1e-5)
    assert points["ece_ds_m"].sum() == pytest.approx(181.34, abs=0.05)
    assert points.loc[25, ["id", "date", "ece_ds_m"]].tolist() == ["gypsum_marl-p0006", "2024-08-24", 1.67]


def test_usual_laws_are_those_of_the_surface():
    land = landscape(REGIONS[REGION], WorldSettings.small())
    some = slice(100, 160)
    soil, surface = land.soil.take(some), land.surface.take(some)
    usual = laws_of(WorldSettings.small())
    assert isinstance(usual, UsualLaws)
    np.testing.assert_array_equal(usual.ground(soil, surface), surface_reflectance(soil, surface))
    gain, offset = usual.calibration(REGION, np.array([500.0, 2200.0]))
    assert (gain.tolist(), offset.tolist()) == ([1.0, 1.0], [0.0, 0.0])


# Water.


@pytest.fixture(scope="module")
def dry() -> np.ndarray:
    land = landscape(REGIONS[REGION], WorldSettings.small())
    return dry_reflectance(land.soil.take(slice(0, 2112, 60)))


def test_wetting_darkens_and_deepens_the_water_bands(dry):
    levels = [LAWS.wetted(dry, np.full(len(dry), s)) for s in (0.0, 0.2, 0.5, 0.8, 1.0)]
    np.testing.assert_allclose(levels[0], dry, rtol=1e-5)
    for drier, wetter in pairwise(levels):
        assert (wetter < drier).all()
        for centre, beside in ((1450, 1300), (1940, 1750), (2500, 2200)):
            ratio = [level[:, at(centre)] / level[:, at(beside)] for level in (drier, wetter)]
            assert (ratio[1] < ratio[0]).all(), centre
    assert (levels[-1][:, at(1940)] < 0.01).all()
    assert (levels[-1][:, at(650)] > 0.3 * dry[:, at(650)]).all()


def test_a_film_takes_the_light_of_two_crossings():
    """Dark ground: the light meets it once, so that two films differ by exp(-2 alpha d) alone."""
    dark = np.full((1, len(WAVELENGTHS_NM)), 1e-3)
    thin, thick = (film_reflectance(dark, np.array([d]))[0] for d in (0.01, 0.03))
    absorbed = np.log(thin / thick) / (2 * 0.02)
    assert absorbed[at(1450)] == pytest.approx(32.7, rel=0.01)
    assert absorbed[at(1000)] == pytest.approx(0.41, rel=0.03)
    assert WAVELENGTHS_NM[absorbed.argmax()] == 1930
    vanishing = film_reflectance(np.full((1, len(WAVELENGTHS_NM)), 0.3), np.zeros(1))[0]
    assert vanishing[at(550)] == pytest.approx(0.98 * 0.525 * 0.3 / (1 - 0.475 * 0.3), rel=0.01)


# Mixtures.


def test_a_mixture_of_equals_is_the_same(dry):
    share = np.linspace(0, 1, len(dry))
    for v in (1.0, 1.7, 2.5):
        np.testing.assert_allclose(mixed([(share, dry), (1 - share, dry)], v), dry, rtol=1e-5)


def test_a_mixture_of_one_part_is_that_part(dry):
    bright = np.full(len(WAVELENGTHS_NM), 0.9)
    none, all_ = np.zeros(len(dry)), np.ones(len(dry))
    np.testing.assert_allclose(mixed([(none, bright), (all_, dry)], 2.0), dry, rtol=1e-5)
    np.testing.assert_allclose(mixed([(all_, bright), (none, dry)], 2.0), np.tile(bright, (len(dry), 1)))


def test_dark_parts_count_more_than_side_by_side():
    dark, bright = np.full(len(WAVELENGTHS_NM), 0.04), np.full(len(WAVELENGTHS_NM), 0.64)
    half = np.array([0.5])
    assert mixed([(half, dark), (half, bright)], 1.0)[0, 0] == pytest.approx(0.34)
    assert mixed([(half, dark), (half, bright)], 2.0)[0, 0] == pytest.approx(0.25)  # (0.1 + 0.4)^2
    assert mixed([(half, dark), (half, bright)], 50.0)[0, 0] == pytest.approx(
        0.16, abs=0.005
    )  # sqrt(product)


def test_ground_without_water_and_plants_is_the_dry_soil():
    land = landscape(REGIONS[REGION], WorldSettings.small())
    soil = land.soil.take(slice(0, 40))
    none = np.zeros(40)
    bare = Surface(moisture=none, crust=none, green=none, dry=none, light=np.full(40, 0.9))
    np.testing.assert_allclose(LAWS.ground(soil, bare), 0.9 * dry_reflectance(soil), rtol=1e-4)
    np.testing.assert_allclose(surface_reflectance(soil, bare), 0.9 * dry_reflectance(soil), rtol=1e-5)
    grown = LAWS.ground(soil, replace(bare, green=np.ones(40)))
    assert np.ptp(grown, axis=0).max() < 1e-6
    assert grown[0, at(850)] > 5 * grown[0, at(670)]


# Scenes.


def test_gain_and_offset_are_smooth_and_several_percent():
    nm = np.arange(420.0, 2450.0, 5.0)
    both = [OtherLaws.drawn(seed).calibration(REGION, nm) for seed in range(40)]
    gain, offset = (np.stack(part) for part in zip(*both, strict=True))
    assert 0.03 < gain.std() < 0.07
    assert 0.002 < offset.std() < 0.006
    assert np.abs(np.diff(gain, axis=1)).max() < 0.004
    assert gain.mean() == pytest.approx(1.0, abs=0.03)
    again = OtherLaws.drawn(3).calibration(REGION, nm)
    np.testing.assert_array_equal(again[0], gain[3])
    elsewhere = OtherLaws.drawn(3).calibration("gypsum_marl", nm)
    assert np.abs(elsewhere[0] - gain[3]).max() > 0.01


def test_the_whole_scene_bears_gain_and_offset(monkeypatch):
    settings = replace(WorldSettings.small(), laws="other")
    land = landscape(REGIONS[REGION], settings)
    wrong = acquire(land, settings)
    gain, offset = laws_of(settings).calibration(REGION, wrong.sensor.axis.values)
    monkeypatch.setattr(OtherLaws, "calibration", UsualLaws.calibration)
    right = acquire(land, settings)
    held = (wrong.dn != NODATA) & (wrong.defective == 0)  # defects are spoilt afterwards
    expected = right.dn * gain[:, None, None] + SCALE * offset[:, None, None]
    np.testing.assert_allclose(wrong.dn[held], expected[held], atol=2)
    assert np.abs(wrong.dn[held] - right.dn[held].astype(int)).mean() > 20


def test_laws_are_drawn_from_the_seed():
    first, again, second = (OtherLaws.drawn(seed) for seed in (0, 0, 1))
    assert first == again
    assert (first.film_cm, first.v) != (second.film_cm, second.v)
    assert 0.03 <= first.film_cm <= 0.08
    assert 1.5 <= first.v <= 2.5


def test_other_laws_change_the_scenes_alone(world, other):
    assert fingerprint(other.library) == fingerprint(world.library)
    assert fingerprint(other.points) == fingerprint(world.points)
    for region in world.settings.regions:
        assert fingerprint(other.truth(region)) == fingerprint(world.truth(region))
        assert fingerprint(other.covariates(region)) == fingerprint(world.covariates(region))
        assert other.about(region)["scene"] == world.about(region)["scene"]
        usual, changed = image_of(world, region), image_of(other, region)
        assert ((usual == -32768) == (changed == -32768)).all()
        held = usual[(usual > 0) & (changed > 0)], changed[(usual > 0) & (changed > 0)]
        ratio = held[1] / held[0]
        assert np.abs(ratio - 1).mean() > 0.03
        assert 0.5 < np.median(ratio) < 1.5


def test_the_other_world_is_a_world_of_its_own(other):
    reopened = World.open(other.root)
    assert reopened.settings.laws == "other"
    assert reopened.settings == replace(WorldSettings.small(), laws="other")
