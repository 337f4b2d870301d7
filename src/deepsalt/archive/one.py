"""One scene of a call: opened, mapped, sealed, or set aside with its reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from logging import getLogger
from pathlib import Path

from deepsalt.archive.ledger import Failure, forgive, seal, set_aside
from deepsalt.archive.memory import gdal_cache
from deepsalt.archive.recipe import Recipe, Task, unchanged
from deepsalt.errors import OutputError
from deepsalt.estimators.predictor import Predictor
from deepsalt.mapping import SceneMap, map_scene
from deepsalt.mapping.folder import mend
from deepsalt.spectra import Scene

#: The predictor this process holds, by the fingerprint of its model: one, because models are large.
_HELD: dict[str, Predictor] = {}
_LOADING = threading.Lock()


def predictor_of(recipe: Recipe) -> Predictor:
    """The recipe's predictor, loaded once in a process, whichever thread asks first."""
    with _LOADING:
        if recipe.model not in _HELD:
            _HELD.clear()
            _HELD[recipe.model] = recipe.load()
        return _HELD[recipe.model]


def map_task(
    recipe: Recipe, task: Task, progress: Callable[[int, int], None] | None = None
) -> SceneMap | Failure:
    """Map a scene, and record it as done or as failed; nothing is raised but what ends the whole run."""
    try:
        made = _mapped(recipe, task, progress)
    except Exception as error:  # a broken file may raise anything; the other scenes go on
        return record(recipe.out, Failure.of(task.paths[0], task.made.key, error))
    forgive(recipe.out, task.paths[0])
    return made


def record(out: Path, failure: Failure) -> Failure:
    """Write a failure down. On a disk without room it is only told, and tried again in the next call."""
    try:
        set_aside(out, failure)
    except OutputError as full:
        getLogger(__name__).debug("could not record it: %s", full)
    return failure


def _mapped(recipe: Recipe, task: Task, progress: Callable[[int, int], None] | None) -> SceneMap:
    scene = recipe.open(task.paths)
    mend(recipe.out, {task.folder(recipe.out).name})
    with gdal_cache():
        return map_scene(
            predictor_of(recipe),
            scene,
            recipe.out,
            covariates=recipe.source(),
            rules=recipe.rules,
            level=recipe.asked.level,
            thresholds=recipe.asked.thresholds,
            pixels_per_window=task.pixels_per_window,
            truth=_on_grid(recipe.truth, scene),
            about={"model_file": recipe.model},
            progress=progress,
            seal=partial(_seal, task),
        )


def _seal(task: Task, folder: Path) -> None:
    unchanged(task)
    seal(folder, task.made)


def _on_grid(truths: tuple[str, ...], scene: Scene) -> Path | None:
    """The truth raster on the scene's grid, if there is one."""
    from deepsalt.readers.raster import info

    for path in map(Path, truths):
        header = info(path)
        same = (header.height, header.width) == (scene.height, scene.width)
        if same and tuple(header.transform) == tuple(scene.transform):
            return path
    return None
