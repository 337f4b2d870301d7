"""Whether the files of a scene are still those that a map was made from, told in a blink."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from deepsalt.errors import DeepSaltError, ProductError
from deepsalt.readers.registry import files_behind, reader_for

_ENDS = 65_536
#: A product of these may be named by one of its files; the others then lie in the same folder.
_FOLDERS = frozenset({"desis", "emit", "enmap", "landsat", "sentinel2"})
#: Written by viewers beside an image, and not read here.
_NOT_READ = ".aux.xml"


def quick_fingerprint(paths: Sequence[str | Path]) -> str:
    """16 hex digits of name, size, time of change, and the first and last 64 KiB of every file of the inputs.

    A product of gigabytes is not read whole. A change in the middle of a file that keeps both its size and
    its time of change is not seen; one that alters either is, even where the content stayed the same.
    The folder that holds an input does not count: an archive may be moved.
    Raises ProductError for a file that cannot be read.
    """
    digest = hashlib.sha256()
    for path in map(Path, paths):
        root = path if path.is_dir() else path.parent
        for file in scene_files(path):
            try:
                digest.update(_told(file, str(file.relative_to(root))))
            except OSError as error:
                raise ProductError(
                    f"cannot be read: {error.strerror or error}",
                    where=str(file),
                    fix="Check the disk or network it lies on.",
                ) from error
    return digest.hexdigest()[:16]


def bytes_of(paths: Sequence[str | Path]) -> int:
    """Size of every file of the inputs; those that have just vanished are told when they are read."""
    files = [file for path in map(Path, paths) for file in scene_files(path)]
    return sum(file.stat().st_size for file in files if file.is_file())


def scene_files(path: Path) -> list[Path]:
    """Every file that opening a path may read, sorted: rather one too many than one too few."""
    if path.is_dir():
        return _below(path)
    try:
        reader = reader_for(path).name
    except DeepSaltError:  # what is wrong is told when the path is opened
        reader = ""
    if reader in _FOLDERS and path.suffix.lower() != ".zip":
        return _below(path.parent)
    found = {path, path.with_name("wavelengths.csv"), *(files_behind(path) if reader else ())}
    found |= {file for file in path.parent.iterdir() if file.name.startswith(f"{path.stem}.")}
    return sorted(file for file in found if file == path or _counts(file))


def _below(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if _counts(file))


def _counts(file: Path) -> bool:
    return file.is_file() and not file.name.endswith(_NOT_READ)


def _told(file: Path, name: str) -> bytes:
    state = file.stat()
    with file.open("rb") as stream:
        head = stream.read(_ENDS)
        stream.seek(max(0, state.st_size - _ENDS))
        tail = stream.read(_ENDS)
    return f"{name}|{state.st_size}|{state.st_mtime_ns}|".encode() + head + tail
