"""Geometries as files hold them, made valid: edges that cross, rings that touch, parts without extent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import LabelError


def repaired(geometries: NDArray[np.object_], *, where: str) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """(feature,) geometries without their third axis, valid; and (feature,) which ones were not.

    What a geometry covers is kept as the OGC's rules of polygons have it (even-odd, `shapely.make_valid`); a
    part that has shrunk to a line or a point, on which that algorithm gives up, is left out.
    Raises LabelError for a geometry that cannot be repaired.
    """
    import shapely

    whole: NDArray[np.object_] = np.array(shapely.force_2d(geometries), dtype=object)
    invalid = ~shapely.is_valid(whole) & ~shapely.is_missing(whole)
    for number in np.flatnonzero(invalid):
        whole[number] = _valid(whole[number], f"{where}, feature {number + 1}")
    return whole, invalid


def _valid(geometry: Any, where: str) -> Any:
    import shapely

    try:
        return shapely.make_valid(geometry)
    except shapely.errors.GEOSException:
        try:
            return shapely.make_valid(geometry, method="structure", keep_collapsed=False)
        except shapely.errors.GEOSException as error:
            raise LabelError(
                f"invalid geometry ({shapely.is_valid_reason(geometry)}) and cannot be repaired: {error}",
                where=where,
                fix="Repair it in a GIS first (in QGIS: Fix geometries).",
            ) from error
