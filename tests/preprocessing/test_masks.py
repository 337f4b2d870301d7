"""Masks: what the surface shows, after the product's own reasons, and the salt-crust guard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.toys import toy_scene

from deepsalt.errors import UsageError
from deepsalt.preprocessing.mask_report import count_masks
from deepsalt.preprocessing.masks import SurfaceRules, judge, ndvi, surface_mask
from deepsalt.preprocessing.resample import resample
from deepsalt.preprocessing.salt_crust import salt_crust
from deepsalt.preprocessing.surface_indices import cai, has_narrow_bands, mndwi, nbr2, relative_cai
from deepsalt.simulate import WorldSettings, minerals
from deepsalt.simulate.acquisition import LAND, acquire
from deepsalt.simulate.bands import WAVELENGTHS_NM
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.regions import REGIONS
from deepsalt.simulate.surface import dry_plants, wetted
from deepsalt.spectra import Axis, MaskReason, Sensor, Spectra

AXIS = Axis(np.array([550.0, 660, 850]), "nm")
#: Blue, green, red, near infrared and the two short-wave bands of Landsat and Sentinel-2.
BROAD = Axis(np.array([490.0, 560, 665, 842, 1610, 2200]), "nm", np.array([65.0, 35, 30, 115, 90, 180]))
VALID = np.zeros((1, 1), np.uint8)


def image() -> Spectra:
    """Bare soil, a green plant, no data, and dark water with a negative red."""
    return Spectra.of_image([[[0.2, 0.25, 0.3], [0.1, 0.05, 0.5]], [[np.nan] * 3, [0.01, -0.02, 0.01]]], AXIS)


def pixel(*values: float, axis: Axis = BROAD) -> Spectra:
    return Spectra.of_image(np.array(values)[None, None], axis)


def reason(spectra: Spectra, rules: SurfaceRules) -> MaskReason:
    return MaskReason(int(surface_mask(spectra, VALID, rules)[0, 0]))


def as_seen(reflectance: np.ndarray, sensor: str) -> Spectra:
    """(y=1, x=n) noise-free spectra on the simulation grid, (n, band), through a sensor's bands."""
    fine = Spectra.of_image(np.atleast_2d(reflectance)[None], Axis(WAVELENGTHS_NM, "nm"))
    return resample(fine, Sensor.load(sensor))


def test_ndvi_by_hand() -> None:
    found = ndvi(image())
    assert found[0] == pytest.approx([0.05 / 0.55, 0.45 / 0.55])
    assert np.isnan(found[1]).all()


def test_vegetation_is_masked_and_earlier_reasons_stay() -> None:
    quality = np.array(
        [[MaskReason.VALID, MaskReason.VALID], [MaskReason.BACKGROUND, MaskReason.WATER]], np.uint8
    )
    found = surface_mask(image(), quality)
    assert found.tolist() == [
        [MaskReason.VALID, MaskReason.VEGETATION],
        [MaskReason.BACKGROUND, MaskReason.WATER],
    ]
    cloudy = np.full((2, 2), MaskReason.CLOUD, np.uint8)
    assert (surface_mask(image(), cloudy) == MaskReason.CLOUD).all()


def test_without_red_or_infrared_nothing_is_called_green() -> None:
    swir = Spectra.of_image(np.full((1, 1, 1), 0.3), Axis(np.array([2200.0]), "nm"))
    assert surface_mask(swir, np.zeros((1, 1), np.uint8)).tolist() == [[MaskReason.VALID]]


def test_indices_by_hand() -> None:
    seen = pixel(0.1, 0.2, 0.25, 0.3, 0.4, 0.3)
    assert nbr2(seen) == pytest.approx(0.1 / 0.7)
    assert mndwi(seen) == pytest.approx(-0.2 / 0.6)
    assert np.isnan(cai(seen)).all()
    narrow = Axis(np.array([2000.0, 2030, 2101, 2211]), "nm", np.full(4, 10.0))
    straw = pixel(
        0.9, 0.32, 0.27, 0.28, axis=narrow
    )  # what stands at 2000 nm, in the CO2 bands, does not count
    assert cai(straw) == pytest.approx(0.03)
    assert relative_cai(straw) == pytest.approx(0.03 / 0.27)


