"""Geometry lookup tables: which pixel of a raw swath stands at each pixel of an ortho-rectified grid.

EMIT's tables are two integer images on the ortho grid. `glt_x` holds the crosstrack sample and `glt_y` the
downtrack line of the raw swath, counted from ONE; 0 where the swath does not reach. Negative numbers mark
pixels that no raw pixel hits and that were filled from a neighbour: their absolute value counts.

A swath is turned against north, so that the box of raw pixels which a wide and flat window needs may be most
of the swath. A window is therefore cut into pieces until their boxes are small.

Source: emit_utils/daac_converter.py of the EMIT science data system (names, types, deflate); the meaning of
the signs is that of ENVI's GLT files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.spectra import Window

#: Largest box that is read at once, bytes.
BOX_BYTES = 64 << 20
#: Boxes below this are not worth another read, bytes.
_SMALL_BYTES = 1 << 20
#: Two halves are read instead of one piece where they cost at most this share of it.
_WORTH_CUTTING = 0.75


@dataclass(frozen=True)
class Table:
    """The part of a lookup table that belongs to one window.

    line, sample  (y, x) intp, downtrack and crosstrack index of the raw pixel, from 0; -1 where there is none
    """

    line: NDArray[np.intp]
    sample: NDArray[np.intp]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(y, x) True where the swath reaches."""
        return self.line >= 0

    @property
    def shape(self) -> tuple[int, int]:
        return self.line.shape[0], self.line.shape[1]

    def cut(self, piece: tuple[slice, slice]) -> Table:
        return Table(self.line[piece], self.sample[piece])


class Box(NamedTuple):
    """A rectangle of the raw swath: lines first to last, samples left to right, ends not included."""

    first: int
    last: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.first, self.last), slice(self.left, self.right)

    def pixels(self, chunk: tuple[int, int] = (1, 1)) -> int:
        """Raw pixels in it; with chunks, in all the chunks that it touches."""
        lines = -(-self.last // chunk[0]) * chunk[0] - self.first // chunk[0] * chunk[0]
        samples = -(-self.right // chunk[1]) * chunk[1] - self.left // chunk[1] * chunk[1]
        return lines * samples


def table_of(
    glt_x: NDArray[np.integer], glt_y: NDArray[np.integer], swath: tuple[int, int], where: str
) -> Table:
    """The table of a window from the stored numbers.

    glt_x, glt_y  (y, x) crosstrack sample and downtrack line, from 1, 0 = none, negative = filled
    swath         (downtrack, crosstrack) size of the raw image

    Raises ProductError for a number beyond the swath: the table belongs to another granule.
    """
    line = np.abs(glt_y.astype(np.intp)) - 1
    sample = np.abs(glt_x.astype(np.intp)) - 1
    none = (line < 0) | (sample < 0)
    line[none] = sample[none] = -1
    for name, index, size in (("glt_y", line, swath[0]), ("glt_x", sample, swath[1])):
        if index.size and index.max() >= size:
            raise ProductError(
                f"{name} points at {index.max() + 1}, beyond the {size} "
                f"{'lines' if name == 'glt_y' else 'samples'} of the swath",
                where=where,
                fix="Download the granule again: its lookup table belongs to another image.",
            )
    return Table(line, sample)


def box_of(table: Table) -> Box | None:
    """The smallest rectangle of the swath that holds every raw pixel of a table; None where it has none."""
    known = table.known
    if not known.any():
        return None
    line, sample = table.line[known], table.sample[known]
    return Box(int(line.min()), int(line.max()) + 1, int(sample.min()), int(sample.max()) + 1)


def pieces(
    table: Table, pixel_bytes: int, chunk: tuple[int, int] = (1, 1)
) -> Iterator[tuple[tuple[slice, slice], Box]]:
    """Cut a window into rectangles, each with the box of the swath that it needs.

    pixel_bytes  size of one raw pixel, all bands
    chunk        (lines, samples) of the file's chunks, (1, 1) where it is not chunked

    A piece is halved while its box is larger than `BOX_BYTES`, or while its halves together touch much less
    of the file. Pieces without a raw pixel are left out.
    """
    yield from _cut(table, (slice(0, table.shape[0]), slice(0, table.shape[1])), pixel_bytes, chunk)


def _cut(
    table: Table, piece: tuple[slice, slice], pixel_bytes: int, chunk: tuple[int, int]
) -> Iterator[tuple[tuple[slice, slice], Box]]:
    box = box_of(table.cut(piece))
    if box is None:
        return
    halves = _halves(piece)
    cost = box.pixels(chunk)
    small = cost * pixel_bytes <= _SMALL_BYTES
    if not halves or (small and box.pixels() * pixel_bytes <= BOX_BYTES):
        yield piece, box
        return
    boxes = [half_box for half in halves if (half_box := box_of(table.cut(half)))]
    worth = sum(one.pixels(chunk) for one in boxes) <= _WORTH_CUTTING * cost
    if worth or box.pixels() * pixel_bytes > BOX_BYTES:
        for half in halves:
            yield from _cut(table, half, pixel_bytes, chunk)
    else:
        yield piece, box


def _halves(piece: tuple[slice, slice]) -> list[tuple[slice, slice]]:
    """The piece cut across its longer side; nothing for a single pixel."""
    rows, columns = piece
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if max(height, width) < 2:
        return []
    if width >= height:
        middle = columns.start + width // 2
        return [(rows, slice(columns.start, middle)), (rows, slice(middle, columns.stop))]
    middle = rows.start + height // 2
    return [(slice(rows.start, middle), columns), (slice(middle, rows.stop), columns)]


def ortho_rectified(stored: Any, table: Table, fill: float, bands: slice = slice(None)) -> NDArray[Any]:
    """(y, x, ...) values of a raw (downtrack, crosstrack, ...) data set, `fill` beyond the swath.

    stored  an h5py data set, of which only the boxes are read
    bands   those wanted of the third axis, if there is one
    """
    rest = [len(range(*bands.indices(size))) for size in stored.shape[2:]]
    out = np.full((*table.shape, *rest), fill, stored.dtype)
    chunk = stored.chunks[:2] if stored.chunks else (1, 1)
    for piece, box in pieces(table, out[:1, :1].nbytes, chunk):
        raw = stored[(*box.slices, bands)[: stored.ndim]]
        part = table.cut(piece)
        known = part.known
        out[piece][known] = raw[part.line[known] - box.first, part.sample[known] - box.left]
    return out


def read_table(file: Any, window: Window, swath: tuple[int, int], where: str) -> Table:
    """The table of a window of the ortho grid, from an open EMIT file (group `location`)."""
    part = window.slices
    return table_of(file["location/glt_x"][part], file["location/glt_y"][part], swath, where)
