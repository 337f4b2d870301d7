"""The folder of one map: all of its files or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from deepsalt.errors import OutputError
from deepsalt.files import left_behind, remove, written_whole

#: The file by which a folder is known to be a map that may be replaced.
SUMMARY = "map.json"


def map_folder(out: Path, scene_name: str) -> Path:
    """`out`/<scene name>; characters that cannot stand in a file name become `_`."""
    name = "".join("_" if c in '/\\:*?"<>|' or ord(c) < 32 else c for c in scene_name).strip(". ")
    return Path(out) / (name or "scene")


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """Give an empty folder beside `final`; rename it there when the block ends well.

    An earlier map at `final` is replaced only by a whole one, and kept if anything fails.
    Raises OutputError if something other than a map stands at `final`.
    """
    if final.exists() and not (final / SUMMARY).is_file():
        raise OutputError(
            f"something that is not a map is in the way (it has no {SUMMARY})",
            where=str(final),
            fix="Choose another folder with --out, or remove it.",
        )
    earlier = _earlier(final)
    try:
        with written_whole(final) as aside:
            aside.mkdir()
            yield aside
            if final.is_dir():
                os.replace(final, earlier)
    finally:
        if earlier.is_dir() and not final.exists():
            os.replace(earlier, final)
        shutil.rmtree(earlier, ignore_errors=True)


def mend(out: Path, names: Collection[str]) -> None:
    """Undo what a killed process left of the maps with these names; nobody else may be writing them.

    Half-written folders go; a map that was being replaced is put back, or goes if the new one is there.
    """
    for half in left_behind(out, names):
        remove(half)
    for final in (out / name for name in names):
        earlier = _earlier(final)
        if earlier.is_dir() and not final.exists():
            os.replace(earlier, final)
        remove(earlier)


def _earlier(final: Path) -> Path:
    return final.with_name(f".{final.name}.earlier")
