"""Commands about runs: train, judge, compare, tell."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from deepsalt.cli.options import AllowLeak, Json, Seed, Workers
from deepsalt.console import Console


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the world, run, maps and report.")] = Path("demo"),
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Simulate a world, train on it, map it, and write a report: the whole path, no download."""
    from deepsalt.parallel import cores
    from deepsalt.pipeline.demo import run_demo
    from deepsalt.simulate import WorldSettings

    console = Console(json)
    with console.progress() as progress:
        made = run_demo(out, progress, WorldSettings(seed=seed), trained=_today(), workers=workers or cores())
    metrics = made.run.read("metrics")
    paths = {"report": made.report, "model": made.run.model, "maps": made.run.maps, "world": out / "world"}
    console.results(metrics, paths, maps=[entry.summary for entry in made.maps])


def train(
    config: Annotated[Path, typer.Argument(help="Config file; write one with: deepsalt init")],
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("run"),
    workers: Workers = None,
    allow_leak: AllowLeak = False,
    json: Json = False,
) -> None:
    """Train and evaluate what a config describes, baselines beside it; everything goes to a run folder."""
    from deepsalt.config import load_config
    from deepsalt.parallel import cores
    from deepsalt.pipeline.train import train as train_run

    console = Console(json)
    loaded = load_config(config)
    if allow_leak:
        loaded = loaded.model_copy(update={"allow_leak": True})
    with console.progress() as progress:
        run = train_run(loaded, out, progress, _today(), workers or cores())
    console.results(run.read("metrics"), {"run": run.root, "model": run.model})


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    allow_leak: AllowLeak = False,
    json: Json = False,
) -> None:
    """Every number of the report, computed again from the stored predictions."""
    from deepsalt.pipeline.evaluate import evaluate as evaluate_run
    from deepsalt.pipeline.run import Run

    Console(json).results(evaluate_run(Run.open(run), allow_leak), {"run": run})


def compare(
    config: Annotated[
        Path | None, typer.Argument(help="Config with your data; its compare section counts.")
    ] = None,
    worlds: Annotated[list[int] | None, typer.Option(help="Seeds of simulated worlds instead.")] = None,
    points: Annotated[
        list[str] | None, typer.Option(help="Ground points to learn from; numbers, all.")
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(help="Rows; default the baselines of a run and all others."),
    ] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="How often the points are drawn anew.")] = None,
    covered: Annotated[bool, typer.Option("--covered", help="The library covers the unseen region.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="The library does not know it.")] = False,
    both: Annotated[bool, typer.Option("--both", help="Both; the default on simulated worlds.")] = False,
    laws: Annotated[str | None, typer.Option(help="Physical laws of the worlds.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the worlds.")] = None,
    ec_measured: Annotated[
        float | None, typer.Option(help="Share of the worlds' library with measured EC.")
    ] = None,
    visnir_measured: Annotated[
        float | None, typer.Option(help="Share of the worlds' library with vis-NIR spectra.")
    ] = None,
    position_error: Annotated[
        float | None, typer.Option(help="Metres by which places of the worlds' library err, as it states.")
    ] = None,
    regions: Annotated[int | None, typer.Option(min=1, help="Regions of a world held out in turn.")] = None,
    dates: Annotated[
        int | None, typer.Option(min=1, help="Days on which the worlds are seen, put together to one scene.")
    ] = None,
    scene_pixels: Annotated[
        int | None, typer.Option(min=1, help="Pixels of the worlds' unseen scenes to ask about as well.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Method to compare with.")] = None,
    workers: Workers = None,
    out: Annotated[Path, typer.Option(help="Folder; a second call does only what is missing.")] = Path(
        "comparison"
    ),
    allow_leak: AllowLeak = False,
    json: Json = False,
) -> None:
    """Baselines, adaptations, presets and controls on the same cases: a table with paired intervals."""
    from deepsalt.config import load_config
    from deepsalt.pipeline.compare import asked_for
    from deepsalt.pipeline.compare import compare as compare_methods

    console = Console(json)
    loaded = load_config(config) if config else None
    wanted = asked_for(
        loaded,
        worlds=worlds,
        points=points,
        methods=methods,
        draws=draws,
        covers=[value for value, said in ((True, covered or both), (False, unknown or both)) if said],
        laws=laws,
        sensor=sensor,
        ec_measured=ec_measured,
        visnir_measured=visnir_measured,
        position_error=position_error,
        regions=regions,
        dates=dates,
        scene_pixels=scene_pixels,
        reference=reference,
        workers=workers,
    )
    with console.progress() as progress:
        document = compare_methods(loaded, out, progress, wanted, allow_leak)
    console.comparison(document, out)


def report(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path | None, typer.Option(help="HTML file; default RUN/report.html")] = None,
    json: Json = False,
) -> None:
    """Write one self-contained HTML page about a run."""
    from deepsalt.pipeline.run import Run
    from deepsalt.report import write_report

    opened = Run.open(run)
    Console(json).facts({"kind": "report", "report": str(write_report(opened.root, out))}, str(run))


def _today() -> str:
    return date.today().isoformat()
