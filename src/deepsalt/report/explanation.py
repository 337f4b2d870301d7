"""The section of the report that tells what the model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepsalt.report import figures, words
from deepsalt.report.explanation_figures import explanation_figure
from deepsalt.report.maps import Picture

#: Windows in the table: those whose loss moves answers most.
_MOST_ROWS = 8
#: Correlation below which neither way is told.
_NO_WAY = 0.3


@dataclass(frozen=True)
class ExplanationSection:
    """What the page shows of explanation.json: a figure, two tables of cells, checks and notes."""

    picture: Picture
    windows: list[list[str]]
    features: list[list[str]]
    checks: list[str]
    notes: list[str]


def section(document: Mapping[str, Any]) -> ExplanationSection:
    """The section of a model's explanation."""
    windows = sorted(document["windows"], key=lambda one: -_size(one))[:_MOST_ROWS]
    return ExplanationSection(
        Picture(
            figures.png(explanation_figure(document)),
            "image/png",
            f"Mean spectrum with known features, and the effect of each window: {_largest(windows)}",
            f"Mean size of the effect of each window on ln(1 + EC) over {document['rows']} samples that were "
            f"{'not ' if document['held_out'] else ''}learned from. Bars are 95 % intervals over groups.",
        ),
        [_cells(one) for one in windows],
        [[*_cells(one), f"{one['what']} ({one['source']})"] for one in document["features"]],
        check_lines(document),
        list(document["notes"]),
    )


def check_lines(document: Mapping[str, Any]) -> list[str]:
    """What the checks of an explanation found, a sentence each."""
    checks = document["checks"]
    lines = [f"Attributions add up to the difference from the baseline within {checks['completeness']:.1g}."]
    if "randomised" in checks:
        found = checks["randomised"]
        lines.append(
            "Networks with their weights in random order: rank correlation "
            f"{words.number(found['signed'], 2)} with the model's effects, "
            f"{words.number(found['absolute'], 2)} with their size (0: unlike, as it should be; 1: the "
            "picture shows the spectra alone)."
        )
    networks = checks.get("networks", {})
    if networks.get("correlation") is not None:
        lines.append(
            f"Importance of windows by each of the {networks['networks']} networks of the model: rank "
            f"correlation {words.number(networks['correlation'], 2)} between two of them."
        )
    return lines


def way(one: Mapping[str, Any]) -> str:
    """Which way a window works, in words."""
    found = one["higher_is_saltier"]
    if found is None or abs(found) < _NO_WAY:
        return "no clear way"
    return "higher is saltier" if found > 0 else "lower is saltier"


def _size(window: Mapping[str, Any]) -> float:
    return float(window["hidden"]["importance"] or 0.0)


def _largest(windows: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(one["name"] for one in windows[:3])
    return f"hiding {names} moves answers most"


def _cells(one: Mapping[str, Any]) -> list[str]:
    """Name; size, interval and way of the effect when hidden; the same shared out by gradients."""
    return [one["name"], *(text for key in ("hidden", "gradients") for text in _effect(one[key]))]


def _effect(found: Mapping[str, Any]) -> list[str]:
    interval = found["interval"]
    told = "–" if interval is None else f"{words.number(interval[0])} to {words.number(interval[1])}"
    return [words.number(found["importance"]), told, way(found)]
