"""How many pixels of a scene each reason masks, and how many the salt-crust guard kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules, judge
from deepsalt.spectra import MaskReason, Scene


@dataclass(frozen=True)
class MaskReport:
    """Counts of one scene.

    pixels   by reason; VALID are those that stay
    kept     valid pixels that a rule would have masked without the salt-crust guard
    rules    what was asked
    notes    rules that the sensor's bands cannot judge
    """

    pixels: Mapping[MaskReason, int]
    kept: int
    rules: SurfaceRules
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.pixels.values())

    def share(self, reason: MaskReason) -> float:
        """Share of all pixels, 0-1."""
        return self.pixels.get(reason, 0) / max(1, self.total)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; only reasons that occur, VALID always."""
        return {
            "rules": self.rules.describe(),
            "masks": {
                reason.name.lower(): {"pixels": self.pixels[reason], "share": self.share(reason)}
                for reason in MaskReason
                if self.pixels.get(reason) or reason is MaskReason.VALID
            },
            "kept_by_salt_crust_guard": {"pixels": self.kept, "share": self.kept / max(1, self.total)},
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """For a reader, one line a reason."""
        shown = [reason for reason in MaskReason if self.pixels.get(reason) or reason is MaskReason.VALID]
        words = {reason: reason.name.lower().replace("_", " ") for reason in shown}
        lines = [f"{words[one]}: {self.pixels[one]} pixels ({self.share(one):.1%})" for one in shown]
        if self.rules.guarded:
            lines.append(f"kept by the salt-crust guard: {self.kept} pixels")
        return [*lines, *self.notes]


def count_masks(scene: Scene, rules: SurfaceRules = DEFAULT_RULES) -> MaskReport:
    """Judge every pixel of a scene, window by window."""
    counts, kept = np.zeros(len(MaskReason), np.int64), 0
    for window in scene.windows():
        judged = judge(scene.read(window), scene.mask(window), rules)
        counts += np.bincount(judged.reasons.ravel(), minlength=len(MaskReason))
        kept += int(judged.kept.sum())
    pixels = {reason: int(counts[reason]) for reason in MaskReason}
    return MaskReport(pixels, kept, rules, rules.notes(scene.sensor.axis))
