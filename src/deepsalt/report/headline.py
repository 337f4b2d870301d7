"""What the numbers say, in sentences: who is best, and whether the full method earned its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from deepsalt.evaluation.paired import Outcome, outcome_of, paired
from deepsalt.report.content import RunContent
from deepsalt.report.words import ALONE, FULL_METHODS, inside, label, number

_LEVEL = 0.90


@dataclass(frozen=True)
class Comparison:
    """Two methods on one part, by RMSE on the log scale.

    change    (rmse - other's rmse) / other's rmse; negative is better
    interval  90 % of `rmse - other's rmse` over resampled groups, None without enough groups
    outcome   "unclear" where the interval holds zero, or without one
    """

    method: str
    other: str
    rmse: float
    other_rmse: float
    interval: tuple[float, float] | None
    outcome: Outcome

    @property
    def change(self) -> float:
        return (self.rmse - self.other_rmse) / self.other_rmse if self.other_rmse else 0.0

    @property
    def sentence(self) -> str:
        """For example `Preset “paper” has 12 % less error than the student without adaptation (...)`."""
        per_cent = f"{abs(100 * self.change):.0f} % {'less' if self.change < 0 else 'more'} error than"
        against = f"({number(self.rmse)} against {number(self.other_rmse)})"
        line = f"{label(self.method)} has {per_cent} {inside(self.other)} {against}"
        if self.interval is None:
            return f"{line}; too few groups to say whether that is chance."
        low, high = (number(edge, sign=True) for edge in self.interval)
        if self.outcome == "unclear":
            return f"{line}, which may be chance: the 90 % interval of the difference is {low} to {high}."
        return f"{line}; 90 % interval of the difference {low} to {high}."


@dataclass(frozen=True)
class Verdict:
    """The headline of one part.

    best      method with the smallest RMSE on the log scale
    compared  the full method against the student without adaptation and against the best baseline
    """

    part: str
    title: str
    best: str
    best_rmse: float
    n: int
    compared: tuple[Comparison, ...]


def verdicts(content: RunContent) -> list[Verdict]:
    """One for each part that has results."""
    found = (_verdict(content, part) for part in content.parts)
    return [verdict for verdict in found if verdict is not None]


def summary_sentence(found: list[Verdict]) -> str:
    """One paragraph for the head of the page, computed from the verdicts alone."""
    sentences = []
    for verdict in found:
        sentences.append(
            f"{verdict.title}: {inside(verdict.best)} has the smallest error "
            f"(RMSE {number(verdict.best_rmse)}, n = {verdict.n})."
        )
        sentences += [comparison.sentence for comparison in verdict.compared]
    return " ".join(sentences)


def _verdict(content: RunContent, part: str) -> Verdict | None:
    rows = [row for row in content.results(part) if row["ln"].get("rmse") is not None]
    if not rows:
        return None
    best = min(rows, key=_rmse)
    by_name = {row["method"]: row for row in rows}
    full = next((name for name in FULL_METHODS if name in by_name), None)
    others: list[str] = []
    if full is not None:
        others += [ALONE] if ALONE in by_name else []
        baselines = [row for name, row in by_name.items() if is_baseline(name)]
        others += [min(baselines, key=_rmse)["method"]] if baselines else []
    table = content.predictions[content.predictions["part"] == part]
    compared = tuple(_compare(by_name[full], by_name[other], table) for other in others if full)
    return Verdict(part, content.title(part), best["method"], _rmse(best), int(best["n"]), compared)


def is_baseline(method: str) -> bool:
    """Neither a preset, nor a preset with something left out, nor the student alone."""
    return method != ALONE and not method.startswith(FULL_METHODS)


def _compare(row: dict[str, Any], other: dict[str, Any], table: pd.DataFrame) -> Comparison:
    rmse, other_rmse = _rmse(row), _rmse(other)
    interval = difference_interval(table, row["method"], other["method"])
    return Comparison(row["method"], other["method"], rmse, other_rmse, interval, outcome_of(interval))


def difference_interval(table: pd.DataFrame, method: str, other: str) -> tuple[float, float] | None:
    """90 % interval of RMSE(method) - RMSE(other) on ln(1 + value), groups drawn with replacement.

    table   predictions of one part; rows of both methods are matched by id, and kept whole by group
    returns None with fewer than `evaluation.paired.FEWEST_GROUPS` groups in common
    """
    found = paired(table, method, other, level=_LEVEL)
    return None if found is None else found.difference_interval


def _rmse(row: dict[str, Any]) -> float:
    return float(row["ln"]["rmse"])
