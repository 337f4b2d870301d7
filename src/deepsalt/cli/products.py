"""Commands that make something of finished maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deepsalt.cli.options import Json
from deepsalt.console import Console


def mosaic(
    maps: Annotated[list[str], typer.Argument(help="Folders of maps, paths or globs.")],
    out: Annotated[Path, typer.Option(help="New folder of the one map.")],
    how: Annotated[
        str, typer.Option(help="weighted (by inverse variances), latest or median, where maps overlap.")
    ] = "weighted",
    rho: Annotated[
        float,
        typer.Option(min=0, max=1, help="Correlation of the errors of two dates; 1: dates add nothing."),
    ] = 0.9,
    json: Json = False,
) -> None:
    """Combine maps of any places and dates on one grid of pixels into one map."""
    from deepsalt.pipeline.products import make_mosaic

    console = Console(json)
    with console.progress() as progress:
        made = make_mosaic(maps, out, progress, how=how, rho=rho)
    console.maps([(made.folder, made.summary)])


def change(
    before: Annotated[Path, typer.Argument(help="Folder of the earlier map.")],
    after: Annotated[Path, typer.Argument(help="Folder of the later map.")],
    out: Annotated[Path, typer.Option(help="New folder of the change.")],
    alpha: Annotated[
        float, typer.Option(help="Share of false discoveries that is borne, between 0 and 1.")
    ] = 0.05,
    rho: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.99, help="Correlation of the errors of both dates; default 0.5 of one model, else 0."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Tell what changed between two maps of one place, and what of it the maps' errors do not explain."""
    from deepsalt.pipeline.products import make_change

    console = Console(json)
    with console.progress() as progress:
        made = make_change(before, after, out, progress, alpha=alpha, rho=rho)
    console.change(made.folder, made.summary)
