"""The report: one HTML file that needs nothing else, written whole."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepsalt.files import written_whole
from deepsalt.report import figures, words
from deepsalt.report.card import card_parts
from deepsalt.report.content import RunContent
from deepsalt.report.explanation import section as explanation_section
from deepsalt.report.headline import summary_sentence, verdicts
from deepsalt.report.maps import MapSection, Picture, section
from deepsalt.report.strata import strata

#: Pictures of maps stop here, after the one that passes it, so that the page stays below 3 MB.
_PICTURE_BYTES = 1_600_000
#: A part with more methods shows those that matter: the figure must stay readable.
_MOST_PANELS = 6

#: key, heading, how to pick the best
_METRICS = (
    ("rmse", "RMSE", "low"),
    ("mae", "MAE", "low"),
    ("bias", "Bias", "near zero"),
    ("r2", "R²", "high"),
    ("ccc", "CCC", "high"),
    ("rpiq", "RPIQ", "high"),
)
_SCALES = (("ln", "on ln(1 + {target})"), ("dS_m", "in {unit}"))


def write_report(run: str | Path, out: str | Path | None = None) -> Path:
    """The report of a run folder as one self-contained HTML file; RUN/report.html where `out` is None.

    Parts of the run that are not there (no maps, no curves) are left out. The same run gives the same
    bytes. Raises UsageError if `run` is not a finished run, OutputError if the page cannot be written.
    """
    root = Path(run)
    page = render(RunContent.read(root))
    destination = root / "report.html" if out is None else Path(out)
    with written_whole(destination) as aside:
        aside.write_text(page, encoding="utf-8")
    return destination


def render(content: RunContent) -> str:
    """The page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("deepsalt.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["uri"] = _data_uri
    environment.filters["label"] = words.label
    return environment.get_template("report.html.j2").render(_context(content))


def _context(content: RunContent) -> dict[str, Any]:
    metrics, found = content.metrics, verdicts(content)
    return {
        "title": content.config.get("name", content.root.resolve().name),
        "target": content.target,
        "unit": metrics.get("unit", "dS/m"),
        "simulated": bool(metrics.get("simulated")),
        "leaks": words.leak_lines(metrics),
        "verdicts": found,
        "summary": summary_sentence(found),
        "number": words.number,
        "notes": metrics.get("notes", []),
        "data": _data(content.data),
        "parts": [_part(content, part) for part in content.parts],
        "bars": _bars(content),
        "curves": _curves(content),
        "explanation": explanation_section(content.explanation) if content.explanation else None,
        "maps": _maps(content),
        "card": [] if content.card is None else card_parts(content.card),
        "settings": _settings(content),
    }


def _data_uri(picture: Picture) -> str:
    return f"data:{picture.kind};base64,{base64.b64encode(picture.data).decode('ascii')}"


def _part(content: RunContent, part: str) -> dict[str, Any]:
    """One part of the evaluation: its table and its scatter plots."""
    rows = content.results(part)
    best = {
        (scale, key): _best([row[scale].get(key) for row in rows], rule)
        for scale, _ in _SCALES
        for key, _, rule in _METRICS
    }
    scales = [
        (text.format(target=content.target, unit=content.metrics.get("unit", "dS/m"))) for _, text in _SCALES
    ]
    return {
        "name": part,
        "title": content.title(part),
        "question": content.question(part),
        "scales": scales,
        "heads": [head for _, head, _ in _METRICS],
        "rows": [
            {
                "method": row["method"],
                "n": row["n"],
                "cells": [
                    _cell(row[scale].get(key), best[scale, key], key == "bias")
                    for scale, _ in _SCALES
                    for key, _, _ in _METRICS
                ],
            }
            for row in rows
        ],
        "scatter": _scatter(content, part),
        "strata": strata(content, part),
    }


def _best(values: list[float | None], rule: str) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    if rule == "near zero":
        return min(known, key=abs)
    return min(known) if rule == "low" else max(known)


def _cell(value: float | None, best: float | None, sign: bool) -> dict[str, Any]:
    return {
        "exact": value,
        "text": words.number(value, sign=sign),
        "best": value is not None and value == best,
    }


def _scatter(content: RunContent, part: str) -> Picture | None:
    table = content.predictions[content.predictions["part"] == part]
    methods = [row["method"] for row in content.results(part) if row["method"] in set(table["method"])]
    if not methods:
        return None
    shown = [name for name in methods if name != "mean"][-_MOST_PANELS:] or methods
    figure = figures.predicted_observed(table, shown, content.target)
    names = ", ".join(words.label(name) for name in shown)
    return Picture(
        figures.png(figure),
        "image/png",
        f"Predicted against observed {content.target} on the part {content.title(part)}: {names}",
        "Each dot is a sample. On the line, prediction and measurement agree. Both axes are ln(1 + value).",
    )


def _bars(content: RunContent) -> Picture | None:
    results = {part: content.results(part) for part in content.parts}
    if not results:
        return None
    figure = figures.rmse_bars(results, {part: content.title(part) for part in results})
    return Picture(figures.svg(figure), "image/svg+xml", "RMSE on the log scale of each method and part")


def _curves(content: RunContent) -> Picture | None:
    figure = figures.training_curves(content.history)
    if figure is None:
        return None
    stages = ", ".join(str(stage.get("stage", "")) for stage in content.history)
    return Picture(
        figures.svg(figure),
        "image/svg+xml",
        f"Loss by epoch of the training stages: {stages}",
        "Loss on training rows and, where rows were held out, on validation rows. "
        "The weights of the dotted epoch were kept.",
    )


def _maps(content: RunContent) -> list[MapSection]:
    sections: list[MapSection] = []
    used = 0
    for found in content.maps:
        shown = section(found, with_pictures=used < _PICTURE_BYTES)
        used += sum(len(picture.data) for picture in shown.pictures)
        sections.append(shown)
    return sections


def _data(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What went in: a block for each top-level entry, as a table of rows or of records."""
    blocks = []
    for key, value in data.items():
        if key == "fingerprints":
            continue
        if words.is_table(value):
            heads = words.columns(value)
            records = [[words.text(item.get(head)) for head in heads] for item in value]
            names = [head.replace("_", " ") for head in heads]
            blocks.append({"title": key.replace("_", " "), "heads": names, "records": records, "rows": []})
        else:
            rows = words.rows(value) if isinstance(value, Mapping) else words.rows({key: value})
            blocks.append({"title": key.replace("_", " "), "heads": [], "records": [], "rows": rows})
    return blocks


def _settings(content: RunContent) -> list[tuple[str, list[tuple[str, str]]]]:
    """Collapsible tables: the config, the split, the training and the versions."""
    tables = {
        "Settings": content.config,
        "Split": content.split,
        "Training": content.metrics.get("training", {}),
        "Input files": content.data.get("fingerprints", {}),
        "Versions": content.versions,
    }
    return [(name, words.rows(table)) for name, table in tables.items() if table]
