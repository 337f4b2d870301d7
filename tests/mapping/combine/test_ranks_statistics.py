"""Order statistics by bits, standard errors, false discovery rate: against numpy, scipy and by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from deepsalt.errors import UsageError
from deepsalt.mapping.combine.statistics import (
    LEAST_SD,
    check_alpha,
    check_rho,
    deviation,
    discoveries,
    of_difference,
    p_of,
)
from deepsalt.mapping.ranks import percentiles

Pieces = Callable[[], list[NDArray[np.float32]]]
not_negative = st.floats(0, 1e6, width=32)


def pieces(values: NDArray[np.float32], count: int = 3) -> Pieces:
    return lambda: np.array_split(values, count)


@given(arrays(np.float32, st.integers(1, 60), elements=not_negative))
def test_percentiles_are_those_of_numpy(values: NDArray[np.float32]) -> None:
    wanted = [0, 5, 50, 62.5, 95, 100]
    total, found = percentiles(pieces(values), wanted)
    assert total == len(values)
    np.testing.assert_allclose(found, np.percentile(values.astype(float), wanted), rtol=1e-12)


def test_percentiles_of_many_equal_numbers_and_of_none() -> None:
    values = np.repeat(np.float32([0.0, -0.0, 1.5, 1.5000001]), [5, 5, 10, 1])
    assert percentiles(pieces(values), [25, 50, 100]) == (21, [0.0, 1.5, float(np.float32(1.5000001))])
    total, none = percentiles(pieces(np.empty(0, np.float32)), [50])
    assert total == 0
    assert np.isnan(none[0])


@given(
    arrays(np.float32, st.integers(1, 200), elements=st.floats(0, 8, width=32)),
    st.sampled_from([0.01, 0.05, 0.2, 0.5]),
)
def test_discoveries_are_those_of_scipy(z: NDArray[np.float32], alpha: float) -> None:
    found = discoveries(pieces(z), alpha)
    expected = false_discovery_control(p_of(z)) <= alpha
    assert (z >= found.least_z).tolist() == expected.tolist()
    assert (found.tested, found.found) == (len(z), int(expected.sum()))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_discoveries_among_many_tests_are_those_of_scipy(share: float) -> None:
    """The limit lies within a bin of numbers: the second pass has to tell them apart."""
    rng = np.random.default_rng(5)
    z = np.abs(rng.normal(size=200_000) + 3 * (rng.random(200_000) < share)).astype(np.float32)
    found = discoveries(pieces(z, 7), 0.1)
    expected = false_discovery_control(p_of(z)) <= 0.1
    assert found.found == int(expected.sum())
    assert found.largest_p == (pytest.approx(float(p_of(z)[expected].max())) if found.found else None)


def test_the_false_discovery_rate_is_kept() -> None:
    """A fifth of 200 tests have an effect: on average alpha times the share of those without one is false."""
    rng = np.random.default_rng(3)
    effect = np.arange(200) < 40
    shares = []
    for _ in range(200):
        z = np.abs(rng.normal(size=200) + 3 * effect).astype(np.float32)
        called = z >= discoveries(pieces(z, 1), 0.2).least_z
        shares.append((called & ~effect).sum() / max(1, called.sum()))
    assert np.mean(shares) == pytest.approx(0.2 * 0.8, abs=0.02)


def test_without_any_effect_something_is_found_as_often_as_alpha_says() -> None:
    rng = np.random.default_rng(4)
    found = [
        discoveries(pieces(np.abs(rng.normal(size=50)).astype(np.float32), 1), 0.1).found > 0
        for _ in range(300)
    ]
    assert np.mean(found) == pytest.approx(0.1, abs=0.04)


@given(st.floats(0.5, 5), st.floats(0.01, 0.4), st.sampled_from([0.68, 0.9, 0.95]))
def test_the_deviation_is_the_one_that_made_the_interval(x: float, sd: float, level: float) -> None:
    half = norm.ppf((1 + level) / 2) * sd
    low, high = np.expm1(max(x - half, 0)), np.expm1(x + half)
    found = deviation(np.array([np.expm1(x)]), np.array([low]), np.array([high]), level)
    assert found[0] == pytest.approx(sd, rel=1e-6)


def test_a_bound_cut_off_at_zero_does_not_make_a_map_surer() -> None:
    """ln(1+ECe) = 0.1 with an upper side of 0.8: as wide as if the lower side were not cut off at 0."""
    found = deviation(np.expm1([0.1]), np.array([0.0]), np.expm1([0.9]), 0.9)
    assert found[0] == pytest.approx(0.8 / norm.ppf(0.95))


def test_an_interval_without_width_is_not_certainty() -> None:
    assert deviation(np.array([1.0]), np.array([1.0]), np.array([1.0]), 0.9)[0] == LEAST_SD


def test_shared_errors_cancel_in_a_difference() -> None:
    one, other = np.array([3.0, 1.0]), np.array([4.0, 1.0])
    np.testing.assert_allclose(of_difference(one, other, 0.0), [5.0, np.sqrt(2)])
    np.testing.assert_allclose(of_difference(one, other, 1.0), [1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_correlation_or_rate_that_cannot_be_is_refused(wrong: float) -> None:
    with pytest.raises(UsageError, match="rho is"):
        check_rho(wrong)
    with pytest.raises(UsageError, match="alpha is"):
        check_alpha(wrong)
