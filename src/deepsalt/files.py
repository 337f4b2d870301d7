"""Whole files or none: a result is written aside and renamed when it is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from deepsalt.errors import OutputError, UsageError

_CHUNK = 1 << 20
#: The names that `written_whole` writes to: stem and suffix of the destination around a random number.
_ASIDE = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part(\.[^.]+)?")


@contextmanager
def written_whole(destination: str | Path) -> Iterator[Path]:
    """Give a path beside `destination` to write to; rename it there when the block ends well.

    Whatever fails, the half-written file is removed and an earlier `destination` stays as it was.
    The yielded path keeps the destination's suffix, so that writers that look at it work.
    Raises OutputError for a full disk, a missing permission or a path that is in the way.
    """
    final = Path(destination)
    aside = final.with_name(f".{final.stem}.{uuid.uuid4().hex[:8]}.part{final.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        os.replace(aside, final)
    except OSError as error:
        raise _output_error(error, final) from error
    finally:
        remove(aside)
        remove(aside.with_name(aside.name + ".aux.xml"))


def destination_of(what: str, out: str | Path, suffixes: Sequence[str], *, free: bool = True) -> Path:
    """Where a result goes: a path of a suffix that its writer knows, and with `free` one where nothing is.

    what  of the result, in words that "cannot be written as ..." goes on from
    Raises UsageError for another suffix, OutputError for what is there already.
    """
    path = Path(out)
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{what} cannot be written as {path.suffix or 'a file without a suffix'!r}",
            where=str(path),
            fix=f"Name it with one of: {', '.join(suffixes)}.",
        )
    if free and path.exists():
        raise OutputError("a file is in the way", where=str(path), fix="Choose another --out, or remove it.")
    return path


def left_behind(folder: Path, names: Collection[str]) -> list[Path]:
    """What killed processes left aside of the destinations in a folder that have one of these names."""
    if not folder.is_dir():
        return []
    found = [(path, _ASIDE.fullmatch(path.name.removesuffix(".aux.xml"))) for path in folder.iterdir()]
    return [path for path, match in found if match and f"{match[1]}{match[2] or ''}" in names]


def remove(path: Path) -> None:
    """Remove a file or a whole folder, whether it is there or not."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(NotADirectoryError):  # its folder is a file: nothing was written there
            path.unlink(missing_ok=True)


def _output_error(error: OSError, final: Path) -> OutputError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return OutputError(
            f"no space left to write it ({error.strerror or error})",
            where=str(final),
            fix="Free some space or choose another folder with --out.",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return OutputError(
            f"not allowed to write there ({error.strerror})",
            where=str(final),
            fix="Choose a folder you may write to with --out.",
        )
    reason = error.strerror or str(error).removesuffix(" See previous exception for details.")
    return OutputError(
        f"could not be written: {reason}",
        where=str(final),
        fix="Check that the disk is not full and that the path can be written.",
    )


def fingerprint(path: str | Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents in sorted order; 16 hex digits."""
    digest = hashlib.sha256()
    root = Path(path)
    for file in sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]:
        digest.update(str(file.relative_to(root)).encode())
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()[:16]
