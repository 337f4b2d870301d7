"""Errors of one map, of the mean of several and of the difference of two, on ln(1 + ECe).

Everything here takes an error of ln(1+ECe) for a normal one, known by its standard deviation. Errors of two
dates at one place have the correlation rho: what a model gets wrong of a soil it gets wrong on both days,
what a day's moisture, plants and sky do it gets wrong on that day alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.mapping.ranks import LAST_BITS, count_bins, count_within, number_at
from deepsalt.units import log_ece

Floats = NDArray[np.float64]

#: An interval is taken to tell of no smaller standard deviation of ln(1+ECe): a tenth of a percent of 1 +
#: ECe.
LEAST_SD = 1e-3
#: Bins whose numbers are told apart at a time: 8 MB.
_BINS_AT_ONCE = 256


def half_widths(level: float) -> float:
    """Standard deviations from the middle of a normal distribution to the bounds of its interval."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def deviation(
    ece_ds_m: NDArray[np.floating], low: NDArray[np.floating], high: NDArray[np.floating], level: float
) -> Floats:
    """Standard deviation of ln(1+ECe) of which a normal distribution has an interval so wide; never below
    LEAST_SD, NaN where there is none.

    ece_ds_m, low, high  answers and bounds, dS/m
    level                share of places that should lie between

    A bound at 0 may have been cut off there: the upper side of the interval counts where it tells of more.
    """
    middle, bottom, top = log_ece(ece_ds_m), log_ece(low), log_ece(high)
    half = (top - bottom) / 2
    half = np.where(bottom <= 0, np.maximum(half, top - middle), half)
    return np.maximum(half / half_widths(level), LEAST_SD)


def check_rho(rho: float, most: float = 1.0) -> None:
    """Raise UsageError unless 0 <= rho <= most."""
    if not 0 <= rho <= most:
        raise UsageError(
            f"rho is {rho}",
            fix=f"Give the correlation of the errors of two dates, 0 to {most:g}.",
        )


def check_alpha(alpha: float) -> None:
    """Raise UsageError unless 0 < alpha < 1."""
    if not 0 < alpha < 1:
        raise UsageError(f"alpha is {alpha}", fix="Give a rate between 0 and 1, such as 0.05.")


def of_difference(before: Floats, after: Floats, rho: float) -> Floats:
    """Standard error of the difference of two answers with these standard deviations.

    Var(a - b) = s_a^2 + s_b^2 - 2 rho s_a s_b
    """
    return np.asarray(np.sqrt(before**2 + after**2 - 2 * rho * before * after))


def p_of(z: NDArray[np.floating]) -> Floats:
    """Two-sided p of a difference of z standard errors."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(np.asarray(z, np.float64))))


@dataclass(frozen=True)
class Discoveries:
    """What the control of the false discovery rate lets pass.

    tested    number of tests
    found     how many of them are significant
    least_z   smallest |z| that is; infinite where none is
    """

    tested: int
    found: int
    least_z: float

    @property
    def largest_p(self) -> float | None:
        """Of a significant test; None where none is."""
        return float(p_of(np.array([self.least_z]))[0]) if self.found else None


def discoveries(z: Callable[[], Iterable[NDArray[np.float32]]], alpha: float) -> Discoveries:
    """The step-up rule of Benjamini and Hochberg over any number of two-sided tests, exactly.

    z      gives the tests' |z|, finite, in pieces of one axis, as often as it is called: once to count them
           in bins, once more to tell apart those of the bins in which the limit may lie
    alpha  the rate of false discoveries among the significant that is borne, on average

    Of p sorted upwards, all up to the last p_(k) <= alpha k / m are significant.
    Source: Benjamini & Hochberg (1995), JRSS B 57:289; holds too for positively dependent tests (Benjamini &
    Yekutieli 2001, Annals of Statistics 29:1165).
    """
    counts = count_bins(z)
    tested = int(counts.sum())
    reached = np.cumsum(counts[::-1])[::-1]  # tests in each bin or above it
    bins = np.flatnonzero(counts)
    smallest_p = p_of(number_at(bins, (1 << LAST_BITS) - 1))
    possible = bins[smallest_p * tested <= alpha * reached[bins]]
    for start in range(0, len(possible), _BINS_AT_ONCE):
        some = possible[start : start + _BINS_AT_ONCE]
        within = count_within(z, some)
        for bin_, here in zip(some, within, strict=True):
            place = np.flatnonzero(here)
            number = number_at(bin_, place)
            above = reached[bin_] - counts[bin_] + np.cumsum(here[place][::-1])[::-1]
            passes = np.flatnonzero(p_of(number) * tested <= alpha * above)
            if len(passes):
                return Discoveries(tested, int(above[passes[0]]), float(number[passes[0]]))
    return Discoveries(tested, 0, float("inf"))
