"""Names of columns: which one of a table holds the id, the place, the date, the depth.

Everything a table or a list of ground points needs in order to give its rows the standard columns:
`id, group, region, latitude, longitude, date, depth_top_cm, depth_bottom_cm` and covariates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError, LabelError, UsageError

#: Standard name -> names in use, in order of preference, lower case. OSSL and KSSL names first known
#: from the published tables, then those of the ICRAF-ISRIC library, then plain ones.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "id.layer_uuid_txt", "id.sample", "id.layer_local_c", "sample_id", "sampleid", "point_id",
           "site_id", "sample"),
    "group": ("group", "id.profile", "profile_id", "profile", "field", "field_id", "plot"),
    "region": ("region", "country", "location.country_iso.3166_txt"),
    "latitude": ("latitude", "latitude.point_wgs84_dd", "latitude_deg", "latitude_wgs84", "lat"),
    "longitude": ("longitude", "longitude.point_wgs84_dd", "longitude_deg", "longitude_wgs84", "lon", "long",
                  "lng"),
    "date": ("date", "observation.date.begin_iso.8601_yyyy.mm.dd", "sampling_date", "sample_date",
             "datetime_utc", "datetime"),
    "depth_top_cm": ("depth_top_cm", "layer.upper.depth_usda_cm", "layer.upper.depth_cm", "upper_depth_cm",
                     "top_cm"),
    "depth_bottom_cm": ("depth_bottom_cm", "layer.lower.depth_usda_cm", "layer.lower.depth_cm",
                        "lower_depth_cm", "bottom_cm"),
    "position_error_m": ("position_error_m", "location.point.error_any_m", "location.error_any_m",
                         "horizontal_accuracy_m", "gps_accuracy_m", "accuracy_m"),
    "sand_pct": ("sand_pct", "sand.tot_usda.c60_w.pct", "sand"),
    "clay_pct": ("clay_pct", "clay.tot_usda.a334_w.pct", "clay"),
    "temperature_c": ("temperature_c",),
    "precipitation_mm": ("precipitation_mm",),
}  # fmt: skip

#: Standard columns that hold text; a CSV reader must not turn "007" into 7.
TEXT = ("id", "group", "region", "date")

#: Names of the Open Soil Spectral Library; there a negative laboratory value means "missing".
_OSSL_MARKS = ("_usda.", "_iso.")


@dataclass(frozen=True)
class Named:
    """Which column holds what: `of[standard] = column of the table`, and the sentences to record."""

    of: Mapping[str, str]
    notes: tuple[str, ...]


def is_ossl(column: str) -> bool:
    """Whether a laboratory column carries an OSSL name (`property_method_unit`)."""
    return any(mark in column.lower() for mark in _OSSL_MARKS)


def find_column(columns: Sequence[str], wanted: str, option: str, where: str) -> str:
    """The column a user named, exactly or but for upper and lower case.

    Raises UsageError that names the nearest column there is.
    """
    by_lower = {column.lower(): column for column in reversed(columns)}
    if wanted in columns:
        return wanted
    if wanted.lower() in by_lower:
        return by_lower[wanted.lower()]
    close = get_close_matches(wanted.lower(), by_lower, n=1)
    raise UsageError(
        f"no column {wanted!r} ({option}=)",
        where=where,
        fix=f"Did you mean {by_lower[close[0]]!r}?" if close else f"Columns: {listed(columns)}.",
    )


def name_columns(columns: Sequence[str], stated: Mapping[str, str | None], where: str) -> Named:
    """Find the standard columns among those of a table, by what the user states or by known names.

    stated  standard name -> column, None where the user says nothing
    """
    by_lower = {column.lower().strip(): column for column in reversed(columns)}
    of: dict[str, str] = {}
    notes: list[str] = []
    for standard, aliases in ALIASES.items():
        wanted = stated.get(standard)
        if wanted is not None:
            of[standard] = find_column(columns, wanted, standard, where)
            continue
        found = [by_lower[alias] for alias in aliases if alias in by_lower]
        if found:
            of[standard] = found[0]
        if len(found) > 1:
            notes.append(f"{standard} taken from column {found[0]}; {', '.join(found[1:])} left as found")
        elif found and found[0] != standard:
            notes.append(f"{standard} taken from column {found[0]}")
    return Named(of, tuple(notes))


def standard_columns(
    table: pd.DataFrame, named: Named, where: str, *, strict: bool = False
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with its standard columns added or brought into their standard form, and notes.

    strict  a date that cannot be read is an error, not a missing value

    Raises LabelError for impossible places, depths that are no numbers, and (strict) bad dates.
    """
    columns: dict[str, object] = {}
    notes: list[str] = list(named.notes)
    columns["id"] = _ids(table, named.of.get("id"), notes)
    if "group" in named.of:
        columns["group"] = _groups(table[named.of["group"]], columns["id"], notes)
    if "region" in named.of:
        columns["region"] = as_text(table[named.of["region"]])
    for standard, column in named.of.items():
        if standard not in (*TEXT,):
            columns[standard] = _numbers(table[column], column, where, notes)
    if "date" in named.of:
        columns["date"] = _dates(table[named.of["date"]], named.of["date"], where, notes, strict=strict)
    if "latitude" in columns and "longitude" in columns:
        check_places(np.asarray(columns["latitude"]), np.asarray(columns["longitude"]), where)
    others = table.drop(columns=[name for name in columns if name in table.columns])
    added = pd.DataFrame(columns, index=table.index)
    return pd.concat([added, others], axis=1), tuple(notes)


