"""Nested facts as a tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree


def grow(tree: Tree, value: Any) -> None:
    """Nested values as branches."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if isinstance(entry, Mapping | list) and entry:
                grow(tree.add(f"[bold]{escape(str(key))}[/bold]"), entry)
            else:
                tree.add(f"[bold]{escape(str(key))}[/bold]  {escape(_text(entry))}")
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, Mapping):
                grow(tree.add(escape(str(entry.get("name", entry.get("method", "-"))))), entry)
            else:
                tree.add(escape(_text(entry)))


def _text(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
