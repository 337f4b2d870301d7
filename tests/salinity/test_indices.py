"""Spectral indices by hand, the bands they take, and what is not defined."""

from __future__ import annotations

import numpy as np
import pytest

from deepsalt.errors import BandError, LabelError
from deepsalt.salinity.indices import BANDS, INDICES, find_index, pick_bands, salinity_index

NM = np.array([490.0, 560.0, 665.0, 865.0, 1610.0, 2190.0])
SOIL = np.array([0.10, 0.20, 0.30, 0.40, 0.50, 0.45])

#: Worked out on paper for B .1, G .2, R .3, N .4, S1 .5, S2 .45.
BY_HAND = {
    "sqrt(G*R)": 0.244949,
    "sqrt(B*R)": 0.173205,
    "sqrt(G**2+R**2)": 0.360555,
    "sqrt(G**2+R**2+N**2)": 0.538516,
    "B/R": 1 / 3,
    "(B-R)/(B+R)": -0.5,
    "G*R/B": 0.6,
    "B*R/G": 0.15,
    "R*N/G": 0.6,
    "100*R/N": 75.0,
    "N/S1": 0.8,
    "S1/S2": 1.111111,
    "(S1-S2)/(S1+S2)": 0.0526316,
    "(N-S1)/(N+S1)": -0.111111,
    "(S1*S2-S2**2)/S1": 0.045,
    "S1-S2": 0.05,
    "(R-N)/(R+N)": -0.142857,
    "sqrt(R**2+N**2)": 0.5,
    "sqrt((N*R-G*B)/(N*R+G*B))": 0.845154,
    "((B+G)/(R+N))*((N-R)/(N+R))": 0.0612245,
    "2*G-5*(R+N)": -3.1,
    "(S1-S2)/(S1-N)": 0.5,
    "(S1-N)/(S1+S2)": 0.105263,
}


def test_every_index_is_worked_out() -> None:
    assert set(BY_HAND) == set(INDICES)


@pytest.mark.parametrize("formula", sorted(INDICES))
def test_by_hand(formula: str) -> None:
    assert salinity_index(formula, SOIL, NM) == pytest.approx(BY_HAND[formula], rel=1e-5)


@pytest.mark.parametrize("formula", sorted(INDICES))
def test_the_formula_is_what_is_computed(formula: str) -> None:
    rng = np.random.default_rng(3)
    bands = {letter: np.sort(rng.uniform(0.05, 0.6, 20)) + 0.01 * n for n, letter in enumerate(BANDS)}
    used = {letter: bands[letter] for letter in INDICES[formula].bands}
    with np.errstate(invalid="ignore"):
        expected = eval(formula, {"sqrt": np.sqrt, "__builtins__": {}}, used)
        found = INDICES[formula].compute(**used)
    assert np.isfinite(expected).sum() >= 10
    np.testing.assert_allclose(found, expected)


def test_the_nearest_band_is_taken_for_every_row() -> None:
    nm = np.array([480.5, 499.0, 560.0, 665.0, 865.0])
    table = np.array([[0.9, 0.1, 0.2, 0.3, 0.4], [0.9, 0.2, 0.2, 0.2, 0.2]])
    assert pick_bands(table, nm, ["B"])["B"].tolist() == [0.1, 0.2]
    assert salinity_index("NDSI", table, nm) == pytest.approx([-1 / 7, 0.0])


def test_a_missing_band_is_an_error_that_says_which() -> None:
    with pytest.raises(BandError, match=r"no band within 60 nm of S1 \(1610 nm\): the nearest is at 865 nm"):
        salinity_index("S1/S2", SOIL[:4], NM[:4])
    with pytest.raises(BandError, match="values for"):
        salinity_index("NDSI", SOIL[:3], NM)


def test_what_is_not_defined_is_nan() -> None:
    zero = np.zeros(6)
    assert np.isnan(salinity_index("B/R", zero, NM))
    assert np.isnan(salinity_index("NSI", np.array([0.1, 0.2, 0.3, 0.5, 0.5, 0.45]), NM))
    assert np.isnan(salinity_index("CRSI", np.array([0.5, 0.5, 0.1, 0.1, 0.1, 0.1]), NM)), (
        "root of a negative"
    )
    assert np.isnan(salinity_index("NDSI", np.array([0.1, 0.2, np.nan, 0.4, 0.5, 0.45]), NM))


def test_names_that_differ_between_sources_are_not_taken() -> None:
    assert find_index("crsi").formula.startswith("sqrt((N*R")
    with pytest.raises(LabelError, match=r"'SI2' is not the same .* Say sqrt\(B\*R\) or sqrt\(G\*\*2"):
        find_index("SI2")
    with pytest.raises(LabelError, match=r"unknown index 'NDVI'. Known: .*NDSI"):
        find_index("NDVI")
