"""How the arrays of a PRISMA L2D file lie in the file and on the ground.

A cube is (rows, bands, columns). The corner coordinates are those of pixel CENTRES: in the product of
2024-04-02 the latitude and longitude of single pixels agree with that to 0.15 m, and are 15 m off each way
where the corners are taken for edges. Latitude and longitude of the four corner pixels therefore decide
which axis is which, and expose a product whose parts do not belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.prisma_metadata import SWATH, Detector, dataset, number_of, text_at

_PLACES = f"{SWATH}/Geolocation Fields"
#: Sides of a pixel agree to this share where rows and columns are told apart rightly.
_SQUARE_WITHIN = 0.005
#: Of a pixel: geolocation fields further than this from the corner coordinates are worth a note.
_NOTED_FROM = 0.25
_AGAIN = "Download it again: its parts do not belong together."

Affine = tuple[float, float, float, float, float, float]


class Axes(NamedTuple):
    """Which axis of a cube holds rows, bands and columns."""

    rows: int
    bands: int
    columns: int


@dataclass(frozen=True)
class Layout:
    """As in `Scene`, and the axes of the cubes."""

    axes: Axes
    height: int
    width: int
    block: tuple[int, int]
    crs: str
    transform: Affine
    notes: tuple[str, ...]


def read_layout(file: Any, detectors: Sequence[Detector], path: str) -> Layout:
    """Axes, size, blocks and georeference of an open L2D file.

    Raises ProductError where sizes, wavelengths, corner coordinates and geolocation fields contradict.
    """
    cubes = [dataset(file, f"{detector.name}_Cube") for detector in detectors]
    shapes = [tuple(cube.shape) for cube in cubes]
    if strange := [str(cube.dtype) for cube in cubes if cube.dtype.kind != "u" or cube.dtype.itemsize != 2]:
        raise ProductError(f"a cube holds {strange[0]}, not uint16", where=path, fix=_AGAIN)
    bands = _band_axis(shapes, detectors, path)
    crs, notes = _crs(file)
    corners = _corners(file, path)
    axes, transform = _placed(file, shapes[0], bands, corners, crs, path, notes)
    height, width = shapes[0][axes.rows], shapes[0][axes.columns]
    return Layout(axes, height, width, _block(cubes, axes), crs, transform, tuple(notes))


def _band_axis(shapes: Sequence[tuple[int, ...]], detectors: Sequence[Detector], path: str) -> int:
    """The axis that is as long as each detector's list of wavelengths, the other two being alike."""
    for axis in (1, 2, 0):
        listed = [len(s) == 3 and s[axis] == d.listed for s, d in zip(shapes, detectors, strict=True)]
        others = {s[:axis] + s[axis + 1 :] for s in shapes}
        if all(listed) and len(others) == 1 and min(*others.pop()) > 1:
            return axis
    told = ", ".join(
        f"{d.name}_Cube is {' x '.join(map(str, s))} with {d.listed} wavelengths"
        for s, d in zip(shapes, detectors, strict=True)
    )
    raise ProductError(
        f"the cubes do not fit their wavelengths or each other: {told}", where=path, fix=_AGAIN
    )


def _crs(file: Any) -> tuple[str, list[str]]:
    """The CRS as "EPSG:n"; "" and a note where the product names none that is known."""
    from rasterio import Env
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    code = text_at(file, "Epsg_Code")
    try:
        with Env():  # keeps what PROJ says of an unknown code off the screen
            CRS.from_epsg(int(float(code)))
    except (ValueError, OverflowError, CRSError):
        told = f"Epsg_Code is {code!r}" if code else "no Epsg_Code"
        return "", [f"no coordinate system ({told}): maps of it have none either"]
    return f"EPSG:{int(float(code))}", []


def _corners(file: Any, path: str) -> NDArray[np.float64]:
    """(3, 2) easting and northing of the upper left, upper right and lower left pixel centres, metres."""
    ul, ur, ll, lr = (
        [number_of(file, f"Product_{corner}corner_{way}", path) for way in ("easting", "northing")]
        for corner in ("UL", "UR", "LL", "LR")
    )
    corners = np.array([ul, ur, ll])
    across, down = corners[1] - corners[0], corners[2] - corners[0]
    size = min(np.hypot(*across), np.hypot(*down))
    askew = float(np.hypot(*(corners[0] + across + down - np.array(lr))))
    if not (np.isfinite(corners).all() and size > 0 and askew < size * _SQUARE_WITHIN):
        raise ProductError(
            f"the corners are no rectangle: UL {ul}, UR {ur}, LL {ll}, LR {lr}", where=path, fix=_AGAIN
        )
    return corners


