"""The files of a product: those of a folder, or those inside a zip that stays packed.

Ground segments deliver zips. A file inside one is opened where it lies: by GDAL through /vsizip/, by Python
through `zipfile`, each time anew, so that no handle stays open.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from deepsalt.errors import ProductError

_ZIP = b"PK\x03\x04"
#: Metadata are read whole. The largest that is known has 5 MB; a member may claim anything.
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Member:
    """A file inside a zip; it has the part of the face of `Path` that readers of products use.

    archive  the zip
    inside   its place there, parts between "/"
    """

    archive: Path
    inside: str

    def __str__(self) -> str:
        return f"{self.archive}/{self.inside}"

    @property
    def name(self) -> str:
        return self.inside.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    @property
    def parent(self) -> Path:
        """The folder it lies in, for messages and to tell products apart."""
        return Path(str(self)).parent


File: TypeAlias = Path | Member


def is_zip(path: Path) -> bool:
    """Whether a file begins as zips do."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_ZIP)) == _ZIP


def files_of(path: Path) -> tuple[File, ...]:
    """The files of a folder; all files inside a zip; or, of any other file, the folder that it lies in.

    Sorted by name. Hidden files are left out: among them are the doubles that some systems add to zips.
    Raises ProductError for a zip that is damaged or cut off.
    """
    if is_zip(path):
        return _members(path)
    folder = path if path.is_dir() else path.parent
    found: list[File] = [file for file in folder.iterdir() if file.is_file() and not _hidden(file)]
    return tuple(sorted(found, key=str))


def beside(file: File, files: Sequence[File]) -> tuple[File, ...]:
    """Those of the files that lie in one folder with a file."""
    return tuple(other for other in files if other.parent == file.parent)


def gdal_name(file: File) -> str:
    """The name by which GDAL opens a file; braces end the zip's own name, whatever its ending."""
    if isinstance(file, Member):
        return f"/vsizip/{{{file.archive.absolute()}}}/{file.inside}"
    return str(file)


def size_of(file: File) -> int:
    """Bytes of a file, unpacked."""
    if isinstance(file, Member):
        with _archive(file.archive) as archive:
            return archive.getinfo(file.inside).file_size
    return file.stat().st_size


def is_packed(file: File) -> bool:
    """Whether a file is compressed inside a zip, so that what lies at its end is slow to reach."""
    if not isinstance(file, Member):
        return False
    with _archive(file.archive) as archive:
        return archive.getinfo(file.inside).compress_type != zipfile.ZIP_STORED


@contextmanager
def stream_of(file: File) -> Iterator[BinaryIO]:
    """A file opened for reading bytes; ProductError for a zip that is damaged or locked."""
    if isinstance(file, Member):
        with _archive(file.archive) as archive, archive.open(file.inside) as stream:
            yield stream  # type: ignore[misc]
    else:
        with file.open("rb") as stream:
            yield stream


def content_of(file: File) -> bytes:
    """All bytes of a metadata file. Raises ProductError for one that is far too long for that."""
    if (size := size_of(file)) > _MOST_BYTES:
        raise ProductError(f"no metadata: the file has {size:,} bytes", where=str(file))
    with stream_of(file) as stream:
        return stream.read()


def _members(path: Path) -> tuple[Member, ...]:
    with _archive(path) as archive:
        names = sorted(entry.filename for entry in archive.infolist() if not entry.is_dir())
    return tuple(member for name in names if not _hidden(member := Member(path, name)))


def _hidden(file: File) -> bool:
    return file.name.startswith(".")


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
        raise ProductError(
            f"the zip is damaged, cut off or locked ({error})",
            where=str(path),
            fix="Copy or unpack it again.",
        ) from error
