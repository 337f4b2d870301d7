"""Excel workbooks (.xlsx) as tables, opened by openpyxl: one sheet, its header found below titles.

Cells are read as they are stored, so that numbers kept as text, titles above the header and formulas
without a value are found out and said.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import ProductError, SpectraError, UsageError
from deepsalt.quiet import quiet
from deepsalt.readers.columns import listed
from deepsalt.readers.spectral_columns import count_bands
from deepsalt.readers.tabular import MISSING, TableFile

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_MOST_BYTES = 1 << 30  # unpacked; an Excel sheet of more is a library for Parquet, or an attack
_HEADER_WITHIN = 30
_AGAIN = "Save it again as .xlsx, or as CSV (UTF-8)."

Row = tuple[Any, ...]


@dataclass(frozen=True)
class WorkbookTable(TableFile):
    """One sheet whose cells are in memory.

    cells  rows below the header, each as long as `columns`
    first  number of the first of these rows in the sheet, from 1
    """

    cells: tuple[Row, ...] = ()
    first: int = 2

    def _load(
        self, spectral: list[str], other: list[str], _text: set[str]
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        at = {name: number for number, name in enumerate(self.columns)}
        frame = pd.DataFrame(
            {name: _column([row[at[name]] for row in self.cells], name in _text) for name in other},
            index=range(len(self.cells)),
        )
        matrix = np.empty((len(self.cells), len(spectral)), np.float32)
        for index, name in enumerate(spectral):
            matrix[:, index] = self._numbers(name, at[name])
        return frame, matrix

    def _numbers(self, name: str, at: int) -> NDArray[np.float32]:
        column = [row[at] for row in self.cells]
        numbers = np.array([_number(cell) for cell in column], dtype=object)
        wrong = np.flatnonzero(numbers == None)  # noqa: E711 - element by element
        if len(wrong):
            row = int(wrong[0])
            raise SpectraError(
                f"spectral column {name} holds {column[row]!r} in row {self.first + row}, not a number",
                where=str(self.path),
                fix="Leave missing values empty and write decimals with a point.",
            )
        with np.errstate(over="ignore"):
            return numbers.astype(np.float64).astype(np.float32)


def is_workbook(path: Path, head: bytes) -> bool:
    """Whether a file is an Excel workbook, says so by its ending, or is of its older kind."""
    if path.name.lower().endswith(_SUFFIXES) or head.startswith(_OLE):
        return True
    return head.startswith(_ZIP) and any(name.startswith("xl/") for name in _names(path))


def open_workbook(path: Path, sheet: str | None = None) -> WorkbookTable:
    """The table in a workbook.

    sheet  needed where several sheets hold data

    The header is the first row that is at least half as full as the fullest one; rows above it are
    titles, left out and said. Raises ProductError for what is no workbook or cannot be read, UsageError for
    a sheet that must be named or is not there.
    """
    name, rows = _sheet(path, sheet, None)
    at, columns = _header(rows)
    below = enumerate(rows[at + 1 :], at + 2)
    body = [_fitted(row, len(columns), number, str(path)) for number, row in below]
    while body and not any(_filled(cell) for cell in body[-1]):
        body.pop()
    notes = [f"read from sheet {name!r}"]
    if titles := [str(cell) for row in rows[:at] for cell in row if _filled(cell)]:
        notes.append(f"{at} rows above the header are left out ({listed(titles, 3)})")
    if texts := _numbers_as_text(body, columns):
        notes.append(f"{texts} numbers were stored as text: read as numbers")
    return WorkbookTable(path, columns, notes=tuple(notes), cells=tuple(body), first=at + 2)


def workbook_columns(path: Path, sheet: str | None = None) -> tuple[str, ...]:
    """The header of the table in a workbook, without reading its rows. Raises as `open_workbook` does."""
    return _header(_sheet(path, sheet, _HEADER_WITHIN)[1])[1]


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as container:
            return container.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []


def _check_container(path: Path) -> None:
    """Raise ProductError for what is no .xlsx: the older format, another zip, a zip that is a bomb."""
    where = str(path)
    with path.open("rb") as stream:
        head = stream.read(len(_OLE))
    if head == _OLE:
        raise ProductError(
            "an Excel file of the older kind (.xls), or one with a password", where=where, fix=_AGAIN
        )
    if not head.startswith(_ZIP):
        raise ProductError(f"no Excel workbook: it begins with {head!r}", where=where, fix=_AGAIN)
    try:
        with zipfile.ZipFile(path) as container:
            parts = container.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ProductError(
            f"the workbook is damaged or cut off ({error})", where=where, fix="Copy it again."
        ) from error
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        raise ProductError(
            f"a zip file that is no .xlsx workbook (it holds {listed(names, 3) or 'nothing'})",
            where=where,
            fix=_AGAIN,
        )
    if (size := sum(part.file_size for part in parts)) > _MOST_BYTES:
        raise ProductError(
            f"the workbook unpacks to {size / 1e9:.1f} GB",
            where=where,
            fix="Export the sheet as CSV or Parquet.",
        )


def _sheet(path: Path, sheet: str | None, most: int | None) -> tuple[str, list[Row]]:
    """The name of the sheet to read, and its first `most` rows."""
    _check_container(path)
    sheets = _filled_sheets(path, most)
    name = _chosen(sheets, sheet, str(path))
    return name, sheets[name]


def _filled_sheets(path: Path, most: int | None) -> dict[str, list[Row]]:
    """The first `most` rows (None: all) of every sheet that holds something there."""
    from openpyxl import load_workbook

    found: dict[str, list[Row]] = {}
    try:
        with path.open("rb") as stream, quiet():  # styles and extensions do not matter here
            book = load_workbook(stream, read_only=True, data_only=True)
            try:
                for sheet in book.worksheets:
                    sheet.reset_dimensions()  # what a sheet says of its size need not be true
                    rows = [tuple(row) for row in islice(sheet.iter_rows(values_only=True), most)]
                    if any(_filled(cell) for row in rows for cell in row):
                        found[str(sheet.title)] = rows
            finally:
                book.close()
    except Exception as error:  # what it raises for damaged XML is not documented
        raise ProductError(
            f"the workbook is damaged ({type(error).__name__}: {error})", where=str(path), fix=_AGAIN
        ) from error
    if not found:
        raise ProductError("no sheet of the workbook holds anything", where=str(path))
    return found


def _chosen(sheets: dict[str, list[Row]], sheet: str | None, where: str) -> str:
    there = listed([repr(name) for name in sheets])
    if sheet is not None and sheet not in sheets:
        raise UsageError(f"no sheet {sheet!r} with data", where=where, fix=f"There are: {there}.")
    if sheet is None and len(sheets) > 1:
        raise UsageError(
            f"several sheets hold data: {there}",
            where=where,
            fix=f"Name one: sheet={next(iter(sheets))!r} (of metadata: metadata_sheet=).",
        )
    return sheet or next(iter(sheets))


def _header(rows: Sequence[Row]) -> tuple[int, tuple[str, ...]]:
    """Where the header is, and the names in it: titles above it have a cell or two."""
    filled = [sum(map(_filled, row)) for row in rows[:_HEADER_WITHIN]]
    at = next((n for n, cells in enumerate(filled) if cells and cells >= max(filled) / 2), 0)
    return at, tuple(_name(cell, number) for number, cell in enumerate(_trimmed(rows[at]), 1))


def _filled(cell: object) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _trimmed(row: Row) -> Row:
    """A row without the empty cells at its end."""
    last = max((number for number, cell in enumerate(row) if _filled(cell)), default=-1)
    return row[: last + 1]


def _fitted(row: Row, width: int, number: int, where: str) -> Row:
    """A row as long as the header."""
    if len(beyond := _trimmed(row)) > width:
        raise ProductError(
            f"the header has {width} columns, but row {number} has {len(beyond)}",
            where=where,
            fix="Name every column, or delete what stands beside the table.",
        )
    return (*row[:width], *([None] * (width - len(row))))


def _name(cell: object, number: int) -> str:
    """A header as text: 350 and 350.0 are "350"."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip() if _filled(cell) else f"column {number}"


