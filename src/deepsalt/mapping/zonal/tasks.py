"""The work in pieces that fit in memory: which polygons are cut together, in which windows of which map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.zonal.maps import MapLayers
from deepsalt.spectra import Window

#: Rows of a band along which polygons are taken one after the other.
_BAND = 256


@dataclass(frozen=True, eq=False)
class Task:
    """Polygons that are cut together.

    polygons  (n,) their numbers
    windows   (number of the map, window of it) that hold them; of more than one, the task is one polygon
    """

    polygons: NDArray[np.intp]
    windows: tuple[tuple[int, Window], ...]


@dataclass(frozen=True, eq=False)
class _Boxes:
    """The pixels around each polygon (polygon,): first and last row and column, the last one excluded."""

    top: NDArray[np.int64]
    bottom: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    @property
    def pixels(self) -> NDArray[np.int64]:
        return np.maximum(self.bottom - self.top, 0) * np.maximum(self.right - self.left, 0)

    def window(self, polygons: NDArray[np.intp]) -> Window:
        top, left = int(self.top[polygons].min()), int(self.left[polygons].min())
        bottom, right = int(self.bottom[polygons].max()), int(self.right[polygons].max())
        return Window(top, left, bottom - top, right - left)


def tasks(placed: Sequence[NDArray[np.object_]], maps: Sequence[MapLayers], pixels: int) -> list[Task]:
    """Every polygon that touches a map, in one task.

    placed  for each map (polygon,) shapes in its columns and rows, None elsewhere
    pixels  about how many pixels a window holds; a polygon with more around it is cut window by window
    """
    boxes = [_boxes(shapes, one) for shapes, one in zip(placed, maps, strict=True)]
    around = np.array([one.pixels for one in boxes])
    alone = ((around > 0).sum(axis=0) > 1) | (around > pixels).any(axis=0)
    found: list[Task] = []
    for number, one in enumerate(boxes):
        together = np.flatnonzero((around[number] > 0) & ~alone)
        for group in _groups(one, together, pixels):
            found.append(Task(group, ((number, one.window(group)),)))
    for polygon in np.flatnonzero(alone):
        single = np.array([polygon])
        windows = [
            (number, part)
            for number, one in enumerate(boxes)
            if around[number][polygon]
            for part in _tiled(one.window(single), pixels)
        ]
        found.append(Task(single, tuple(windows)))
    return found


def _boxes(shapes: NDArray[np.object_], layers: MapLayers) -> _Boxes:
    import shapely

    bounds = np.nan_to_num(shapely.bounds(shapes), nan=-1e9)  # of None: far from every map
    height, width = layers.grid.height, layers.grid.width
    left, right = np.floor(bounds[:, 0]), np.ceil(bounds[:, 2])
    top, bottom = np.floor(-bounds[:, 3]), np.ceil(-bounds[:, 1])
    clipped = (
        np.clip(edge, 0, most).astype(np.int64)
        for edge, most in ((top, height), (bottom, height), (left, width), (right, width))
    )
    return _Boxes(*clipped)


def _groups(boxes: _Boxes, polygons: NDArray[np.intp], pixels: int) -> Iterator[NDArray[np.intp]]:
    """Neighbours whose common box, and whose boxes together, hold no more pixels than that."""
    order = polygons[np.lexsort((boxes.left[polygons], boxes.top[polygons] // _BAND))]
    around = boxes.pixels
    group: list[int] = []
    window, own = Window(0, 0, 0, 0), 0
    for polygon in order:
        box = boxes.window(np.array([polygon]))
        window, own = _around(window, box) if group else box, own + int(around[polygon])
        if group and max(window.rows * window.columns, own) > pixels:
            yield np.array(group)
            group, window, own = [], box, int(around[polygon])
        group.append(int(polygon))
    if group:
        yield np.array(group)


def _around(one: Window, other: Window) -> Window:
    top, left = min(one.row, other.row), min(one.column, other.column)
    bottom = max(one.row + one.rows, other.row + other.rows)
    right = max(one.column + one.columns, other.column + other.columns)
    return Window(top, left, bottom - top, right - left)


def _tiled(window: Window, pixels: int) -> Iterator[Window]:
    side = max(int(np.sqrt(pixels)), 1)
    for row in range(window.row, window.row + window.rows, side):
        rows = min(side, window.row + window.rows - row)
        for column in range(window.column, window.column + window.columns, side):
            yield Window(row, column, rows, min(side, window.column + window.columns - column))
