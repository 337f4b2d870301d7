"""What a map asks its model beside ECe: how sure an interval, and above which ECe a probability."""

from __future__ import annotations

from dataclasses import dataclass

from deepsalt.errors import UsageError
from deepsalt.mapping.style import probability_name, threshold_of


@dataclass(frozen=True)
class Questions:
    """The interval and the probabilities of a map.

    level       share of places whose ECe should lie in the interval
    thresholds  ECe in dS/m, each with a layer of the probability that ECe exceeds it; kept rising, each once

    Raises UsageError for a level outside 0-1, a negative threshold, and for what the names and tags of layers
    cannot hold: numbers of more than six digits.
    """

    level: float = 0.9
    thresholds: tuple[float, ...] = (4.0,)

    def __post_init__(self) -> None:
        if not 0 < self.level < 1 or float(f"{self.level:g}") != self.level:
            raise UsageError(
                f"level is {self.level}",
                fix="Give a share between 0 and 1 of at most six digits, such as 0.9.",
            )
        for threshold in self.thresholds:
            if threshold_of(probability_name(threshold)) != threshold:
                raise UsageError(
                    f"threshold is {threshold} dS/m",
                    fix="Give an ECe in dS/m of at most six digits, such as 4 or 12.5.",
                )
        object.__setattr__(self, "thresholds", tuple(sorted(set(self.thresholds))))

    def settings(self) -> dict[str, str]:
        """As they stand in the record of a map."""
        return {"level": f"{self.level:g}", "thresholds": ", ".join(f"{one:g}" for one in self.thresholds)}


DEFAULT_QUESTIONS = Questions()
