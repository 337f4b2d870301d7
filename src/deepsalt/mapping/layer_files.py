"""The layers of one map while it is made: which there are shows when the first pixel has an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from deepsalt.mapping.cog import Grid, Layer, LayerWriter
from deepsalt.spectra.scene import Window

#: Layers that are finished at a time: GDAL compresses without the interpreter.
_AT_A_TIME = 2


class LayerFiles:
    """Windows in, one COG a layer out.

    Used in a `with` block; where that fails, nothing is left of the files that are not whole.

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

    @contextmanager
    def finishing(self, *first: str) -> Iterator[None]:
        """Files are made whole: those that `first` names before the block, the others while it runs.

        Raises OutputError for one that did not reach the disk whole.
        """
        with ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="layer") as pool:
            order = sorted(self._writers, key=lambda name: name not in first)
            done = {name: pool.submit(self._writers[name].finish) for name in order}
            for name in first:
                done[name].result()
            yield
            for one in done.values():
                one.result()

    @property
    def names(self) -> dict[str, str]:
        """The files' names by layer."""
        return {name: self._writers[name].path.name for name in self._layers if name in self._writers}

    def __enter__(self) -> LayerFiles:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            for writer in self._writers.values():
                writer.abandon()
