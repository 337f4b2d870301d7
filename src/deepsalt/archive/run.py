"""A plan carried out: in this process, or on workers; and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deepsalt.archive.alone import alone_in
from deepsalt.archive.ledger import FAILED, Failure
from deepsalt.archive.one import map_task, record
from deepsalt.archive.plan import Plan
from deepsalt.archive.recipe import Recipe, Task, short
from deepsalt.mapping import SceneMap
from deepsalt.mapping.folder import SUMMARY, mend
from deepsalt.progress import Progress


@dataclass(frozen=True)
class Outcome:
    """What a call left: maps made now, maps that were there, and scenes set aside."""

    made: tuple[SceneMap, ...]
    kept: tuple[SceneMap, ...]
    failed: tuple[Failure, ...]


def map_archive(
    plan: Plan,
    recipe: Recipe,
    progress: Progress,
    *,
    workers: int = 0,
    scheduler: str = "",
) -> Outcome:
    """Carry a plan out. What is finished stays, whatever happens to the rest.

    workers    processes of a local Dask cluster; 0 works in this process
    scheduler  address of a running Dask scheduler, instead of workers

    Raises OutputError if another process writes to the same folder, UsageError for a scheduler that does not
    answer; a scene that fails is in the outcome.
    """
    with alone_in(recipe.out):
        _mend(plan, recipe.out)
        failures = [record(recipe.out, failure) for failure in plan.failed]
        if not plan.todo:
            results: Iterable[SceneMap | Failure] = ()
        elif workers or scheduler:
            from deepsalt.archive.cluster import on_cluster

            results = on_cluster(plan.todo, recipe, progress, workers=workers, scheduler=scheduler)
        else:
            results = _here(plan.todo, recipe, progress)
        ended = list(results)
    made = sorted((one for one in ended if isinstance(one, SceneMap)), key=lambda one: one.folder)
    failures += [one for one in ended if isinstance(one, Failure)]
    return Outcome(tuple(made), tuple(map(_map_in, plan.done)), tuple(failures))


def _here(todo: tuple[Task, ...], recipe: Recipe, progress: Progress) -> Iterator[SceneMap | Failure]:
    for number, task in enumerate(todo, 1):
        count = f" {number} of {len(todo)}:" if len(todo) > 1 else ""
        yield map_task(recipe, task, partial(progress, f"mapping{count} {short(task.scene)}"))


def _mend(plan: Plan, out: Path) -> None:
    """Clear what a killed call left beside the maps and records of this one."""
    mend(out, {task.folder(out).name for task in plan.todo} | {folder.name for folder in plan.done})
    paths = [task.paths[0] for task in plan.todo] + [failure.path for failure in plan.failed]
    mend(out / FAILED, {Failure(path, "", "", "").record(out).name for path in paths})


def _map_in(folder: Path) -> SceneMap:
    return SceneMap(folder, json.loads((folder / SUMMARY).read_text(encoding="utf-8")))
