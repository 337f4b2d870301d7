"""Physics that the simulator must keep, whatever the soil."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepsalt.errors import DeepSaltError
from deepsalt.simulate.bands import WAVELENGTHS_NM, gaussian, reflectance_of, remission
from deepsalt.simulate.chemistry import (
    GYPSUM_SATURATED_DS_M,
    dissolved_gypsum_ds_m,
    ec_1_2_ds_m,
    ece_ds_m,
    salts_from_ece,
    saturation_water,
)
from deepsalt.simulate.instrument import Instrument, gaussian_response
from deepsalt.simulate.minerals import CALCITE, GYPSUM, HALITE, SALTS
from deepsalt.simulate.mir import WAVENUMBERS_CM1, clean_absorbance
from deepsalt.simulate.soil import Soil
from deepsalt.simulate.surface import Surface, surface_reflectance, wetted
from deepsalt.simulate.visnir import dry_reflectance
from deepsalt.spectra import Sensor

percent = st.floats(0, 60)
salt = st.floats(0, 40)


def soil_of(clay=25.0, gypsum=0.0, salts=(0.0, 0.0, 0.0, 0.0), sand=30.0, organic_carbon=1.0, carbonate=5.0):
    one = np.ones(1)
    return Soil(
        sand=sand * one,
        clay=clay * one,
        organic_carbon=organic_carbon * one,
        carbonate=carbonate * one,
        gypsum=gypsum * one,
        goethite=1.0 * one,
        hematite=0.2 * one,
        smectite=0.3 * one,
        kaolinite=0.2 * one,
        salts_g_kg=np.array([salts]),
    )


def depth_at(spectrum: np.ndarray, centre: float, left: float, right: float) -> float:
    """Continuum-removed depth of a band."""
    low, mid, high = (int(np.abs(WAVELENGTHS_NM - w).argmin()) for w in (left, centre, right))
    share = (centre - left) / (right - left)
    return float(1 - spectrum[mid] / ((1 - share) * spectrum[low] + share * spectrum[high]))


@given(
    salts=st.tuples(salt, salt, salt, salt), more=st.floats(0.05, 5), family=st.integers(0, 3), gypsum=percent
)
def test_more_soluble_salt_always_conducts_more(salts, more, family, gypsum):
    richer = list(salts)
    richer[family] += more
    before, after = soil_of(gypsum=gypsum, salts=salts), soil_of(gypsum=gypsum, salts=tuple(richer))
    assert ece_ds_m(after)[0] > ece_ds_m(before)[0]
    assert ec_1_2_ds_m(after)[0] > ec_1_2_ds_m(before)[0]


def test_a_first_pinch_of_sulphate_does_not_lower_ece_of_a_gypsic_soil():
    """The common ion takes less away than the sulphate brings, from the very first gram."""
    ece = [ece_ds_m(soil_of(gypsum=20.0, salts=(0, s, 0, 0)))[0] for s in (0.0, 0.05, 0.1, 0.3, 1.0, 3.0)]
    assert (np.diff(ece) > 0).all()


@given(gypsum=st.floats(0, 90), clay=st.floats(2, 80))
def test_gypsum_alone_never_makes_a_soil_saline(gypsum, clay):
    soil = soil_of(clay=clay, gypsum=gypsum)
    assert 0 <= ece_ds_m(soil)[0] <= GYPSUM_SATURATED_DS_M + 1e-5 < 2.5
    assert ec_1_2_ds_m(soil)[0] <= GYPSUM_SATURATED_DS_M + 1e-5


def test_more_gypsum_dissolves_in_more_water():
    little = np.array([0.05])  # percent: all of it dissolves in a paste, and all in 1:2
    plenty = np.array([5.0])
    in_paste, in_1_2 = (
        [dissolved_gypsum_ds_m(g, np.zeros(1), np.array([w]))[0] * w for g in (little, plenty)]
        for w in (0.4, 2.0)
    )
    assert in_1_2[0] == pytest.approx(in_paste[0])
    assert in_1_2[1] == pytest.approx(5 * in_paste[1])


def test_sulphate_holds_gypsum_back():
    alone, with_sulphate = (dissolved_gypsum_ds_m(5.0, s, np.array([0.4]))[0] for s in (0.0, 4.0))
    assert alone == pytest.approx(2.2)
    assert with_sulphate < 0.5 * alone


@given(ece=st.floats(0, 60), clay=st.floats(2, 80), organic_carbon=st.floats(0, 5))
def test_salt_mass_and_ece_are_one_identity(ece, clay, organic_carbon):
    """Salt, g/kg = 0.64 ECe theta_SP, there and back, for any mix of families."""
    water = saturation_water(np.float32(clay), np.float32(organic_carbon))
    mass = float(salts_from_ece(ece, water))
    assert mass == pytest.approx(0.64 * ece * float(water))
    soil = soil_of(
        clay=clay, organic_carbon=organic_carbon, salts=tuple(mass * np.array([0.4, 0.3, 0.2, 0.1]))
    )
    assert ece_ds_m(soil)[0] == pytest.approx(ece, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("clay", "line"), [(7.0, 2.79), (26.0, 2.35), (52.0, 2.16)])
def test_ec_1_2_follows_the_published_lines(clay, line):
    """Hogg & Henry: ECe over EC 1:2 for coarse, medium and fine soils."""
    soil = soil_of(clay=clay, organic_carbon=0.5, salts=(2.0, 1.0, 0.0, 0.0))
    assert ece_ds_m(soil)[0] / ec_1_2_ds_m(soil)[0] == pytest.approx(line, rel=0.12)


@given(
    clay=st.floats(2, 70),
    gypsum=percent,
    carbonate=st.floats(0, 30),
    salts=st.tuples(salt, salt, salt, salt),
    organic_carbon=st.floats(0, 6),
)
@settings(max_examples=50)
def test_dry_reflectance_stays_a_reflectance(clay, gypsum, carbonate, salts, organic_carbon):
    soil = soil_of(
        clay=clay,
        sand=min(30.0, 95 - clay),
        gypsum=gypsum,
        carbonate=carbonate,
        salts=salts,
        organic_carbon=organic_carbon,
    )
    spectrum = dry_reflectance(soil)
    assert np.isfinite(spectrum).all()
    assert spectrum.min() > 0.005
    assert spectrum.max() < 0.97


@given(dryer=st.floats(0, 0.9), step=st.floats(0.02, 0.5))
def test_wetter_is_darker_at_every_wavelength(dryer, step):
    dry = dry_reflectance(soil_of())
    first, second = (wetted(dry, np.array([s]))[0] for s in (dryer, dryer + step))
    assert (second < first).all()
    np.testing.assert_allclose(wetted(dry, np.zeros(1)), dry, rtol=1e-6)


def test_moisture_saturates_earlier_in_the_vnir_than_in_the_swir():
    dry = dry_reflectance(soil_of())
    half, full = (wetted(dry, np.array([s]))[0] for s in (0.3, 1.0))
    done = (dry[0] - half) / (dry[0] - full)
    at = {nm: done[int(np.abs(WAVELENGTHS_NM - nm).argmin())] for nm in (600, 2200)}
    assert at[600] > at[2200] + 0.1


def test_halite_has_no_band_and_gypsum_has_them():
    halite, gypsum = HALITE.reflectance(), GYPSUM.reflectance()
    for centre, left, right in ((1748, 1690, 1810), (2217, 2110, 2310)):
        assert abs(depth_at(halite, centre, left, right)) < 0.005
        assert depth_at(gypsum, centre, left, right) > 0.15
    assert depth_at(CALCITE.reflectance(), 2335, 2230, 2420) == pytest.approx(0.26, abs=0.06)


def test_a_little_salt_is_nearly_invisible_but_a_little_gypsum_is_not():
    """ECe 4 of chloride moves a dry spectrum less than 5 % gypsum, which makes no salinity, does."""
    plain = dry_reflectance(soil_of())[0]
    saline = dry_reflectance(soil_of(salts=(1.0, 0.0, 0.0, 0.0)))[0]
    gypsic = dry_reflectance(soil_of(gypsum=5.0))[0]
    assert ece_ds_m(soil_of(salts=(1.0, 0, 0, 0)))[0] > ece_ds_m(soil_of(gypsum=5.0))[0]
    assert np.abs(saline / plain - 1).max() < 0.03
    assert np.abs(gypsic / plain - 1).max() > 0.05


def test_crust_brightens_and_plants_show_a_red_edge():
    soil = soil_of(salts=(8.0, 4.0, 0.0, 0.0))
    zero, half = np.zeros(1), np.full(1, 0.5)
    bare = surface_reflectance(soil, Surface(zero, zero, zero, zero, zero + 1))[0]
    crusted = surface_reflectance(soil, Surface(zero, half, zero, zero, zero + 1))[0]
    green = surface_reflectance(soil, Surface(zero, zero, half, zero, zero + 1))[0]
    red, nir = (int(np.abs(WAVELENGTHS_NM - nm).argmin()) for nm in (680, 800))
    assert crusted[red] > 1.15 * bare[red]
    assert (green[nir] - green[red]) / (green[nir] + green[red]) > 0.35
    assert (bare[nir] - bare[red]) / (bare[nir] + bare[red]) < 0.25


@given(reflectance=st.floats(0.01, 0.99))
def test_kubelka_munk_there_and_back(reflectance):
    assert reflectance_of(remission(reflectance)) == pytest.approx(reflectance, rel=1e-6)


def test_mir_sees_sulphate_and_not_chloride():
    plain = clean_absorbance(soil_of())[0]
    sulphate, chloride = (
        clean_absorbance(soil_of(salts=s))[0] - plain for s in ((0.0, 5.0, 0.0, 0.0), (5.0, 0.0, 0.0, 0.0))
    )
    at = int(np.abs(WAVENUMBERS_CM1 - 2102).argmin())
    assert sulphate[at] > 10 * abs(chloride[at])
    assert (chloride[WAVENUMBERS_CM1 < 1400] <= 1e-5).all()  # dilution only
    assert chloride[int(np.abs(WAVENUMBERS_CM1 - 3392).argmin())] > 0  # the water it draws


def test_every_salt_family_has_its_mineral():
    assert len(SALTS) == 4
    for mineral in SALTS:
        spectrum = mineral.reflectance()
        assert spectrum.shape == WAVELENGTHS_NM.shape
        assert 0 < spectrum.min() <= spectrum.max() < 1


def test_response_of_a_flat_and_of_a_sloping_spectrum():
    sensor = Sensor.load("enmap")
    response = gaussian_response(sensor.axis.values, sensor.axis.widths)
    np.testing.assert_allclose(np.ones(len(WAVELENGTHS_NM)) @ response, 1.0, rtol=1e-5)
    np.testing.assert_allclose(WAVELENGTHS_NM @ response, sensor.axis.values, atol=0.01)


def test_detectors_are_calibrated_apart():
    sensor = Sensor.load("enmap")
    overlap = (sensor.axis.values > 902) & (sensor.axis.values < 993)
    swir = np.array(sensor.detector) == "SWIR"
    gaps = []
    for seed in range(15):
        gain = Instrument.in_orbit(sensor, np.random.default_rng(seed)).gain
        gaps.append(gain[overlap & swir].mean() - gain[overlap & ~swir].mean())
    assert 0.005 < np.std(gaps) < 0.03


def test_gaussian_band_has_its_width():
    assert gaussian(np.array([2200.0]), 2200, 40)[0] == pytest.approx(1.0)
    assert gaussian(np.array([2220.0]), 2200, 40)[0] == pytest.approx(0.5, abs=1e-3)


def test_parts_of_a_soil_must_have_one_length():
    good = soil_of()
    with pytest.raises(DeepSaltError, match="different lengths"):
        good.with_(clay=np.ones(2))
