"""Ground points: EC with its method, place, date and depth, from tables and vector files in any CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepsalt.errors import LabelError, UsageError
from deepsalt.readers.columns import Named, rows_text, standard_columns
from deepsalt.readers.ec_columns import find_ec, with_ec
from deepsalt.readers.ec_names import is_ec
from deepsalt.readers.point_places import rows_of
from deepsalt.readers.vector import is_vector


def read_points(
    path: str | Path,
    *,
    sheet: str | None = None,
    ec: str | None = None,
    ec_column: str | None = None,
    ec_unit: str | None = None,
    id: str | None = None,
    group: str | None = None,
    region: str | None = None,
    latitude: str | None = None,
    longitude: str | None = None,
    date: str | None = None,
    position_error: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
    x: str | None = None,
    y: str | None = None,
) -> pd.DataFrame:
    """Ground points in the standard columns: id, latitude, longitude, ec_ds_m, ec_method, and, where the
    file has them, group, region, date (YYYY-MM-DD), depths in cm, position_error_m, ece_ds_m; then its
    other columns. A table (CSV, Excel, Parquet) has columns of places; in a vector file (GeoPackage,
    GeoParquet, GeoJSON, Shapefile) the geometry is the place, brought to degrees WGS84.

    sheet                    of an Excel workbook, where several hold data
    layer                    of a vector file with several
    crs                      coordinate system of a table's x and y (named, or known as easting and
                             northing), or of a vector file that does not say its own
    ec, ec_column, ec_unit   as for tables: EC without a method is an error here
    id, group, ...           columns that do not go by a known name (`field` is a known name of group)

    What was taken from where stands in `points.attrs["notes"]`, a list of sentences.

    Raises UsageError if there is no such file and for options that do not fit it, ProductError if it is
    no table, and LabelError for EC that is missing, has no method, is negative or beyond any soil; for
    places that are missing, not on Earth or swapped; for features that are no points or have no
    coordinate system; for dates that are not ISO; and for an id that stands there twice.
    """
    place = Path(path).expanduser()
    where = str(place)
    _check_there(place, "ground points")
    stated = {"id": id, "group": group, "region": region, "date": date, "position_error_m": position_error,
              "latitude": latitude, "longitude": longitude, "x": x, "y": y}  # fmt: skip
    rows = rows_of(place, stated, sheet=sheet, layer=layer, crs=crs)
    frame = rows.frame
    points, notes = standard_columns(frame, rows.named, where, strict=True)
    _check_errors(points, where)
    _check_ids(points["id"], where)
    found = find_ec(frame, ec=ec, ec_column=ec_column, ec_unit=ec_unit, where=where)
    if found.values is None:
        raise LabelError(found.notes[0], where=where, fix=_ec_fix(tuple(map(str, frame.columns))))
    points = with_ec(points, found)
    points.attrs["notes"] = [f"read from {place.name}", *rows.notes, *notes, *found.notes]
    return points


def read_places(path: str | Path, *, crs: str | None = None) -> pd.DataFrame:
    """Places that were sampled, in the columns id, latitude, longitude; EC, if there is any, is not read.

    crs   as for `read_points`

    What was taken from where stands in `points.attrs["notes"]`, a list of sentences.
    Raises UsageError if there is no such file, ProductError if it is no table, and LabelError for places
    that are missing, not on Earth or swapped.
    """
    place = Path(path).expanduser()
    where = str(place)
    _check_there(place, "points")
    rows = rows_of(place, {}, crs=crs)
    wanted = {name: rows.named.of[name] for name in ("id", "latitude", "longitude") if name in rows.named.of}
    notes = tuple(note for note in rows.named.notes if note.split()[0] in wanted)
    frame = rows.frame[list(wanted.values())]
    points, notes = standard_columns(frame, Named(wanted, notes), where, strict=True)
    points.attrs["notes"] = [f"read from {place.name}", *rows.notes, *notes]
    return points[["id", "latitude", "longitude"]]


def _check_there(place: Path, what: str) -> None:
    if not place.exists() or (place.is_dir() and not is_vector(place)):
        raise UsageError("no such file", where=str(place), fix=f"Check the path of the {what}.")


def _check_errors(points: pd.DataFrame, where: str) -> None:
    """A position error is a distance: not negative."""
    if "position_error_m" in points and (wrong := (points["position_error_m"] < 0).to_numpy()).any():
        raise LabelError(
            f"position error below zero in {rows_text(np.flatnonzero(wrong))}",
            where=where,
            fix="Give it in metres, or leave it empty where it is not known.",
        )


def _check_ids(ids: pd.Series, where: str) -> None:
    twice = ids.duplicated(keep=False).to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        same = np.flatnonzero((ids == ids.iloc[row]).to_numpy())
        raise LabelError(
            f"id {ids.iloc[row]!r} stands in {rows_text(same)}",
            where=where,
            fix="Give every point its own id, or name the right column with id=.",
        )


def _ec_fix(columns: tuple[str, ...]) -> str:
    if any(is_ec(column) for column in columns):
        return "Ground points need EC with its method: say ec= (for example ec='ECe'), or ec_column=."
    return "Ground points need EC: name its column with ec_column= and its method with ec=."
