"""Which column holds electrical conductivity, by which method, in which unit.

An EC value without its method is not used: the same soil gives ECe 4 or EC1:5 0.6 dS/m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.readers.columns import Named, find_column, is_ossl, listed, numeric, rows_text, standard_columns
from deepsalt.readers.ec_names import BY_CODE, MERGED, dissolved_salts, exchange, is_ec, method_of, unit_of
from deepsalt.salinity import METHODS, parse_method
from deepsalt.units import ds_per_m

#: A saturated brine of NaCl conducts about 250 dS/m; the largest value of OSSL is 313.
_HIGHEST_DS_M = 500.0


@dataclass(frozen=True)
class Ec:
    """EC of each row: dS/m (NaN = missing), the canonical method of each row, and the notes.

    Both are None where no column can be used; the notes say why.
    """

    values: NDArray[np.float64] | None
    method: Sequence[str] | None
    notes: tuple[str, ...]


def find_ec(
    table: pd.DataFrame,
    *,
    ec: str | None = None,
    ec_column: str | None = None,
    ec_unit: str | None = None,
    where: str = "",
) -> Ec:
    """EC of a table by the rule: one column whose name tells the method, or what the caller states.

    ec         method, for example "ec1:2"; picks among several columns, or names the method of the
               only column called just "EC"
    ec_column  column to use; its method is told by its name or by `ec`
    ec_unit    unit of the values; the column's name tells it otherwise, and dS/m is the default

    Rows that OSSL merged from LUCAS into its 1:2 column are EC1:5 where the table names its data sets.

    Raises LabelError for a column without a method or of cation exchange, dissolved salts without a unit,
    contradicting statements, negative EC (missing in OSSL columns), values beyond any soil, and an `ec`
    that no column holds.
    """
    columns = [str(column) for column in table.columns if is_ec(str(column)) and column != "ec_method"]
    stated = parse_method(ec) if ec is not None else None
    if ec_column is not None:
        column = find_column([str(c) for c in table.columns], ec_column, "ec_column", where)
        return _use(table, column, stated, ec_unit, where)
    if stated is not None:
        return _use(table, _column_for(columns, stated, where), stated, ec_unit, where)
    return _only_known(table, columns, ec_unit, where)


def with_ec(samples: pd.DataFrame, ec: Ec) -> pd.DataFrame:
    """Samples with `ec_ds_m` and `ec_method`, and `ece_ds_m` where all was measured as ECe.

    A column of the file that has one of these names but was not chosen is kept under another name, so
    that nobody takes it for the EC in use.
    """
    columns: dict[str, object] = {}
    if ec.values is not None and ec.method is not None:
        method = pd.Series(list(ec.method), index=samples.index, dtype=object)
        known = ~np.isnan(ec.values)
        columns = {"ec_ds_m": ec.values, "ec_method": method.where(known, None)}
        if set(ec.method) == {"ECe"}:
            columns["ece_ds_m"] = ec.values
    aside = {name: f"{name} (not used)" for name in ("ec_ds_m", "ece_ds_m") if name not in columns}
    others = samples.drop(columns=[name for name in columns if name in samples.columns]).rename(columns=aside)
    return pd.concat([others, pd.DataFrame(columns, index=samples.index)], axis=1)


def samples_of(
    table: pd.DataFrame,
    named: Named,
    where: str,
    *,
    ec: str | None = None,
    ec_column: str | None = None,
    ec_unit: str | None = None,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Standard columns first, then EC where it can be used, then the columns of the table; and notes."""
    samples, notes = standard_columns(table, named, where)
    found = find_ec(table, ec=ec, ec_column=ec_column, ec_unit=ec_unit, where=where)
    return with_ec(samples, found), (*notes, *found.notes)


def _only_known(table: pd.DataFrame, columns: list[str], ec_unit: str | None, where: str) -> Ec:
    known = [c for c in columns if method_of(c) or _has_method_column(table, c)]
    if len(known) == 1:
        return _use(table, known[0], None, ec_unit, where)
    if len(known) > 1:
        options = ", ".join(f"{c} ({method_of(c) or 'by row'})" for c in known)
        return Ec(
            None, None, (f"EC not used: several columns hold it: {options}; choose with ec= or ec_column=",)
        )
    if columns:
        return Ec(
            None, None, (f"EC not used: the name of {', '.join(columns)} does not tell the method; say ec=",)
        )
    return Ec(None, None, ("no EC column found",))


def _column_for(columns: list[str], method: str, where: str) -> str:
    same = [c for c in columns if method_of(c) == method]
    unnamed = [c for c in columns if method_of(c) is None]
    if len(same) == 1 or (not same and len(unnamed) == 1):
        return (same or unnamed)[0]
    if same or unnamed:
        raise LabelError(
            f"several columns may hold {method}: {', '.join(same or unnamed)}",
            where=where,
            fix="Choose one with ec_column=.",
        )
    there = ", ".join(f"{c} ({method_of(c)})" for c in columns)
    raise LabelError(
        f"no column holds {method}",
        where=where,
        fix=f"There are: {there}." if there else "Name the column with ec_column=.",
    )


