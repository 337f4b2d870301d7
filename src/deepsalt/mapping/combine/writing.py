"""Layers written side by side, window by window: all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.files import written_whole
from deepsalt.mapping.cog import Grid, Layer, LayerWriter
from deepsalt.mapping.combine.maps import FinishedMap
from deepsalt.spectra import Window


class LayersWriter:
    """A file for each layer; `write` takes the values (y, x) of a window by the layers' names."""

    def __init__(self, writers: Mapping[str, LayerWriter]) -> None:
        self._writers = writers

    def write(self, window: Window, values: Mapping[str, NDArray[Any]]) -> None:
        for name, writer in self._writers.items():
            writer.write(window, values[name])


@contextmanager
def layers_written(
    folder: Path, layers: Iterable[Layer], grid: Grid, tags: Mapping[str, str]
) -> Iterator[LayersWriter]:
    """Layers that are finished when the block ends well; otherwise nothing of them stays."""
    writers: dict[str, LayerWriter] = {}
    try:
        for layer in layers:
            writers[layer.name] = LayerWriter(folder, layer, grid, tags)
        yield LayersWriter(writers)
        for writer in writers.values():
            writer.finish()
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        raise


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Small files by their names."""
    for name, text in texts.items():
        with written_whole(folder / name) as aside:
            aside.write_text(text, encoding="utf-8")


def check_out(out: Path, maps: Iterable[FinishedMap]) -> None:
    """Raise UsageError where a result would take the place of a map that it is made of."""
    for one in maps:
        if one.folder.resolve() == out.resolve():
            raise UsageError(
                "is one of the maps that the result is made of",
                where=str(out),
                fix="Choose another folder with --out.",
            )
