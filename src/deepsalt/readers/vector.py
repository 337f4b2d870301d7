"""Points and polygons from vector files: GeoPackage, GeoParquet, GeoJSON, Shapefile and what else GDAL reads.

They need the optional packages of `deepsalt[vector]`; nothing else of deepsalt does.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsalt.errors import LabelError, ProductError, UsageError
from deepsalt.quiet import quiet
from deepsalt.readers.columns import listed
from deepsalt.readers.tabular import head_of, is_parquet

if TYPE_CHECKING:
    from geopandas import GeoDataFrame, GeoSeries

WGS84 = "EPSG:4326"
#: The longest edge before a change of system, m; a degree is nowhere longer than so many metres.
_EDGE_M, _DEGREE_M = 1_000.0, 111_700.0

#: First bytes: SQLite (GeoPackage), FlatGeobuf, Shapefile (file code 9994, big-endian; ESRI 1998).
_MAGIC = (b"SQLite format 3\x00", b"fgb", b"\x00\x00\x27\x0a")
#: How a GeoJSON of features begins, wherever its members stand (RFC 7946).
_GEOJSON = re.compile(rb'"type"\s*:\s*"Feature(Collection)?"')
#: Metadata of a Parquet file with geometry (GeoParquet 1.0).
_GEO = b"geo"


def geopandas_or_explain() -> Any:
    """The module geopandas. Raises UsageError that says what to install where it is absent."""
    try:
        import geopandas
        import pyogrio  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"vector files need a package that is not installed ({error.name})",
            fix="Install it with: pip install 'deepsalt[vector]'",
        ) from error
    return geopandas


def exactextract_or_explain() -> Any:
    """The function exact_extract and its raster of arrays, as a module. Raises UsageError as above."""
    try:
        import exactextract
    except ImportError as error:
        raise UsageError(
            f"shares of pixels under polygons need a package that is not installed ({error.name})",
            fix="Install it with: pip install 'deepsalt[vector]'",
        ) from error
    return exactextract


def is_vector(path: Path) -> bool:
    """Whether a path holds points or polygons, by its first bytes; quick, and never raises."""
    try:
        if path.is_dir():
            return path.suffix.lower() == ".gdb" and any(path.glob("*.gdbtable"))
        head = head_of(path)
        if is_parquet(head):
            return _is_geoparquet(path)
    except (OSError, ProductError):
        return False
    return head.startswith(_MAGIC) or (head.lstrip()[:1] == b"{" and bool(_GEOJSON.search(head)))


def files_of(path: str | Path) -> tuple[str, ...]:
    """The files that a table or vector file is made of: a Shapefile has its siblings of the same name."""
    place = Path(path)
    if place.suffix.lower() != ".shp":
        return (str(path),)
    return tuple(str(file) for file in sorted(place.parent.glob(f"{place.stem}.*"))) or (str(path),)


def read_vector(path: Path, *, layer: str | None = None, crs: str | None = None) -> GeoDataFrame:
    """The features of a file in its own coordinate system.

    layer   of a file with several
    crs     coordinate system of a file that has none, for example "EPSG:32642"

    Raises UsageError for a layer that must be named or is not there, an unknown `crs`, and one that the
    file contradicts; LabelError for a file without a coordinate system or without features; ProductError
    for a file that cannot be read.
    """
    where = str(path)
    geopandas = geopandas_or_explain()
    with quiet():  # of GDAL on oddities that do not concern geometry or values
        try:
            if path.is_file() and is_parquet(head_of(path)):
                frame = geopandas.read_parquet(path)
            else:
                frame = geopandas.read_file(path, layer=_layer(path, layer), engine="pyogrio")
        except (ValueError, OSError, RuntimeError) as error:
            raise ProductError(
                f"cannot be read as a vector file ({str(error).partition(chr(10))[0]})",
                where=where,
                fix="Export it anew, for example as GeoPackage.",
            ) from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise LabelError("the layer has no geometry", where=where, fix="Name another one with layer=.")
    if not len(frame):
        raise LabelError("the file holds no features", where=where)
    return _with_crs(frame, crs, where)


def in_wgs84(frame: GeoDataFrame) -> GeoDataFrame:
    """The same features in degrees WGS84; x is the longitude whatever the axes of the system are."""
    return frame.to_crs(WGS84)


def in_short_edges(shapes: GeoSeries, longest_m: float = _EDGE_M) -> GeoSeries:
    """The same shapes with corners added, so that no edge is longer.

    An edge that is straight in one coordinate system is bent in another. Between degrees and UTM, edges of
    1 km whose ends are reprojected are nowhere off by more than 0.05 m up to 65 degrees of latitude.
    """
    crs: Any = shapes.crs
    a_unit_m = _DEGREE_M if crs.is_geographic else float(crs.axis_info[0].unit_conversion_factor)
    return shapes.segmentize(longest_m / a_unit_m)


def _layer(path: Path, wanted: str | None) -> str:
    import pyogrio

    names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"no layer {wanted!r}", where=str(path), fix=f"Layers: {listed(names)}.")
        return wanted
    if not names:
        raise LabelError(
            "no layer with geometry",
            where=str(path),
            fix="Check that the name of the file ends as its format asks: .gpkg, .geojson, .shp.",
        )
    if len(names) > 1:
        found = f"{len(names)} layers with geometry"
        raise UsageError(found, where=str(path), fix=f"Name one with layer=: {listed(names)}.")
    return names[0]


def _with_crs(frame: GeoDataFrame, stated: str | None, where: str) -> GeoDataFrame:
    if stated is None:
        if frame.crs is None:
            raise LabelError(
                "the file does not say its coordinate system",
                where=where,
                fix="Say it with crs=, for example crs = 'EPSG:4326'.",
            )
        return frame
    known = known_crs(stated)
    if frame.crs is None:
        return frame.set_crs(known.to_wkt())
    if not frame.crs.equals(known.to_wkt(), ignore_axis_order=True):
        raise UsageError(
            f"crs = {stated!r}, but the file says {frame.crs.name}",
            where=where,
            fix="Leave crs away, or repair the file.",
        )
    return frame


def known_crs(text: str) -> Any:
    """A coordinate system (rasterio CRS) by its name, such as "EPSG:32642". Raises UsageError if unknown."""
    from rasterio import Env
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with Env(CPL_DEBUG=False):
            return CRS.from_user_input(text)
    except CRSError as error:
        raise UsageError(
            f"unknown coordinate system {text!r}",
            where="crs",
            fix="Write it as EPSG:n, such as EPSG:32642.",
        ) from error


def _is_geoparquet(path: Path) -> bool:
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path) as file:
            stored = (file.metadata.metadata or {}).get(_GEO)
        return stored is not None and "primary_column" in json.loads(stored)
    except (ArrowException, OSError, ValueError):
        return False
