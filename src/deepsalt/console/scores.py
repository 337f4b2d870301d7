"""Tables of errors and of what drives them: metrics, comparisons, explanations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from deepsalt.console.numbers import short
from deepsalt.report.comparison import heading, interval_words
from deepsalt.report.explanation import way

#: Metrics on the screen; the rest stands in the report and in --json.
_SHOWN = (("dS_m", "rmse"), ("dS_m", "mae"), ("ln", "rmse"), ("ln", "r2"), ("ln", "ccc"), ("ln", "rpiq"))


def metrics_table(metrics: Mapping[str, Any], key: str, part: Mapping[str, str]) -> Table:
    rows = [row for row in metrics["results"] if row["part"] == key]
    simulated = "simulated, " if metrics["simulated"] else ""
    count = rows[0]["n"] if rows else 0
    table = Table(title=f"{part['title']} ({simulated}n = {count})", title_justify="left", box=None)
    table.add_column("method", no_wrap=True)
    for scale, name in _SHOWN:
        table.add_column(f"{name}\n{'ln(1+EC)' if scale == 'ln' else 'dS/m'}", justify="right", no_wrap=True)
    best = min((row["ln"]["rmse"] for row in rows), default=0.0)
    for row in rows:
        cells = [short(row[scale][name]) for scale, name in _SHOWN]
        table.add_row(row["method"], *cells, style="bold" if row["ln"]["rmse"] == best else "")
    return table


def explanation_table(document: Mapping[str, Any], most: int = 10) -> Table:
    """Known features, then the windows whose loss moves the answer most."""
    sample = document["of"] == "sample"
    simulated = "simulated, " if document["simulated"] else ""
    if sample:
        answer, beside = (document[key]["ds_m"] for key in ("answer", "baseline"))
        title = f"EC {answer:.2f} dS/m, baseline {beside:.2f} ({simulated}effects on ln(1+EC))"
    else:
        title = f"what {document['model']} reads ({simulated}n = {document['rows']}, effects on ln(1+EC))"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("window", no_wrap=True)
    for name in ("hidden", "gradients", ""):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    windows = sorted(document["windows"], key=lambda one: -abs(_effect_of(one, "hidden", sample)))[:most]
    for one in [*document["features"], *windows]:
        cells = [short(_effect_of(one, key, sample)) for key in ("hidden", "gradients")]
        table.add_row(one["name"], *cells, one.get("material", "") if sample else way(one["hidden"]))
    return table


def _effect_of(window: Mapping[str, Any], key: str, sample: bool) -> float:
    value = window[key] if sample else window[key]["importance"]
    return math.nan if value is None else float(value)


def comparison_table(cell: Mapping[str, Any], simulated: bool) -> Table:
    cases = f"{cell['cases']} case{'s' if cell['cases'] > 1 else ''}"
    words = f"{heading(cell)} ({'simulated, ' if simulated else ''}{cases})"
    table = Table(title=words, title_justify="left", box=None)
    table.add_column("method", no_wrap=True)
    for name in ("RMSE", "R2", "minus", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for row in cell["rows"]:
        table.add_row(row["method"], *_comparison_cells(row, cell["reference"]))
    return table


def _comparison_cells(row: Mapping[str, Any], reference: str) -> list[str]:
    """RMSE and R2 on ln(1 + ECe), the difference to the reference with its interval, what it means."""
    if row["rmse"] is None:
        return ["failed"]
    numbers = [short(row["rmse"]), short(row["ln"]["r2"])]
    failed = f"{row['failed']} failed" if row["failed"] else ""
    if row["method"] == reference:
        return [*numbers, "", "", f"reference {failed}"]
    against = row["against"]
    if against is None:
        return [*numbers, "", "", failed]
    words = "" if against["outcome"] == "unclear" else against["outcome"]
    interval = interval_words(against["difference_interval"], sign=True)
    return [*numbers, f"{against['difference']:+.3f}", interval, f"{words} {failed}".strip()]
