"""Where a raster lies on Earth: its outline in degrees WGS84, cut where it crosses the antimeridian."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError

#: west, south, east, north in degrees; west is the greater one where the box crosses the antimeridian.
Box: TypeAlias = tuple[float, float, float, float]

#: Points along each side: its curve in degrees differs from straight pieces by less than a pixel.
_PER_SIDE = 8
#: Decimals of a degree that are kept; the last one is a centimetre.
_DECIMALS = 7
_HALF_TURN = 180.0


def footprint(
    height: int, width: int, crs: str, transform: tuple[float, float, float, float, float, float]
) -> dict[str, Any]:
    """The outline of a raster as GeoJSON: a Polygon, or a MultiPolygon cut at the antimeridian.

    crs        "EPSG:n" or WKT
    transform  affine (a, b, c, d, e, f) of pixel corners, as in Scene

    Rings run anticlockwise, longitude before latitude (RFC 7946). An outline around a pole reaches up to it.
    Raises ProductError where the outline has no place in degrees.
    """
    longitude, latitude = _outline(height, width, crs, transform)
    ring: NDArray[np.float64] = np.column_stack([np.unwrap(longitude, period=360.0), latitude])
    turned = ring[-1, 0] - ring[0, 0]
    if abs(turned) > _HALF_TURN:
        pole = float(np.copysign(90.0, latitude.mean()))
        ring = np.vstack([ring, [[ring[-1, 0], pole], [ring[0, 0], pole], ring[0]]])
    parts = [[_anticlockwise(part).tolist()] for part in _turns(ring.round(_DECIMALS))]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def box_of(geometry: dict[str, Any]) -> Box:
    """The box around an outline made by `footprint`."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    rings = [np.asarray(polygon[0], float) for polygon in polygons]
    return box_around(
        (
            float(ring[:, 0].min()),
            float(ring[:, 1].min()),
            float(ring[:, 0].max()),
            float(ring[:, 1].max()),
        )
        for ring in rings
    )


def box_around(boxes: Iterable[Box]) -> Box:
    """The narrowest box that holds all boxes, across the antimeridian where that is shorter.

    >>> box_around([(179.0, -2.0, 180.0, 1.0), (-180.0, -1.0, -178.5, 2.0)])
    (179.0, -2.0, -178.5, 2.0)
    """
    every = sorted(boxes)
    south, north = min(box[1] for box in every), max(box[3] for box in every)
    west, east = _arc([(box[0], box[2]) for box in every])
    return west, south, east, north


def _arc(arcs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """West and east ends of what is left of the circle without the widest gap between arcs."""
    arcs = sorted((west, east if east >= west else east + 360.0) for west, east in arcs)
    gaps: list[tuple[float, float, float]] = []
    reached = arcs[0][1]
    for west, east in arcs[1:]:
        if west > reached:
            gaps.append((west - reached, reached, west))
        reached = max(reached, east)
    around = arcs[0][0] + 360.0 - reached
    if around > 0 and all(around >= gap for gap, _, _ in gaps):
        return arcs[0][0], _as_longitude(reached)
    if not gaps:
        return -_HALF_TURN, _HALF_TURN
    _, east, west = max(gaps)
    return _as_longitude(west), _as_longitude(east)


def _as_longitude(value: float) -> float:
    return value if value <= _HALF_TURN else value - 360.0


def _outline(
    height: int, width: int, crs: str, transform: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude (point,) of a closed ring along the edges."""
    step = np.arange(_PER_SIDE) / _PER_SIDE
    none, all_ = np.zeros(_PER_SIDE), np.ones(_PER_SIDE)
    column = width * np.concatenate([step, all_, 1 - step, none, [0.0]])
    row = height * np.concatenate([none, step, all_, 1 - step, [0.0]])
    a, b, c, d, e, f = transform
    longitude, latitude = _in_degrees(crs, a * column + b * row + c, d * column + e * row + f)
    if not (np.isfinite(longitude).all() and np.isfinite(latitude).all()):
        raise ProductError(
            f"a raster of {height} x {width} pixels from {c:g}, {f:g} has no place in degrees",
            where=crs,
            fix="Check its coordinate system and transform.",
        )
    return longitude, np.clip(latitude, -90.0, 90.0)


def _in_degrees(
    crs: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(point,) each; NaN where there is no way to degrees."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import CRSError, RasterioError
    from rasterio.warp import transform

    try:
        longitude, latitude = transform(crs, "EPSG:4326", x, y)[:2]
    except (CPLE_BaseError, CRSError, RasterioError):
        return np.full(len(x), np.nan), np.full(len(y), np.nan)
    return np.asarray(longitude), np.asarray(latitude)


def _turns(ring: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """An unwrapped ring cut at every odd multiple of 180 degrees, each part moved to -180...180."""
    first = int(np.floor((ring[:, 0].min() + _HALF_TURN) / 360.0))
    last = int(np.ceil((ring[:, 0].max() + _HALF_TURN) / 360.0))
    parts = []
    for turn in range(first, max(last, first + 1)):
        middle = 360.0 * turn
        part = _left_of(ring, middle + _HALF_TURN)
        part = _left_of(part * [-1.0, 1.0], _HALF_TURN - middle) * [-1.0, 1.0]
        if len(part) > 3 and np.ptp(part[:, 0]) > 0:
            parts.append(np.round(part - [middle, 0.0], _DECIMALS))
    return parts


def _left_of(ring: NDArray[np.float64], edge: float) -> NDArray[np.float64]:
    """What lies west of a meridian: a closed ring cut along it (Sutherland & Hodgman 1974)."""
    kept: list[NDArray[np.float64]] = []
    for here, there in pairwise(ring):
        if here[0] <= edge:
            kept.append(here)
        if (here[0] < edge < there[0]) or (there[0] < edge < here[0]):
            share = (edge - here[0]) / (there[0] - here[0])
            kept.append(np.array([edge, here[1] + share * (there[1] - here[1])]))
    return np.array([*kept, kept[0]]) if kept else np.empty((0, 2))


def _anticlockwise(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = ring[:, 0], ring[:, 1]
    doubled_area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return ring if doubled_area > 0 else ring[::-1]
