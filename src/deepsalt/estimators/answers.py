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
    where: list[Rows] = []
    bounds: list[tuple[Floats, Floats]] = []
    chances: list[dict[float, Floats]] = []
    for rows, scene in scenes:
        lowest, highest, exceeded = known.distribution(scene).of_many(guess[rows], level, thresholds)
        where.append(rows)
        bounds.append((lowest, highest))
        chances.append(exceeded)
    low, high = (_placed(where, [one[side] for one in bounds], len(guess)) for side in (0, 1))
    above = {one: _placed(where, [part[one] for part in chances], len(guess)) for one in thresholds}
    return Answers(ece_from_log(guess), ece_from_log(low), ece_from_log(high), level, above)


def _placed(where: Sequence[Rows], parts: Sequence[Floats], n: int) -> Floats:
    """(n,) the values of each part in its rows, NaN where there is none; no copy of a part that is all."""
    if len(parts) == 1 and isinstance(where[0], slice) and where[0] == slice(None):
        return parts[0]
    whole = np.full(n, np.nan)
    for rows, values in zip(where, parts, strict=True):
        whole[rows] = values
    return whole
