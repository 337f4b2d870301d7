"""The layers of one map while it is made: which there are shows when the first pixel has an answer."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.cog import Grid, Layer, LayerWriter
from deepsalt.spectra.scene import Window

#: Layers that are finished at a time: GDAL compresses without the interpreter.
_AT_A_TIME = 2


class LayerFiles:
    """Windows in, one COG a layer out.

    layers  all that a map may have, by name; a file comes into being with the first window that has the
            layer, and what was written before it is nodata there
    """

    def __init__(
        self, folder: Path, layers: Mapping[str, Layer], grid: Grid, tags: Mapping[str, str]
    ) -> None:
        self._folder, self._layers, self._grid, self._tags = folder, layers, grid, tags
        self._writers: dict[str, LayerWriter] = {}
        self._windows: list[Window] = []

    def write(self, window: Window, values: Mapping[str, NDArray[Any]]) -> None:
        """Values (y, x) of one window by the name of their layer; nodata in a layer that is not there."""
        for name in values:
            if name not in self._writers:
                self._open(name)
        for name, writer in self._writers.items():
            writer.write(window, values[name] if name in values else _nothing(writer.layer, window))
        self._windows.append(window)

    def finish(self) -> dict[str, str]:
        """The files' names by layer, once all of them are whole. Raises OutputError for one that is not."""
        with ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="layer") as pool:
            done = [pool.submit(writer.finish) for writer in self._writers.values()]
            paths = [one.result() for one in done]
        names = {path.stem: path.name for path in paths}
        return {name: names[name] for name in self._layers if name in names}

    def abandon(self) -> None:
        for writer in self._writers.values():
            writer.abandon()

    def _open(self, name: str) -> None:
        writer = LayerWriter(self._folder, self._layers[name], self._grid, self._tags)
        self._writers[name] = writer
        for window in self._windows:
            writer.write(window, _nothing(writer.layer, window))


def _nothing(layer: Layer, window: Window) -> NDArray[Any]:
    return np.full((window.rows, window.columns), layer.nodata, layer.dtype)
