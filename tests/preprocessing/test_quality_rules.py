"""The rules one by one, on numbers worked out by hand and against known laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.preprocessing.library import FIVE_NM, clean_values, library

from deepsalt.errors import UsageError
from deepsalt.preprocessing.duplicates import equal_rows
from deepsalt.preprocessing.ec_checks import ec_faults
from deepsalt.preprocessing.faults import find_faults, longest_run, noise_of, upper_fence
from deepsalt.preprocessing.outliers import far_outside, q_limit, t2_limit
from deepsalt.preprocessing.replicates import average_scans, far_apart, odd_scans, scans_of
from deepsalt.preprocessing.splice import correct_splices, splice_steps, stepped
from deepsalt.spectra import Axis, Spectra

NAN = np.nan


def test_runs_and_clipping() -> None:
    marked = np.array([[1, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
    assert longest_run(marked).tolist() == [3, 0]
    values = np.array([[0.1, 0.4, 0.4, 0.4, 0.2, NAN], [0.3] * 6], np.float32)
    found = find_faults(values, "reflectance")
    assert found.clipped.tolist() == [3, 0]
    assert found.flat.tolist() == [False, True]


@given(st.floats(1e-4, 1e-2), st.floats(-1, 1), st.floats(-1, 1))
def test_noise_is_measured_and_a_line_under_it_counts_for_nothing(sd: float, a: float, b: float) -> None:
    noise = np.random.default_rng(3).normal(0, sd, (4, 2000))
    line = (a + b * np.linspace(0, 1, 2000)).astype(np.float64)
    assert noise_of(noise + line) == pytest.approx([sd] * 4, rel=0.12)


def test_the_fence_is_not_lifted_by_what_lies_beyond_it() -> None:
    sound = np.exp(np.random.default_rng(0).normal(0, 0.2, 200))
    fence = upper_fence(sound, 0.05, 1.0)
    assert upper_fence(np.r_[sound, [1e6] * 20], 0.05, 1.0) < 1.5 * fence
    assert upper_fence(np.ones(50), 0.05, 3.0) == pytest.approx(3.0)
    assert upper_fence(np.ones(9), 0.05, 3.0) == np.inf


def test_steps_are_measured_beyond_slope_and_curvature() -> None:
    at = FIVE_NM.values
    smooth = 0.2 + 1e-4 * at - 3e-8 * (at - 1200) ** 2
    jump, _ = splice_steps(
        np.float32([smooth, smooth + 0.02 * (at > 1000), smooth - 0.01 * (at > 1830)]), FIVE_NM
    )
    assert jump == pytest.approx(np.array([[0, 0], [0.02, 0], [0, -0.01]]), abs=3e-5)
    short = FIVE_NM.take(at < 1200)
    jump, _ = splice_steps(np.float32([smooth[at < 1200]]), short)
    assert np.isnan(jump).tolist() == [[False, True]]
    wavenumbers = Axis(np.arange(600.0, 4000, 4), "cm-1")
    assert np.isnan(splice_steps(np.ones((1, len(wavenumbers)), np.float32), wavenumbers)[0]).all()


@pytest.mark.parametrize("method", ["add", "multiply"])
def test_correction_moves_the_outer_detectors_onto_the_middle_one(method: str) -> None:
    at, sound = FIVE_NM.values, clean_values(6)
    broken = sound.copy()
    vnir, swir2 = at <= 1000, at > 1830
    if method == "add":
        broken[2, vnir] += 0.02
        broken[2, swir2] -= 0.03
    else:
        broken[2, vnir] *= 1.06
        broken[2, swir2] *= 0.93
    found = correct_splices(library(broken), method)
    assert found.values[2] == pytest.approx(sound[2], abs=1.5e-3)
    middle = ~vnir & ~swir2
    assert np.array_equal(found.values[:, middle], broken[:, middle])
    assert np.array_equal(found.values[[0, 1, 3, 4, 5]], broken[[0, 1, 3, 4, 5]])
    assert "1 of 6 spectra had steps (1000 and 1830 nm)" in found.provenance[-1]
    assert not stepped(found.values, FIVE_NM).any()


def test_correction_leaves_what_has_no_step_and_refuses_nonsense() -> None:
    spectra = library(clean_values(4))
    assert correct_splices(spectra) is spectra
    with pytest.raises(UsageError, match="'add' or 'multiply'"):
        correct_splices(spectra, "shift")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="increasing"):
        correct_splices(spectra, splices_nm=(1830.0, 1000.0))


def test_t2_limit_is_the_f_distribution() -> None:
    rows, k = 100, 5
    expected = k * (rows + 1) * (rows - 1) / (rows * (rows - k)) * stats.f.ppf(0.99, k, rows - k)
    assert t2_limit(k, rows, 0.01) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.01]))
def test_q_limit_holds_for_gaussian_residuals(seed: int, alpha: float) -> None:
    random = np.random.default_rng(seed)
    rest = random.uniform(0.5, 1.5, 40)
    q = (random.normal(size=(20_000, 40)) ** 2 * rest).sum(axis=1)
    assert (q > q_limit(rest, alpha)).mean() == pytest.approx(alpha, abs=0.35 * alpha)


def test_q_limit_where_one_variance_dwarfs_the_others_is_chi_square() -> None:
    assert q_limit(np.array([2.0]), 0.05) == pytest.approx(2 * stats.chi2.ppf(0.95, 1), rel=0.03)
    assert q_limit(np.array([1.0, 1e-4, 1e-5]), 1e-5) < 30
    assert q_limit(np.zeros(3), 0.05) == 0


@pytest.mark.parametrize("bad", [1, 4])
def test_one_spectrum_does_not_mask_another(bad: int) -> None:
    values = clean_values(60)
    values[:bad] += 50 * np.sin(FIVE_NM.values / 30).astype(np.float32)  # huge
    values[bad, 100] += 0.1  # small beside it: one bad band
    found = far_outside(values, np.ones(60, bool))
    assert found is not None
    assert np.flatnonzero(found.beyond).tolist() == list(range(bad + 1))


def test_too_few_or_equal_spectra_are_not_judged() -> None:
    assert far_outside(clean_values(20), np.ones(20, bool)) is None
    assert far_outside(np.full((40, 5), 0.3, np.float32), np.ones(40, bool)) is None
    values = clean_values(60)
    values[0, 3] = NAN
    found = far_outside(values, np.isfinite(values).all(axis=1))
    assert found is not None
    assert np.isnan(found.q[0])
    assert not found.beyond[0]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 29), max_size=10))
def test_equal_rows_agree_with_comparing_all_with_all(seed: int, copied: list[int]) -> None:
    random = np.random.default_rng(seed)
    values = random.uniform(0, 1, (30, 12)).astype(np.float32)
    values[random.uniform(size=values.shape) < 0.05] = NAN
    for target, source in enumerate(copied):
        values[target] = values[source] + random.uniform(-1e-5, 1e-5)
    twin = equal_rows(values)
    same = np.array([[np.allclose(a, b, rtol=0, atol=5e-5, equal_nan=True) for b in values] for a in values])
    for a in range(30):
        for b in range(30):
            assert not same[a, b] or twin[a] == twin[b]
            assert twin[a] != twin[b] or np.allclose(values[a], values[b], rtol=0, atol=3e-4, equal_nan=True)
    assert (twin <= np.arange(30)).all()


def scans(values: list[list[float]], ids: list[object]) -> Spectra:
    samples = pd.DataFrame({"id": ids, "ec_ds_m": [None, *range(1, len(ids))]})
    return Spectra.of_table(values, Axis([1000.0, 1010], "nm"), "reflectance", samples=samples)


def test_average_of_scans_by_hand() -> None:
    found = average_scans(scans([[0.1, 0.2], [0.9, 0.9], [0.3, NAN], [0.5, 0.5]], ["b", "a", "b", None]))
    assert found.samples["id"].tolist()[:2] == ["b", "a"]
    assert found.values == pytest.approx(np.array([[0.2, 0.2], [0.9, 0.9], [0.5, 0.5]]))
    assert found.samples["scans"].tolist() == [2, 1, 1]
    assert found.samples["scan_sd"].to_numpy() == pytest.approx([np.sqrt(0.02 / 2), NAN, NAN], nan_ok=True)
    assert found.samples["ec_ds_m"].tolist() == [2, 1, 3]
    assert found.provenance[-1].startswith("4 scans averaged to 3 samples (equal id); 2 have one scan")
    once = scans([[0.1, 0.2], [0.9, 0.9]], ["a", "b"])
    assert average_scans(once) is once
    with pytest.raises(UsageError, match=r"no column 'spot'.*id, ec_ds_m"):
        average_scans(once, "spot")


def test_the_odd_one_of_three_scans_is_named_and_of_two_both() -> None:
    base = np.repeat(clean_values(40), 3, axis=0)
    base += np.random.default_rng(0).normal(0, 1e-3, base.shape).astype(np.float32)
    base[4] += 0.2
    found = scans_of(library(base, id=np.repeat(np.arange(40), 3)))
    assert np.flatnonzero(odd_scans(found)).tolist() == [4]
    assert np.flatnonzero(far_apart(found)).tolist() == [1]
    pairs = np.delete(base, np.arange(0, 120, 3), axis=0)
    found = scans_of(library(pairs, id=np.repeat(np.arange(40), 2)))
    assert not odd_scans(found).any()
    assert np.flatnonzero(far_apart(found)).tolist() == [1]


def faults(**columns: object) -> dict[str, list[int]]:
    return {one.rule: np.flatnonzero(one.rows).tolist() for one in ec_faults(pd.DataFrame(columns))}


def test_ec_that_cannot_be() -> None:
    assert faults(id=list("abcd"), ec_ds_m=[0.0, -1.0, 300.0, NAN]) == {
        "negative EC": [1],
        "impossible EC": [2],
    }
    assert faults(id=list("aabb"), ec_ds_m=[1.0, 1.5, 2.0, 2.0]) == {"conflicting EC": [0, 1]}
    assert faults(id=["a", "a"], ec_ds_m=[1.0, NAN]) == {}
    assert faults(ec_ds_m=np.full(20, 150.0)) == {"suspicious unit": list(range(20))}
    assert faults(ec_ds_m=np.full(20, 1.5)) == faults(id=["a"]) == {}


def test_more_water_cannot_conduct_better() -> None:
    table = {"ec_ds_m": [4.0, 4.0, 2.2, NAN], "ec_method": ["ECe"] * 4}
    assert faults(**table, **{"ec_1to5_ds.m": [0.6, 5.0, 2.3, 9.0]}) == {"order of extracts": [1]}
    assert faults(**table, **{"ec_1to5_us_cm": [600.0, 500, 300, 9]}) == {}
    assert faults(**table, **{"ec_1to5_ds.m": [600.0, 500, 300, 9]}) == {"suspicious unit": [0, 1, 2]}
    both = {"ec_1to2.5_ds.m": [1.0, 1.0], "ec_1to5_ds.m": [0.5, 1.5]}
    assert faults(**both) == {"order of extracts": [1]}
