"""The commands: parse, call, print. No logic lives here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

# Spinning OpenMP threads cost several times the work itself on a busy machine; torch reads this on import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from deepsalt import __version__
from deepsalt.console import Console, ManyValues, run_command

app = typer.Typer(
    help="Soil salinity maps from hyperspectral satellites, taught by laboratory spectra.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
AllowLeak = Annotated[
    bool, typer.Option("--allow-leak", help="Go on where held-out data were learned from, and say so in red.")
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
MaxNdvi = Annotated[float, typer.Option(min=0, max=1, help="Greener pixels are masked.")]
DryVegetation = Annotated[
    float | None, typer.Option(min=-0.5, max=0.5, help="Mask dry plants: largest cellulose index, often 0.")
]
Water = Annotated[
    float | None, typer.Option(min=-1, max=1, help="Mask water: largest MNDWI of dark pixels, often 0.")
]
Nbr2 = Annotated[float | None, typer.Option(min=-1, max=1, help="Mask what is not bare: largest NBR2.")]
MaxReflectance = Annotated[
    float | None, typer.Option(min=0.5, max=10, help="Mask pixels with a brighter band.")
]
Guard = Annotated[
    bool, typer.Option(help="Keep salt and gypsum crusts from the rules of dry plants and NBR2.")
]


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


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the world, run, maps and report.")] = Path("demo"),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Simulate a world, train on it, map it, and write a report: the whole path, no download."""
    from deepsalt.pipeline.demo import run_demo
    from deepsalt.simulate import WorldSettings

    console = Console(json)
    with console.progress() as progress:
        made = run_demo(out, progress, WorldSettings(seed=seed))
    metrics = made.run.read("metrics")
    paths = {"report": made.report, "model": made.run.model, "maps": made.run.maps, "world": out / "world"}
    console.results(metrics, paths, maps=[entry.summary for entry in made.maps])


@app.command()
def init() -> None:
    """Print a commented config to start from: deepsalt init > config.toml"""
    from deepsalt.pipeline.template import TEMPLATE

    typer.echo(TEMPLATE, nl=False)


@app.command()
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
    facts = inspect_path(path, **given)
    Console(json).facts(facts, str(path))


@app.command()
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


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="Config file; write one with: deepsalt init")],
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("run"),
    allow_leak: AllowLeak = False,
    json: Json = False,
) -> None:
    """Train and evaluate what a config describes, baselines beside it; everything goes to a run folder."""
    from deepsalt.config import load_config
    from deepsalt.pipeline.train import train as train_run

    console = Console(json)
    loaded = load_config(config)
    if allow_leak:
        loaded = loaded.model_copy(update={"allow_leak": True})
    with console.progress() as progress:
        run = train_run(loaded, out, progress)
    console.results(run.read("metrics"), {"run": run.root, "model": run.model})


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    allow_leak: AllowLeak = False,
    json: Json = False,
) -> None:
    """Every number of the report, computed again from the stored predictions."""
    from deepsalt.pipeline.evaluate import evaluate as evaluate_run
    from deepsalt.pipeline.run import Run

    Console(json).results(evaluate_run(Run.open(run), allow_leak), {"run": run})


@app.command(cls=ManyValues)
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
    reference: Annotated[str | None, typer.Option(help="Method to compare with.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default one a core.")] = None,
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
        reference=reference,
        workers=workers,
    )
    with console.progress() as progress:
        document = compare_methods(loaded, out, progress, wanted, allow_leak)
    console.comparison(document, out)


@app.command("map")
def map_(
    model: Annotated[Path, typer.Argument(help="Model file, or a run folder.")],
    scenes: Annotated[list[str], typer.Argument(help="Satellite products, paths or globs.")],
    out: Annotated[Path, typer.Option(help="Folder for the maps, one folder a scene.")],
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
    json: Json = False,
) -> None:
    """Map ECe over scenes: Cloud Optimized GeoTIFFs of ECe, class and mask, with a quicklook each."""
    from deepsalt.pipeline.maps import map_scenes
    from deepsalt.preprocessing.masks import SurfaceRules

    rules = SurfaceRules(max_ndvi, dry_vegetation, water, nbr2, max_reflectance, salt_crust_guard)
    console = Console(json)
    with console.progress() as progress:
        made = map_scenes(
            model,
            scenes,
            out,
            progress,
            covariates=covariates or (),
            truth=truth or (),
            rules=rules,
            composite=composite,
            min_looks=min_looks,
        )
    console.maps([(entry.folder, entry.summary) for entry in made])


@app.command()
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


@app.command()
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


@app.command()
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


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `deepsalt` command; exit code 0 good, 1 the work failed, 2 the call was wrong."""
    sys.exit(run_command(app, arguments))
