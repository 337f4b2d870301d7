"""What is to be done: which scenes are new or stale, in how many windows, in about what time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepsalt.archive.code import NO_SOURCES, code_fingerprint
from deepsalt.archive.inputs import bytes_of, quick_fingerprint
from deepsalt.archive.ledger import Failure, Ledger
from deepsalt.archive.memory import USUAL_PIXELS, Promise, held_now
from deepsalt.archive.one import predictor_of
from deepsalt.archive.recipe import Made, Recipe, Task
from deepsalt.errors import UsageError
from deepsalt.mapping.folder import map_folder
from deepsalt.mapping.inputs import check_covariates
from deepsalt.preprocessing.composites import same_places
from deepsalt.progress import Progress
from deepsalt.spectra import Scene


@dataclass(frozen=True)
class Plan:
    """What a call will do.

    todo     scenes to be mapped, in the order of the call
    done     folders of maps that are there already, made by this code of the same inputs, model and settings
    failed   scenes that could not be opened now, or failed in an earlier call and are not tried again
    seconds  about how long it takes; None where no estimate was made
    notes    what a reader must know of how maps that are done were told from old ones
    """

    todo: tuple[Task, ...]
    done: tuple[Path, ...]
    failed: tuple[Failure, ...]
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def windows(self) -> int:
        return sum(task.windows for task in self.todo)

    @property
    def pixels(self) -> int:
        return sum(task.pixels for task in self.todo)

    @property
    def bytes(self) -> int:
        return sum(task.bytes for task in self.todo)

    def taking(self, seconds: float | None) -> Plan:
        return replace(self, seconds=seconds)

    def to_dict(self) -> dict[str, Any]:
        """For people and for JSON."""
        return {
            "scenes": [
                {
                    "scene": task.scene,
                    "paths": list(task.paths),
                    "why": task.why,
                    "pixels": task.pixels,
                    "bands": task.bands,
                    "bytes": task.bytes,
                    "windows": task.windows,
                    "pixels_per_window": task.pixels_per_window,
                }
                for task in self.todo
            ],
            "windows": self.windows,
            "pixels": self.pixels,
            "bytes": self.bytes,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "done": [str(folder) for folder in self.done],
            "failed": [vars(failure) for failure in self.failed],
            "notes": list(self.notes),
        }


def plan_maps(
    recipe: Recipe,
    paths: Sequence[str],
    *,
    retry: bool = False,
    memory: Promise | None = None,
    progress: Progress = lambda *_: None,
) -> Plan:
    """Look at every path and say what is to be done with it; nothing is written.

    retry    scenes that failed in an earlier call are tried again, even where nothing changed
    memory   what the windows must fit in; None: windows of the usual size

    A path that cannot be opened is a failure of its own. Raises UsageError for a call that is wrong for all
    of them: covariates that the model lacks, two scenes of one name, a promise on memory that cannot be kept.
    """
    planner = _Planner(recipe, retry, memory)
    for number, path in enumerate(paths):
        progress("looking at scenes", number, len(paths))
        planner.look((path,))
    progress("looking at scenes", len(paths), len(paths))
    planner.compose()
    return planner.plan()


class _Planner:
    """Sorts paths into what is to be done, what is done, and what failed."""

    def __init__(self, recipe: Recipe, retry: bool, memory: Promise | None) -> None:
        self.recipe, self.retry, self.memory = recipe, retry, memory
        self.ledger = Ledger.read(recipe.out)
        self.settings = recipe.settings()
        self.held: int | None = None
        self.looks: list[tuple[str, Scene]] = []
        self.todo: list[Task] = []
        self.done: dict[str, Path] = {}
        self.failed: list[Failure] = []

    def plan(self) -> Plan:
        self._check_names()
        notes = () if code_fingerprint() else (NO_SOURCES,)
        return Plan(tuple(self.todo), tuple(self.done.values()), tuple(self.failed), notes=notes)

    def look(self, paths: tuple[str, ...]) -> None:
        """One scene: not even opened where its map is there already."""
        key = ""
        try:
            inputs = quick_fingerprint(paths)
            key = Made("", inputs, self.settings).key
            if self.recipe.composite is None and self._known(key):
                return
            scene = self.recipe.open(paths)
        except Exception as error:  # a broken file may raise anything; the other scenes go on
            self.failed.append(Failure.of(paths[0], key, error))
            return
        if self.recipe.composite is None:
            self._add(paths, scene, inputs)
        else:
            self.looks.append((paths[0], scene))

    def compose(self) -> None:
        """Scenes that wait for others of their place, sorted into places."""
        path_of = {id(scene): path for path, scene in self.looks}
        for place in same_places([scene for _, scene in self.looks]):
            paths = tuple(path_of[id(scene)] for scene in place)
            try:
                inputs = quick_fingerprint(paths)
                if self._known(Made("", inputs, self.settings).key):
                    continue
                scene = self.recipe.composed(place)
            except UsageError:  # more looks than dates: the call is wrong
                raise
            except Exception as error:
                self.failed.append(Failure.of(paths[0], "", error))
            else:
                self._add(paths, scene, inputs)

    def _known(self, key: str) -> bool:
        """Whether a scene needs nothing: its map is there, or it failed and is not to be tried again."""
        if key in self.ledger.maps:
            self.done[key] = self.ledger.maps[key]
        elif key in self.ledger.failures and not self.retry:
            self.failed.append(self.ledger.failures[key])
        else:
            return False
        return True

    def _add(self, paths: tuple[str, ...], scene: Scene, inputs: str) -> None:
        held = self._held_when_ready()
        tuned = hasattr(predictor_of(self.recipe), "for_scene")
        pixels = self.memory.pixels(scene, held, tuned) if self.memory else USUAL_PIXELS
        made = Made(scene.name, inputs, self.settings)
        again = made.key in self.ledger.failures
        self.todo.append(
            Task(
                paths=paths,
                made=made,
                why="failed before" if again else self.ledger.why(self._folder(scene.name), made),
                pixels=scene.height * scene.width,
                bands=len(scene.sensor),
                bytes=bytes_of(paths),
                windows=sum(1 for _ in scene.windows(pixels)),
                pixels_per_window=pixels,
            )
        )

    def _held_when_ready(self) -> int:
        """Bytes this process holds with the model loaded, once there is work; it must fit the covariates."""
        if self.held is None:
            predictor = predictor_of(self.recipe)
            check_covariates(predictor, self.recipe.source())
            self.held = held_now()
        return self.held

    def _folder(self, name: str) -> Path:
        return map_folder(self.recipe.out, name)

    def _check_names(self) -> None:
        """Two scenes of one name would have one folder: the second would replace the first."""
        taken = dict.fromkeys(self.done.values(), "a scene that is mapped already")
        for task in self.todo:
            folder = self._folder(task.scene)
            if folder in taken:
                raise UsageError(
                    f"two scenes are called {task.scene!r}: {task.paths[0]} and {taken[folder]}",
                    fix="Map them in two calls with different --out.",
                )
            taken[folder] = task.paths[0]
