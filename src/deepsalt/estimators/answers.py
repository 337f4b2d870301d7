"""What a model says of each pixel, all of it from one pass: ECe, its interval, probabilities, and doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.intervals import KnownErrors
from deepsalt.units import ece_from_log

Floats = NDArray[np.float64]
#: Some rows of a table, or all of them without a copy.
Rows = NDArray[np.intp] | slice
#: Rows of a scene, and its name.
ByScene = Iterable[tuple[Rows, str]]


@dataclass(frozen=True, eq=False)
class Answers:
    """All arrays (sample,), NaN where there is no answer.

    ece          dS/m
    low, high    bounds of ECe, dS/m; None for a model that does not know its errors
    level        share of places whose ECe should lie between them
    above        probability that ECe exceeds each threshold in dS/m
    outside      True where the model should not be believed; None for a model that cannot tell
    """

    ece: Floats
    low: Floats | None = None
    high: Floats | None = None
    level: float = 0.9
    above: Mapping[float, Floats] = field(default_factory=dict)
    outside: NDArray[np.bool_] | None = None


def with_errors(
    answer: NDArray[np.floating],
    scenes: ByScene,
    known: KnownErrors,
    level: float,
    thresholds: Sequence[float],
) -> Answers:
    """Answers in ln(1+ECe) with what is known of their errors, in dS/m.

    Raises UsageError for a level outside 0-1.
    """
    if not 0 < level < 1:
        raise UsageError(f"level is {level}", fix="Give a share between 0 and 1, such as 0.9.")
    guess = answer.astype(np.float64)
    low, high = np.full(len(guess), np.nan), np.full(len(guess), np.nan)
    above = {threshold: np.full(len(guess), np.nan) for threshold in thresholds}
    for rows, scene in scenes:
        errors = known.distribution(scene)
        low[rows], high[rows], chances = errors.of_many(guess[rows], level, thresholds)
        for threshold, found in chances.items():
            above[threshold][rows] = found
    low, high = ece_from_log(low), ece_from_log(high)
    return Answers(ece_from_log(guess), low, high, level, above)
