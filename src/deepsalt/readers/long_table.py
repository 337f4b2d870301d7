"""Long tables of spectra: one reading a row, with its sample, its wavelength or wavenumber, and its value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError, LabelError, SpectraError, UsageError
from deepsalt.readers.axis_unit import bands_of, unit_named
from deepsalt.readers.columns import find_column, listed, numeric, rows_text
from deepsalt.readers.ec_columns import is_ec
from deepsalt.readers.quantity import Told, as_told, settle_quantity
from deepsalt.readers.samples import (
    SampleOptions,
    named_columns,
    samples_in,
    text_columns,
    with_metadata,
    without_empty,
)
from deepsalt.readers.spectral_columns import count_bands
from deepsalt.readers.table import READER as WIDE
from deepsalt.readers.tabular import columns_of, open_table
from deepsalt.spectra import Quantity, Spectra

_IN = r"[ _.]*[(\[]?\s*(?P<unit>%s)?\s*[)\]]?$"
_AXIS = re.compile(
    r"^(?P<what>wave[ _]?length|wave[ _]?number|lambda|wl|wn)s?"
    + _IN % "nm|um|µm|μm|microns?|nanomet(?:er|re)s?|micromet(?:er|re)s?|cm-1|cm\\^-1|1/cm",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"^(?P<what>reflectance|refl|absorbance|abs|value|spectrum|intensity)" + _IN % "%|pct|percent|fraction",
    re.IGNORECASE,
)
_QUANTITY: dict[str, Quantity] = {"reflectance": "reflectance", "refl": "reflectance",
                                  "absorbance": "absorbance", "abs": "absorbance"}  # fmt: skip
_FEWEST = 3  # as in wide tables
_PERCENT = ("%", "pct", "percent")


@dataclass(frozen=True)
class _Columns:
    """The two columns that make a table a long one."""

    axis: str
    value: str

    def unit(self) -> str | None:
        match = _AXIS.match(self.axis.strip())
        if match is None:
            return None
        return unit_named(match["unit"] or "") or ("cm-1" if _is_number(match["what"]) else None)

    def quantity(self) -> Quantity | None:
        match = _VALUE.match(self.value.strip())
        return None if match is None else _QUANTITY.get(match["what"].lower())

    def percent(self) -> bool:
        match = _VALUE.match(self.value.strip())
        return match is not None and (match["unit"] or "").lower() in _PERCENT


class LongTableReader:
    """Reader of tables with a row for each reading."""

    name = "long_table"
    description = "long table of spectra, a row a reading: id, wavelength or wavenumber, value"
    specificity = 15

    def matches(self, path: Path) -> bool:
        """Whether a table has a column of wavelengths, one of values, and no bands."""
        try:
            return WIDE.matches(path) and is_long(columns_of(path))
        except (DeepSaltError, OSError):
            return False

    def open(
        self,
        path: Path,
        *,
        axis_column: str | None = None,
        value_column: str | None = None,
        domain: str | None = None,
        unit: str | None = None,
        quantity: str | None = None,
        scale: float | None = None,
        sheet: str | None = None,
        drop_empty: bool = False,
        **sample: Unpack[SampleOptions],
    ) -> Spectra:
        """Pivot a table into Spectra of shape (sample, band); samples in the order of their first reading.

        axis_column, value_column   columns of wavelengths or wavenumbers, and of values, that do not go by a
                                    known name
        domain, unit, quantity, scale, sheet, drop_empty   as for wide tables
        sample                      see `SampleOptions`

        Other columns go into the samples where they are the same in all rows of a sample.
        Raises SpectraError for samples on different axes and for readings that stand there twice, naming the
        sample; LabelError for an EC that differs within a sample; UsageError for a table without the columns.
        """
        where = str(path)
        file = open_table(path, sheet)
        columns = _columns(file.columns, axis_column, value_column, quantity, where)
        others = [name for name in file.columns if name not in (columns.axis, columns.value)]
        named = named_columns(others, sample, where)
        if "id" not in named.of:
            raise UsageError(
                f"the table has no column of ids (columns: {listed(others)})",
                where=where,
                fix="Name it: id=COLUMN.",
            )
        frame, _ = file.load(other=file.columns, text=text_columns(named))
        if not len(frame):
            raise SpectraError("the table has a header but no rows", where=where)
        codes, ids = _samples(frame[named.of["id"]], where)
        centres, values = _pivoted(frame, columns, codes, ids, where)
        notes = [
            f"{len(frame)} readings in {columns.value} over {columns.axis} pivoted to {len(ids)} samples"
        ]
        rows = _constant(frame[others], codes, named.of["id"], notes, where)
        samples, told = samples_in(rows, named, sample, where)
        bands = bands_of(
            centres,
            told=columns.unit(),
            stated=unit,
            domain=domain,
            what=f"values of {columns.axis}",
            where=where,
        )
        known = columns.quantity() or ("reflectance" if columns.percent() else None)
        what = f"column {columns.value} says" if known else f"values of {columns.value}"
        settled, sure = settle_quantity(
            bands.axis.unit, told=known, stated=quantity, what=what, notes=notes, where=where
        )
        values, samples = without_empty(values[:, bands.order], samples, drop_empty, notes, where)
        percent = (0.01, f"column {columns.value} says percent") if columns.percent() else (1.0, "")
        values, seen = as_told(values, bands.axis, Told(settled, sure, *percent), scale, where)
        provenance = [f"read from {path.name}", *file.notes, *notes, *bands.notes, *seen, *told]
        found = Spectra.of_table(
            values, bands.axis, settled, samples=samples, provenance=provenance, where=where
        )
        return with_metadata(found, sample, "samples") if sample.get("metadata") else found


READER = LongTableReader()


def is_long(columns: Sequence[str]) -> bool:
    """Whether a header is that of a long table.

    >>> is_long(["id", "wavelength_nm", "reflectance"]), is_long(["id", "350", "351", "352"])
    (True, False)
    """
    names = [column.strip() for column in columns]
    found = any(map(_AXIS.match, names)) and any(map(_VALUE.match, names))
    return found and count_bands(columns) == 0


def _is_number(what: str) -> bool:
    return what.lower().replace("_", "").replace(" ", "") in ("wavenumber", "wn")


def _columns(
    columns: Sequence[str], axis: str | None, value: str | None, quantity: str | None, where: str
) -> _Columns:
    def one(pattern: re.Pattern[str], stated: str | None, option: str, what: str) -> str:
        if stated is not None:
            return find_column(columns, stated, option, where)
        found = [column for column in columns if pattern.match(column.strip())]
        if option == "value_column" and quantity is not None and len(found) > 1:
            found = [c for c in found if _Columns("", c).quantity() == quantity] or found
        if len(found) != 1:
            raise UsageError(
                f"several columns may hold {what}: {listed(found)}" if found
                else f"no column holds {what} (columns: {listed(columns)})",
                where=where,
                fix=f"Name it: {option}=COLUMN.",
            )  # fmt: skip
        return found[0]

    return _Columns(
        one(_AXIS, axis, "axis_column", "wavelengths or wavenumbers"),
        one(_VALUE, value, "value_column", "the values"),
    )


def _samples(column: pd.Series, where: str) -> tuple[NDArray[np.intp], list[str]]:
    """The sample of each row by number, and the ids in order of their first row."""
    text = column.astype("string").str.strip()
    missing = np.flatnonzero((text.isna() | (text == "")).to_numpy(dtype=bool))
    if len(missing):
        raise SpectraError(
            f"no id in {rows_text(missing)} of column {column.name}",
            where=where,
            fix="Give every reading the id of its sample.",
        )
    codes, ids = pd.factorize(text.astype(object))
    if len(ids) == len(column) > 1:
        raise SpectraError(
            f"every one of {len(column)} ids stands there once: this is no long table",
            where=where,
            fix="Repeat the id of a sample in all rows of its spectrum, or name the column: id=COLUMN.",
        )
    return codes, [str(id) for id in ids]


def _pivoted(
    frame: pd.DataFrame, columns: _Columns, codes: NDArray[np.intp], ids: list[str], where: str
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Band centres in increasing order, and (sample, band); each pair must be there exactly once."""
    readings = numeric(frame[columns.axis], columns.axis, where, SpectraError)
    values = numeric(frame[columns.value], columns.value, where, SpectraError)
    if not np.isfinite(readings).all():
        row = np.flatnonzero(~np.isfinite(readings))
        raise SpectraError(f"no number in {rows_text(row)} of column {columns.axis}", where=where)
    centres, band = np.unique(readings, return_inverse=True)
    if len(centres) < _FEWEST:
        raise SpectraError(
            f"{len(centres)} different values of {columns.axis} are no spectrum",
            where=where,
            fix=f"A spectrum has at least {_FEWEST} bands.",
        )
    of_sample = np.bincount(codes, minlength=len(ids))
    if len(ids) * len(centres) > 4 * len(frame):  # checked first, so that the table below stays small
        raise _uneven(ids, codes, band, centres, of_sample, where)
    cell = codes * len(centres) + band
    times = np.bincount(cell, minlength=len(ids) * len(centres))
    if (times > 1).any():
        at = int(np.argmax(times > 1))
        raise SpectraError(
            f"sample {ids[at // len(centres)]} has {times[at]} readings at {centres[at % len(centres)]:g}",
            where=where,
            fix="Keep one, or give replicates an id each.",
        )
    if (times == 0).any():
        raise _uneven(ids, codes, band, centres, of_sample, where)
    matrix = np.empty(len(times), np.float32)
    with np.errstate(over="ignore"):
        matrix[cell] = values
    return centres, matrix.reshape(len(ids), len(centres))


