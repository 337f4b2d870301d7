"""Commands about areas of finished maps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepsalt.cli.options import Json
from deepsalt.console import Console

if TYPE_CHECKING:
    from rich.table import Table

#: Columns on the screen, where they are there; the rest stands in the file and in --json.
_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "hectares": "ha",
        "mapped_ha": "mapped\nha",
        "ece_mean": "ECe\nmean",
        "ece_mean_low": "low",
        "ece_mean_high": "high",
        "above_4_ha": "ha\n>= 4",
        "above_4_expected_ha": "ha >= 4\nexpected",
        "share_outside": "outside",
    }
)
_ROWS = 20


def zonal(
    maps: Annotated[list[Path], typer.Argument(help="Map folders, or folders of map folders.")],
    polygons: Annotated[Path, typer.Argument(help="Fields or districts: any vector file.")],
    out: Annotated[
        Path | None, typer.Option(help="New file: .csv, .gpkg, .parquet (GeoParquet) or .geojson")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a vector file with several.")] = None,
    crs: Annotated[
        str | None, typer.Option(help="Of polygons that do not say it, such as EPSG:32642.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--id", help="Column that names a polygon on the screen.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Own column of the polygons to keep (repeat); all by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Hectares and ECe per field or district: mean, quantiles, interval, classes, applicability."""
    from deepsalt.pipeline.zonal import zonal as measure

    console = Console(json)
    with console.progress() as progress:
        document = measure(
            maps, polygons, progress, out=out, layer=layer, crs=crs, name=name, keep=keep or None
        )
    if json:
        console.facts(document, "")
        return
    console.out.print(_title(document), markup=False)
    console.out.print(_table(document))
    for note in document["notes"]:
        console.out.print(f"  {note}", markup=False, soft_wrap=True)
    if document["out"]:
        console.out.print(f"zonal  {document['out']}", markup=False, soft_wrap=True)


def _title(document: Mapping[str, Any]) -> str:
    count = len(document["rows"])
    first = f", the first {_ROWS}" if count > _ROWS else ""
    return f"{count} polygons ({'simulated, ' if document['simulated'] else ''}dS/m and hectares{first})"


def _table(document: Mapping[str, Any]) -> Table:
    """One row a polygon with the columns that are there, then TOTAL."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None)
    table.add_column("polygon", no_wrap=True)
    shown = {name: head for name, head in _SHOWN.items() if name in document["total"]}
    for head in shown.values():
        table.add_column(head, justify="right", no_wrap=True)
    for label, row in zip(document["names"][:_ROWS], document["rows"], strict=False):
        table.add_row(escape(label), *(_cell(name, row[name]) for name in shown))
    table.add_row("TOTAL", *(_cell(name, document["total"][name]) for name in shown), style="bold")
    return table


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    if name.endswith("_ha") or name == "hectares":
        return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"
    return f"{value:.2f}"
