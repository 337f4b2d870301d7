"""Whether scenes, or maps, lie on one grid of pixels, and the window that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from deepsalt.errors import ProductError
from deepsalt.spectra import Window

#: Grids may miss each other by this share of a pixel: rounding in a file's header, nothing to see.
_SAME_PLACE = 0.01
#: Relative difference of pixel sizes; over 1,000 pixels it adds up to a hundredth of a pixel.
_SAME_SIZE = 1e-5

_FIX = "Resample the products to one grid first, or give each place its own composite."


class OnGrid(Protocol):
    """Anything with a name whose pixels lie on a grid, as those of a Scene: `crs` "" where it is unknown."""

    @property
    def name(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def crs(self) -> str: ...
    @property
    def transform(self) -> tuple[float, float, float, float, float, float]: ...


def shared_windows(scenes: Sequence[OnGrid], fix: str = _FIX) -> tuple[Window, ...]:
    """The window of each scene that shows the land all of them show, whole pixels on one grid.

    fix  what to do where the grids differ, for the error

    Raises ProductError if the scenes differ in their CRS, in the size or direction of their pixels, by a part
    of a pixel, or share no pixel; it says which one differs, and by how much.
    """
    shifts = [pixels_between(scenes[0], scene, fix) for scene in scenes]
    top, left = (max(shift[axis] for shift in shifts) for axis in (0, 1))
    bottom = min(shift[0] + scene.height for shift, scene in zip(shifts, scenes, strict=True))
    right = min(shift[1] + scene.width for shift, scene in zip(shifts, scenes, strict=True))
    if bottom <= top or right <= left:
        raise ProductError(
            f"shares no pixel with the others: shifted by {_farthest(shifts)} pixels (rows, columns)",
            where=_odd_one(scenes, shifts).name,
            fix="Check that all scenes show one place.",
        )
    return tuple(Window(top - row, left - column, bottom - top, right - left) for row, column in shifts)


def same_grid(one: OnGrid, other: OnGrid) -> bool:
    """Whether two scenes lie on one grid of pixels and share some of them."""
    try:
        shared_windows((one, other))
    except ProductError:
        return False
    return True


def pixels_between(first: OnGrid, other: OnGrid, fix: str = _FIX) -> tuple[int, int]:
    """Rows and columns from the first scene's corner to the other's.

    Raises ProductError unless both have one CRS and pixels of one size, a whole number of them apart.
    """
    if not first.crs:
        raise ProductError(
            "has no coordinate system: where its pixels lie is not known",
            where=first.name,
            fix="Give it one, for example with gdal_edit.py -a_srs.",
        )
    if not _same_crs(first.crs, other.crs):
        raise _differs(first, other, f"is in {_short(other.crs)}, not in {_short(first.crs)}", fix)
    a, b, c, d, e, f = first.transform
    size = max(np.hypot(a, d), np.hypot(b, e))
    steps = np.abs(np.array(other.transform)[[0, 1, 3, 4]] - np.array([a, b, d, e]))
    if steps.max() > _SAME_SIZE * size:
        raise _differs(first, other, f"has pixels of {_pixel(other)}, not of {_pixel(first)}", fix)
    dx, dy = other.transform[2] - c, other.transform[5] - f
    determinant = a * e - b * d
    column, row = (e * dx - b * dy) / determinant, (a * dy - d * dx) / determinant
    whole = (round(row), round(column))
    if max(abs(row - whole[0]), abs(column - whole[1])) > _SAME_PLACE:
        off = f"{round(row, 3) + 0.0:.3f} rows and {round(column, 3) + 0.0:.3f} columns"
        said = f"lies {off} beside it: not a whole number of pixels"
        raise _differs(first, other, said, fix)
    return whole


def _same_crs(one: str, other: str) -> bool:
    if one == other:
        return True
    if not other:
        return False
    from rasterio.crs import CRS

    return bool(CRS.from_user_input(one) == CRS.from_user_input(other))


def _short(crs: str) -> str:
    if not crs:
        return "no coordinate system"
    from rasterio.crs import CRS

    authority = CRS.from_user_input(crs).to_authority()
    return ":".join(authority) if authority else crs[:60]


def _pixel(scene: OnGrid) -> str:
    a, b, _, d, e, _ = scene.transform
    return f"({a:g}, {b:g}; {d:g}, {e:g})"


def _differs(first: OnGrid, other: OnGrid, how: str, fix: str) -> ProductError:
    return ProductError(f"{how}; compared with {first.name}", where=other.name, fix=fix)


def _odd_one(scenes: Sequence[OnGrid], shifts: Sequence[tuple[int, int]]) -> OnGrid:
    return scenes[int(np.abs(np.array(shifts)).sum(axis=1).argmax())]


def _farthest(shifts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return shifts[int(np.abs(np.array(shifts)).sum(axis=1).argmax())]
