"""A leak: something of the held-out side that reached the side that is learned from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepsalt.errors import LabelError

#: What to do about a leak of each kind; these are all kinds there are.
FIXES: Mapping[str, str] = {
    "row": "Give every row to one side of the split only.",
    "sample": "Hold all scans and layers of one sample out together: give them one group.",
    "group": "Give neighbouring points one field, so that they are held out together.",
    "pixel": "Give neighbouring points one field, so that they are held out together.",
    "map unit": "Hold map units out whole: name their column as the group.",
    "spectrum": "Hold the copies out together: give them one group, or drop them.",
    "unlabelled pixel": "Keep pixels near held-out points out of what is learned from.",
    "unseen scene": "Leave the scene out, or set pixels_of_unseen = true in [split].",
    "laboratory site": "Leave laboratory samples at held-out points out of the library.",
    "pair": "Pair laboratory sites with pixels of the training side only.",
    "fitting": "Fit it again, on rows of the training side only.",
    "look-up": "Look for a covariate that was made from the labels, such as a map of salinity, and drop it.",
}


@dataclass(frozen=True)
class Leak:
    """One kind of leak.

    kind     a key of FIXES
    count    how many rows, groups, pixels, ... are concerned
    example  the first of them
    found    what was found, in one sentence without its full stop
    fix      what to do next
    """

    kind: str
    count: int
    example: str
    found: str
    fix: str

    @classmethod
    def of(cls, kind: str, examples: Sequence[Any], found: str, count: int | None = None) -> Leak:
        """A leak of a known kind; `count` where not every case is among the examples."""
        return cls(kind, len(examples) if count is None else count, str(examples[0]), found, FIXES[kind])

    @property
    def sentence(self) -> str:
        return f"{self.found}. {self.fix}"


def stop_on(leaks: Sequence[Leak], allow: bool = False, where: str = "split") -> list[Leak]:
    """The leaks again where they are allowed. Raises LabelError on the first of them where they are not."""
    if leaks and not allow:
        more = f" (and {len(leaks) - 1} more leaks)" if len(leaks) > 1 else ""
        first = leaks[0]
        raise LabelError(
            f"leak: {first.found}{more}",
            where=where,
            fix=f"{first.fix} --allow-leak goes on and says so in every output.",
        )
    return list(leaks)


def distinct(leaks: Iterable[Leak]) -> list[Leak]:
    """The first leak of each kind, as when folds of one table have it one after the other."""
    first: dict[str, Leak] = {}
    for leak in leaks:
        first.setdefault(leak.kind, leak)
    return list(first.values())


def from_facts(facts: Iterable[Mapping[str, Any]]) -> list[Leak]:
    """Leaks again from their plain values, as metrics.json holds them."""
    return [Leak(**entry) for entry in facts]


def shared(kind: str, learned: np.ndarray, held: np.ndarray) -> list[Leak]:
    """A leak where a name is on both sides; empty names do not count."""
    both = np.intersect1d(np.asarray(learned).astype(str), np.asarray(held).astype(str))
    both = both[~np.isin(both, ("", "nan", "None", "<NA>"))]
    if len(both) == 0:
        return []
    return [Leak.of(kind, list(both), f"{kind} {both[0]} is on both sides of the split ({len(both)} in all)")]