def test_one_wide_band_over_the_cellulose_band_is_not_narrow() -> None:
    centres = np.array([2030.0, 2101, 2211])
    assert has_narrow_bands(Axis(centres, "nm", np.full(3, 10.0)))
    assert not has_narrow_bands(Axis(centres, "nm", np.array([10.0, 10, 180])))
    assert has_narrow_bands(Sensor.load("enmap").axis)
    assert has_narrow_bands(Sensor.load("emit").axis)
    assert not has_narrow_bands(Sensor.load("sentinel2").axis)


@given(st.integers(0, 2**32 - 1))
def test_the_defaults_ask_for_ndvi_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen = Spectra.of_image(rng.uniform(-0.02, 1.5, (5, 6, 6)), BROAD)
    quality = rng.choice([0, 0, 0, 2, 8], (5, 6)).astype(np.uint8)
    green = np.nan_to_num(ndvi(seen), nan=-1) > 0.35
    expected = np.where((quality == 0) & green, MaskReason.VEGETATION, quality)
    assert np.array_equal(surface_mask(seen, quality), expected)


def test_each_rule_gives_its_reason_and_the_first_counts() -> None:
    straw, soil = pixel(0.08, 0.12, 0.18, 0.26, 0.42, 0.28), pixel(0.1, 0.15, 0.2, 0.25, 0.3, 0.29)
    bright, pond = pixel(0.9, 0.9, 1.3, 0.9, 0.9, 0.9), pixel(0.05, 0.07, 0.05, 0.01, 0.0, 0.0)
    assert reason(straw, SurfaceRules(nbr2=0.1)) == MaskReason.NOT_BARE
    assert reason(straw, SurfaceRules(nbr2=0.1, dry_vegetation=0.0)) == MaskReason.DRY_VEGETATION
    assert reason(straw, SurfaceRules(max_ndvi=0.1, nbr2=0.1)) == MaskReason.VEGETATION
    assert reason(soil, SurfaceRules(nbr2=0.1, dry_vegetation=0.0, water=0.0)) == MaskReason.VALID
    assert reason(bright, SurfaceRules(max_reflectance=1.2)) == MaskReason.SATURATED
    assert reason(pond, SurfaceRules(water=0.0)) == MaskReason.WATER
    for seen in (straw, bright, pond):
        assert reason(seen, SurfaceRules()) == MaskReason.VALID


def test_wet_saline_soil_and_a_wet_crust_are_not_water() -> None:
    """MNDWI alone takes a brine crust, white in the green and dark at 1.6 um, for water."""
    crust = pixel(0.45, 0.5, 0.5, 0.45, 0.3, 0.2)
    assert mndwi(crust) > 0.2
    assert reason(crust, SurfaceRules(water=0.0)) == MaskReason.VALID
    land = landscape(REGIONS["clay_delta"], WorldSettings(rows=24, columns=24))
    from deepsalt.simulate.visnir import dry_reflectance

    soaked = wetted(dry_reflectance(land.soil), np.ones(len(land.ece)))
    for sensor in ("enmap", "sentinel2"):
        found = surface_mask(
            as_seen(soaked, sensor), np.zeros((1, len(soaked)), np.uint8), SurfaceRules(water=-0.9)
        )
        assert not (found == MaskReason.WATER).any()


def test_open_water_of_a_landscape_is_found() -> None:
    settings = WorldSettings(rows=64, columns=64, cloud_cover=0.0)
    land = landscape(REGIONS["clay_delta"], settings)
    for sensor in ("enmap", "sentinel2"):
        taken = acquire(land, settings, sensor=Sensor.load(sensor))
        seen = Spectra.of_image(np.moveaxis(taken.reflectance, 0, -1), taken.sensor.axis)
        found = surface_mask(seen, np.zeros(taken.classes.shape, np.uint8), SurfaceRules(water=0.0))
        there = land.water & taken.inside
        assert (found[there] == MaskReason.WATER).mean() > 0.95
        assert not (found[taken.classes == LAND] == MaskReason.WATER).any()


