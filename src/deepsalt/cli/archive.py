"""How a plan of many scenes, and what came of it, are told."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from deepsalt.archive import Failure, Outcome, Plan
from deepsalt.console import Console
from deepsalt.pipeline.run import to_json

_SHOWN = 12


def tell_plan(console: Console, alone: bool, plan: Plan) -> None:
    """The plan, before work begins; as JSON only where it is all that was asked for (`alone`)."""
    console.aside(plan.notes)
    if console.json:
        if alone:
            typer.echo(to_json(plan.to_dict()))
        return
    expected = len(plan.todo) < 2 and not plan.done and all(task.why == "new" for task in plan.todo)
    if expected and not alone:
        return
    table = Table("scene", "why", "Mpixel", "bands", "windows", box=None)
    for task in plan.todo[:_SHOWN]:
        size = f"{task.pixels / 1e6:.2f}"
        table.add_row(escape(task.scene), task.why, size, str(task.bands), str(task.windows))
    if plan.todo:
        console.out.print(table)
    if len(plan.todo) > _SHOWN:
        console.out.print(f"  and {len(plan.todo) - _SHOWN} more")
    console.out.print(escape(in_one_line(plan)), soft_wrap=True)
    if alone:
        _tell_failures(plan.failed)


def in_one_line(plan: Plan) -> str:
    """Scenes, windows, size and time of a plan."""
    parts = [
        f"{len(plan.todo)} scenes to map, {plan.windows} windows, {plan.pixels / 1e6:,.1f} Mpixel, "
        f"{plan.bytes / 2**20:,.0f} MiB of files"
    ]
    if plan.seconds is not None:
        parts.append(f"about {_time(plan.seconds)}")
    parts.append(f"{len(plan.done)} mapped already")
    if plan.failed:
        parts.append(f"{len(plan.failed)} set aside")
    return "; ".join(parts)


def tell_outcome(console: Console, outcome: Outcome) -> None:
    """Maps with their hectares a class, then the scenes set aside, on stderr, with their reasons."""
    maps = [(entry.folder, entry.summary) for entry in outcome.made]
    if console.json:
        told = [{"folder": str(one.folder), "made": True, **one.summary} for one in outcome.made]
        told += [{"folder": str(one.folder), "made": False, **one.summary} for one in outcome.kept]
        typer.echo(to_json({"maps": told, "failed": [vars(failure) for failure in outcome.failed]}))
    else:
        console.maps(maps)
    counts = f"{len(maps)} mapped, {len(outcome.kept)} mapped already, {len(outcome.failed)} set aside"
    if not console.json and len(maps) + len(outcome.kept) + len(outcome.failed) > 1:
        console.out.print(counts)
    _tell_failures(outcome.failed)


def _tell_failures(failures: tuple[Failure, ...]) -> None:
    for failure in failures:
        typer.echo(f"set aside: {failure.said}", err=True)
    if failures:
        typer.echo(f"error: {len(failures)} scenes set aside; --retry tries them again.", err=True)


def _time(seconds: float) -> str:
    """A time in words.

    >>> _time(42.4), _time(600), _time(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
