"""About how long a plan takes: a strip of its first scene is mapped for real, and thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from deepsalt.archive.memory import gdal_cache
from deepsalt.archive.one import predictor_of
from deepsalt.archive.plan import Plan
from deepsalt.archive.recipe import Recipe
from deepsalt.mapping import map_scene
from deepsalt.spectra import Loaded, Scene, Spectra, Window

_WINDOWS = 4
#: An estimate is worth a tenth of the work, not more.
_WORTH = 10


def estimated(plan: Plan, recipe: Recipe, workers: int, always: bool = False) -> Plan:
    """The plan with its time; without where measuring would take more than a tenth of it, unless `always`.

    The time of a strip of the first scene, in the middle, stands for all: scenes are alike in an archive.
    A first scene that fails gives no estimate; why it failed is told when its turn comes.
    """
    if not plan.todo:
        return plan.taking(0.0)
    task = plan.todo[0]
    try:
        scene = recipe.open(task.paths)
        strip = _strip_of(scene, task.pixels_per_window)
        if not always and plan.pixels < _WORTH * strip.height * strip.width:
            return plan
        per_scene, per_pixel = _measured(recipe, scene, strip, task.pixels_per_window)
    except Exception:
        return plan
    seconds = len(plan.todo) * per_scene + plan.pixels * per_pixel
    return plan.taking(seconds / max(1, min(workers, len(plan.todo))))


def _measured(recipe: Recipe, scene: Scene, strip: Scene, pixels_per_window: int) -> tuple[float, float]:
    """Seconds to bring the model into line with the scene, and seconds a pixel."""
    predictor, start = predictor_of(recipe), perf_counter()
    if (bind := getattr(predictor, "for_scene", None)) is not None:
        predictor = bind(scene, recipe.rules)
    bound = perf_counter()
    with TemporaryDirectory() as scratch, gdal_cache():
        map_scene(
            predictor,
            strip,
            Path(scratch),
            covariates=recipe.source(),
            rules=recipe.rules,
            level=recipe.asked.level,
            thresholds=recipe.asked.thresholds,
            pixels_per_window=pixels_per_window,
        )
    return bound - start, (perf_counter() - bound) / (strip.height * strip.width)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Strip(Scene):
    """Some whole rows of a scene, from `first` on."""

    scene: Scene
    first: int

    def read(self, window: Window | None = None) -> Spectra:
        return self.scene.read(self._there(window))

    def load(self, window: Window | None = None) -> Loaded:
        return self.scene.load(self._there(window))

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        return self.scene.mask(self._there(window))

    def windows(self, pixels: int = 65_536) -> Iterator[Window]:
        for window in self.scene.windows(pixels):
            if self.first <= window.row < self.first + self.height:
                yield window._replace(row=window.row - self.first)

    def _there(self, window: Window | None) -> Window:
        part = self._checked(window)
        return part._replace(row=part.row + self.first)


def _strip_of(scene: Scene, pixels: int) -> _Strip:
    """The rows of a few windows in the middle of the scene."""
    rows = sorted({window.row for window in scene.windows(pixels)})
    across = sum(1 for window in scene.windows(pixels) if window.row == 0)
    wanted = max(1, _WINDOWS // across)
    start = max(0, (len(rows) - wanted) // 2)
    chosen = list(islice(rows, start, start + wanted))
    following = rows[start + wanted] if start + wanted < len(rows) else scene.height
    a, b, c, d, e, f = scene.transform
    first = chosen[0]
    return _Strip(
        name=scene.name,
        path=scene.path,
        sensor=scene.sensor,
        height=following - first,
        width=scene.width,
        crs=scene.crs,
        transform=(a, b, b * first + c, d, e, e * first + f),
        block=scene.block,
        acquired=scene.acquired,
        level=scene.level,
        band_faults=scene.band_faults,
        scene=scene,
        first=first,
    )
