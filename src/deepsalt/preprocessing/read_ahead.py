"""Windows of a scene, the next ones read while one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.masks import SurfaceRules, surface_mask
from deepsalt.readers.kept_open import kept_open
from deepsalt.spectra import Axis, Loaded, Scene, Window

Done = TypeVar("Done")
#: Windows that are read before they are asked for: as many as keep two cores busy.
AHEAD = 2


class Part(NamedTuple):
    """One window of a scene.

    loaded   its pixels
    quality  (y, x) MaskReason by the product's own layers
    """

    window: Window
    loaded: Loaded
    quality: NDArray[np.uint8]

    def reasons(self, axis: Axis, rules: SurfaceRules) -> NDArray[np.uint8]:
        """(y, x) MaskReason: the product's own, then those of the surface rules.

        axis  the scene's bands
        """
        return surface_mask(self.loaded.image(rules.bands(axis)), self.quality, rules)


def read_ahead(
    scene: Scene, rules: SurfaceRules, windows: Iterable[Window]
) -> Iterator[tuple[Part, NDArray[np.uint8]]]:
    """The windows in order, each read once, and their (y, x) MaskReason: see `Part.reasons`.

    As `ahead` works: no more than `AHEAD` windows beside the one in hand are in memory.
    """

    def work(window: Window) -> tuple[Part, NDArray[np.uint8]]:
        part = read_part(scene, window)
        return part, part.reasons(scene.sensor.axis, rules)

    return ahead(work, windows)


def read_part(scene: Scene, window: Window) -> Part:
    """One window, read here and now."""
    return Part(window, scene.load(window), scene.mask(window))


def ahead(work: Callable[[Window], Done], windows: Iterable[Window]) -> Iterator[Done]:
    """What `work` makes of each window, in order.

    Threads work on the next windows: decompression and large arrays do not hold the interpreter, so that a
    second core is busy meanwhile. No more than `AHEAD` windows beside the one in hand are begun. What work
    raises is raised where the window is due. Rasters stay open meanwhile.
    """
    with kept_open(), ThreadPoolExecutor(max_workers=AHEAD, thread_name_prefix="read-ahead") as pool:
        due: deque[Future[Done]] = deque()
        try:
            for window in windows:
                due.append(pool.submit(work, window))
                if len(due) > AHEAD:
                    yield due.popleft().result()
            while due:
                yield due.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
