"""Tables of land: hectares a class, what changed, equations, places to sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from deepsalt.console.numbers import short


def class_table(facts: Mapping[str, Any]) -> Table:
    """Hectares a class of a map."""
    table = Table("class", "dS/m", "hectares", box=None)
    for entry in facts["classes"]:
        upper = "" if entry["upper"] is None else f"{entry['upper']:g}"
        table.add_row(entry["name"], f"{entry['lower']:g}-{upper}", f"{entry['hectares']:,.0f}")
    return table


def verdict_table(facts: Mapping[str, Any]) -> Table:
    """Hectares saltier, fresher and unclear of a change."""
    table = Table("verdict", "hectares", box=None)
    for entry in facts["verdicts"]:
        table.add_row(entry["name"], f"{entry['hectares']:,.1f}")
    return table


def transition_table(facts: Mapping[str, Any]) -> Table:
    """Hectares that went from each class to each."""
    names, hectares = facts["transitions"]["classes"], facts["transitions"]["hectares"]
    table = Table(title="hectares, from the class of the row", title_justify="left", box=None)
    table.add_column("from / to", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for name, row in zip(names, hectares, strict=True):
        table.add_row(name, *(f"{value:,.1f}" for value in row))
    return table


def equation_table(document: Mapping[str, Any]) -> Table:
    """The equations to ECe, one a row."""
    table = Table("name", "formula", "EC, dS/m", "sd", box=None)
    for column in table.columns[:2]:
        column.no_wrap = True
    for one in document["equations"]:
        low, high = one["valid_ec_ds_m"]
        share = f"{100 * one['relative_sd']:.0f} %"
        table.add_row(one["name"], one["formula"], f"{low:g}-{high:g}", share)
    return table


def plan_table(document: Mapping[str, Any]) -> Table:
    """Proposed places, best first."""
    simulated = "simulated, " if document["simulated"] else ""
    title = f"{len(document['points'])} places ({simulated}of {document['candidates']} candidates)"
    table = Table(title=title, title_justify="left", box=None)
    for name in ("", "latitude", "longitude", "ECe\ndS/m", "spread\nln(1+ECe)", "novelty"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    for point in document["points"]:
        numbers = [short(point[name]) for name in ("predicted_ece_ds_m", "spread_ln", "novelty")]
        places = [f"{point[name]:.5f}" for name in ("latitude", "longitude")]
        table.add_row(str(point["order"]), *places, *numbers, escape(point["reason"]))
    return table
