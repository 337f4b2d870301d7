"""Resampling: identities that must hold for any bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepsalt.errors import BandError, UsageError
from deepsalt.preprocessing.resample import apply_weights, describe_ranges, resample, resampling_matrix
from deepsalt.readers.response import read_responses
from deepsalt.spectra import Axis, Responses, Sensor, Spectra

SENSORS = ("enmap", "prisma", "emit", "sentinel2")
LAB = Axis(np.arange(350.0, 2501), "nm")


def gaussian_responses(axis: Axis, reach: float = 3.0, points: int = 241) -> Responses:
    """Gaussian curves of the centres and FWHM of an axis in nm, tabulated `reach` widths to either side."""
    offset = np.linspace(-reach, reach, points)
    value = np.exp(-4.0 * np.log(2.0) * offset**2)
    names = tuple(f"B{number}" for number in range(1, len(axis) + 1))
    curves = tuple(centre + offset * width for centre, width in zip(axis.values, axis.widths, strict=True))
    return Responses(names, curves, (value,) * len(axis))


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


def trapezium(name: str, *corners: float) -> Responses:
    return Responses((name,), (np.array(corners),), (np.array([0.0, 1.0, 1.0, 0.0]),))


def line_spectrum(axis: Axis) -> np.ndarray:
    """Straight pieces with a sharp line at 1610 nm: nothing that a smooth response could hide."""
    return 0.2 + axis.values / 8000 - 0.15 * np.clip(1 - np.abs(axis.values - 1610) / 12, 0, None)


@given(st.sampled_from(SENSORS), st.floats(0.01, 1))
def test_tabulated_rows_sum_to_one_and_flat_stays_flat(name: str, level: float) -> None:
    responses = gaussian_responses(Sensor.load(name).axis)
    weights, covered = resampling_matrix(LAB, responses)
    assert covered.all()
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert weights @ np.full(len(LAB), level) == pytest.approx(level, rel=1e-5)


@pytest.mark.parametrize("name", ["enmap", "sentinel2"])
def test_a_tabulated_gaussian_is_the_gaussian(name: str) -> None:
    """Also for a spectrum with a line in it; the source is so fine that its own width does not count."""
    fine = Axis(np.arange(360.0, 2500, 0.5), "nm")
    axis = Sensor.load(name).axis
    by_formula, by_table = (
        resampling_matrix(fine, target)[0] @ line_spectrum(fine)
        for target in (axis, gaussian_responses(axis))
    )
    assert by_table == pytest.approx(by_formula, abs=1e-4)


def test_tabulated_weights_by_hand() -> None:
    """A box over 1000-1020 nm of bands every 10 nm: half a step to each end, a whole one to the middle."""
    box = Responses(("box",), (np.array([1000.0, 1020.0]),), (np.array([1.0, 1.0]),))
    weights, covered = resampling_matrix(Axis(np.arange(980.0, 1041, 10), "nm"), box)
    assert covered.all()
    assert weights[0] == pytest.approx([0, 0, 0.25, 0.5, 0.25, 0, 0])


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=6), st.floats(3, 30))
def test_tabulated_weights_are_exact_between_coarse_bands(values: list[float], step: float) -> None:
    """A crooked response over crooked spectra, against integration in small steps."""
    source = Axis(np.arange(950.0, 1150, step), "nm")
    nm = np.linspace(1003, 1077, len(values))
    weights, _ = resampling_matrix(source, Responses(("odd",), (nm,), (np.array(values),)))
    spectrum = np.random.default_rng(0).uniform(0, 1, len(source))
    fine = np.linspace(1003, 1077, 200_001)
    response = np.interp(fine, nm, values)
    expected = np.trapezoid(response * np.interp(fine, source.values, spectrum), fine)
    assert weights[0] @ spectrum == pytest.approx(expected / np.trapezoid(response, fine), abs=1e-5)


def test_the_axis_of_responses_is_their_centre_and_half_width() -> None:
    responses = Responses(
        ("late", "early"),
        (np.array([900.0, 910, 930, 940]), np.array([500.0, 520, 520.5, 560])),
        (np.array([0.0, 2, 2, 0]), np.array([0.0, 1, 1, 0])),
    )
    assert responses.names == ("early", "late")  # sorted by wavelength, whatever the order of the table
    assert responses.axis.values[1] == pytest.approx(920)
    assert responses.axis.widths == pytest.approx([30.25, 30])
    gaussian = gaussian_responses(Sensor.load("enmap").axis, points=2001)
    assert gaussian.axis.values == pytest.approx(Sensor.load("enmap").axis.values, abs=1e-6)
    assert gaussian.axis.widths == pytest.approx(Sensor.load("enmap").axis.widths, rel=1e-3)


def test_a_sensor_sees_by_its_responses() -> None:
    two = Responses(
        ("a", "b"),
        (np.array([600.0, 601, 699, 700]), np.array([800.0, 801, 809, 810])),
        (np.array([0.0, 1, 1, 0]),) * 2,
    )
    sensor = Sensor.of_responses("boxes", two)
    values = np.where(LAB.values < 690, 0.2, 0.4)[None]
    seen = resample(lab(values), sensor)
    assert seen.sensor is sensor
    assert seen.values[0] == pytest.approx([0.2 + 0.2 * 10 / 99, 0.4], abs=2e-3)
    with pytest.raises(BandError, match="3 entries beside"):
        Sensor("wrong", two.axis, responses=gaussian_responses(Axis(np.array([500.0, 600, 700]), "nm")))


def test_a_response_beyond_the_source_is_not_covered() -> None:
    source = Axis(np.arange(900.0, 1001, 5), "nm")
    assert resampling_matrix(source, trapezium("in", 960, 970, 980, 990))[1].tolist() == [True]
    assert resampling_matrix(source, trapezium("out", 1200, 1210, 1220, 1230))[1].tolist() == [False]
    weights, covered = resampling_matrix(source, trapezium("mostly out", 985, 1000, 1030, 1045))
    assert covered.tolist() == [False]
    assert not weights.any()
    gap = np.ones(len(source), bool)
    gap[8:18] = False
    assert resampling_matrix(source, trapezium("in a gap", 958, 960, 964, 966), gap)[1].tolist() == [False]


@given(st.floats(-3, 3), st.sampled_from(["gaussian", "tabulated"]))
def test_smile_moves_what_a_band_sees(shift: float, kind: str) -> None:
    axis = Sensor.load("enmap").axis
    target = axis if kind == "gaussian" else gaussian_responses(axis)
    slope = LAB.values / 5000
    still = resampling_matrix(LAB, target)[0] @ slope
    moved = resampling_matrix(LAB, target, shift_nm=shift)[0] @ slope
    assert moved - still == pytest.approx(shift / 5000, abs=1e-5)
    one_by_one = resampling_matrix(LAB, target, shift_nm=np.linspace(-shift, shift, len(axis)))[0] @ slope
    assert one_by_one - still == pytest.approx(np.linspace(-shift, shift, len(axis)) / 5000, abs=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "tabulated"])
def test_wider_bands_see_a_shallower_line(kind: str) -> None:
    axis = Axis(np.array([1610.0]), "nm", np.array([10.0]))
    target = axis if kind == "gaussian" else gaussian_responses(axis)
    wider = resampling_matrix(LAB, target, widen=2.0)[0] @ line_spectrum(LAB)
    same = resampling_matrix(LAB, Axis(axis.values, "nm", np.array([20.0])))[0] @ line_spectrum(LAB)
    assert wider == pytest.approx(same, abs=2e-3)
    assert wider > resampling_matrix(LAB, target)[0] @ line_spectrum(LAB) + 0.01


def test_a_smile_that_makes_no_sense_is_refused() -> None:
    axis = Sensor.load("enmap").axis
    with pytest.raises(UsageError, match="order of bands"):
        resampling_matrix(LAB, axis, shift_nm=np.where(np.arange(224) == 5, 50.0, 0.0))
    with pytest.raises(UsageError, match="not positive"):
        resampling_matrix(LAB, axis, widen=0.0)


@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["enmap", "sentinel2"]), st.booleans())
def test_the_sparse_product_is_the_dense_one(seed: int, name: str, holes: bool) -> None:
    """Over several blocks of rows, the last one short, images included."""
    rng = np.random.default_rng(seed)
    emit = Sensor.load("emit").axis
    weights, _ = resampling_matrix(emit, Sensor.load(name).axis)
    values = rng.uniform(0, 1, (3, 101, len(emit))).astype(np.float32)
    if holes:
        values[rng.random(values.shape) < 0.1] = np.nan
    seen = apply_weights(values, weights)
    there = np.isfinite(values) @ weights.T.astype(float)
    dense = np.nan_to_num(values).astype(float) @ weights.T / np.where(there >= 0.5, there, np.nan)
    assert seen.shape == dense.shape
    assert np.array_equal(np.isnan(seen), np.isnan(dense)) or np.abs(there - 0.5).min() < 1e-5
    assert np.nan_to_num(seen) == pytest.approx(np.nan_to_num(dense), abs=1e-5)


@pytest.mark.real_data
@pytest.mark.parametrize("table", ["sentinel2a_msi_srf.csv", "sentinel2b_msi_srf.csv", "landsat_oli_srf.csv"])
def test_real_curves_against_numeric_integration(shared_data: Path, table: str) -> None:
    responses = read_responses(shared_data / "srf" / table)
    weights, covered = resampling_matrix(LAB, responses)
    assert covered.all()
    seen = weights @ line_spectrum(LAB)
    fine = np.arange(350, 2500, 0.01)
    spectrum = np.interp(fine, LAB.values, line_spectrum(LAB))
    for band, (nm, value) in enumerate(zip(responses.wavelengths, responses.values, strict=True)):
        response = np.interp(fine, nm, value, left=0, right=0)
        expected = np.trapezoid(response * spectrum, fine) / np.trapezoid(response, fine)
        assert seen[band] == pytest.approx(expected, abs=2e-6)


@pytest.mark.real_data
def test_real_curves_lie_where_the_shipped_table_says(shared_data: Path) -> None:
    responses = read_responses(shared_data / "srf" / "sentinel2a_msi_srf.csv")
    shipped = Sensor.load("sentinel2")
    assert len(responses) == len(shipped)
    assert responses.axis.values == pytest.approx(shipped.axis.values, abs=3)
