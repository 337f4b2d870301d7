"""Numbers and names as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LABELS: Mapping[str, str] = {
    "mean": "Mean of the training labels",
    "plsr": "Partial least squares",
    "ridge": "Ridge",
    "forest": "Extra trees",
    "local": "Local partial least squares",
    "boosting": "Gradient boosting",
    "svr": "Support vectors",
    "svr-wide": "Support vectors on 60 or 120 components",
    "teacher": "Teacher on laboratory spectra",
    "student-alone": "Student without adaptation",
    "paper": "Preset “paper”",
    "deepsalt": "Preset “deepsalt”",
}
#: Presets with everything switched on, the last resort a laboratory-only teacher.
FULL_METHODS = ("deepsalt", "paper", "teacher")
ALONE = "student-alone"
#: How long a list may be before the page only counts the rest.
_LONGEST_LIST = 12


def leak_lines(document: Mapping[str, Any]) -> list[str]:
    """A line for each leak that a run or a comparison was allowed; it stands above every number.

    >>> leak_lines({"leaks": [{"kind": "row", "found": "row 3 is on both sides", "fix": "Split anew."}]})
    ['LEAK: row 3 is on both sides. The numbers are too good to be true. Split anew.']
    """
    return [
        f"LEAK: {leak['found']}. The numbers are too good to be true. {leak['fix']}"
        for leak in document.get("leaks", [])
    ]


def label(method: str) -> str:
    """The method in words; its own name where it is not known here."""
    return LABELS.get(method, method)


def inside(method: str) -> str:
    """The method in the middle of a sentence, for example `the student without adaptation`."""
    words = label(method)
    article = "the " if words.startswith(("Mean", "Teacher", "Student", "Preset")) else ""
    return article + (words[:1].lower() + words[1:] if method in LABELS else words)


def number(value: float | int | None, digits: int = 3, sign: bool = False) -> str:
    """A number for reading: three decimals below 10, fewer above; a dash where there is none.

    >>> number(0.31749), number(12.345), number(31886.0), number(-0.5, sign=True), number(None)
    ('0.317', '12.35', '31 886', '−0.500', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    decimals = digits if size < 10 else max(0, digits - 1) if size < 100 else max(0, digits - 2)
    if size >= 1000 or isinstance(value, int):
        decimals = 0
    text = f"{size:,.{decimals}f}".replace(",", " ")
    if float(text.replace(" ", "")) == 0:
        return text
    return ("−" if value < 0 else "+" if sign else "") + text


def share(part: float, whole: float) -> str:
    """Per cent of a whole, for example `12.3 %`."""
    if not whole:
        return "–"
    per_cent = 100 * part / whole
    return f"{per_cent:.1f} %" if per_cent >= 0.05 or part == 0 else "< 0.1 %"


def rows(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested facts as (name, text) rows, names joined with a dot.

    >>> rows({"library": {"samples": 3, "axis": {"unit": "nm"}}})
    [('library · samples', '3'), ('library · axis · unit', 'nm')]
    """
    if isinstance(value, Mapping):
        found = [
            row
            for key, inner in value.items()
            for row in rows(inner, f"{name} · {_name(key)}" if name else _name(key))
        ]
        return found or ([(name, "–")] if name else [])
    if is_table(value):
        return [row for i, inner in enumerate(value, 1) for row in rows(inner, f"{name} {i}".strip())]
    return [(name, text(value))]


def text(value: Any) -> str:
    """One fact in words."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        shown = ", ".join(text(item) for item in value[:_LONGEST_LIST])
        more = len(value) - _LONGEST_LIST
        return f"{shown} and {more} more" if more > 0 else shown or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(key)} {text(inner)}" for key, inner in value.items())
    return str(value)


def is_table(value: Any) -> bool:
    """Whether it is a list of facts that share their names."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(item, Mapping) for item in value)
    )


def columns(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of all columns of a list of facts, in the order in which they appear."""
    return list(dict.fromkeys(key for item in table for key in item))


def _name(key: object) -> str:
    return str(key).replace("_", " ")