def test_gypsum_does_not_look_like_straw_to_the_cellulose_index() -> None:
    """It lowers both wings of 2.1 um, so that it hides straw and does not mimic it."""
    gypsum, straw = minerals.GYPSUM.reflectance(), dry_plants()
    shares = np.array([0.0, 0.5, 0.95, 1.0])[:, None]
    found = cai(as_seen(gypsum + shares * (straw - gypsum), "enmap"))[0]
    assert (found[:2] < 0).all()
    assert found[3] > 0.02
    assert (np.diff(found) > 0).all()
    kept = salt_crust(as_seen(np.stack([gypsum, straw]), "enmap"))[0]
    assert kept.tolist() == [True, False]


@pytest.mark.parametrize("mineral", ["GYPSUM", "EPSOMITE", "TRONA"])
@pytest.mark.parametrize("sensor", ["enmap", "emit", "sentinel2"])
def test_the_guard_keeps_crusts_that_nbr2_deletes(mineral: str, sensor: str) -> None:
    crust = as_seen(getattr(minerals, mineral).reflectance(), sensor)
    assert reason(crust, SurfaceRules(nbr2=0.075, salt_crust_guard=False)) == MaskReason.NOT_BARE
    assert reason(crust, SurfaceRules(nbr2=0.075)) == MaskReason.VALID
    assert judge(crust, VALID, SurfaceRules(nbr2=0.075)).kept.tolist() == [[True]]
    assert judge(crust, VALID, SurfaceRules()).kept.tolist() == [[False]]


@pytest.mark.parametrize("sensor", ["enmap", "emit", "sentinel2"])
def test_the_guard_keeps_no_plants(sensor: str) -> None:
    rules = SurfaceRules(max_ndvi=1.0, nbr2=0.075, dry_vegetation=0.0)
    for plants in (minerals.DRY_PLANTS, minerals.GREEN_PLANTS):
        assert reason(as_seen(plants.reflectance(), sensor), rules) in (
            MaskReason.DRY_VEGETATION,
            MaskReason.NOT_BARE,
        )


@pytest.mark.parametrize("sensor", ["enmap", "sentinel2"])
@pytest.mark.parametrize("laws", ["usual", "other"])
def test_the_saltiest_pixels_survive_and_straw_does_not(sensor: str, laws: str) -> None:
    """Truth of two simulated regions; the numbers of five and of more seeds are in docs/masks.md."""
    rules = SurfaceRules(nbr2=0.075, dry_vegetation=0.0)
    salty, straw = [], []
    for name in ("alluvial_basin", "gypsum_marl"):
        settings = WorldSettings(rows=64, columns=64, cloud_cover=0.0, laws=laws)
        land = landscape(REGIONS[name], settings)
        taken = acquire(land, settings, sensor=Sensor.load(sensor))
        seen = Spectra.of_image(np.moveaxis(taken.reflectance, 0, -1), taken.sensor.axis)
        clear = (taken.classes == LAND).ravel()
        surface = land.surface
        saline = clear & (surface.dry < 0.15) & (surface.green < 0.15) & (land.ece > 8)
        for chosen in (rules, replace(rules, salt_crust_guard=False)):
            gone = (surface_mask(seen, np.zeros(taken.classes.shape, np.uint8), chosen) > 0).ravel()
            salty.append(gone[saline])
            straw.append(gone[clear & (surface.dry > 0.4)])
    assert np.concatenate(salty[1::2]).mean() > 0.5  # what the rule does alone
    assert np.concatenate(salty[0::2]).mean() < 0.08
    assert np.concatenate(straw[0::2]).mean() > (0.8 if sensor == "enmap" else 0.65)  # gypsum hides straw


limits = st.none() | st.floats(0.0, 0.4)


@given(limits, limits, limits, st.none() | st.floats(0.5, 2), st.booleans(), st.integers(0, 2**16))
def test_the_bands_that_rules_ask_for_are_all_they_need(
    dry: float | None, water: float | None, nbr2: float | None, most: float | None, guard: bool, seed: int
) -> None:
    rules = SurfaceRules(0.3, dry, water, nbr2, most, guard)
    axis = Sensor.load("enmap").axis
    rng = np.random.default_rng(seed)
    spectra = Spectra.of_image(rng.random((3, 4, len(axis))) * rng.random((3, 4, 1)), axis)
    quality = rng.integers(0, 3, (3, 4)).astype(np.uint8)
    some = spectra.take_bands(rules.bands(axis))
    assert np.array_equal(surface_mask(some, quality, rules), surface_mask(spectra, quality, rules))
    assert SurfaceRules().bands(axis).sum() < 40


