"""Groups of options of `deepsalt map`: which scenes, what to ask of the model, and how to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from deepsalt.mapping.questions import Questions
    from deepsalt.pipeline.maps import HowToRun


def wanted_scenes(
    area: Annotated[
        str | None,
        typer.Option(help="west,south,east,north in degrees, or a vector file: scenes that meet it."),
    ] = None,
    dates: Annotated[
        str | None, typer.Option(help="2024, 2024-05, 2024-05-01, or two as FROM/TO: scenes taken then.")
    ] = None,
    max_cloud: Annotated[
        float | None, typer.Option(min=0, max=100, help="Largest cloud cover of an item of STAC, percent.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option("--collection", help="Collection of STAC to take from (repeat).")
    ] = None,
    products: Annotated[
        Path | None,
        typer.Option(help="Folder of downloaded products, for items of STAC that lie on the web."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many scenes.")] = None,
) -> dict[str, Any]:
    """What `find_scenes` is to look for."""
    return {
        "area": area,
        "dates": dates,
        "max_cloud": max_cloud,
        "collections": collection or (),
        "products": products,
        "limit": limit,
    }


def questions(
    level: Annotated[float, typer.Option(help="Share of places whose ECe should lie in the interval.")] = 0.9,
    threshold: Annotated[
        list[float] | None,
        typer.Option(help="ECe in dS/m: map the probability to exceed it (repeat); 4 by default."),
    ] = None,
) -> Questions:
    """What the model is asked beside ECe."""
    from deepsalt.mapping.questions import DEFAULT_QUESTIONS, Questions

    return Questions(level, tuple(threshold) if threshold else DEFAULT_QUESTIONS.thresholds)


def how_to_run(
    workers: Annotated[int, typer.Option(min=0, help="Processes of a local cluster; 0: this one.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Address of a running Dask scheduler instead.")] = "",
    memory: Annotated[
        str | None, typer.Option(help="Most memory of all processes, such as 2GB; of each with a scheduler.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try scenes again that failed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
) -> HowToRun:
    """Where and when scenes are mapped."""
    from deepsalt.pipeline.maps import HowToRun

    return HowToRun(workers, scheduler, memory, retry, dry_run)
