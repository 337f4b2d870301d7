"""Looks at one window: closed forms, and every rule against a loop over pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from deepsalt.mapping.combine.looks import GATHERINGS, How, Look, Rules
from deepsalt.mapping.combine.statistics import half_widths
from deepsalt.spectra import MaskReason

Z = half_widths(0.9)
P4 = {"probability_above_4": 4.0}


def look(x: Any, sd: Any, *, outside: Any = None, reasons: Any = None) -> Look:
    """A look of ln(1+ECe) x with a normal error."""
    x, sd = np.atleast_2d(np.asarray(x, float)), np.atleast_2d(np.asarray(sd, float))
    x, sd = np.broadcast_arrays(x, sd)
    told = np.where(np.isnan(x), MaskReason.CLOUD, MaskReason.VALID) if reasons is None else reasons
    return Look(
        ece=np.expm1(x).astype(np.float32),
        reasons=np.atleast_2d(np.asarray(told, np.uint8)),
        low=np.expm1(np.maximum(x - Z * sd, 0)).astype(np.float32),
        high=np.expm1(x + Z * sd).astype(np.float32),
        level=0.9,
        above={"probability_above_4": np.full(x.shape, 0.25, np.float32)},
        outside=None if outside is None else np.atleast_2d(np.asarray(outside, bool)),
    )


def gathered(how: How, looks: list[Look], rho: float = 0.0, level: float | None = 0.9) -> dict[str, Any]:
    made = GATHERINGS[how](looks[0].ece.shape, Rules(rho, level, P4 if level else {}))
    for one in looks:
        made.add(one)
    return made.layers()


def spread(layers: dict[str, Any]) -> np.ndarray:
    """Standard deviation of ln(1+ECe) that the upper bound tells."""
    return (np.log1p(layers["ece_high"].astype(float)) - np.log1p(layers["ece"].astype(float))) / Z


@pytest.mark.parametrize("how", ["weighted", "median"])
@pytest.mark.parametrize(("rho", "shrinks"), [(0.0, 1 / np.sqrt(2)), (1.0, 1.0), (0.5, np.sqrt(0.75))])
def test_two_equal_looks_shrink_as_far_as_their_errors_differ(how: How, rho: float, shrinks: float) -> None:
    made = gathered(how, [look(2.0, 0.3), look(2.2, 0.3)], rho)
    assert made["ece"][0, 0] == pytest.approx(np.expm1(2.1), rel=1e-6)
    assert spread(made)[0, 0] == pytest.approx(0.3 * shrinks, rel=1e-5)
    low = np.log1p(made["ece_low"][0, 0])
    assert low == pytest.approx(2.1 - Z * 0.3 * shrinks, rel=1e-5)


def test_the_surer_look_weighs_more_by_its_variance() -> None:
    """Weights 1/0.01 and 1/0.04: four to one."""
    made = gathered("weighted", [look(1.0, 0.1), look(2.0, 0.2)])
    assert np.log1p(made["ece"][0, 0]) == pytest.approx(1.2, rel=1e-6)
    assert spread(made)[0, 0] == pytest.approx(1 / np.sqrt(125), rel=1e-5)


def test_the_median_of_three_resists_one_that_is_far_off() -> None:
    made = gathered("median", [look(1.0, 0.1), look(1.1, 0.1), look(4.0, 0.1)])
    assert np.log1p(made["ece"][0, 0]) == pytest.approx(1.1, rel=1e-6)
    assert spread(made)[0, 0] == pytest.approx(0.1 * np.sqrt(np.pi / 2 / 3), rel=1e-5)


def test_probabilities_follow_from_the_combined_error() -> None:
    made = gathered("weighted", [look(1.5, 0.3), look(1.7, 0.3)])
    expected = norm.sf((np.log(5.0) - 1.6) / (0.3 / np.sqrt(2)))
    assert made["probability_above_4"][0, 0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("how", ["weighted", "latest", "median"])
def test_a_pixel_seen_once_keeps_what_its_map_says(how: How) -> None:
    """Also where its interval is not that of a normal error."""
    lonely, other = look([0.7, 1.3], 0.2), look([np.nan, 1.3], 0.2)
    lonely.high[0, 0] = 77.0  # type: ignore[index]
    made = gathered(how, [other, lonely])
    assert made["ece"][0, 0] == lonely.ece[0, 0]
    assert made["ece_high"][0, 0] == 77.0
    assert made["probability_above_4"][0, 0] == 0.25
    assert made["looks"].tolist() == [[1, 2]]


def test_the_latest_look_that_shows_the_pixel_is_taken_whole() -> None:
    made = gathered("latest", [look([1.0, 1.0], 0.3), look([2.0, np.nan], 0.1)])
    np.testing.assert_allclose(np.log1p(made["ece"]), [[2.0, 1.0]], rtol=1e-6)
    np.testing.assert_allclose(spread(made), [[0.1, 0.3]], rtol=1e-4)
    assert made["looks"].tolist() == [[2, 1]]


@pytest.mark.parametrize("how", ["weighted", "latest", "median"])
@pytest.mark.parametrize("turned", [False, True])
def test_looks_outside_count_only_where_none_is_inside(how: How, turned: bool) -> None:
    """Pixels: inside and outside; both outside; outside and masked; masked twice."""
    one = look([1.0, 1.0, 3.0, np.nan], 0.2, outside=[0, 1, 1, 0])
    other = look([3.0, 1.2, np.nan, np.nan], 0.2, outside=[1, 1, 0, 0])
    made = gathered(how, [other, one] if turned else [one, other])
    middle = 1.1 if how != "latest" else (1.0 if turned else 1.2)
    np.testing.assert_allclose(np.log1p(made["ece"][0, :3]), [1.0, middle, 3.0], rtol=1e-6)
    assert made["outside"].tolist() == [[0, 1, 1, 255]]
    assert made["looks"].tolist() == [[1, 2, 1, 0]]
    assert spread(made)[0, 0] == pytest.approx(0.2, rel=1e-4)


def test_a_masked_pixel_has_the_reason_of_most_looks_and_background_only_where_nothing_else_is() -> None:
    none, sky = np.nan, MaskReason
    looks = [
        look([none] * 4, 1.0, reasons=[[sky.WATER, sky.BACKGROUND, sky.BACKGROUND, sky.CLOUD]]),
        look([none] * 4, 1.0, reasons=[[sky.CLOUD, sky.BACKGROUND, sky.BACKGROUND, sky.WATER]]),
        look([none] * 4, 1.0, reasons=[[sky.WATER, sky.HAZE, sky.BACKGROUND, sky.VALID]]),
    ]
    made = gathered("weighted", looks)
    assert made["mask"].tolist() == [[sky.WATER, sky.HAZE, sky.BACKGROUND, sky.CLOUD]]
    assert np.isnan(made["ece"]).all()
    assert made["looks"].tolist() == [[0, 0, 0, 0]]


def test_an_answer_without_its_bounds_is_defective_not_certain() -> None:
    broken = look([1.0], 0.2)
    broken.high[0, 0] = np.nan  # type: ignore[index]
    made = gathered("weighted", [broken])
    assert (made["mask"][0, 0], made["looks"][0, 0]) == (MaskReason.DEFECTIVE, 0)


def test_without_intervals_looks_count_alike() -> None:
    made = gathered("weighted", [look(1.0, 0.1), look(2.0, 9.0)], level=None)
    assert np.log1p(made["ece"][0, 0]) == pytest.approx(1.5, rel=1e-6)
    assert set(made) == {"ece", "mask", "outside", "looks"}


values = st.lists(
    st.tuples(st.floats(0.2, 4), st.floats(0.02, 0.5), st.booleans(), st.booleans()), min_size=1, max_size=6
)


@given(values, st.floats(0, 1))
def test_weighted_and_median_are_those_of_a_loop(
    told: list[tuple[float, float, bool, bool]], rho: float
) -> None:
    looks = [look(np.nan if hidden else x, sd, outside=out) for x, sd, hidden, out in told]
    shown = [(x, sd, out) for x, sd, hidden, out in told if not hidden]
    inside = [(x, sd) for x, sd, out in shown if not out] or [(x, sd) for x, sd, _ in shown]
    weighted, median = gathered("weighted", looks, rho), gathered("median", looks, rho)
    assert weighted["looks"][0, 0] == median["looks"][0, 0] == len(inside)
    if not inside:
        assert np.isnan(weighted["ece"][0, 0])
        return
    x, sd = np.array(inside).T
    sd = np.where(x - Z * sd < 0, np.maximum(sd, (x / Z + sd) / 2), sd)
    weights = 1 / sd**2 / (1 / sd**2).sum()
    assert np.log1p(float(weighted["ece"][0, 0])) == pytest.approx(weights @ x, rel=1e-4)
    assert np.log1p(float(median["ece"][0, 0])) == pytest.approx(np.median(x), rel=1e-4)
    together = (1 - rho) * np.diag(sd**2) + rho * np.outer(sd, sd)
    if len(x) > 1:
        assert spread(weighted)[0, 0] == pytest.approx(np.sqrt(weights @ together @ weights), rel=2e-3)
