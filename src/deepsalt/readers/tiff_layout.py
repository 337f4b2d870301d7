"""Is a TIFF whole? Compares where its strips or tiles should lie with the size of the file.

GDAL opens a TIFF that was cut off behind its directory without a word, and fails (or not) only when
the missing part is read. Structure: TIFF 6.0 specification, and BigTIFF for 64-bit offsets.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.product_files import File, size_of, stream_of

_MAGIC = {
    b"II*\x00": ("<", False),
    b"MM\x00*": (">", False),
    b"II+\x00": ("<", True),
    b"MM\x00+": (">", True),
}
_OFFSETS = (273, 324)  # StripOffsets, TileOffsets
_COUNTS = (279, 325)  # StripByteCounts, TileByteCounts
_TYPES = {3: "u2", 4: "u4", 16: "u8"}  # SHORT, LONG, LONG8
#: Bytes of one value, by the type of a tag.
_SIZES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}


class _Form(NamedTuple):
    """Order of bytes, whether offsets have 64 bits, and the bytes that the file has."""

    order: str
    big: bool
    size: int

    @property
    def pointer(self) -> str:
        return self.order + ("Q" if self.big else "I")


class _Tag(NamedTuple):
    """A directory entry: its value stands in `inline`, or in the file from `at` on."""

    number: int
    kind: int
    length: int
    inline: bytes
    at: int

    @property
    def end(self) -> int:
        return self.at + _SIZES.get(self.kind, 1) * self.length if self.at else 0


def is_tiff(head: bytes) -> bool:
    """Whether the first four bytes are those of a TIFF."""
    return head[:4] in _MAGIC


def check_whole(path: File) -> None:
    """Raise ProductError if the file ends before its first directory or the image data do."""
    size = size_of(path)
    try:
        with stream_of(path) as stream:
            needed = _end_of_data(stream, size)
    except (struct.error, ValueError, OSError, OverflowError) as error:
        raise ProductError(
            "the TIFF is truncated or damaged: its directory cannot be read",
            where=str(path),
            fix="Copy or download it again.",
        ) from error
    if needed > size:
        raise ProductError(
            f"the TIFF is truncated: {size:,} of at least {needed:,} bytes are there",
            where=str(path),
            fix="Copy or download it again.",
        )


def _end_of_data(stream: BinaryIO, size: int) -> int:
    """Byte behind everything that the first directory points to: tags, strips, tiles."""
    head = stream.read(16)
    if not is_tiff(head):
        raise ValueError("no TIFF")
    form = _Form(*_MAGIC[head[:4]], size)
    first = struct.unpack_from(form.pointer, head, 8 if form.big else 4)[0]
    tags = list(_tags(stream, form, first))
    offsets, counts = _values(stream, form, tags, _OFFSETS), _values(stream, form, tags, _COUNTS)
    if len(offsets) != len(counts):
        raise ValueError("as many offsets as sizes expected")
    return max(int((offsets + counts).max(initial=0)), *(tag.end for tag in tags))


def _tags(stream: BinaryIO, form: _Form, at: int) -> Iterator[_Tag]:
    """The entries of the directory at a position; values that do not fit lie elsewhere."""
    stream.seek(at)
    entry, room, count = (20, 8, "Q") if form.big else (12, 4, "H")
    entries = struct.unpack(form.order + count, _exactly(stream, struct.calcsize("=" + count), form))[0]
    table = _exactly(stream, entries * entry, form)
    for start in range(0, len(table), entry):
        number, kind, length = struct.unpack_from(form.order + ("HHQ" if form.big else "HHI"), table, start)
        size = _SIZES.get(kind, 1) * length
        inline = table[start + entry - room : start + entry]
        if size <= room:
            yield _Tag(number, kind, length, inline, 0)
        else:
            yield _Tag(number, kind, length, b"", struct.unpack(form.pointer, inline)[0])


def _values(stream: BinaryIO, form: _Form, tags: list[_Tag], numbers: tuple[int, ...]) -> NDArray[np.uint64]:
    """The values of the first tag there is of `numbers`."""
    tag = next((tag for tag in tags if tag.number in numbers), None)
    if tag is None or tag.kind not in _TYPES:
        raise ValueError("no strips or tiles")
    dtype = np.dtype(form.order + _TYPES[tag.kind])
    inline = tag.inline
    if tag.at:
        stream.seek(tag.at)
        inline = _exactly(stream, tag.length * dtype.itemsize, form)
    return np.frombuffer(inline, dtype, tag.length).astype(np.uint64)


def _exactly(stream: BinaryIO, size: int, form: _Form) -> bytes:
    """So many bytes; ValueError, before memory is asked for, where the file has not got them."""
    if size > form.size - stream.tell():
        raise ValueError("file ends early")
    return stream.read(size)