def _uneven(
    ids: list[str],
    codes: NDArray[np.intp],
    band: NDArray[np.intp],
    centres: NDArray[np.float64],
    of_sample: NDArray[np.intp],
    where: str,
) -> SpectraError:
    """What to say of samples that do not share one axis: the one with fewest readings, what it lacks."""
    worst = int(np.argmin(of_sample))
    there = np.zeros(len(centres), bool)
    there[band[codes == worst]] = True
    lacks = ", ".join(f"{centre:g}" for centre in centres[~there][:3])
    return SpectraError(
        f"samples do not share one axis: {ids[worst]} has {of_sample[worst]} readings, all of them together "
        f"have {len(centres)} wavelengths (it lacks {lacks}{', ...' if (~there).sum() > 3 else ''})",
        where=where,
        fix="Give every sample the same wavelengths; leave a value empty where it is missing.",
    )


def _constant(
    frame: pd.DataFrame, codes: NDArray[np.intp], id: str, notes: list[str], where: str
) -> pd.DataFrame:
    """One row a sample with the columns that do not change within one."""
    by_sample = frame.groupby(codes, sort=True)
    first = by_sample.first(skipna=True).reset_index(drop=True)
    names = [str(name) for name in frame if name != id]
    varying = [name for name in names if (by_sample[name].nunique() > 1).any()]
    for name in varying:
        if is_ec(name):
            raise LabelError(
                f"column {name} has several values within one sample",
                where=where,
                fix="Give a sample one EC.",
            )
    if varying:
        notes.append(f"columns that vary within a sample are left out ({listed(varying, 5)})")
    return first.drop(columns=varying)
