"""Is a JPEG 2000 file whole? Walks its boxes and compares where they end with the size of the file.

GDAL opens a file that was cut off within its image, and fails only when the missing part is read.
Structure: ISO/IEC 15444-1, annex I: a box is a length (4 bytes), a type (4 bytes) and its content; length 1
means that 8 bytes of length follow, length 0 that the box reaches to the end of the file.
"""

from __future__ import annotations

import struct
from pathlib import Path

from deepsalt.errors import ProductError

_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_HEAD, _LONG_HEAD = 8, 16
_LONG, _TO_THE_END = 1, 0
#: The marker that ends a code stream.
_END = b"\xff\xd9"


def is_jp2(head: bytes) -> bool:
    """Whether the first bytes of a file (12 are needed) are those of a JPEG 2000 file."""
    return head[: len(_SIGNATURE)] == _SIGNATURE


def check_whole_jp2(path: Path) -> None:
    """Raise ProductError for a JPEG 2000 file whose boxes reach beyond its end, or whose image does."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if not is_jp2(file.read(len(_SIGNATURE))):
            raise _damaged(path, "the first bytes are not those of a JPEG 2000 file")
        at = len(_SIGNATURE)
        kind, image = b"", False
        while at < size:
            file.seek(at)
            length, kind = _box(file.read(_LONG_HEAD), size - at)
            image |= kind == b"jp2c"
            at += length
        file.seek(max(0, size - len(_END)))
        ending = file.read()
    if at > size:
        raise _damaged(path, f"the file is cut off: {size} bytes, and its boxes end at {at}")
    if not image:
        raise _damaged(path, "the file is cut off: no box holds an image")
    if kind == b"jp2c" and ending != _END:
        raise _damaged(path, "the file is cut off: its image does not end with the marker of its end")


def _box(head: bytes, rest: int) -> tuple[int, bytes]:
    """Length and type of the box that begins with these bytes; a box of no use reaches to the end."""
    if len(head) < _HEAD:
        return rest + 1, b""
    length, kind = struct.unpack(">I4s", head[:_HEAD])
    if length == _LONG and len(head) == _LONG_HEAD:
        length = struct.unpack(">Q", head[_HEAD:])[0]
    if length == _TO_THE_END:
        length = rest
    return (length if length >= _HEAD else rest + 1), kind


def _damaged(path: Path, found: str) -> ProductError:
    return ProductError(found, where=str(path), fix="Copy or download it again.")
