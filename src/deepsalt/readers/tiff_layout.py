"""Is a TIFF whole? Compares where its strips or tiles should lie with the size of the file.

GDAL opens a TIFF that was cut off behind its directory without a word, and fails (or not) only when
the missing part is read. Structure: TIFF 6.0 specification, and BigTIFF for 64-bit offsets.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError

_MAGIC = {
    b"II*\x00": ("<", False),
    b"MM\x00*": (">", False),
    b"II+\x00": ("<", True),
    b"MM\x00+": (">", True),
}
_OFFSETS = (273, 324)  # StripOffsets, TileOffsets
_COUNTS = (279, 325)  # StripByteCounts, TileByteCounts
_TYPES = {3: "u2", 4: "u4", 16: "u8"}  # SHORT, LONG, LONG8


class _Form(NamedTuple):
    order: str
    big: bool


def is_tiff(head: bytes) -> bool:
    """Whether the first four bytes are those of a TIFF."""
    return head[:4] in _MAGIC


def check_whole(path: Path) -> None:
    """Raise ProductError if the file ends before the image data of its first directory does."""
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            needed = _end_of_data(stream)
    except (struct.error, ValueError) as error:
        raise ProductError(
            "the TIFF is cut off or damaged: its directory cannot be read",
            where=str(path),
            fix="Copy or download it again.",
        ) from error
    if needed > size:
        raise ProductError(
            f"the TIFF is truncated: {size:,} of at least {needed:,} bytes are there",
            where=str(path),
            fix="Copy or download it again.",
        )


def _end_of_data(stream: BinaryIO) -> int:
    """Byte behind the last strip or tile of the first directory."""
    head = stream.read(16)
    if not is_tiff(head):
        raise ValueError("no TIFF")
    form = _Form(*_MAGIC[head[:4]])
    first = struct.unpack_from(form.order + ("Q" if form.big else "I"), head, 8 if form.big else 4)[0]
    arrays = _arrays(stream, form, first, {*_OFFSETS, *_COUNTS})
    offsets = next((arrays[tag] for tag in _OFFSETS if tag in arrays), None)
    counts = next((arrays[tag] for tag in _COUNTS if tag in arrays), None)
    if offsets is None or counts is None or len(offsets) != len(counts):
        raise ValueError("no strips")
    return int((offsets + counts).max(initial=0))


def _arrays(stream: BinaryIO, form: _Form, at: int, tags: set[int]) -> dict[int, NDArray[np.uint64]]:
    """The values of some tags of the directory at a position."""
    stream.seek(at)
    entry, count = (20, "Q") if form.big else (12, "H")
    entries = struct.unpack(form.order + count, _exactly(stream, struct.calcsize("=" + count)))[0]
    table = _exactly(stream, entries * entry)
    layout = form.order + ("HHQ" if form.big else "HHI")
    found = {}
    for start in range(0, len(table), entry):
        tag, kind, length = struct.unpack_from(layout, table, start)
        if tag in tags:
            value = table[start + struct.calcsize(layout) : start + entry]
            found[tag] = _values(stream, form, kind, length, value)
    return found


def _values(stream: BinaryIO, form: _Form, kind: int, length: int, inline: bytes) -> NDArray[np.uint64]:
    if kind not in _TYPES:
        raise ValueError("unknown type of tag")
    dtype = np.dtype(form.order + _TYPES[kind])
    size = dtype.itemsize * length
    if size > len(inline):
        stream.seek(struct.unpack(form.order + ("Q" if form.big else "I"), inline)[0])
        inline = _exactly(stream, size)
    return np.frombuffer(inline[:size], dtype).astype(np.uint64)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("file ends early")
    return data