def test_where_no_band_sees_red_or_infrared_all_bands_are_asked_for() -> None:
    assert SurfaceRules().bands(Axis([1600.0, 2200.0], "nm")).tolist() == [True, True]


def test_a_rule_without_its_bands_says_nothing_and_is_told() -> None:
    visible = Sensor("desis-like", Axis(np.array([560.0, 660, 850]), "nm"))
    rules = SurfaceRules(nbr2=0.1, water=0.0, dry_vegetation=0.0)
    seen = Spectra.of_image(np.full((1, 1, 3), 0.2), visible.axis)
    assert reason(seen, rules) == MaskReason.VALID
    told = " ".join(rules.notes(visible.axis))
    assert all(f"rule {name} cannot be used" in told for name in ("nbr2", "water", "dry_vegetation"))
    assert SurfaceRules().notes(BROAD) == ()
    assert "NDTI above 0.12" in rules.notes(BROAD)[0]
    assert rules.notes(Sensor.load("enmap").axis) == ()


def test_missing_bands_in_a_pixel_mask_nothing() -> None:
    rules = SurfaceRules(nbr2=0.0, dry_vegetation=0.0, water=-1.0, max_reflectance=0.5)
    assert reason(pixel(*[np.nan] * 6), rules) == MaskReason.VALID


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match=r"nbr2 is 7.5. Use -1 to 1"):
        SurfaceRules(nbr2=7.5)
    with pytest.raises(UsageError, match="max_ndvi is 35"):
        SurfaceRules(max_ndvi=35)


def test_rules_are_told_and_read_back() -> None:
    rules = SurfaceRules(nbr2=0.1)
    assert rules.describe() == "max_ndvi 0.35, nbr2 0.1, salt_crust_guard"
    assert SurfaceRules().describe() == "max_ndvi 0.35"
    assert SurfaceRules.from_dict({"nbr2": 0.1, "scenes": []}) == rules


def test_the_report_counts_every_pixel_once() -> None:
    scene = toy_scene()  # one cloud, one plant
    cube = scene.cube.copy()
    cube[5, :3] = [0.4, 0.45, 0.5, 0.5, 0.3]  # bright, flat, low at 2.2 um: a crust
    cube[5, :3, 3] = 0.4
    cube[6, :2] = [0.1, 0.18, 0.26, 0.42, 0.28]  # straw
    report = count_masks(replace(scene, cube=cube), SurfaceRules(nbr2=0.13))
    assert report.total == 120
    assert report.pixels[MaskReason.CLOUD] == 1
    assert report.pixels[MaskReason.VEGETATION] == 1
    assert report.kept >= 3
    told = report.as_dict()
    assert sum(entry["pixels"] for entry in told["masks"].values()) == 120
    assert told["kept_by_salt_crust_guard"]["pixels"] == report.kept
    assert "cloud: 1 pixels (0.8%)" in report.lines()
    assert f"kept by the salt-crust guard: {report.kept} pixels" in report.lines()


@pytest.mark.real_data
def test_real_soils_and_straw_lie_on_the_two_sides(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "emit" / "basic_endmember_library.csv", encoding="utf-8-sig")
    centres = np.array([float(name) for name in table.columns[1:]])
    order = np.argsort(centres)
    order = order[np.diff(centres[order], prepend=0) > 0]
    values = table.iloc[:, 1:].to_numpy(float)[:, order] / 10_000
    seen = Spectra.of_image(values[None], Axis(centres[order], "nm"))
    kind = table.iloc[:, 0].to_numpy()
    straw = surface_mask(seen, np.zeros((1, len(table)), np.uint8), SurfaceRules(dry_vegetation=0.0))[0]
    assert (straw[kind == "SOIL"] == MaskReason.VALID).all()
    assert (straw[kind == "NPV"] == MaskReason.DRY_VEGETATION).all()
    assert (straw[kind == "PV"] == MaskReason.VEGETATION).all()
    shape = relative_cai(seen)[0]
    assert (shape[kind == "NPV"] > 0.1).all()
    assert (shape[kind == "SOIL"] < -0.015).all()
