"""Other sensors over the same land, and a library whose EC was not measured throughout."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import rasterio

import deepsalt as ds
from deepsalt.errors import UsageError
from deepsalt.files import fingerprint
from deepsalt.labels import with_ece
from deepsalt.pairing import great_circle_m
from deepsalt.simulate import REGIONS, World, WorldSettings, simulate_world
from deepsalt.simulate.acquisition import acquire
from deepsalt.simulate.instrument import gaussian_response, noise_of
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.library import library_of
from deepsalt.simulate.surface import surface_reflectance
from deepsalt.spectra import MaskReason, Sensor

EC = "ec_usda.a364_ds.m"
REGION = "alluvial_basin"
CUBES = ("prisma", "emit")


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    root = tmp_path_factory.mktemp("cubes")
    return {name: simulate_world(root / name, replace(WorldSettings.small(), sensor=name)) for name in CUBES}


@pytest.mark.parametrize("name", CUBES)
def test_the_land_does_not_depend_on_the_sensor(world, cubes, name):
    seen = cubes[name]
    assert fingerprint(seen.library) == fingerprint(world.library)
    assert fingerprint(seen.points) == fingerprint(world.points)
    for region in world.settings.regions:
        assert fingerprint(seen.truth(region)) == fingerprint(world.truth(region))
        assert fingerprint(seen.covariates(region)) == fingerprint(world.covariates(region))
        assert seen.about(region)["date"] == world.about(region)["date"]
        assert seen.scene(region).is_file()


@pytest.mark.parametrize("name", CUBES)
def test_a_scene_is_read_as_one_of_its_sensor(cubes, name):
    world = cubes[name]
    scene, table = ds.read(world.scene(REGION)), Sensor.load(name)
    assert scene.sensor.name == name
    np.testing.assert_allclose(scene.sensor.axis.values, table.axis.values, rtol=1e-5)
    np.testing.assert_allclose(scene.sensor.axis.widths, table.axis.widths, rtol=1e-5)
    assert (scene.sensor.good == table.good).all()
    assert scene.sensor.detector == table.detector
    np.testing.assert_array_equal(scene.sensor.noise, table.noise)
    assert (scene.empty == ~np.asarray(table.good)).all()
    assert scene.acquired.date().isoformat() == world.about(REGION)["date"]
    with rasterio.open(world.truth(REGION)) as truth:
        assert (scene.crs, scene.transform[:6]) == (truth.crs.to_string(), tuple(truth.transform)[:6])
        assert (scene.height, scene.width) == truth.shape
    told = json.loads((world.root / "world.json").read_text())
    assert told["settings"]["sensor"] == name
    assert World.open(world.root).settings.sensor == name


@pytest.mark.parametrize("name", CUBES)
def test_a_scene_agrees_with_the_ground(cubes, name):
    """Clear land against its noise-free reflectance: within the error of the gain and the noise."""
    world = cubes[name]
    land, scene = landscape(REGIONS[REGION], world.settings), ds.read(world.scene(REGION))
    table = Sensor.load(name)
    truth = surface_reflectance(land.soil, land.surface)
    truth = truth @ gaussian_response(table.axis.values, table.axis.widths)
    taken = acquire(land, world.settings)
    clear = (scene.mask() == MaskReason.VALID) & ~land.water
    clear &= np.logical_or.reduce([flag > 0 for flag in taken.flags.values()]) == 0
    assert clear.mean() > 0.6
    good = np.asarray(table.good) & (table.axis.values > 450) & (table.axis.values < 2350)
    seen, wanted = scene.read().values[clear][:, good], truth[clear.ravel()][:, good]
    ratio = np.nanmedian(seen / wanted, axis=0)
    assert np.abs(ratio - 1).max() < 0.08  # gain of a band: 1-2 %; residual vapour on top
    assert np.median(np.abs(ratio - 1)) < 0.03
    spread = np.nanmedian(np.abs(seen / wanted - ratio), axis=0)
    noise = noise_of(table)[good] / 0.3
    assert (spread < 4 * noise + 0.01).all()
    assert (np.median(spread) > 0.2 * noise.min()).all()


def test_cubes_are_stored_as_told(cubes):
    with rasterio.open(cubes["emit"].scene(REGION)) as file:
        assert (file.count, set(file.dtypes), file.nodata) == (285, {"int16"}, -32768)
        assert file.compression.name == "deflate"
        assert file.interleaving.name == "band"
        assert file.block_shapes[0] == (3, file.width)
        assert set(file.scales) == {1e-4}
        assert file.tags()["sensor"] == "emit"
        assert "SIMULATED" in file.tags()["comment"]
        assert file.tags(1) == {
            "wavelength": "381.006", "wavelength_units": "Nanometers", "fwhm": "8.415", "bbl": "1",
        }  # fmt: skip


def test_clouds_shadows_and_defects_are_nodata(tmp_path):
    settings = replace(
        WorldSettings.small(), sensor="prisma", regions=("clay_delta",), cloud_cover=0.15, seed=2
    )
    world = simulate_world(tmp_path / "w", settings)
    land = landscape(REGIONS["clay_delta"], settings)
    taken = acquire(land, settings)
    hidden = (taken.flags["CLOUD"] > 0) | (taken.flags["CLOUDSHADOW"] > 0)
    assert hidden.sum() > 20
    scene = ds.read(world.scene("clay_delta"))
    background = scene.mask() == MaskReason.BACKGROUND
    assert (background == (hidden | ~taken.inside)).all()
    values = scene.read().values
    assert np.isnan(values[hidden]).all()
    spoilt = (taken.defective == 1) & ~hidden & np.asarray(taken.sensor.good)[:, None, None]
    assert np.isnan(np.moveaxis(values, -1, 0)[spoilt]).all()
    start = datetime(*taken.start.timetuple()[:6], tzinfo=UTC)
    assert scene.acquired == start


def test_noise_of_a_sensor_that_tells_none_is_the_specified():
    prisma = Sensor.load("prisma")
    assert np.isnan(prisma.noise).all()
    noise, nm = noise_of(prisma), prisma.axis.values
    np.testing.assert_allclose(noise[nm < 1740], 0.3 / 200)
    np.testing.assert_allclose(noise[nm > 1960], 0.3 / 100)
    emit = Sensor.load("emit")
    known = np.isfinite(emit.noise)
    np.testing.assert_array_equal(noise_of(emit)[known], emit.noise[known])
    gaps = Sensor("own", emit.axis, noise=np.where(np.arange(285) == 7, np.nan, emit.noise))
    assert noise_of(gaps)[7] == pytest.approx(np.nanmedian(gaps.noise))


def test_other_laws_through_another_sensor(cubes, tmp_path):
    settings = replace(WorldSettings.small(), sensor="emit", laws="other", regions=(REGION,))
    other = ds.read(simulate_world(tmp_path / "w", settings).scene(REGION))
    usual = ds.read(cubes["emit"].scene(REGION))
    assert other.sensor.name == "emit"
    assert (other.mask() == usual.mask()).all()
    valid = usual.mask() == MaskReason.VALID
    red = int(np.abs(usual.sensor.axis.values - 650).argmin())
    ratio = other.read().values[valid][:, red] / usual.read().values[valid][:, red]
    assert np.nanmedian(np.abs(ratio - 1)) > 0.02


# EC that was not measured.


def test_unmeasured_ec_leaves_the_rest_as_it_is():
    settings = replace(WorldSettings.small(), library_samples=160)
    land = landscape(REGIONS[REGION], settings)
    full = library_of(land, settings)
    some = library_of(land, replace(settings, ec_measured=0.4))
    fewer = library_of(land, replace(settings, ec_measured=0.2))
    assert full[EC].notna().all()
    pd.testing.assert_frame_equal(some.drop(columns=EC), full.drop(columns=EC))
    measured = some[EC].notna()
    pd.testing.assert_series_equal(some.loc[measured, EC], full.loc[measured, EC])
    by_profile = some.groupby("id.profile")[EC].agg(lambda ec: ec.notna().mean())
    assert set(by_profile) == {0.0, 1.0}
    assert by_profile.mean() == pytest.approx(0.4, abs=0.005)
    assert measured[fewer[EC].notna()].all()
    assert 0.1 < fewer[EC].notna().mean() < 0.3


def test_unmeasured_vis_nir_leaves_the_rest_as_it_is(tmp_path):
    settings = replace(WorldSettings.small(), library_samples=160, regions=(REGION,))
    land = landscape(REGIONS[REGION], settings)
    full = library_of(land, settings)
    some = library_of(land, replace(settings, visnir_measured=0.2, ec_measured=0.4))
    visnir = [name for name in full if name.startswith("scan_visnir")]
    pd.testing.assert_frame_equal(some.drop(columns=[*visnir, EC]), full.drop(columns=[*visnir, EC]))
    measured = some[visnir].notna()
    assert (measured.all(axis=1) == measured.any(axis=1)).all()
    there = measured.all(axis=1)
    pd.testing.assert_frame_equal(some.loc[there, visnir], full.loc[there, visnir])
    assert there.groupby(some["id.profile"]).mean().mean() == pytest.approx(0.2, abs=0.005)
    assert 0 < (there & some[EC].notna()).sum() < there.sum()  # one does not follow from the other
    world = simulate_world(tmp_path / "w", replace(settings, visnir_measured=0.2, rows=48, columns=44))
    found = ds.read(world.library, domain="visnir", drop_empty=True)
    assert 0 < len(found) < len(ds.read(world.library, domain="mir")) / 3


def test_a_library_that_states_its_places_is_wrong_by_what_it_states(tmp_path):
    settings = replace(WorldSettings.small(), library_samples=160)
    land = landscape(REGIONS[REGION], settings)
    exact = library_of(land, settings)
    stated = library_of(land, replace(settings, library_position_error=30.0))
    place = ["latitude.point_wgs84_dd", "longitude.point_wgs84_dd"]
    error = "location.point.error_any_m"
    assert error not in exact
    pd.testing.assert_frame_equal(stated.drop(columns=[*place, error]), exact.drop(columns=place))
    assert (stated[error] == 30.0).all()
    one = stated.groupby("id.profile")[place].nunique()
    assert (one == 1).all(axis=None)  # layers of a profile lie under one another
    off = great_circle_m(*(table[name] for table in (exact, stated) for name in place))
    assert np.sqrt(np.mean(off**2)) == pytest.approx(30.0, rel=0.2)
    none = library_of(land, replace(settings, library_position_error=0.0))
    pd.testing.assert_frame_equal(none.drop(columns=error), exact)
    world = simulate_world(tmp_path / "w", replace(WorldSettings.small(), library_position_error=30.0))
    assert (ds.read(world.library, domain="visnir").samples["position_error_m"] == 30.0).all()


def test_a_library_with_unmeasured_ec_is_read(tmp_path):
    settings = replace(WorldSettings.small(), ec_measured=0.3)
    world = simulate_world(tmp_path / "w", settings)
    table = pd.read_parquet(world.library)
    library = ds.read(world.library, domain="visnir")
    labelled = with_ece(library)
    known = labelled.samples["ece_ds_m"].notna().to_numpy()
    assert (known == table[EC].notna()).all()
    assert 0 < known.sum() < len(table)
    assert np.isfinite(labelled.values).all()
    assert (labelled.samples.loc[known, "ece_ds_m"] >= 0).all()
    tiny = library_of(
        landscape(REGIONS[REGION], settings), replace(settings, library_samples=1, ec_measured=0.01)
    )
    assert tiny[EC].notna().tolist() == [True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensor": "Prisma"}, r"sensor is 'Prisma'.*Did you mean 'prisma'"),
        ({"sensor": "landsat"}, r"sensor is 'landsat'.*Use one of: enmap, prisma, emit"),
        ({"laws": "unusual"}, r"laws is 'unusual'.*Did you mean 'usual'"),
        ({"ec_measured": 0.0}, r"ec_measured is 0.0.*above 0, up to 1"),
        ({"ec_measured": 1.2}, "ec_measured is 1.2"),
        ({"ec_measured": float("nan")}, "ec_measured is nan"),
        ({"visnir_measured": 0.0}, r"visnir_measured is 0.0.*above 0, up to 1"),
        ({"library_position_error": -1.0}, r"library_position_error is -1.0.*Use 0 to 10,000 m"),
        ({"library_position_error": float("nan")}, "library_position_error is nan"),
    ],
)
def test_choices_that_cannot_be_are_refused(change, message):
    with pytest.raises(UsageError, match=message):
        replace(WorldSettings.small(), **change)


def test_a_world_from_before_these_settings_still_opens(world, tmp_path):
    told = json.loads((world.root / "world.json").read_text())
    for key in ("sensor", "laws", "ec_measured", "visnir_measured", "library_position_error"):
        del told["settings"][key]
    (tmp_path / "world.json").write_text(json.dumps(told))
    assert World.open(tmp_path).settings == world.settings
