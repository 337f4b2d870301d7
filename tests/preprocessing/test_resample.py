"""Resampling: identities that must hold for any bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import BandError
from deepsalt.preprocessing.resample import describe_ranges, resample, resampling_matrix
from deepsalt.spectra import Axis, Sensor, Spectra

SENSORS = ("enmap", "prisma", "emit", "sentinel2")
LAB = Axis(np.arange(350.0, 2501), "nm")


def lab(values: np.ndarray) -> Spectra:
    return Spectra.of_table(values, LAB, "reflectance", samples=pd.DataFrame({"id": range(len(values))}))


@given(st.floats(0.001, 1.2), st.sampled_from(SENSORS))
def test_a_flat_spectrum_stays_flat(level: float, name: str) -> None:
    seen = resample(lab(np.full((1, len(LAB)), level)), Sensor.load(name))
    assert seen.values == pytest.approx(np.full((1, len(Sensor.load(name))), np.float32(level)), rel=1e-5)


@given(st.sampled_from(SENSORS), st.integers(0, 2**32 - 1))
def test_its_own_bands_change_nothing(name: str, seed: int) -> None:
    sensor = Sensor.load(name)
    values = np.random.default_rng(seed).uniform(0, 1, (3, len(sensor)))
    spectra = Spectra.of_table(values, sensor.axis, "reflectance", sensor=sensor)
    assert np.array_equal(resample(spectra, sensor).values, spectra.values)
    weights, covered = resampling_matrix(sensor.axis, sensor.axis)
    assert covered.all()
    assert weights == pytest.approx(np.eye(len(sensor)), abs=1e-6)


@given(st.sampled_from(SENSORS), st.permutations(range(6)))
def test_the_order_of_samples_does_not_matter(name: str, order: list[int]) -> None:
    values = np.random.default_rng(1).uniform(0, 1, (6, len(LAB)))
    whole = resample(lab(values), Sensor.load(name))
    turned = resample(lab(values).take(np.array(order)), Sensor.load(name))
    assert turned.values == pytest.approx(whole.values[order], abs=1e-6)
    assert turned.samples["id"].tolist() == list(order)


@given(st.sampled_from(SENSORS), st.floats(-1, 1), st.floats(-1, 1))
def test_resampling_is_linear(name: str, a: float, b: float) -> None:
    weights, _ = resampling_matrix(LAB, Sensor.load(name).axis)
    one, two = np.random.default_rng(2).uniform(0, 1, (2, len(LAB)))
    assert weights @ (a * one + b * two) == pytest.approx(a * (weights @ one) + b * (weights @ two), abs=1e-5)


def test_a_narrow_line_becomes_the_sensors_gaussian() -> None:
    """A delta at 2200 nm is seen with the response exp(-4 ln2 (d / FWHM)^2), up to the tent of the source."""
    fine = Axis(np.arange(2000.0, 2400, 0.5), "nm", np.full(800, 0.5))
    line = (np.abs(fine.values - 2200) < 0.1).astype(float)
    target = Axis(np.array([2180.0, 2200, 2220]), "nm", np.array([40.0, 40, 40]))
    weights, _ = resampling_matrix(fine, target)
    seen = weights @ line
    assert seen[0] / seen[1] == pytest.approx(np.exp(-4 * np.log(2) * 0.25), rel=0.02)
    assert seen[0] == pytest.approx(seen[2], rel=0.01)


def test_a_line_keeps_its_slope() -> None:
    seen = resample(lab(LAB.values[None, :] / 5000), Sensor.load("enmap"))
    assert seen.values[0] == pytest.approx(Sensor.load("enmap").axis.values / 5000, abs=1e-4)


def test_empty_bands_are_not_bridged_and_the_error_names_them() -> None:
    sensor = Sensor.load("enmap")
    values = np.full((2, 224), 0.3)
    values[:, 126:141] = np.nan
    spectra = Spectra.of_table(values, sensor.axis, "reflectance", sensor=sensor)
    with pytest.raises(BandError, match=r"the enmap table has 224 bands.*15 are missing.*\(1295-1519 nm\)"):
        resample(spectra, sensor)
    good = sensor.axis.take(~np.isnan(values[0]))
    assert resample(spectra, good).values == pytest.approx(np.full((2, 209), 0.3))


def test_a_missing_value_in_one_sample_is_filled_from_its_neighbours_only_within_a_wide_band() -> None:
    values = np.full((2, len(LAB)), 0.4)
    values[0, 1000:1010] = np.nan
    seen = resample(lab(values), Sensor.load("sentinel2"))
    assert seen.values == pytest.approx(np.full((2, 13), 0.4))
    own = resample(lab(values), Axis(LAB.values[::2], "nm"))
    assert np.isnan(own.values[0]).any()
    assert not np.isnan(own.values[1]).any()


def test_the_mid_infrared_is_never_resampled_to_a_satellite() -> None:
    mir = Spectra.of_table(np.ones((1, 5)), Axis(np.linspace(600, 4000, 5), "cm-1"), "absorbance")
    with pytest.raises(BandError, match="do not overlap"):
        resample(mir, Sensor.load("enmap"))


def test_ranges_are_told_short() -> None:
    axis = Axis(np.arange(500.0, 600, 10), "nm")
    chosen = np.isin(axis.values, [500, 510, 540, 560, 580, 590])
    assert describe_ranges(axis, chosen) == "500-510, 540, 560, 580-590 nm"
    assert describe_ranges(axis, chosen, most=2) == "500-510, 540 nm and 2 more ranges"
