"""Commands about data: what a file holds, simulated worlds, EC and its methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deepsalt.cli.options import Json, Seed
from deepsalt.console import Console


def init() -> None:
    """Print a commented config to start from: deepsalt init > config.toml"""
    from deepsalt.pipeline.template import TEMPLATE

    typer.echo(TEMPLATE, nl=False)


def inspect(
    path: Annotated[Path, typer.Argument(help="A file, scene, library, world, model, map or run.")],
    reader: Annotated[str | None, typer.Option(help="Name of the reader, if several might do.")] = None,
    domain: Annotated[str | None, typer.Option(help="mir, visnir or nir, if a file holds several.")] = None,
    unit: Annotated[str | None, typer.Option(help="nm, um or cm-1, if the file does not say.")] = None,
    quantity: Annotated[str | None, typer.Option(help="reflectance or absorbance.")] = None,
    scale: Annotated[float | None, typer.Option(help="Factor of the values: 0.01 for percent.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of an Excel workbook with several.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a vector file with several.")] = None,
    crs: Annotated[str | None, typer.Option(help="Coordinate system of points, such as EPSG:32642.")] = None,
    block: Annotated[str | None, typer.Option(help="Result of an OPUS file that holds several.")] = None,
    wavelengths: Annotated[Path | None, typer.Option(help="File of wavelengths of USGS spectra.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Bands of an image without wavelengths.")] = None,
    metadata: Annotated[Path | None, typer.Option(help="Table of the samples, joined on the id.")] = None,
    metadata_sheet: Annotated[str | None, typer.Option(help="Its sheet, if it is a workbook.")] = None,
    id: Annotated[str | None, typer.Option(help="Column of ids, under another name.")] = None,
    group: Annotated[str | None, typer.Option(help="Column of profiles or fields.")] = None,
    ec: Annotated[str | None, typer.Option(help="Method of the EC column, for example ec1:5.")] = None,
    ec_column: Annotated[str | None, typer.Option(help="Column of EC, under another name.")] = None,
    ec_unit: Annotated[str | None, typer.Option(help="Its unit; default dS/m.")] = None,
    drop_empty: Annotated[bool, typer.Option("--drop-empty", help="Drop samples without values.")] = False,
    drop_damaged: Annotated[bool, typer.Option("--drop-damaged", help="Drop scans that are broken.")] = False,
    json: Json = False,
) -> None:
    """Say what a path holds: axis, bands, dates, masks, EC and its method, and what looks wrong."""
    from deepsalt.pipeline.inspection import inspect_path

    options = {key: value for key, value in locals().items() if key not in ("path", "json", "inspect_path")}
    given = {key: value for key, value in options.items() if value is not None and value is not False}
    facts, console = inspect_path(path, **given), Console(json)
    if facts["kind"] == "model":
        console.card(facts)
    else:
        console.facts(facts, str(path))


def card(
    model: Annotated[Path, typer.Argument(help="Model file.")],
    out: Annotated[Path | None, typer.Option(help="Markdown file; default the screen.")] = None,
) -> None:
    """The model card as Markdown, with the front matter that model hubs read."""
    from deepsalt.pipeline.inspection import write_card

    text = write_card(model, out)
    if out is None:
        typer.echo(text, nl=False)


def simulate(
    out: Annotated[Path, typer.Option(help="New folder for the world.")],
    seed: Seed = 0,
    small: Annotated[bool, typer.Option("--small", help="Two small regions, in seconds.")] = False,
    sensor: Annotated[str, typer.Option(help="Who photographs it: enmap, prisma or emit.")] = "enmap",
    laws: Annotated[
        str, typer.Option(help="usual, or other: moisture and mixtures unlike what a mapper assumes.")
    ] = "usual",
    products: Annotated[
        str, typer.Option(help="Further products, in their own formats: enmap,prisma,emit,sentinel2.")
    ] = "",
    looks: Annotated[int, typer.Option(help="Days on which the further products are taken.")] = 1,
    json: Json = False,
) -> None:
    """Write a simulated world: library, scenes, ground points, covariates and the truth."""
    from dataclasses import replace

    from deepsalt.pipeline.inspection import inspect_path
    from deepsalt.simulate import WorldSettings, simulate_world

    console = Console(json)
    size = WorldSettings.small(seed) if small else WorldSettings(seed=seed)
    further = tuple(name.strip() for name in products.split(",") if name.strip())
    settings = replace(size, sensor=sensor, laws=laws, products=further, looks=looks)
    with console.progress() as progress:
        simulate_world(out, settings, progress)
    console.facts(inspect_path(out), str(out))


def ec(
    value: Annotated[float | None, typer.Argument(help="EC, at 25 C unless --temperature says.")] = None,
    method: Annotated[str | None, typer.Option("--from", help="Its method, for example ec1:5.")] = None,
    to: Annotated[str, typer.Option(help="ece, or the same method for another unit.")] = "ece",
    unit: Annotated[str, typer.Option(help="dS/m, mS/cm, mmho/cm, mS/m, uS/cm, or mg/L (TDS).")] = "dS/m",
    to_unit: Annotated[str, typer.Option(help="Unit of the answer.")] = "dS/m",
    temperature: Annotated[float | None, typer.Option(help="C at which it was measured.")] = None,
    texture: Annotated[str | None, typer.Option(help="USDA class, or coarse, medium, fine.")] = None,
    saturation: Annotated[float | None, typer.Option(help="Saturation percentage, if measured.")] = None,
    equation: Annotated[str | None, typer.Option(help="Name or family; see --list.")] = None,
    classes: Annotated[str, typer.Option(help="usda or fao.")] = "usda",
    list_: Annotated[bool, typer.Option("--list", help="Every equation.")] = False,
    json: Json = False,
) -> None:
    """Convert an EC to ECe with its error: equation, range, class, source."""
    from deepsalt.errors import LabelError, UsageError
    from deepsalt.salinity import scheme
    from deepsalt.salinity.explain import equation_list, explain

    if list_:
        Console(json).equations(equation_list())
        return
    if value is None or method is None:
        raise UsageError("no EC with its method", fix="For example: deepsalt ec 1.2 --from ec1:5")
    try:
        facts = explain(
            value,
            method,
            to,
            unit=unit,
            to_unit=to_unit,
            temperature_c=temperature,
            texture=texture,
            saturation_pct=saturation,
            equation=equation,
            scheme=scheme(classes),
        )
    except LabelError as error:
        raise UsageError(str(error)) from error
    Console(json).facts(facts, f"{value:g} {unit} {method}")
