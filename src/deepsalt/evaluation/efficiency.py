"""Label efficiency: error against the number of ground points, and how many points a method saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError


@dataclass(frozen=True)
class Saved:
    """How many ground points the other method needs for the same error.

    points         ground points of the method itself; 0 is allowed
    rmse           its error there
    other_points   where the other's curve reaches that error; None if it never does
    limit          "exact", "at most" (its smallest number of points is enough) or "not reached"
    longest        the largest number of points at which the other was run
    """

    points: float
    rmse: float
    other_points: float | None
    limit: str
    longest: float

    @property
    def factor(self) -> float | None:
        """other_points / points; None where it is not reached, or without a point to divide by."""
        if self.other_points is None or self.points == 0:
            return None
        return self.other_points / self.points


def points_saved(curve: Mapping[float, float], other: Mapping[float, float]) -> list[Saved]:
    """For each point of `curve`, the number of points where `other` reaches the same error.

    curve, other   mean RMSE by number of ground points

    The other's curve is made monotone (isotonic regression: more points never hurt on average) and is
    interpolated linearly in the logarithm of the number of points. It is never extrapolated.

    Raises UsageError if `other` has no entry with at least one point.
    """
    known = sorted((points, rmse) for points, rmse in other.items() if points > 0)
    if not known:
        raise UsageError("the curve to compare with has no entry with ground points")
    counts = np.array([points for points, _ in known], float)
    errors = falling(np.array([rmse for _, rmse in known], float))
    return [
        Saved(points, rmse, *_reached(rmse, counts, errors), longest=float(counts[-1]))
        for points, rmse in sorted(curve.items())
    ]


def falling(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest curve that never rises (least squares).

    >>> falling(np.array([1.0, 0.5, 0.7, 0.2])).tolist()
    [1.0, 0.6, 0.6, 0.2]
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(increasing=False).fit_transform(np.arange(len(errors)), errors)
    return np.asarray(fitted, float)


def _reached(
    rmse: float, counts: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[float | None, str]:
    """Where the falling curve first comes down to `rmse`, and how that is to be read."""
    if rmse >= errors[0]:
        return float(counts[0]), "exact" if rmse == errors[0] else "at most"
    if rmse < errors[-1]:
        return None, "not reached"
    after = int(np.argmax(errors <= rmse))
    above, below = errors[after - 1], errors[after]
    share = (above - rmse) / (above - below)
    logs = np.log(counts[after - 1 : after + 1])
    return float(np.exp(logs[0] + share * (logs[1] - logs[0]))), "exact"
