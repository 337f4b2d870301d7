"""What the checks of a training found, in sentences for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def notes_on(checks: Mapping[str, Any]) -> list[str]:
    """Sentences a reader must know: what was repeated, what was not learned, what transfer rests on."""
    notes = []
    for stage, facts in checks.items():
        if isinstance(facts, Mapping):
            notes += [
                f"Stage {stage}, attempt {failed['attempt']}: {failed['collapse']}; repeated at a lower rate."
                for failed in facts.get("retries", [])
            ]
    return [
        *notes,
        *_on_collapse(checks.get("training rows", {})),
        *_on_teacher(checks.get("teacher", {})),
        *_on_alignment(checks.get("alignment", {})),
        *_on_gate(checks.get("gate", {})),
        *_on_missing_bands(checks.get("missing bands", {})),
    ]


def _on_collapse(facts: Mapping[str, Any]) -> list[str]:
    why = facts.get("collapse")
    return [f"The teacher learned nothing: {why}. Look at its labels and spectra."] if why else []


def _on_teacher(facts: Mapping[str, Any]) -> list[str]:
    if facts.get("validation_r2") is None:
        return []
    score = f"Teacher: R2 {facts['validation_r2']:.2f} on laboratory samples it did not learn from"
    if facts.get("replaceable_by_random"):
        return [
            f"{score}; a teacher with random weights scores {facts['untrained_r2']:.2f}. "
            "It knows nothing that it could pass on: do not read a gain as transfer."
        ]
    if not facts.get("heard", True):
        return [f"{score}: it knows too little, and was not heard."]
    if "untrained_r2" not in facts:
        return [f"{score}, each by networks that never saw its profile."]
    return [f"{score} (random weights: {facts['untrained_r2']:.2f})."]


def _on_gate(facts: Mapping[str, Any]) -> list[str]:
    """Which way the gate went, and by how much."""
    if not facts:
        return []
    if "kept" in facts:
        return [_on_simple_models(facts)]
    if not facts["asked"]:
        return [f"The gate could not be asked ({facts['why']}): everything that is set stays on."]
    whole = facts["rmse"]["as set"]
    lines = []
    for name, error in facts["rmse"].items():
        if name == "as set":
            continue
        switch = name.removeprefix("without ")
        went = "left out: it does harm" if switch in facts["left out"] else "kept: no harm beyond chance"
        lines.append(
            f"Gate: {switch} {went}. RMSE on ln(1+ECe) of held-out scenes or fields "
            f"{whole:.3f} with it, {error:.3f} without."
        )
    return lines


def _on_simple_models(facts: Mapping[str, Any]) -> str:
    """Whether the teacher is a network or a simple model, and why."""
    if not facts["asked"]:
        return f"The teacher is: {facts['kept']} ({facts['why']})."
    told = ", ".join(f"{name} {error:.3f}" for name, error in facts["rmse"].items())
    return f"The teacher is: {facts['kept']}, the best on held-out profiles (RMSE on the log scale: {told})."


def _on_alignment(facts: Mapping[str, Any]) -> list[str]:
    if "real" not in facts:
        return []
    numbers = (
        f"cosine of {facts['held_out_pairs']} held-out pairs {facts['cosine_after']:.2f}, "
        f"of shuffled pairs {facts['shuffled_after']:.2f}"
    )
    if facts["real"]:
        return [f"Alignment tells pairs apart: {numbers}."]
    return [f"Alignment is not real: {numbers}. The two domains overlap without matching."]


def _on_missing_bands(facts: Mapping[str, Any]) -> list[str]:
    return [
        f"Of the {table}, {counts['filled']} rows had missing bands filled from those around; "
        f"{counts['left out']} with a wider gap were not learned from."
        for table, counts in facts.items()
        if counts["filled"] or counts["left out"]
    ]
