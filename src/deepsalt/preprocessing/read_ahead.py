"""Windows of a scene, the next one read while this one is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.spectra import Scene, Spectra, Window


class Part(NamedTuple):
    """One window of a scene.

    spectra  (y, x, band) reflectance, NaN = missing
    quality  (y, x) MaskReason by the product's own layers
    """

    window: Window
    spectra: Spectra
    quality: NDArray[np.uint8]


def read_ahead(scene: Scene, pixels: int = 65_536) -> Iterator[Part]:
    """Every window of a scene in order, of about `pixels` pixels; each is read once.

    One thread reads: decompression does not hold the interpreter, so that a second core computes meanwhile.
    Two windows are in memory at a time. What reading raises is raised where the window is due.
    """
    windows = scene.windows(pixels)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as pool:
        due: Future[Part] | None = None
        try:
            for window in windows:
                coming = pool.submit(_read, scene, window)
                if due is not None:
                    yield due.result()
                due = coming
            if due is not None:
                yield due.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _read(scene: Scene, window: Window) -> Part:
    return Part(window, scene.read(window), scene.mask(window))
