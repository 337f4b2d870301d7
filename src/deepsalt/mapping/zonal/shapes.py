"""Polygons made ready for a map: repaired, and brought to its columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.mapping.zonal.maps import MapLayers
from deepsalt.readers.columns import listed
from deepsalt.readers.vector import WGS84, geopandas_or_explain, in_short_edges
from deepsalt.sampling.shares import on_grid

if TYPE_CHECKING:
    from geopandas import GeoDataFrame, GeoSeries

#: Degrees by which boxes are widened before they are compared: an edge bends between its corners.
_BEND_DEGREES = 0.1
_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Shapes:
    """Polygons in their own coordinate system, as they are measured.

    geometry  (polygon,) valid polygons; None where a feature has no area
    degrees   (polygon,) the same in degrees WGS84
    repaired  (polygon,) whether the feature was invalid
    """

    geometry: GeoSeries
    degrees: GeoSeries
    repaired: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.geometry)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """(polygon,) whether a feature has no area."""
        return np.asarray(self.geometry.isna())


def shapes_of(polygons: GeoDataFrame) -> Shapes:
    """Features as valid polygons: those that are not are repaired, and only what has an area is kept.

    Raises LabelError where no feature has an area.
    """
    import shapely

    raw = shapely.force_2d(polygons.geometry.to_numpy())
    invalid = ~shapely.is_valid(raw) & ~shapely.is_missing(raw)
    whole = raw.copy()
    whole[invalid] = shapely.make_valid(raw[invalid])
    kept = np.array([_areal(shape) for shape in whole], dtype=object)
    geometry = geopandas_or_explain().GeoSeries(kept, crs=polygons.crs)
    if geometry.isna().all():
        kinds = sorted({str(kind) for kind in polygons.geometry.geom_type if kind})
        raise LabelError(
            f"no feature has an area (found: {', '.join(kinds) or 'no geometry'})",
            where="polygons",
            fix="Give a file, or a layer of it, that holds polygons.",
        )
    return Shapes(geometry, geometry.to_crs(WGS84), invalid)


def _areal(shape: Any) -> Any:
    """The polygons of a geometry as one, or None where it has none."""
    import shapely

    parts = [part for part in shapely.get_parts(shape, return_index=False) if _is_area(part)] if shape else []
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _is_area(part: Any) -> bool:
    return part.geom_type == "Polygon" and part.area > 0


def on_map(shapes: Shapes, layers: MapLayers) -> NDArray[np.object_]:
    """(polygon,) shapes in the map's columns and rows (`on_grid`); None where they do not come near it.

    Edges are straight in the polygons' own system: between systems they are cut into short ones first.
    Raises LabelError for a polygon that reaches where the map's system has no coordinates.
    """
    near = np.flatnonzero(_near(shapes, layers))
    placed = np.full(len(shapes), None, dtype=object)
    series = shapes.geometry.iloc[near]
    if len(near) and not series.crs.equals(layers.grid.crs, ignore_axis_order=True):
        series = in_short_edges(series).to_crs(layers.grid.crs)
    placed[near] = on_grid(series.to_numpy(), layers.grid.transform)
    _check_placed(placed, near, layers)
    return placed


def _near(shapes: Shapes, layers: MapLayers) -> NDArray[np.bool_]:
    left, low, right, high = layers.footprint().bounds
    west, south, east, north = shapes.degrees.bounds.to_numpy().T
    bend = _BEND_DEGREES
    near: NDArray[np.bool_] = (east > left - bend) & (west < right + bend)
    return near & (north > low - bend) & (south < high + bend)


def _check_placed(placed: NDArray[np.object_], near: NDArray[np.intp], layers: MapLayers) -> None:
    import shapely

    lost = near[~np.isfinite(shapely.bounds(placed[near])).all(axis=1)] if len(near) else near
    if len(lost):
        raise LabelError(
            f"{numbered(lost)} where the map's coordinate system has no coordinates",
            where=str(layers.folder),
            fix="Cut the polygons to the region of the map first.",
        )


def numbered(polygons: Sequence[int] | NDArray[np.intp]) -> str:
    """For example `2 polygons (1, 7)`; polygons are counted from 1 in the order of the file."""
    shown = [str(int(number) + 1) for number in polygons]
    return f"{len(shown)} polygon{'s' if len(shown) > 1 else ''} ({listed(shown, _SHOWN)})"


def refuse_overlap(maps: Sequence[MapLayers], shapes: Shapes) -> None:
    """Raise UsageError where a polygon lies in two maps at once: its pixels would count twice.

    Maps that share less than a pixel are neighbours.
    """
    import shapely

    inner = [one.footprint(inset=0.5) for one in maps]
    known = shapes.degrees[~shapes.empty]
    for number, one in enumerate(inner):
        for other in range(number):
            shared = shapely.intersection(one, inner[other])
            if shared.area > 0 and known.intersects(shared).any():
                names = f"{maps[other].folder.name} and {maps[number].folder.name}"
                raise UsageError(
                    f"the maps {names} overlap under a polygon, so that its pixels would count twice",
                    where=str(maps[number].folder),
                    fix="Make one mosaic of the maps first, and give that.",
                )
