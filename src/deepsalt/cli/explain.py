"""The command that tells which wavelengths drive a model or one of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deepsalt.cli.options import Json, Seed
from deepsalt.console import Console


def explain(
    model: Annotated[Path, typer.Argument(help="Model file, or a run folder.")],
    spectra: Annotated[Path, typer.Argument(help="A satellite product, or a table of spectra.")],
    row: Annotated[int | None, typer.Option(min=1, help="One row of a table, from 1.")] = None,
    pixel: Annotated[str | None, typer.Option(help="One pixel of a scene: LON,LAT in degrees.")] = None,
    out: Annotated[Path | None, typer.Option(help="Figure (.png) or document (.json).")] = None,
    samples: Annotated[int, typer.Option(min=2, help="Random rows or pixels to look at.")] = 300,
    width: Annotated[float | None, typer.Option(help="Width of windows; default 50 nm, 100 cm-1.")] = None,
    domain: Annotated[str | None, typer.Option(help="mir or visnir, of a table that holds both.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Tell which wavelengths drive a model, or its answer for one row or pixel."""
    from deepsalt.pipeline.explain import explain_spectra

    console = Console(json)
    with console.progress() as progress:
        document = explain_spectra(
            model,
            spectra,
            progress,
            row=row,
            pixel=None if pixel is None else _place(pixel),
            samples=samples,
            width=width,
            domain=domain,
            out=out,
            seed=seed,
        )
    console.explanation(document)


def _place(text: str) -> tuple[float, float]:
    """Longitude and latitude of `LON,LAT`."""
    from deepsalt.errors import UsageError

    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no place",
            where="--pixel",
            fix="Give longitude,latitude in degrees, such as 63.1,38.9",
        ) from error
    return longitude, latitude
