"""How the commands speak: progress bars, tables, one JSON document, one line for an error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
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
from rich.table import Table
from rich.tree import Tree
from typer.core import TyperCommand

from deepsalt.errors import DeepSaltError
from deepsalt.pipeline.inspection import shortened
from deepsalt.pipeline.run import to_json
from deepsalt.report.comparison import heading, interval_words, verdict_on
from deepsalt.report.explanation import check_lines, way
from deepsalt.report.words import leak_lines

#: Metrics on the screen; the rest stands in the report and in --json.
_SHOWN = (("dS_m", "rmse"), ("dS_m", "mae"), ("ln", "rmse"), ("ln", "r2"), ("ln", "ccc"), ("ln", "rpiq"))
Report = Callable[[str, int, int], None]


class ManyValues(TyperCommand):
    """A command whose list options take several values: `--worlds 0 1 2` is `--worlds 0 --worlds 1 ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        many = {name for option in self.params if option.multiple for name in option.opts}
        return super().parse_args(ctx, _one_by_one(args, many))


def _one_by_one(args: Sequence[str], many: set[str]) -> list[str]:
    """The option's name written before each of its values.

    >>> _one_by_one(["run.toml", "--worlds", "0", "1", "--json"], {"--worlds"})
    ['run.toml', '--worlds', '0', '--worlds', '1', '--json']
    """
    found: list[str] = []
    current = ""
    for word in args:
        if word.startswith("--"):
            current = word if word in many else ""
        elif current and found[-1] != current:
            found.append(current)
        found.append(word)
    return found


class Console:
    """Prints for people, or one JSON document.

    json   True: stdout holds one JSON document and nothing else; progress goes nowhere
    """

    def __init__(self, json: bool = False) -> None:
        self.json = json
        self.out = RichConsole(highlight=False)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """A bar for each piece of work, on stderr; plain lines where stderr is no terminal."""
        if self.json:
            yield _silent
        elif not sys.stderr.isatty():
            yield _plain_progress()
        else:
            with _bars() as bars:
                yield _bar_progress(bars)

    def aside(self, lines: Sequence[str]) -> None:
        """What should be known and is no result: on stderr, with --json too."""
        for line in lines:
            typer.echo(line, err=True)

    def facts(self, facts: Mapping[str, Any], title: str) -> None:
        """Nested facts as a tree, or as JSON."""
        if self.json:
            typer.echo(to_json(facts))
            return
        tree = Tree(f"[bold]{escape(title)}[/bold]")
        _grow(tree, shortened(dict(facts)))
        self.out.print(tree)

    def card(self, facts: Mapping[str, Any]) -> None:
        """A model card as a page."""
        from rich.markdown import Markdown

        from deepsalt.estimators.model_card import ModelCard
        from deepsalt.report.card import card_page

        if self.json:
            typer.echo(to_json(facts))
            return
        self.out.print(Markdown(card_page(ModelCard.model_validate(facts))))

    def results(
        self, metrics: Mapping[str, Any], paths: Mapping[str, Path], maps: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Metrics of every method, and where things were written."""
        named = {key: str(path) for key, path in paths.items()}
        if self.json:
            typer.echo(to_json({**metrics, "paths": named, **({"maps": list(maps)} if maps else {})}))
            return
        self._leaks(metrics)
        for key, part in metrics["parts"].items():
            self.out.print(_metrics_table(metrics, key, part))
        for note in metrics["notes"]:
            self.out.print(f"  {escape(note)}")
        for key, path in named.items():
            self.out.print(f"[bold]{key:>7}[/bold]  {escape(path)}", soft_wrap=True)

    def comparison(self, document: Mapping[str, Any], folder: Path) -> None:
        """One table for each part, kind of unseen and number of ground points."""
        if self.json:
            typer.echo(to_json(document))
            return
        self._leaks(document)
        titles = {method["name"]: method["title"] for method in document["methods"]}
        for table in document["tables"]:
            self.out.print(_comparison_table(table, document["simulated"]))
            verdict = verdict_on(table, titles)
            self.out.print(f"  {escape(verdict)}\n" if verdict else "")
        self.out.print(f"  RMSE and R2 on {document['scale']}; minus: the difference to the reference.")
        failed = sum(bool(task["failure"]) for task in document["tasks"])
        if failed:
            self.out.print(f"  {failed} of {len(document['tasks'])} tasks failed: compare.md says why.")
        for note in document["notes"]:
            self.out.print(f"  {escape(note)}")
        self.out.print(f"[bold]tables and figures[/bold]  {escape(str(folder))}", soft_wrap=True)

    def _leaks(self, document: Mapping[str, Any]) -> None:
        """Leaks that were allowed, in red above every number that they spoil."""
        for line in leak_lines(document):
            self.out.print(f"[bold red]{escape(line)}[/bold red]", soft_wrap=True)

    def maps(self, made: Sequence[tuple[Path, Mapping[str, Any]]]) -> None:
        """Finished maps with their hectares a class."""
        if self.json:
            typer.echo(to_json([{"folder": str(folder), **facts} for folder, facts in made]))
            return
        for folder, facts in made:
            self.out.print(f"[bold]{escape(str(folder))}[/bold]", soft_wrap=True)
            table = Table("class", "dS/m", "hectares", box=None)
            for entry in facts["classes"]:
                upper = "" if entry["upper"] is None else f"{entry['upper']:g}"
                table.add_row(entry["name"], f"{entry['lower']:g}-{upper}", f"{entry['hectares']:,.0f}")
            self.out.print(table)
            for note in facts.get("notes", []):
                self.out.print(f"  {escape(note)}")

    def change(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Hectares saltier and fresher, and those that went from each class to each."""
        if self.json:
            typer.echo(to_json({"folder": str(folder), **facts}))
            return
        self.out.print(f"[bold]{escape(str(folder))}[/bold]", soft_wrap=True)
        verdicts = Table("verdict", "hectares", box=None)
        for entry in facts["verdicts"]:
            verdicts.add_row(entry["name"], f"{entry['hectares']:,.1f}")
        if facts["verdicts"]:
            self.out.print(verdicts)
        names, hectares = facts["transitions"]["classes"], facts["transitions"]["hectares"]
        table = Table(title="hectares, from the class of the row", title_justify="left", box=None)
        table.add_column("from / to", no_wrap=True)
        for name in names:
            table.add_column(name, justify="right")
        for name, row in zip(names, hectares, strict=True):
            table.add_row(name, *(f"{value:,.1f}" for value in row))
        self.out.print(table)
        for note in facts["notes"]:
            self.out.print(f"  {escape(note)}")

    def equations(self, document: Mapping[str, Any]) -> None:
        """The equations from EC of an extract to ECe, one a row."""
        if self.json:
            typer.echo(to_json(document))
            return
        table = Table("name", "formula", "EC, dS/m", "sd", box=None)
        for column in table.columns[:2]:
            column.no_wrap = True
        for one in document["equations"]:
            low, high = one["valid_ec_ds_m"]
            share = f"{100 * one['relative_sd']:.0f} %"
            table.add_row(one["name"], one["formula"], f"{low:g}-{high:g}", share)
        self.out.print(table)
        self.out.print("  SP: water of the saturated paste, kg/kg. Sources: --json, or docs/ec.md")

    def plan(self, document: Mapping[str, Any]) -> None:
        """Proposed places, best first, and where the file is."""
        if self.json:
            typer.echo(to_json(document))
            return
        simulated = "simulated, " if document["simulated"] else ""
        title = f"{len(document['points'])} places ({simulated}of {document['candidates']} candidates)"
        table = Table(title=title, title_justify="left", box=None)
        for name in ("", "latitude", "longitude", "ECe\ndS/m", "spread\nln(1+ECe)", "novelty"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("why")
        for point in document["points"]:
            numbers = [_number(point[name]) for name in ("predicted_ece_ds_m", "spread_ln", "novelty")]
            places = [f"{point[name]:.5f}" for name in ("latitude", "longitude")]
            table.add_row(str(point["order"]), *places, *numbers, escape(point["reason"]))
        self.out.print(table)
        for note in document["notes"]:
            self.out.print(f"  {escape(note)}")
        self.out.print(f"[bold]plan[/bold]  {escape(document['plan'])}", soft_wrap=True)

    def explanation(self, document: Mapping[str, Any]) -> None:
        """The windows that matter most, of a model or of one answer, and what the checks found."""
        if self.json:
            typer.echo(to_json(document))
            return
        self.out.print(_explanation_table(document))
        for line in [*check_lines(document), *document["notes"]]:
            self.out.print(f"  {escape(line)}")
        if "out" in document:
            self.out.print(f"[bold]explanation[/bold]  {escape(document['out'])}", soft_wrap=True)


def run_command(app: typer.Typer, arguments: list[str] | None = None) -> int:
    """Run a command; errors become one line on stderr and an exit code."""
    try:
        app(args=arguments, standalone_mode=True)
    except SystemExit as finished:
        return int(finished.code or 0) if not isinstance(finished.code, str) else 1
    except DeepSaltError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        return 130
    except MemoryError:
        typer.echo("error: out of memory. Use fewer scenes or pixels at a time.", err=True)
        return 1
    return 0


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=RichConsole(stderr=True),
    )


def _bar_progress(bars: Progress) -> Report:
    tasks: dict[str, Any] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            for earlier in tasks.values():
                bars.update(earlier, visible=False)
            tasks[what] = bars.add_task(escape(what), total=total)
        bars.update(tasks[what], completed=done, total=max(total, 1), visible=True)

    return report


def _plain_progress() -> Report:
    seen: set[str] = set()

    def report(what: str, _done: int, _total: int) -> None:
        if what not in seen:
            seen.add(what)
            typer.echo(what, err=True)

    return report


def _metrics_table(metrics: Mapping[str, Any], key: str, part: Mapping[str, str]) -> Table:
    rows = [row for row in metrics["results"] if row["part"] == key]
    simulated = "simulated, " if metrics["simulated"] else ""
    count = rows[0]["n"] if rows else 0
    table = Table(title=f"{part['title']} ({simulated}n = {count})", title_justify="left", box=None)
    table.add_column("method", no_wrap=True)
    for scale, name in _SHOWN:
        table.add_column(f"{name}\n{'ln(1+EC)' if scale == 'ln' else 'dS/m'}", justify="right", no_wrap=True)
    best = min((row["ln"]["rmse"] for row in rows), default=0.0)
    for row in rows:
        cells = [_number(row[scale][name]) for scale, name in _SHOWN]
        table.add_row(row["method"], *cells, style="bold" if row["ln"]["rmse"] == best else "")
    return table


def _explanation_table(document: Mapping[str, Any], most: int = 10) -> Table:
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
        cells = [_number(_effect_of(one, key, sample)) for key in ("hidden", "gradients")]
        table.add_row(one["name"], *cells, one.get("material", "") if sample else way(one["hidden"]))
    return table


def _effect_of(window: Mapping[str, Any], key: str, sample: bool) -> float:
    value = window[key] if sample else window[key]["importance"]
    return math.nan if value is None else float(value)


def _comparison_table(cell: Mapping[str, Any], simulated: bool) -> Table:
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
    numbers = [_number(row["rmse"]), _number(row["ln"]["r2"])]
    failed = f"{row['failed']} failed" if row["failed"] else ""
    if row["method"] == reference:
        return [*numbers, "", "", f"reference {failed}"]
    against = row["against"]
    if against is None:
        return [*numbers, "", "", failed]
    words = "" if against["outcome"] == "unclear" else against["outcome"]
    interval = interval_words(against["difference_interval"], sign=True)
    return [*numbers, f"{against['difference']:+.3f}", interval, f"{words} {failed}".strip()]


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def _grow(tree: Tree, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if isinstance(entry, Mapping | list) and entry:
                _grow(tree.add(f"[bold]{escape(str(key))}[/bold]"), entry)
            else:
                tree.add(f"[bold]{escape(str(key))}[/bold]  {escape(_text(entry))}")
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, Mapping):
                _grow(tree.add(escape(str(entry.get("name", entry.get("method", "-"))))), entry)
            else:
                tree.add(escape(_text(entry)))


def _text(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
