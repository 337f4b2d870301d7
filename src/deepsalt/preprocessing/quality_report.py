"""What is looked for in a library, and what was found: settings and report of the quality control."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from deepsalt.errors import UsageError
from deepsalt.preprocessing.duplicates import TO_ROUNDING
from deepsalt.preprocessing.splice import ASD_SPLICES_NM, Correction

Action = Literal["flagged", "dropped", "corrected"]

#: Rows that hold nothing to learn from: no question of judgement.
CERTAIN = ("flat", "all out of range", "duplicate scan")
RULES = (
    *CERTAIN, "out of range", "clipped", "noisy", "splice step", "far outside", "equal spectra",
    "odd scan", "scans far apart", "negative EC", "impossible EC", "conflicting EC", "suspicious unit",
    "order of extracts",
)  # fmt: skip
_FIRST = 10


@dataclass(frozen=True)
class QualitySettings:
    """What is looked for, and what is done.

    drop               rules whose rows are dropped; () flags everything and changes no row
    splice_correction  "add" or "multiply": steps that are found are corrected (see `correct_splices`)
    average            rows of one sample become their mean (see `average_scans`)
    scans              column whose equal values are scans of one sample
    splices_nm         where detectors are joined
    splice_share       a step is more than this share of the level, and three times the bend beside it
    clipped_share      a run at the lowest or highest value over more than this share of the bands, or five
    noise_times        noise is never told below so many times the library's median
    alpha              chance that a clean library has a spectrum beyond a limit of noise, T2, Q or spread
    same_within        spectra are equal if no band differs by more
    """

    drop: tuple[str, ...] = CERTAIN
    splice_correction: Correction | None = None
    average: bool = False
    scans: str = "id"
    splices_nm: tuple[float, ...] = ASD_SPLICES_NM
    splice_share: float = 0.01
    clipped_share: float = 0.05
    noise_times: float = 3.0
    alpha: float = 0.05
    same_within: float = TO_ROUNDING

    def __post_init__(self) -> None:
        unknown = [rule for rule in self.drop if rule not in RULES]
        if unknown:
            close = get_close_matches(unknown[0], RULES, n=1)
            fix = f"Did you mean {close[0]!r}?" if close else f"Rules: {', '.join(RULES)}."
            raise UsageError(f"unknown rule of quality {unknown[0]!r}", fix=fix)
        if not 0 < self.alpha < 1:
            raise UsageError(f"alpha is {self.alpha:g}", fix="Give a chance between 0 and 1.")


@dataclass(frozen=True)
class Finding:
    """Rows that break one rule.

    rule    one of RULES
    action  what was done: "flagged", "dropped" or "corrected"
    rows    their numbers in the table that was checked, from 0
    ids     their ids, in the same order; "row N" (from 1) where there are none
    why     the rule and its threshold, in words
    """

    rule: str
    action: Action
    rows: tuple[int, ...]
    ids: tuple[str, ...]
    why: str

    def sentence(self) -> str:
        """For example `2 spectra dropped, flat: one value in all bands (id a, b)`."""
        named = ", ".join(self.ids[:3]) + (", ..." if len(self.ids) > 3 else "")
        what = "spectrum" if len(self.rows) == 1 else "spectra"
        return f"{len(self.rows)} {what} {self.action}, {self.rule}: {self.why} (id {named})"


@dataclass(frozen=True)
class QualityReport:
    """What was found in a library.

    checked     spectra that were looked at
    kept        rows of the table that came out
    findings    one for each rule that some row breaks
    not_judged  spectra with a gap too wide to be compared with the library; None where it is too small
    """

    checked: int
    kept: int
    findings: tuple[Finding, ...]
    not_judged: int | None

    def rows(self, rule: str) -> tuple[int, ...]:
        """Rows that break a rule, by number."""
        return tuple(row for finding in self.findings if finding.rule == rule for row in finding.rows)

    def sentences(self) -> list[str]:
        """One line a finding, and what could not be judged."""
        lines = [finding.sentence() for finding in self.findings]
        if self.not_judged:
            lines.append(f"{self.not_judged} spectra with wide gaps were not compared with the library")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; of the ids the first ten."""
        found = [
            {"rule": one.rule, "action": one.action, "n": len(one.rows), "ids": list(one.ids[:_FIRST]),
             "why": one.why}
            for one in self.findings
        ]  # fmt: skip
        return {"checked": self.checked, "kept": self.kept, "not_judged": self.not_judged, "findings": found}