def _placed(
    file: Any,
    shape: tuple[int, ...],
    bands: int,
    corners: NDArray[np.float64],
    crs: str,
    path: str,
    notes: list[str],
) -> tuple[Axes, Affine]:
    """The axes, and the transform of pixel corners, under which all that the file tells agrees best."""
    first, second = (axis for axis in range(3) if axis != bands)
    ways = (Axes(first, bands, second), Axes(second, bands, first))
    fitting = [(axes, _transform(corners, shape[axes.rows], shape[axes.columns])) for axes in ways]
    fitting = [(axes, transform) for axes, transform in fitting if _unequal(transform) < _SQUARE_WITHIN]
    if not fitting:
        raise ProductError(
            f"{shape[first]} x {shape[second]} pixels between the corner coordinates are not square",
            where=path,
            fix=_AGAIN,
        )
    places = _corner_places(file, crs, (shape[first], shape[second]))
    if places is None:
        axes, transform = min(fitting, key=lambda way: round(_unequal(way[1]), 6))
        notes.append(
            "no latitude and longitude to check by: rows and columns as the corner coordinates have them"
        )
    else:
        off = [_off_by(places, axes, transform, (shape[first], shape[second])) for axes, transform in fitting]
        axes, transform = fitting[int(np.argmin(off))]
        _compare(min(off), transform, crs, path, notes)
    if axes != ways[0]:
        notes.append("rows and columns stand the other way round in the file: read as the ground lies")
    return axes, transform


def _transform(centres: NDArray[np.float64], height: int, width: int) -> Affine:
    """Affine of pixel corners, from the centres of three corner pixels."""
    across, down = (centres[1] - centres[0]) / (width - 1), (centres[2] - centres[0]) / (height - 1)
    x, y = centres[0] - (across + down) / 2
    return (float(across[0]), float(down[0]), float(x), float(across[1]), float(down[1]), float(y))


def _unequal(transform: Affine) -> float:
    """How much the sides of a pixel differ, as a share."""
    a, b, _, d, e, _ = transform
    return float(abs(np.hypot(a, d) / np.hypot(b, e) - 1))


def _corner_places(file: Any, crs: str, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    """(2, 2, 2) x and y, in the scene's CRS, of the first and last pixels along both axes of the file."""
    if not crs or not all(f"{_PLACES}/{name}" in file for name in ("Latitude", "Longitude")):
        return None
    from rasterio.warp import transform

    fields = [dataset(file, name, _PLACES) for name in ("Longitude", "Latitude")]
    if any(field.shape != shape for field in fields):
        return None
    longitude, latitude = (
        np.array([[field[row, column] for column in (0, -1)] for row in (0, -1)], np.float64)
        for field in fields
    )
    if not ((np.abs(longitude) <= 180) & (np.abs(latitude) <= 90) & (latitude != 0)).all():
        return None
    return np.array(transform("EPSG:4326", crs, longitude.ravel(), latitude.ravel())).reshape(2, 2, 2)


def _off_by(places: NDArray[np.float64], axes: Axes, transform: Affine, shape: tuple[int, int]) -> float:
    """Metres by which the geolocation fields miss the pixel centres of a transform, at the worst corner."""
    a, b, c, d, e, f = transform
    first, second = np.meshgrid([0, shape[0] - 1], [0, shape[1] - 1], indexing="ij")
    row, column = (first, second) if axes.rows < axes.columns else (second, first)
    x, y = a * (column + 0.5) + b * (row + 0.5) + c, d * (column + 0.5) + e * (row + 0.5) + f
    return float(np.hypot(places[0] - x, places[1] - y).max())


def _compare(off_by: float, transform: Affine, crs: str, path: str, notes: list[str]) -> None:
    pixel = float(np.hypot(transform[0], transform[3]))
    if off_by > pixel:
        raise ProductError(
            f"Latitude and Longitude lie {off_by:.0f} m from the corner coordinates ({crs})",
            where=path,
            fix=_AGAIN,
        )
    if off_by > _NOTED_FROM * pixel:
        notes.append(
            f"Latitude and Longitude lie {off_by:.0f} m from the corner coordinates: the corners count"
        )


def _block(cubes: Sequence[Any], axes: Axes) -> tuple[int, int]:
    """(rows, columns) of the chunks, of the larger ones where the cubes differ; rows where there are none."""
    chunks = [cube.chunks or (1,) * 3 for cube in cubes]
    whole = any(cube.chunks is None for cube in cubes)
    columns = cubes[0].shape[axes.columns] if whole else max(chunk[axes.columns] for chunk in chunks)
    return max(chunk[axes.rows] for chunk in chunks), columns
