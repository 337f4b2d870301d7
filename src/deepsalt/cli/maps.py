"""Commands about maps, and where to sample next."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from deepsalt.cli.options import (
    Area,
    Collections,
    Dates,
    DryVegetation,
    Guard,
    Json,
    Limit,
    MaxCloud,
    MaxNdvi,
    MaxReflectance,
    Nbr2,
    Products,
    Seed,
    Water,
)
from deepsalt.console import Console


def map_(
    model: Annotated[Path, typer.Argument(help="Model file, or a run folder.")],
    scenes: Annotated[
        list[str],
        typer.Argument(help="Satellite products, paths or globs; STAC catalogues, files or addresses."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the maps, one folder a scene.")],
    area: Area = None,
    dates: Dates = None,
    max_cloud: MaxCloud = None,
    collection: Collections = None,
    products: Products = None,
    limit: Limit = None,
    covariates: Annotated[
        list[str] | None, typer.Option(help="Rasters of the covariates (repeat), or: none")
    ] = None,
    truth: Annotated[list[str] | None, typer.Option(help="Rasters of true ECe, of simulated worlds.")] = None,
    max_ndvi: MaxNdvi = 0.35,
    dry_vegetation: DryVegetation = None,
    water: Water = None,
    nbr2: Nbr2 = None,
    max_reflectance: MaxReflectance = None,
    salt_crust_guard: Guard = True,
    composite: Annotated[
        str | None, typer.Option(help="median or medoid: dates on one grid become one scene.")
    ] = None,
    min_looks: Annotated[
        int, typer.Option(min=1, help="Fewest unmasked dates of a pixel of a composite.")
    ] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes of a local cluster; 0: this one.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Address of a running Dask scheduler instead.")] = "",
    memory: Annotated[
        str | None, typer.Option(help="Most memory of all processes, such as 2GB; of each with a scheduler.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try scenes again that failed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    json: Json = False,
) -> None:
    """Map ECe over scenes: Cloud Optimized GeoTIFFs of ECe, class and mask, with a quicklook each.

    A second call makes only what is missing or stale. A broken scene is set aside with its reason.
    """
    from deepsalt.cli.archive import tell_outcome, tell_plan
    from deepsalt.pipeline.catalogue import find_scenes
    from deepsalt.pipeline.maps import HowToRun, map_scenes
    from deepsalt.preprocessing.masks import SurfaceRules

    rules = SurfaceRules(max_ndvi, dry_vegetation, water, nbr2, max_reflectance, salt_crust_guard)
    console = Console(json)
    found = find_scenes(
        scenes,
        area=area,
        dates=dates,
        max_cloud=max_cloud,
        collections=collection or (),
        products=products,
        limit=limit,
    )
    console.aside(found.lines())
    with console.progress() as progress:
        outcome = map_scenes(
            model,
            found.paths,
            out,
            progress,
            covariates=covariates or (),
            truth=truth or (),
            rules=rules,
            composite=composite,
            min_looks=min_looks,
            how=HowToRun(workers, scheduler, memory, retry, dry_run, partial(tell_plan, console, dry_run)),
        )
    if not dry_run:
        tell_outcome(console, outcome)
    raise typer.Exit(1 if outcome.failed else 0)


def plan(
    model: Annotated[Path, typer.Argument(help="Model file, or a run folder.")],
    scenes: Annotated[list[str], typer.Argument(help="Satellite products, paths or globs.")],
    out: Annotated[Path, typer.Option(help="New file of places: .csv or .geojson")],
    points: Annotated[int, typer.Option(min=1, help="How many places to propose.")] = 30,
    existing: Annotated[Path | None, typer.Option(help="Table of places sampled already.")] = None,
    covariates: Annotated[
        list[str] | None, typer.Option(help="Rasters of the covariates (repeat), or: none")
    ] = None,
    spacing: Annotated[float, typer.Option(min=0, help="Metres between points, at least.")] = 90.0,
    max_ndvi: MaxNdvi = 0.35,
    dry_vegetation: DryVegetation = None,
    water: Water = None,
    nbr2: Nbr2 = None,
    max_reflectance: MaxReflectance = None,
    salt_crust_guard: Guard = True,
    candidates: Annotated[
        int, typer.Option(min=1, max=200_000, help="Random pixels to choose from.")
    ] = 20_000,
    weigh_spread: Annotated[
        bool, typer.Option("--weigh-spread", help="Land where the model is less sure weighs more.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Propose where to take ground samples next: places from which most of the land can be told."""
    from deepsalt.pipeline.plan import plan_points
    from deepsalt.preprocessing.masks import SurfaceRules

    rules = SurfaceRules(max_ndvi, dry_vegetation, water, nbr2, max_reflectance, salt_crust_guard)
    console = Console(json)
    with console.progress() as progress:
        document = plan_points(
            model,
            scenes,
            out,
            progress,
            count=points,
            existing=existing,
            covariates=covariates or (),
            spacing_m=spacing,
            rules=rules,
            candidates=candidates,
            seed=seed,
            weigh_spread=weigh_spread,
        )
    console.plan(document)
