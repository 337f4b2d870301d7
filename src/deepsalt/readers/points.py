"""Ground points: EC with its method, place, date and depth, from CSV, Parquet or Excel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deepsalt.errors import LabelError, UsageError
from deepsalt.readers.columns import TEXT, Named, listed, name_columns, rows_text, standard_columns
from deepsalt.readers.ec_columns import find_ec, with_ec
from deepsalt.readers.ec_names import is_ec
from deepsalt.readers.tabular import open_table


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
) -> pd.DataFrame:
    """Ground points in the standard columns: id, latitude, longitude, ec_ds_m, ec_method, and, where the
    file has them, group, region, date (YYYY-MM-DD), depths in cm, ece_ds_m; then its other columns.

    sheet                    of an Excel workbook, where several hold data
    ec, ec_column, ec_unit   as for tables: EC without a method is an error here
    id, group, ...           columns that do not go by a known name (`field` is a known name of group)

    What was taken from where stands in `points.attrs["notes"]`, a list of sentences.

    Raises UsageError if there is no such file, ProductError if it is no table, and LabelError for EC
    that is missing, has no method, is negative or beyond any soil; for places that are missing, not
    on Earth or swapped; for dates that are not ISO; and for an id that stands there twice.
    """
    place = Path(path).expanduser()
    where = str(place)
    if not place.is_file():
        raise UsageError("no such file", where=where, fix="Check the path of the ground points.")
    file = open_table(place, sheet)
    stated = {"id": id, "group": group, "region": region, "date": date,
              "latitude": latitude, "longitude": longitude}  # fmt: skip
    named = name_columns(file.columns, stated, where)
    _check_places_named(named.of, file.columns, where)
    text = {named.of[name] for name in TEXT if name in named.of}
    frame, _ = file.load(other=file.columns, text=text)
    if not len(frame):
        raise LabelError("the file has a header but no points", where=where)
    _check_complete(frame, [named.of["latitude"], named.of["longitude"]], where)
    points, notes = standard_columns(frame, named, where, strict=True)
    _check_ids(points["id"], where)
    found = find_ec(frame, ec=ec, ec_column=ec_column, ec_unit=ec_unit, where=where)
    if found.values is None:
        raise LabelError(found.notes[0], where=where, fix=_ec_fix(file.columns))
    points = with_ec(points, found)
    points.attrs["notes"] = [f"read from {place.name}", *file.notes, *notes, *found.notes]
    return points


def read_places(path: str | Path) -> pd.DataFrame:
    """Places that were sampled, in the columns id, latitude, longitude; EC, if there is any, is not read.

    What was taken from where stands in `points.attrs["notes"]`, a list of sentences.
    Raises UsageError if there is no such file, ProductError if it is no table, and LabelError for places
    that are missing, not on Earth or swapped.
    """
    place = Path(path).expanduser()
    where = str(place)
    if not place.is_file():
        raise UsageError("no such file", where=where, fix="Check the path of the points.")
    file = open_table(place)
    named = name_columns(file.columns, {}, where)
    _check_places_named(named.of, file.columns, where)
    wanted = {name: named.of[name] for name in ("id", "latitude", "longitude") if name in named.of}
    frame, _ = file.load(other=list(wanted.values()), text={wanted[k] for k in ("id",) if k in wanted})
    if not len(frame):
        raise LabelError("the file has a header but no points", where=where)
    _check_complete(frame, [wanted["latitude"], wanted["longitude"]], where)
    notes = tuple(note for note in named.notes if note.split()[0] in wanted)
    points, notes = standard_columns(frame, Named(wanted, notes), where, strict=True)
    points.attrs["notes"] = [f"read from {place.name}", *file.notes, *notes]
    return points[["id", "latitude", "longitude"]]


def _check_places_named(of: object, columns: tuple[str, ...], where: str) -> None:
    missing = [name for name in ("latitude", "longitude") if name not in of]  # type: ignore[operator]
    if missing:
        raise LabelError(
            f"no column of {' and '.join(missing)} (columns: {listed(columns)})",
            where=where,
            fix=f"Name it with {missing[0]}=.",
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