def _use(table: pd.DataFrame, column: str, stated: str | None, ec_unit: str | None, where: str) -> Ec:
    _refuse_exchange(column, where)
    method = _method_for(table, column, stated, where)
    told = unit_of(column)
    if ec_unit and told and not np.isclose(ds_per_m(1.0, ec_unit), ds_per_m(1.0, told)):
        raise LabelError(
            f"ec_unit={ec_unit!r}, but the name of column {column} says {told}",
            where=where,
            fix="Leave ec_unit out, or rename the column.",
        )
    unit = ec_unit or told or _assumed_unit(column, where)
    values = ds_per_m(numeric(table[column], column, where), unit)
    method, merged = _unmerged(table, column, method, ~np.isnan(values))
    notes = [_used(column, method, unit, told=bool(ec_unit or told)) + merged]
    values = _checked(values, column, unit, where, notes)
    return Ec(values, method, tuple(notes))


def _method_for(table: pd.DataFrame, column: str, stated: str | None, where: str) -> Sequence[str]:
    told = method_of(column)
    if stated and told and stated != told:
        raise LabelError(
            f"the name of column {column} says {told}, ec= says {stated}",
            where=where,
            fix="Name the right column with ec_column=, or rename it.",
        )
    if (one := stated or told) is not None:
        return [one] * len(table)
    if _has_method_column(table, column):
        return _methods_by_row(table, column, where)
    raise LabelError(
        f"EC without a method: the name of column {column} does not tell it",
        where=where,
        fix=f"Say ec= with one of {listed(list(METHODS))}.",
    )


def _has_method_column(table: pd.DataFrame, column: str) -> bool:
    return column.lower() == "ec_ds_m" and "ec_method" in table.columns


def _methods_by_row(table: pd.DataFrame, column: str, where: str) -> list[str]:
    has_ec = table[column].notna().to_numpy()
    missing = np.flatnonzero(table["ec_method"].isna().to_numpy() & has_ec)
    if len(missing):
        raise LabelError(
            f"EC without a method in {rows_text(missing)} of column ec_method",
            where=where,
            fix=f"Known methods: {listed(list(METHODS))}.",
        )
    return [parse_method(str(m)) if not pd.isna(m) else "" for m in table["ec_method"]]


def _refuse_exchange(column: str, where: str) -> None:
    if exchange(column):
        raise LabelError(
            f"column {column} holds cation exchange (ECEC, CEC), not electrical conductivity",
            where=where,
            fix="Name the column of EC with ec_column=.",
        )


def _assumed_unit(column: str, where: str) -> str:
    if dissolved_salts(column):
        raise LabelError(
            f"column {column} holds dissolved salts without a clear unit",
            where=where,
            fix="Say ec_unit='mg/L' if it is per litre of the extract; salt per mass of soil is no EC.",
        )
    return "dS/m"


def _unmerged(
    table: pd.DataFrame, column: str, method: Sequence[str], known: NDArray[np.bool_]
) -> tuple[Sequence[str], str]:
    """Method of each row with those of LUCAS told apart, and what to tell about it."""
    code, dataset, marks, true = MERGED
    here = next((name for name in table.columns if str(name).lower() == dataset), None)
    if column.strip().lower() != code:
        return method, ""
    if here is None:
        return method, f"; {BY_CODE[code][1]}"
    theirs = table[here].astype("string").str.upper().str.contains(marks, regex=False).fillna(False)
    rows = theirs.to_numpy(dtype=bool)
    if not rows.any():
        return method, ""
    note = (
        f"; {int((rows & known).sum())} values of {marks} rows ({here}) are {true} by ISO 11265, which OSSL "
        "merges into this column, and are taken as such"
    )
    return [true if other else one for one, other in zip(method, rows, strict=True)], note


def _used(column: str, method: Sequence[str], unit: str, *, told: bool) -> str:
    names = ", ".join(sorted(set(method) - {""})) or "by row"
    assumed = "" if told else " (assumed: neither the column nor ec_unit= says)"
    return f"EC from column {column}: {names}, {unit}{assumed}"


def _checked(
    values: NDArray[np.float64], column: str, unit: str, where: str, notes: list[str]
) -> NDArray[np.float64]:
    negative = values < 0
    if negative.any() and is_ossl(column):
        notes.append(f"{int(negative.sum())} negative values of {column} are missing values (OSSL rule)")
        values = np.where(negative, np.nan, values)
    elif negative.any():
        rows = np.flatnonzero(negative)
        raise LabelError(
            f"EC below zero in {rows_text(rows)} of column {column} ({values[rows[0]]:g} dS/m)",
            where=where,
            fix="Correct the values, or leave missing ones empty.",
        )
    if (values > _HIGHEST_DS_M).any():
        row = int(np.nanargmax(values))
        raise LabelError(
            f"EC of {values[row]:g} dS/m in {rows_text([row])} of column {column} (read as {unit}) "
            "is beyond any soil",
            where=where,
            fix="State the unit, for example ec_unit='uS/cm'.",
        )
    return values
