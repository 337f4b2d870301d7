"""Shapes as exactextract takes them: binary, which is several times quicker than its text of GeoJSON.

Imported only where shapes are cut, because exactextract is an optional package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray


class _Shape(Feature):
    def __init__(self, number: int, wkb: bytes) -> None:
        super().__init__()
        self._number, self._wkb = number, wkb

    def fields(self) -> list[str]:
        return ["number"]

    def get(self, _name: str) -> int:
        return self._number

    def geometry(self) -> bytes:
        return self._wkb


class _Shapes(FeatureSource):
    def __init__(self, shapes: NDArray[np.object_]) -> None:
        super().__init__()
        self._wkb = shapely.to_wkb(shapes)

    def count(self) -> int:
        return len(self._wkb)

    def __iter__(self) -> Iterator[_Shape]:
        return (_Shape(number, wkb) for number, wkb in enumerate(self._wkb))

    def srs_wkt(self) -> None:
        return None


def cut(
    shapes: NDArray[np.object_], size: tuple[int, int], bounds: tuple[float, float, float, float]
) -> list[dict[str, Any]]:
    """For each shape `number`, `cell_id` and `coverage` of the cells that it touches.

    size    (rows, columns) of the cells; ids count them along the rows, from the upper left
    bounds  (left, low, right, high) of all cells together
    """
    cells = np.broadcast_to(np.uint8(0), size)
    left, low, right, high = bounds
    raster = NumPyRasterSource(cells, left, low, right, high)
    found = exact_extract(raster, _Shapes(shapes), ["cell_id", "coverage"], include_cols=["number"])
    return [one["properties"] for one in found]
