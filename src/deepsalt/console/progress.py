"""What long work shows: bars with the time left, plain lines, or nothing."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from deepsalt.progress import Progress as Report


def silent(_what: str, _done: int, _total: int) -> None:
    """For --json: progress goes nowhere."""


def bars_on_stderr() -> Progress:
    """A row a piece of work, with the time that is left."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=RichConsole(stderr=True),
    )


def bar_progress(bars: Progress) -> Report:
    """A bar for each piece of work; the earlier ones are hidden."""
    tasks: dict[str, Any] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            for earlier in tasks.values():
                bars.update(earlier, visible=False)
            tasks[what] = bars.add_task(escape(what), total=total)
        bars.update(tasks[what], completed=done, total=max(total, 1), visible=True)

    return report


def plain_progress() -> Report:
    """A line for each piece of work, where stderr is no terminal."""
    seen: set[str] = set()

    def report(what: str, _done: int, _total: int) -> None:
        if what not in seen:
            seen.add(what)
            typer.echo(what, err=True)

    return report