def _number(cell: object) -> float | None:
    """A cell as a number, NaN where it is empty; None for what is neither."""
    if isinstance(cell, str):
        text = cell.strip()
        if text in MISSING:
            return float("nan")
        try:
            return float(text)
        except ValueError:
            return None
    if cell is None:
        return float("nan")
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return None
    return float(cell)


def _column(cells: list[Any], text: bool) -> pd.Series:
    """Cells of a column that holds no spectra, as numbers where all of them are."""
    plain = [_plain(cell) for cell in cells]
    numbers = [_number(cell) for cell in plain]
    if not text and all(number is not None for number in numbers):
        return pd.Series(np.array(numbers, dtype=np.float64))
    return pd.Series([None if cell is None else _name(cell, 0) for cell in plain], dtype=object)


def _plain(cell: Any) -> Any:
    """A cell with dates in ISO form and None for the words that mean missing."""
    if isinstance(cell, datetime) and not (cell.hour or cell.minute or cell.second):
        return cell.date().isoformat()
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    return None if isinstance(cell, str) and cell.strip() in MISSING else cell


def _numbers_as_text(body: Sequence[Row], columns: Sequence[str]) -> int:
    """How many cells of band columns hold a number as text."""
    bands = [number for number, name in enumerate(columns) if count_bands([name] * 3)]
    return sum(
        isinstance(row[at], str) and _filled(row[at]) and _number(row[at]) is not None
        for row in body
        for at in bands
    )
