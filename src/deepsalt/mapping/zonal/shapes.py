"""Polygons made ready for a map: repaired, and brought to its columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.mapping.zonal.maps import MapLayers
from deepsalt.readers.repair import repaired
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

    Raises LabelError where no feature has an area, or one cannot be repaired.
    """
    whole, invalid = repaired(polygons.geometry.to_numpy(), where="polygons")
    kept = np.array([_areal(shape) for shape in whole], dtype=object)
    geometry = geopandas_or_explain().GeoSeries(kept, crs=polygons.crs)
    if geometry.isna().all():
        kinds = sorted({str(kind) for kind in polygons.geometry.geom_type if kind})
        raise LabelError(
            f"no feature has an area (found: {', '.join(kinds) or 'no geometry'})",
            where="polygons",
            fix="Give a file, or a layer of it, that holds polygons.",
        )
    degrees = geometry.to_crs(WGS84)
    if len(lost := _without_place(degrees)):
        raise LabelError(
            f"{numbered(lost)} lie outside of what their coordinate system describes",
            where="polygons",
            fix="Check the coordinate system of the file; where it has none, name it with --crs.",
        )
    return Shapes(geometry, degrees, invalid)


def _without_place(shapes: GeoSeries) -> NDArray[np.intp]:
    """Numbers of the shapes with corners that could not be reprojected."""
    lost = ~np.isfinite(shapes.bounds).all(axis=1) & shapes.notna()
    return np.flatnonzero(lost)


def _areal(shape: Any) -> Any:
    """The area of a geometry, as Polygon or MultiPolygon; None where it has none."""
    import shapely

    if shape is None or shape.area == 0:
        return None
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.area > 0])


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
    if len(lost := near[_without_place(series)]):
        raise LabelError(
            f"{numbered(lost)} reach where the map's coordinate system has no coordinates",
            where=str(layers.folder),
            fix="Cut the polygons to the region of the map first.",
        )
    placed[near] = on_grid(series.to_numpy(), layers.grid.transform)
    return placed


def _near(shapes: Shapes, layers: MapLayers) -> NDArray[np.bool_]:
    left, low, right, high = layers.footprint().bounds
    west, south, east, north = shapes.degrees.bounds.to_numpy().T
    bend = _BEND_DEGREES
    near: NDArray[np.bool_] = (east > left - bend) & (west < right + bend)
    return near & (north > low - bend) & (south < high + bend)


def numbered(polygons: Sequence[int] | NDArray[np.intp]) -> str:
    """In words; polygons are counted from 1 in the order of the file.

    >>> numbered([0, 6]), numbered([0, 1, 2, 3])
    ('2 polygons (1, 7)', '4 polygons (1, 2, 3, ...)')
    """
    shown = ", ".join(str(int(number) + 1) for number in polygons[:_SHOWN])
    more = ", ..." if len(polygons) > _SHOWN else ""
    return f"{len(polygons)} polygon{'s' if len(polygons) > 1 else ''} ({shown}{more})"


def refuse_overlap(maps: Sequence[MapLayers], shapes: Shapes) -> None:
    """Raise UsageError where a polygon lies in two maps at once: its pixels would count twice.

    Maps that share less than half a pixel are neighbours.
    """
    known = shapes.degrees[~shapes.empty]
    for one, other in combinations(maps, 2):
        if not one.footprint(inset=0.25).intersects(other.footprint(inset=0.25)):
            continue
        if known.intersects(one.footprint().intersection(other.footprint())).any():
            raise UsageError(
                f"the maps {one.folder.name} and {other.folder.name} overlap under a polygon, so that its "
                "pixels would count twice",
                where=str(other.folder),
                fix="Make one mosaic of the maps first, and give that.",
            )
