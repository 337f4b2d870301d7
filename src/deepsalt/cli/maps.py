"""Commands about maps, and where to sample next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepsalt.cli.map_options import how_to_run, questions, wanted_scenes
from deepsalt.cli.options import Json, Seed, surface_rules, takes
from deepsalt.console import Console

if TYPE_CHECKING:
    from deepsalt.mapping.questions import Questions
    from deepsalt.pipeline.maps import HowToRun
    from deepsalt.preprocessing.masks import SurfaceRules


@takes(wanted=wanted_scenes, rules=surface_rules, asked=questions, how=how_to_run)
def map_(
    model: Annotated[Path, typer.Argument(help="Model file, or a run folder.")],
    scenes: Annotated[
        list[str],
        typer.Argument(help="Satellite products, paths or globs; STAC catalogues, files or addresses."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the maps, one folder a scene.")],
    *,
    wanted: Mapping[str, Any],
    covariates: Annotated[
        list[str] | None, typer.Option(help="Rasters of the covariates (repeat), or: none")
    ] = None,
    truth: Annotated[list[str] | None, typer.Option(help="Rasters of true ECe, of simulated worlds.")] = None,
    rules: SurfaceRules,
    asked: Questions,
    composite: Annotated[
        str | None, typer.Option(help="bare, median or medoid: dates on one grid become one scene.")
    ] = None,
    min_looks: Annotated[
        int, typer.Option(min=1, help="Fewest unmasked dates of a pixel of a composite.")
    ] = 1,
    how: HowToRun,
    json: Json = False,
) -> None:
    """Map ECe over scenes: Cloud Optimized GeoTIFFs of ECe, class and mask, with a quicklook each.

    A second call makes only what is missing or stale. A broken scene is set aside with its reason.
    """
    from deepsalt.cli.archive import tell_outcome, tell_plan
    from deepsalt.pipeline.catalogue import find_scenes
    from deepsalt.pipeline.maps import map_scenes

    console = Console(json)
    found = find_scenes(scenes, **wanted)
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
            asked=asked,
            composite=composite,
            min_looks=min_looks,
            how=replace(how, told=partial(tell_plan, console, how.dry_run)),
        )
    if not how.dry_run:
        tell_outcome(console, outcome)
    raise typer.Exit(1 if outcome.failed else 0)


@takes(rules=surface_rules)
def plan(
    model: Annotated[Path, typer.Argument(help="Model file, or a run folder.")],
    scenes: Annotated[list[str], typer.Argument(help="Satellite products, paths or globs.")],
    out: Annotated[Path, typer.Option(help="New file of places: .csv or .geojson")],
    *,
    points: Annotated[int, typer.Option(min=1, help="How many places to propose.")] = 30,
    existing: Annotated[Path | None, typer.Option(help="Table of places sampled already.")] = None,
    covariates: Annotated[
        list[str] | None, typer.Option(help="Rasters of the covariates (repeat), or: none")
    ] = None,
    spacing: Annotated[float, typer.Option(min=0, help="Metres between points, at least.")] = 90.0,
    rules: SurfaceRules,
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
