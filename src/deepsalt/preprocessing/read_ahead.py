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

    One thread reads the spectra: decompression does not hold the interpreter, so that a second core reads the
    quality layers and computes meanwhile. Two windows are in memory at a time. What reading raises is raised
    where the window is due.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as pool:
        due: tuple[Window, Future[Spectra]] | None = None
        try:
            for window in scene.windows(pixels):
                coming = (window, pool.submit(scene.read, window))
                if due is not None:
                    yield _part(scene, *due)
                due = coming
            if due is not None:
                yield _part(scene, *due)
        finally:
            pool.shutdown(cancel_futures=True)


def _part(scene: Scene, window: Window, spectra: Future[Spectra]) -> Part:
    quality = scene.mask(window)
    return Part(window, spectra.result(), quality)
