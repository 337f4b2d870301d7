"""The layers of one map while it is made: which there are shows when the first pixel has an answer."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from deepsalt.mapping.cog import Grid, Layer, LayerWriter
from deepsalt.spectra.scene import Window

#: Layers that are finished at a time: GDAL compresses without the interpreter.
_AT_A_TIME = 2


class LayerFiles:
    """Windows in, one COG a layer out.

    layers  all that a map may have, by name; a file comes into being with the first window that has the
            layer, and is nodata where nothing is written to it
    """

    def __init__(
        self, folder: Path, layers: Mapping[str, Layer], grid: Grid, tags: Mapping[str, str]
    ) -> None:
        self._folder, self._layers, self._grid, self._tags = folder, layers, grid, tags
        self._writers: dict[str, LayerWriter] = {}

    def write(self, window: Window, values: Mapping[str, NDArray[Any]]) -> None:
        """Values (y, x) of one window by the name of their layer."""
        for name, layer in values.items():
            if name not in self._writers:
                self._writers[name] = LayerWriter(self._folder, self._layers[name], self._grid, self._tags)
            self._writers[name].write(window, layer)

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
