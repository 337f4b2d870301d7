"""An area of interest: a box in degrees, or the features of a vector file in any coordinate system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepsalt.errors import UsageError

_NUMBER = r"\s*[-+]?\d+(?:\.\d*)?\s*"
_BOX = re.compile(rf"({_NUMBER}),({_NUMBER}),({_NUMBER}),({_NUMBER})")


@dataclass(frozen=True, eq=False)
class Area:
    """Where scenes must lie.

    shape   shapely geometry, longitude and latitude in degrees WGS84; in two parts across the antimeridian
    """

    shape: Any

    @classmethod
    def of(cls, text: str | Path) -> Area:
        """From "west,south,east,north" in degrees, or a vector file: GeoJSON, GeoPackage, Shapefile, ...

        A box whose west is greater than its east crosses the antimeridian; a file gives all its features.
        Raises UsageError for what is neither, and what `readers.vector` raises for a file.
        """
        shapely = _shapely_or_explain()
        box = _BOX.fullmatch(str(text).strip())
        if box:
            return cls(_of_box(*(float(number) for number in box.groups()), text=str(text)))
        path = Path(text)
        if not path.exists():
            raise UsageError(
                f"{str(text)!r} is no box and no file",
                where="area",
                fix="Write west,south,east,north in degrees, or the path of a vector file.",
            )
        from deepsalt.readers.repair import repaired
        from deepsalt.readers.vector import in_wgs84, read_vector

        features = in_wgs84(read_vector(path)).geometry
        shape = shapely.union_all(repaired(features.to_numpy(), where=str(path))[0])
        if shape.is_empty:
            raise UsageError("the features have no geometry", where=str(path), fix="Give a file with areas.")
        return cls(shape)

    def meets(self, geometry: Mapping[str, Any]) -> bool:
        """Whether a GeoJSON geometry in degrees and the area have a point in common."""
        from shapely.geometry import shape

        return bool(self.shape.intersects(shape(geometry)))

    def as_geojson(self) -> dict[str, Any]:
        from shapely.geometry import mapping

        found: dict[str, Any] = mapping(self.shape)
        return found


def _of_box(west: float, south: float, east: float, north: float, *, text: str) -> Any:
    from shapely.geometry import MultiPolygon, box

    on_earth = all(abs(x) <= 180 for x in (west, east)) and all(abs(y) <= 90 for y in (south, north))
    if not on_earth or south >= north or west == east:
        raise UsageError(
            f"{text!r} is no box of longitudes and latitudes",
            where="area",
            fix="Write west,south,east,north in degrees.",
        )
    if west < east:
        return box(west, south, east, north)
    return MultiPolygon([box(west, south, 180.0, north), box(-180.0, south, east, north)])


def _shapely_or_explain() -> Any:
    try:
        import shapely
    except ImportError as error:
        raise UsageError(
            "an area needs the package shapely, which is not installed",
            fix="Install it with: pip install 'deepsalt[stac]'",
        ) from error
    return shapely
