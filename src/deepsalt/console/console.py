"""How the commands speak: for people, or as one JSON document."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.tree import Tree

from deepsalt.console.facts import grow
from deepsalt.console.land import class_table, equation_table, plan_table, transition_table, verdict_table
from deepsalt.console.progress import Report, bar_progress, bars_on_stderr, plain_progress, silent
from deepsalt.console.scores import comparison_table, explanation_table, metrics_table
from deepsalt.pipeline.inspection import shortened
from deepsalt.pipeline.run import to_json
from deepsalt.report.comparison import verdict_on
from deepsalt.report.explanation import check_lines
from deepsalt.report.words import leak_lines


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
            yield silent
        elif not sys.stderr.isatty():
            yield plain_progress()
        else:
            with bars_on_stderr() as bars:
                yield bar_progress(bars)

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
        grow(tree, shortened(dict(facts)))
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
            self.out.print(metrics_table(metrics, key, part))
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
            self.out.print(comparison_table(table, document["simulated"]))
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
            self.out.print(class_table(facts))
            for note in facts.get("notes", []):
                self.out.print(f"  {escape(note)}")

    def change(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Hectares saltier and fresher, and those that went from each class to each."""
        if self.json:
            typer.echo(to_json({"folder": str(folder), **facts}))
            return
        self.out.print(f"[bold]{escape(str(folder))}[/bold]", soft_wrap=True)
        if facts["verdicts"]:
            self.out.print(verdict_table(facts))
        self.out.print(transition_table(facts))
        for note in facts["notes"]:
            self.out.print(f"  {escape(note)}")

    def equations(self, document: Mapping[str, Any]) -> None:
        """The equations from EC of an extract to ECe, one a row."""
        if self.json:
            typer.echo(to_json(document))
            return
        self.out.print(equation_table(document))
        self.out.print("  SP: water of the saturated paste, kg/kg. Sources: --json, or docs/ec.md")

    def plan(self, document: Mapping[str, Any]) -> None:
        """Proposed places, best first, and where the file is."""
        if self.json:
            typer.echo(to_json(document))
            return
        self.out.print(plan_table(document))
        for note in document["notes"]:
            self.out.print(f"  {escape(note)}")
        self.out.print(f"[bold]plan[/bold]  {escape(document['plan'])}", soft_wrap=True)

    def explanation(self, document: Mapping[str, Any]) -> None:
        """The windows that matter most, of a model or of one answer, and what the checks found."""
        if self.json:
            typer.echo(to_json(document))
            return
        self.out.print(explanation_table(document))
        for line in [*check_lines(document), *document["notes"]]:
            self.out.print(f"  {escape(line)}")
        if "out" in document:
            self.out.print(f"[bold]explanation[/bold]  {escape(document['out'])}", soft_wrap=True)
