"""Layers written side by side, window by window: all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deepsalt.errors import UsageError
from deepsalt.files import written_whole
from deepsalt.mapping.cog import Grid, Layer
from deepsalt.mapping.combine.maps import FinishedMap
from deepsalt.mapping.layer_files import LayerFiles


@contextmanager
def layers_written(
    folder: Path, layers: Iterable[Layer], grid: Grid, tags: Mapping[str, str]
) -> Iterator[LayerFiles]:
    """Layers that are finished when the block ends well; otherwise nothing of them stays."""
    with LayerFiles(folder, {layer.name: layer for layer in layers}, grid, tags) as files:
        yield files
        with files.finishing():
            pass


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
