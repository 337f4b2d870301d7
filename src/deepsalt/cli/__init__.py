"""The commands: parse, call, print. No logic lives here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

# Spinning OpenMP threads cost several times the work itself on a busy machine; torch reads this on import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from deepsalt import __version__
from deepsalt.cli import areas, data, explain, maps, products, runs
from deepsalt.console import ManyValues, run_command

app = typer.Typer(
    help="Soil salinity maps from hyperspectral satellites, taught by laboratory spectra.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(*commands: Callable[..., None]) -> None:
    for command in commands:
        app.command()(command)


_add(runs.demo, data.init, data.inspect, data.card, data.simulate, runs.train, runs.evaluate)
app.command(cls=ManyValues)(runs.compare)
app.command("map")(maps.map_)
_add(products.mosaic, products.change, areas.zonal, maps.plan, data.ec, explain.explain, runs.report)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"deepsalt {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `deepsalt` command; exit code 0 good, 1 the work failed, 2 the call was wrong."""
    sys.exit(run_command(app, arguments))
