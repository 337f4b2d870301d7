"""Where ground points lie: in degrees, in map coordinates of any system, or as the geometry of features."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.readers.columns import TEXT, Named, find_column, listed, name_columns, numeric, rows_text
from deepsalt.readers.tabular import open_table
from deepsalt.readers.vector import WGS84, in_wgs84, is_vector, known_crs, read_vector

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

#: Names of columns of map coordinates, lower case, in order of preference.
X_NAMES = ("x", "easting", "east", "utm_e", "utm_x", "x_coord", "x_utm", "x_m", "easting_m")
Y_NAMES = ("y", "northing", "north", "utm_n", "utm_y", "y_coord", "y_utm", "y_m", "northing_m")


@dataclass(frozen=True)
class PointRows:
    """Rows of a file of points, with what is known of their columns.

    frame   has the columns that `named` points at; latitude and longitude are degrees WGS84
    named   standard name -> column
    notes   how the file was read and where the places come from
    """

    frame: pd.DataFrame
    named: Named
    notes: tuple[str, ...]


def rows_of(
    path: Path,
    stated: Mapping[str, str | None],
    *,
    sheet: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
) -> PointRows:
    """Read a table or a vector file of points; every place comes out in degrees WGS84.

    stated  standard name -> column, None where the user says nothing; `x` and `y` name map coordinates
    crs     of the coordinates of a table; of a vector file that does not say it

    Raises UsageError for options that do not fit the file, LabelError for features that are no points, places
    that are missing or cannot be brought to degrees, and what the readers raise.
    """
    where = str(path)
    rows = (
        _features(path, stated, sheet, layer, crs)
        if is_vector(path)
        else _table(path, stated, sheet, layer, crs)
    )
    if not len(rows.frame):
        raise LabelError("the file has a header but no points", where=where)
    _check_complete(rows.frame, [rows.named.of["latitude"], rows.named.of["longitude"]], where)
    return rows


def _table(
    path: Path, stated: Mapping[str, str | None], sheet: str | None, layer: str | None, crs: str | None
) -> PointRows:
    where = str(path)
    if layer is not None:
        raise UsageError("a table has no layers", where=where, fix="Leave layer away.")
    file = open_table(path, sheet)
    degrees = {key: value for key, value in stated.items() if key not in ("x", "y")}
    if crs is None:
        if stated.get("x") or stated.get("y"):
            raise UsageError("x and y need their coordinate system", where=where, fix="Say it with crs=.")
        named = name_columns(file.columns, degrees, where)
        _check_places_named(named.of, file.columns, where)
        frame, _ = file.load(other=file.columns, text=_text_columns(named))
        return PointRows(frame, named, file.notes)
    x, y = _map_columns(file.columns, stated, where)
    named = name_columns(file.columns, {k: v for k, v in degrees.items() if k not in _PLACE}, where)
    frame, _ = file.load(other=file.columns, text=_text_columns(named))
    _check_complete(frame, [x, y], where)
    places = _in_degrees(numeric(frame[x], x, where), numeric(frame[y], y, where), crs, where)
    return _placed(frame, named, places, (*file.notes, f"places from columns {x} and {y}, {crs}"))


def _features(
    path: Path, stated: Mapping[str, str | None], sheet: str | None, layer: str | None, crs: str | None
) -> PointRows:
    where = str(path)
    if sheet is not None:
        raise UsageError("a vector file has no sheets", where=where, fix="Name a layer with layer=.")
    for name in ("latitude", "longitude", "x", "y"):
        if stated.get(name) is not None:
            raise UsageError(
                f"{name}= is for tables: a feature has its geometry",
                where=where,
                fix="Leave it away.",
            )
    found = read_vector(path, layer=layer, crs=crs)
    _check_points(found, where)
    geometry = in_wgs84(found).geometry
    frame = pd.DataFrame(found.drop(columns=found.geometry.name))
    named = name_columns([str(name) for name in frame.columns], stated, where)
    places = geometry.y.to_numpy(np.float64), geometry.x.to_numpy(np.float64)
    _check_transformed(places, where)
    return _placed(frame, named, places, (f"places from the geometry, {found.crs.name}",))


_PLACE = ("latitude", "longitude")


def _placed(
    frame: pd.DataFrame, named: Named, places: tuple[NDArray, NDArray], notes: tuple[str, ...]
) -> PointRows:
    """The rows with these places; columns that went by such a name keep their values beside them."""
    kept = {name: f"{name} (as found)" for name in _PLACE if name in frame.columns}
    frame = frame.rename(columns=kept).assign(latitude=places[0], longitude=places[1])
    of = {**named.of, "latitude": "latitude", "longitude": "longitude"}
    told = tuple(note for note in named.notes if note.split()[0] not in _PLACE)
    return PointRows(frame, Named(of, told), notes)


def _check_points(found: GeoDataFrame, where: str) -> None:
    missing = np.flatnonzero((found.geometry.isna() | found.geometry.is_empty).to_numpy())
    if len(missing):
        raise LabelError(
            f"no geometry in {rows_text(missing)}",
            where=where,
            fix="Give every ground point its place, or leave it out.",
        )
    other = np.flatnonzero((found.geometry.geom_type != "Point").to_numpy())
    if len(other):
        raise LabelError(
            f"{found.geometry.geom_type.iloc[other[0]]} in {rows_text(other)}, not points",
            where=where,
            fix="Give points; map units of polygons are read by read_map_units.",
        )


def _map_columns(columns: Sequence[str], stated: Mapping[str, str | None], where: str) -> tuple[str, str]:
    """Names of the columns of x and y: as stated, by a known name, else longitude and latitude."""
    by_lower = {name.lower().strip(): name for name in reversed(columns)}
    found = []
    for axis, degrees, known in (("x", "longitude", X_NAMES), ("y", "latitude", Y_NAMES)):
        wanted = stated.get(axis) or stated.get(degrees)
        if wanted is not None:
            found.append(find_column(columns, wanted, axis, where))
            continue
        plain = [by_lower[name] for name in known if name in by_lower]
        named = name_columns(columns, {}, where).of
        if not plain and degrees not in named:
            raise LabelError(
                f"no column of {axis} (columns: {listed(columns)})", where=where, fix=f"Name it with {axis}=."
            )
        found.append(plain[0] if plain else named[degrees])
    return found[0], found[1]


def _in_degrees(
    x: NDArray[np.float64], y: NDArray[np.float64], crs: str, where: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from rasterio._err import CPLE_BaseError  # what PROJ says of a point outside of a projection
    from rasterio.warp import transform

    system = known_crs(crs)
    if not system.is_geographic and (np.abs(x) <= 180).all() and (np.abs(y) <= 90).all():
        raise LabelError(
            f"the coordinates look like degrees, but {crs} counts in metres",
            where=where,
            fix="Leave crs away for degrees WGS84, or name the columns with x= and y=.",
        )
    try:
        longitude, latitude = transform(system, WGS84, x.tolist(), y.tolist())
    except CPLE_BaseError as error:
        raise LabelError(
            f"the coordinates do not belong to {crs} ({str(error).lower()})",
            where=where,
            fix="Check the coordinates and their coordinate system.",
        ) from error
    places = np.asarray(latitude), np.asarray(longitude)
    _check_transformed(places, where)
    return places


def _check_transformed(places: tuple[NDArray, NDArray], where: str) -> None:
    lost = np.flatnonzero(~(np.isfinite(places[0]) & np.isfinite(places[1])))
    if len(lost):
        raise LabelError(
            f"{rows_text(lost)} cannot be brought to degrees WGS84",
            where=where,
            fix="Check the coordinates and their coordinate system.",
        )


def _text_columns(named: Named) -> Collection[str]:
    return {named.of[name] for name in TEXT if name in named.of}


def _check_places_named(of: Mapping[str, str], columns: Sequence[str], where: str) -> None:
    missing = [name for name in _PLACE if name not in of]
    if missing:
        raise LabelError(
            f"no column of {' and '.join(missing)} (columns: {listed(columns)})",
            where=where,
            fix=f"Name it with {missing[0]}=, or say the coordinate system of x and y with crs=.",
        )


def _check_complete(frame: pd.DataFrame, columns: list[str], where: str) -> None:
    for column in columns:
        missing = np.flatnonzero(frame[column].isna().to_numpy())
        if len(missing):
            raise LabelError(
                f"no value in {rows_text(missing)} of column {column}",
                where=where,
                fix="Give every ground point its place, or leave it out.",
            )
