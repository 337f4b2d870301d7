"""Transforms against values worked out by hand, physics identities, and scikit-learn's own checks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.preprocessing.library import FIVE_NM, clean_values, library

from deepsalt.errors import AxisError, BandError, SpectraError, UsageError
from deepsalt.preprocessing.band_cut import BandCut, bands_in, cut_bands
from deepsalt.preprocessing.continuum import ContinuumRemoval, upper_hull
from deepsalt.preprocessing.transforms import (
    Centre,
    Emsc,
    Msc,
    SavitzkyGolay,
    Snv,
    as_absorbance,
    as_reflectance,
    evenly_spaced,
)
from deepsalt.spectra import Axis, Sensor, Spectra

NAN = np.nan
ALL = [SavitzkyGolay(window=3, order=1), Snv(), Msc(), Emsc(order=1), Centre(), ContinuumRemoval(), BandCut()]
ROWWISE = [SavitzkyGolay(), SavitzkyGolay(derivative=1), Snv(), Msc(), Emsc(), Centre(), ContinuumRemoval()]
NAMES = [type(one).__name__ for one in ROWWISE]


#: Checks that fit one or two bands, fewer than any window: our own error says so.
TOO_FEW_BANDS = (
    "check_fit2d_1feature", "check_estimators_overwrite_params", "check_estimators_fit_returns_self",
    "check_readonly_memmap_input", "check_fit_idempotent", "check_fit_check_is_fitted", "check_n_features_in",
)  # fmt: skip


def expected_failures(one: object) -> dict[str, str]:
    return dict.fromkeys(TOO_FEW_BANDS, "too few bands") if isinstance(one, SavitzkyGolay) else {}


@parametrize_with_checks(ALL, expected_failed_checks=expected_failures)
def test_scikit_learn_accepts_them(estimator, check) -> None:
    check(estimator)


@pytest.mark.parametrize("step", ROWWISE, ids=NAMES)
def test_both_forms_agree_and_keep_axis_and_samples(step) -> None:
    spectra = library(clean_values(9))
    found = step.on(spectra)
    bare = step.learned_from(spectra)
    assert np.array_equal(found.values, bare.fit(spectra.values).transform(spectra.values).astype(np.float32))
    assert (found.axis, list(found.samples["id"])) == (spectra.axis, list(spectra.samples["id"]))
    assert len(found.provenance) == 1
    image = Spectra.of_image(clean_values(9).reshape(3, 3, -1), FIVE_NM)
    assert np.array_equal(step.on(image).values.reshape(9, -1), found.values)


@pytest.mark.parametrize("step", ROWWISE, ids=NAMES)
@given(st.permutations(range(8)))
def test_rows_know_nothing_of_each_other(step, order: list[int]) -> None:
    spectra = library(clean_values(8))
    learned = step.learned_from(spectra)
    whole = learned.on(spectra).values
    assert learned.on(spectra.take(np.array(order))).values == pytest.approx(whole[order], abs=1e-5)


@pytest.mark.parametrize("step", ROWWISE, ids=NAMES)
def test_a_row_with_a_gap_comes_out_missing_and_teaches_nothing(step) -> None:
    values = clean_values(6)
    holed = np.array(values)
    holed[2, 50] = NAN
    found = step.on(library(holed))
    assert np.isnan(found.values[2]).all()
    rest = np.delete(np.arange(6), 2)
    assert found.values[rest] == pytest.approx(step.on(library(values[rest])).values, abs=1e-6)


@given(st.floats(-1e-3, 1e-3), st.floats(0.1, 1.0))
def test_the_derivative_of_a_line_is_its_slope_and_smoothing_keeps_it(slope: float, level: float) -> None:
    line = level + slope * (FIVE_NM.values - 1400)
    spectra = Spectra.of_table(line[None], FIVE_NM, "reflectance")
    assert SavitzkyGolay(derivative=1).on(spectra).values == pytest.approx(np.full((1, 400), slope), abs=1e-7)
    assert SavitzkyGolay().on(spectra).values == pytest.approx(spectra.values, abs=1e-6)
    assert SavitzkyGolay(derivative=2).on(spectra).values == pytest.approx(np.zeros((1, 400)), abs=1e-8)


def test_the_second_derivative_of_a_parabola_is_twice_its_factor() -> None:
    axis = Axis(np.arange(600.0, 4000, 2), "cm-1")
    parabola = 3e-7 * (axis.values - 2000) ** 2
    found = SavitzkyGolay(derivative=2).on(Spectra.of_table(parabola[None], axis, "absorbance"))
    assert found.values == pytest.approx(np.full((1, len(axis)), 6e-7), abs=5e-9)
    assert found.provenance == ("Savitzky-Golay derivative 2, window 11 bands, order 2",)


def test_uneven_bands_are_refused_and_the_way_out_works() -> None:
    sensor = Sensor.load("enmap")
    axis = sensor.axis.take(np.arange(60))
    spectra = Spectra.of_table((axis.values / 4000)[None], axis, "reflectance")
    with pytest.raises(AxisError, match=r"needs even steps\. .*evenly_spaced"):
        SavitzkyGolay(derivative=1).on(spectra)
    with pytest.raises(AxisError, match="even steps"):
        Emsc().on(spectra)
    even = evenly_spaced(spectra, 5.0)
    inner = SavitzkyGolay(derivative=1).on(even).values[0, 10:-10]
    assert inner == pytest.approx(np.full(len(inner), 1 / 4000), rel=0.02)
    assert len(evenly_spaced(spectra).axis) > 50


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"window": 10}, UsageError, "odd window"),
        ({"order": 11}, UsageError, "order below it"),
        ({"derivative": 3}, UsageError, "derivative 3"),
        ({"window": 401}, BandError, "400 bands, fewer than the window of 401"),
    ],
)
def test_contradicting_settings(settings: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SavitzkyGolay(**settings).on(library(clean_values(2)))


def test_snv_by_hand() -> None:
    axis = Axis([500.0, 600, 700, 800], "nm")
    spectra = Spectra.of_table([[0.1, 0.2, 0.3, 0.4], [0.3] * 4], axis, "reflectance")
    found = Snv().on(spectra).values
    assert found[0] == pytest.approx(np.array([-1.5, -0.5, 0.5, 1.5]) / np.sqrt(1.25))
    assert np.isnan(found[1]).all()


@given(st.floats(0.2, 5), st.floats(-1, 1))
def test_scaled_and_shifted_copies_become_the_same(gain: float, shift: float) -> None:
    spectra = library(clean_values(5))
    moved = library(gain * clean_values(5).astype(float) + shift)
    assert Snv().on(moved).values == pytest.approx(Snv().on(spectra).values, abs=1e-3)
    learned = Msc().learned_from(spectra)
    assert learned.on(moved).values == pytest.approx(learned.on(spectra).values, abs=1e-4)


@given(st.floats(0.2, 5), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_msc_and_emsc_map_copies_onto_the_reference(gain: float, shift: float, tilt: float) -> None:
    reference = clean_values(1)[0].astype(float)
    x = np.linspace(-1, 1, len(reference))
    copies = np.stack([gain * reference + shift, gain * reference + shift + tilt * x])
    assert Msc(reference).fit(copies).transform(copies)[0] == pytest.approx(reference, abs=1e-8)
    assert Emsc(1, reference).fit(copies).transform(copies) == pytest.approx(
        np.stack([reference, reference]), abs=1e-8
    )


def test_a_reference_must_be_of_use() -> None:
    spectra = library(clean_values(3))
    with pytest.raises(BandError, match=r"shape \(2,\) for 400 bands"):
        Msc([0.1, 0.2]).on(spectra)
    with pytest.raises(SpectraError, match="flat"):
        Msc(np.full(400, 0.3)).on(spectra)
    with pytest.raises(SpectraError, match="missing bands"):
        Emsc(reference=np.full(400, NAN)).on(spectra)
    holed = np.array(spectra.values)
    holed[:, 3] = NAN
    with pytest.raises(SpectraError, match=r"no row without gaps.*without_gaps"):
        Centre().on(library(holed))


def test_centring_uses_the_rows_learned_from() -> None:
    train, test = library(clean_values(4)), library(clean_values(3, seed=5))
    found = Centre().learned_from(train).on(test)
    assert found.values == pytest.approx(test.values - train.values.mean(axis=0), abs=1e-6)
    with pytest.raises(BandError, match=r"learned from 400 bands.*Resample"):
        Centre().learned_from(train).on(cut_bands(test, keep=[(400, 1000)]))


def test_continuum_by_hand() -> None:
    at = np.array([500.0, 600, 800, 900])
    spectra = Spectra.of_table([[0.2, 0.1, 0.4, 0.1], [0.4, 0.3, 0.2, 0.4]], Axis(at, "nm"), "reflectance")
    found = ContinuumRemoval().on(spectra).values
    assert found == pytest.approx(np.array([[1, 0.1 / (0.2 + 0.2 / 3), 1, 1], [1, 0.75, 0.5, 1]]), abs=1e-6)


def test_the_continuum_of_a_hill_or_a_line_is_itself() -> None:
    x = FIVE_NM.values
    hills = np.stack([0.5 - ((x - 1400) / 2000) ** 2, 0.1 + x / 5000, np.full_like(x, 0.3)])
    found = ContinuumRemoval().on(Spectra.of_table(hills, FIVE_NM, "reflectance"))
    assert found.values == pytest.approx(np.ones_like(hills), abs=1e-6)


def test_continuum_removal_finds_the_depth_of_a_band_and_knows_its_limits() -> None:
    x = FIVE_NM.values
    line = 0.2 + x / 10_000
    dip = line * (1 - 0.3 * np.exp(-((x - 2200) ** 2) / 1000))
    found = ContinuumRemoval().on(Spectra.of_table([dip, line - 0.9], FIVE_NM, "reflectance"))
    assert found.values[0].min() == pytest.approx(0.7, abs=1e-3)
    assert np.isnan(found.values[1]).all()
    with pytest.raises(SpectraError, match="as_reflectance"):
        ContinuumRemoval().on(as_absorbance(library(clean_values(2))))


@given(
    arrays(np.float64, (3, 12), elements=st.floats(0.01, 1)),
    st.lists(st.floats(0.5, 30), min_size=11, max_size=11),
)
def test_the_hull_lies_above_bends_down_and_touches(values: np.ndarray, steps: list[float]) -> None:
    at = np.cumsum([500.0, *steps])
    hull = upper_hull(values, at)
    assert (hull >= values).all()
    assert (np.diff(np.diff(hull, axis=1) / np.diff(at), axis=1) <= 1e-9).all()
    assert (hull[:, [0, -1]] == values[:, [0, -1]]).all()
    # No lower hull exists: each value of it is reached by a chord of two values of the spectrum.
    for row in range(3):
        for band in range(12):
            chords = [
                values[row, a] + (values[row, b] - values[row, a]) * (at[band] - at[a]) / (at[b] - at[a])
                for a in range(band + 1)
                for b in range(band, 12)
                if a < b
            ]
            assert hull[row, band] == pytest.approx(max(chords), abs=1e-9)


def test_absorbance_and_back() -> None:
    axis = Axis([500.0, 600, 700], "nm")
    spectra = Spectra.of_table([[0.1, 1.0, NAN], [0.01, -0.1, 0.5]], axis, "reflectance")
    found = as_absorbance(spectra)
    assert found.values == pytest.approx(np.array([[1, 0, NAN], [2, NAN, 0.30103]]), nan_ok=True, abs=1e-6)
    assert found.quantity == "absorbance"
    assert found.provenance[-1].endswith("1 values that are not positive have none")
    back = as_reflectance(found)
    assert back.values[0] == pytest.approx(spectra.values[0], nan_ok=True)
    assert as_absorbance(found) is found
    assert as_reflectance(spectra) is spectra


def test_band_cut_holds_both_ends_where_chemotools_does_not() -> None:
    from chemotools.feature_selection import RangeCut

    at = np.arange(1.0, 11)
    assert RangeCut(2.5, 7.9, at).fit_transform(at[None])[0].tolist() == [2, 3, 4, 5, 6, 7]
    assert RangeCut().fit_transform(at[None]).shape == (1, 9)
    assert at[bands_in(at, [(2.5, 7.9)])].tolist() == [3, 4, 5, 6, 7]
    assert at[bands_in(at, [(1, 4), (9, 10)], drop=[(2, 3)])].tolist() == [1, 4, 9, 10]
    assert bands_in(at).all()


def test_cutting_spectra_and_arrays() -> None:
    spectra = library(clean_values(2))
    found = cut_bands(spectra, drop=[(1340, 1450), (1800, 1960)])
    assert found.axis.values[[0, -1]].tolist() == [400, 2395]
    assert not bands_in(found.axis.values, [(1340, 1450)]).any()
    assert found.provenance == ("kept 400-1335, 1455-1795, 1965-2395 nm",)
    assert cut_bands(spectra) is spectra
    step = BandCut(FIVE_NM.values, drop=[(1340, 1450), (1800, 1960)])
    assert np.array_equal(step.fit_transform(spectra.values), found.values)
    with pytest.raises(BandError, match="no band stays of 400 bands"):
        cut_bands(spectra, keep=[(3000, 4000)])
    with pytest.raises(BandError, match="400 bands of values but 3"):
        BandCut([1, 2, 3]).fit(spectra.values)
    with pytest.raises(UsageError, match=r"Say \(400, 1000\)"):
        cut_bands(spectra, keep=[(1000, 400)])


def test_a_pipeline_of_them_can_be_tuned() -> None:
    values = clean_values(40)
    depth = values[:, 300] / values[:, 250]
    steps = make_pipeline(
        BandCut(FIVE_NM.values, keep=[(1500, 2300)]), SavitzkyGolay(), Snv(), Centre(), Ridge(1e-3)
    )
    grid = {
        "savitzkygolay__window": [5, 11],
        "savitzkygolay__derivative": [0, 1],
        "snv": [Snv(), "passthrough"],
    }
    search = GridSearchCV(steps, grid, cv=4).fit(values, depth)
    assert search.best_score_ > 0.9
