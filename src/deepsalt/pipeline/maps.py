"""The stage `map`: one model over one or many scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deepsalt.archive import Outcome, Plan, Recipe, map_archive, plan_maps
from deepsalt.archive.memory import Promise, bytes_in
from deepsalt.archive.pace import estimated
from deepsalt.errors import DeepSaltError, ModelFileError, UsageError
from deepsalt.estimators import load_regressor
from deepsalt.estimators.predictor import Predictor
from deepsalt.files import fingerprint
from deepsalt.mapping import SceneMap
from deepsalt.mapping.questions import DEFAULT_QUESTIONS, Questions
from deepsalt.mapping.stac import check_free, write_collection
from deepsalt.pipeline.paths import expand
from deepsalt.pipeline.run import Run
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.progress import Progress


@dataclass(frozen=True)
class HowToRun:
    """Where scenes are mapped, and when: nothing here changes a map.

    workers    processes of a local Dask cluster; 0 works in this process
    scheduler  address of a running Dask scheduler, instead of workers
    memory     most memory, such as "2GB": of all processes of this machine together, or with a scheduler of
               each worker; None promises nothing
    retry      scenes that failed in an earlier call are tried again, even where nothing changed
    dry_run    stop at the plan
    told       called with the plan before work begins
    """

    workers: int = 0
    scheduler: str = ""
    memory: str | None = None
    retry: bool = False
    dry_run: bool = False
    told: Callable[[Plan], None] = lambda _: None

    def __post_init__(self) -> None:
        if self.workers and self.scheduler:
            raise UsageError("both workers and a scheduler are given", fix="Give one of them.")

    def promise(self) -> Promise | None:
        """`memory` in bytes, and who shares it. Raises UsageError for what is no size."""
        return Promise(bytes_in(self.memory), self.workers, bool(self.scheduler)) if self.memory else None


def map_scenes(
    model: str | Path,
    scenes: Sequence[str],
    out: str | Path,
    progress: Progress,
    *,
    covariates: Sequence[str] = (),
    truth: Sequence[str] = (),
    rules: SurfaceRules = DEFAULT_RULES,
    asked: Questions = DEFAULT_QUESTIONS,
    composite: str | None = None,
    min_looks: int = 1,
    how: HowToRun | None = None,
) -> Outcome:
    """Map every scene that the paths and globs name, each into its own folder under `out`.

    model       a model file, or a run folder that holds one
    covariates  rasters (paths or globs); ["none"] maps without them
    rules       what a pixel must not show to be mapped
    asked       level of the interval, thresholds of the probabilities
    composite   "bare", "median" or "medoid": scenes on one grid are mapped as one, see `deepsalt.composite`
    min_looks   fewest unmasked dates of a pixel of a composite
    truth       rasters of true ECe, of simulated worlds: the one on a scene's grid is compared with its map
    how         on how many processes, in how much memory

    Maps that are there already, of the same inputs, model, settings and code, are not made again. A scene
    that fails is set aside with its reason, in the outcome and below `out`/failed, and the others go on.
    Raises UsageError for a call that is wrong for all of them, OutputError where another call writes to
    `out`. `out`/collection.json (STAC) lists every map that is there, those of earlier calls too.
    """
    how = how or HowToRun()
    check_free(out)
    place = model_path(model)
    known = fingerprint(place) if place.is_file() else ""
    recipe = Recipe(
        load=partial(_load, place, known),
        model=known,
        out=Path(out).absolute(),
        covariates=None if list(covariates) == ["none"] else _paths(covariates, "covariate raster"),
        truth=_paths(truth, "truth raster"),
        rules=rules,
        asked=asked,
        composite=composite,
        min_looks=min_looks,
    )
    plan = plan_maps(
        recipe, _paths(scenes, "scene"), retry=how.retry, memory=how.promise(), progress=progress
    )
    plan = estimated(plan, recipe, how.workers, always=how.dry_run)
    how.told(plan)
    if how.dry_run:
        return Outcome((), (), plan.failed)
    outcome = map_archive(plan, recipe, progress, workers=how.workers, scheduler=how.scheduler)
    if outcome.made or outcome.kept:
        write_collection(recipe.out)
    return outcome


def _load(path: Path, known: str) -> Predictor:
    """The model of a file, in whatever process; ModelFileError if it is not the one that was planned with."""
    found = load_regressor(path)
    if fingerprint(path) != known:
        raise ModelFileError(
            "another model has taken its place since the plan was made", where=str(path), fix="Run it again."
        )
    return found


def _paths(patterns: Sequence[str], what: str) -> tuple[str, ...]:
    """Absolute paths, because workers may run elsewhere."""
    return tuple(str(Path(path).absolute()) for path in expand(patterns, what)) if patterns else ()


def model_path(path: str | Path) -> Path:
    """The model file itself: `path`, or the one in the run folder at `path`."""
    place = Path(path)
    return Run(place).model if place.is_dir() else place


def map_run(run: Run, progress: Progress, *, truth: Sequence[str] = ()) -> list[SceneMap]:
    """Map the scenes that a run was trained with, into the run's own folder `maps`.

    Raises DeepSaltError if a scene could not be mapped, when all others are.
    """
    config = run.read("config")
    satellite = config.get("satellite")
    if not satellite:
        raise UsageError("a laboratory-only run has no scenes to map", where=str(run.root))
    try:
        outcome = map_scenes(
            run.model,
            satellite["scenes"],
            run.maps,
            progress,
            covariates=satellite["covariates"],
            truth=truth,
            rules=SurfaceRules.from_dict(satellite),
            composite=satellite.get("composite"),
            min_looks=satellite.get("min_looks", 1),
        )
        if outcome.failed:
            first = outcome.failed[0]
            raise DeepSaltError(f"{len(outcome.failed)} scenes could not be mapped. The first: {first.said}")
    except DeepSaltError:
        run.log("mapping failed")
        raise
    return sorted([*outcome.made, *outcome.kept], key=lambda one: one.folder)