def check_places(latitude: NDArray[np.float64], longitude: NDArray[np.float64], where: str) -> None:
    """Raise LabelError where a latitude or longitude in degrees cannot be on Earth."""
    wrong_lat, wrong_lon = np.abs(latitude) > 90, np.abs(longitude) > 180
    wrong = wrong_lat | wrong_lon
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    found = (
        f"{int(wrong.sum())} of {len(wrong)} places are not on Earth (first: {rows_text([row])}, "
        f"latitude {latitude[row]:g}, longitude {longitude[row]:g})"
    )
    if not (np.abs(longitude) > 90).any() and not (np.abs(latitude) > 180).any():
        raise LabelError(
            f"{found}: latitude and longitude look swapped",
            where=where,
            fix="Swap them, or name the columns with latitude= and longitude=.",
        )
    raise LabelError(
        found, where=where, fix="Latitude is -90 to 90 and longitude -180 to 180 degrees, WGS84."
    )


def rows_text(rows: Sequence[int] | NDArray[np.intp], most: int = 5) -> str:
    """Row numbers for a message, counted from 1 below the header.

    >>> rows_text([0, 4])
    'rows 1, 5'
    """
    shown = ", ".join(str(int(row) + 1) for row in list(rows)[:most])
    return f"row{'s' if len(rows) > 1 else ''} {shown}{', ...' if len(rows) > most else ''}"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, cut where they are many."""
    return ", ".join(map(str, names[:most])) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def numeric(
    column: pd.Series, name: str, where: str, error: type[DeepSaltError] = LabelError
) -> NDArray[np.float64]:
    """A column as float64, missing values as NaN; the error names the first text that is no number."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    text = column.astype("string").str.strip().fillna("")
    bad = np.isnan(numbers) & ~text.str.lower().isin(("", "na", "nan", "null", "none")).to_numpy(dtype=bool)
    if bad.any():
        row = int(np.argmax(bad))
        comma = " Write decimals with a point." if "," in text.iloc[row] else ""
        raise error(
            f"{text.iloc[row]!r} in {rows_text([row])} of column {name} is not a number",
            where=where,
            fix=f"Leave a missing value empty.{comma}",
        )
    return numbers


def _numbers(column: pd.Series, name: str, where: str, notes: list[str]) -> NDArray[np.float64]:
    numbers = numeric(column, name, where)
    missing = numbers < 0
    if is_ossl(name) and missing.any():
        notes.append(f"{int(missing.sum())} negative values of {name} are missing values (OSSL rule)")
        numbers = np.where(missing, np.nan, numbers)
    return numbers


def as_text(column: pd.Series) -> pd.Series:
    """A column as strings, None where missing; whole numbers stored as floats lose their '.0'."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    text = column.astype("string").str.strip()
    return text.mask(text == "", pd.NA).astype(object).where(text.notna() & (text != ""), None)


def _ids(table: pd.DataFrame, column: str | None, notes: list[str]) -> pd.Series:
    numbers = pd.Series([str(row) for row in range(1, len(table) + 1)], index=table.index, dtype=object)
    if column is None:
        notes.append("no column of ids: the row number is the id")
        return numbers
    ids = as_text(table[column])
    missing = ids.isna()
    if missing.any():
        notes.append(f"{int(missing.sum())} rows without an id in {column}: 'row N' is used")
        ids = ids.where(~missing, "row " + numbers)
    twice = int(ids.duplicated().sum())
    if twice:
        notes.append(f"{twice} ids of {column} stand there more than once")
    return ids


def _groups(column: pd.Series, ids: object, notes: list[str]) -> pd.Series:
    groups = as_text(column)
    missing = groups.isna()
    if missing.any():
        notes.append(f"{int(missing.sum())} samples without {column.name} are a group each")
        groups = groups.where(~missing, "sample " + pd.Series(ids, index=column.index).astype(str))
    return groups


def _dates(column: pd.Series, name: str, where: str, notes: list[str], *, strict: bool) -> pd.Series:
    text = as_text(column)
    dates = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    bad = (dates.isna() & text.notna()).to_numpy()
    if bad.any():
        row = int(np.argmax(bad))
        first = f"{text.iloc[row]!r} in {rows_text([row])}"
        found = f"{int(bad.sum())} dates of column {name} are not ISO dates (first: {first})"
        if strict:
            raise LabelError(found, where=where, fix="Write dates as YYYY-MM-DD.")
        notes.append(f"{found}; treated as missing")
    return dates.dt.strftime("%Y-%m-%d").astype(object).where(dates.notna(), None)
