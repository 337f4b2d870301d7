"""Tables on disk: CSV (also gzipped), Parquet and Excel, split into spectra and everything else.

Spectral columns go straight into one float32 matrix, without a detour through Python objects.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import ProductError, SpectraError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 4096
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
MISSING = ["", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None", "none"]


@dataclass(frozen=True)
class TableFile:
    """A table whose header has been read.

    columns  names in file order, without the index pandas may have stored
    notes    what had to be found out: the separator, a decimal comma
    """

    path: Path
    columns: tuple[str, ...]
    separator: str = ","
    decimal: str = "."
    notes: tuple[str, ...] = ()

    def load(
        self, spectral: Sequence[str] = (), *, other: Sequence[str] = (), text: Collection[str] = ()
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """The other columns as a table, and the spectral ones as (row, column) float32, NaN = missing.

        text  columns of `other` to be kept as text ("007" is not 7)
        """
        if twice := [name for name, times in Counter([*other, *spectral]).items() if times > 1]:
            raise ProductError(
                f"column {twice[0]} stands there twice", where=str(self.path), fix="Rename one of the two."
            )
        with _explained(self.path, self.separator):
            return self._load(list(spectral), list(other), set(text))

    def _load(
        self, spectral: list[str], other: list[str], _text: set[str]
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        return _load_csv(self, spectral, other, _text)


class ParquetFile(TableFile):
    """A Parquet file whose schema has been read."""

    def _load(
        self, spectral: list[str], other: list[str], _text: set[str]
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        return _load_parquet(self, spectral, other)


def open_table(path: Path, sheet: str | None = None) -> TableFile:
    """Read the header of a table.

    sheet  of an Excel workbook, where several hold data

    Columns without a name are called "column N". Raises ProductError for an empty file, an encoding
    other than UTF-8, and a file that is no table; UsageError for a sheet that must be named or is not there.
    """
    from deepsalt.readers.workbook import is_workbook, open_workbook

    head = head_of(path)
    if not head:
        raise ProductError("the file is empty (0 bytes)", where=str(path), fix="Copy or download it again.")
    if is_workbook(path, head):
        return open_workbook(path, sheet)
    if sheet is not None:
        raise UsageError("the file has no sheets", where=str(path), fix="Leave the name of a sheet away.")
    if head.startswith(_PARQUET):
        return _open_parquet(path)
    lines = _first_lines(path)
    separator = _separator(lines[0], path)
    header = next(csv.reader([lines[0]], delimiter=separator))
    columns = tuple(name.strip() or f"column {number}" for number, name in enumerate(header, 1))
    comma = separator == ";" and len(lines) > 1 and re.search(r"(^|;)\s*-?\d+,\d+", lines[1]) is not None
    notes = [] if separator == "," else [f"columns are separated by {separator!r}"]
    notes += ["decimals are written with a comma"] if comma else []
    return TableFile(path, columns, separator, "," if comma else ".", tuple(notes))


def columns_of(path: Path, sheet: str | None = None) -> tuple[str, ...]:
    """Names of a table's columns, quickly. Raises as `open_table` does."""
    from deepsalt.readers.workbook import is_workbook, workbook_columns

    return (
        workbook_columns(path, sheet) if is_workbook(path, head_of(path)) else open_table(path, sheet).columns
    )


def head_of(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file, unpacked where it is gzipped; ProductError for a damaged gzip."""
    with path.open("rb") as stream:
        raw = stream.read(size)
    if not raw.startswith(_GZIP):
        return raw
    try:
        with gzip.open(path) as unpacked:
            return unpacked.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error


def looks_like_text(head: bytes) -> bool:
    """Whether bytes may be the start of a text file: no NUL and no other control characters."""
    return bool(head) and not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head)


def is_parquet(head: bytes) -> bool:
    return head.startswith(_PARQUET)


def header_separator(line: str) -> str | None:
    """The separator of a header line: the most frequent of comma, tab and semicolon outside quotes."""
    bare = re.sub(r'"[^"]*"', "", line)
    counts = {mark: bare.count(mark) for mark in ",\t;"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else None


def _first_lines(path: Path) -> list[str]:
    opener: Any = gzip.open if _is_gzip(path) else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline=None) as stream:
            lines = [stream.readline().rstrip("\r\n"), stream.readline().rstrip("\r\n")]
    except UnicodeDecodeError as error:
        raise _not_utf8(path, f"byte {error.object[error.start]:#04x}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error
    return lines if lines[1] else lines[:1]


def _separator(header: str, path: Path) -> str:
    separator = header_separator(header)
    if separator is None:
        start = header[:60] + ("..." if len(header) > 60 else "")
        raise ProductError(
            f"this is no table: its first line has no comma, semicolon or tab ({start!r})",
            where=str(path),
            fix="Give a CSV or Parquet file with one header line and one sample a row.",
        )
    return separator


def _load_csv(
    table: TableFile, spectral: list[str], other: list[str], text: set[str]
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    types: dict[str, Any] = {name: pa.string() for name in other if name in text}
    types |= {name: pa.float32() for name in spectral}
    read = arrow_csv.read_csv(
        pa.input_stream(str(table.path), compression="gzip" if _is_gzip(table.path) else None),
        read_options=arrow_csv.ReadOptions(block_size=1 << 23, column_names=list(table.columns), skip_rows=1),
        parse_options=arrow_csv.ParseOptions(delimiter=table.separator, newlines_in_values=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types,
            include_columns=[*other, *spectral],
            null_values=MISSING,
            strings_can_be_null=True,
            decimal_point=table.decimal,
            timestamp_parsers=[],
        ),
    )
    if any(pa.types.is_binary(field.type) for field in read.schema):  # what text becomes that is not UTF-8
        raise _not_utf8(table.path, "a text that is not UTF-8")
    frame = read.select(other).to_pandas() if other else pd.DataFrame(index=range(read.num_rows))
    matrix = np.empty((read.num_rows, len(spectral)), np.float32)
    _fill(matrix, read.select(spectral).to_batches(max_chunksize=_ROWS))
    return frame, matrix


def _open_parquet(path: Path) -> TableFile:
    from pyarrow import parquet

    with _explained(path), parquet.ParquetFile(path) as file:
        names = [str(name) for name in file.schema_arrow.names]
    return ParquetFile(path, tuple(n for n in names if not n.startswith("__index_level_")))


def _load_parquet(
    table: TableFile, spectral: list[str], other: list[str]
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    from pyarrow import parquet

    with parquet.ParquetFile(table.path) as file:
        rows = file.metadata.num_rows
        _check_numbers(file.schema_arrow, spectral, table.path)
        frame = pd.DataFrame(index=range(rows))
        if other:
            frame = file.read(columns=other).select(other).to_pandas(ignore_metadata=True)
        matrix = np.empty((rows, len(spectral)), np.float32)
        if spectral:
            batches = (b.select(spectral) for b in file.iter_batches(batch_size=_ROWS, columns=spectral))
            _fill(matrix, batches)
    return frame, matrix


def _fill(matrix: NDArray[np.float32], batches: Iterator[pa.RecordBatch] | list[pa.RecordBatch]) -> None:
    """Write record batches into the rows of a matrix, column by column, nulls as NaN."""
    row = 0
    for batch in batches:
        rows = slice(row, row + batch.num_rows)
        for index, column in enumerate(batch.columns):
            with np.errstate(over="ignore"):  # what float32 cannot hold is refused when Spectra are made
                matrix[rows, index] = column.to_numpy(zero_copy_only=False)
        row += batch.num_rows


def _check_numbers(schema: pa.Schema, spectral: Sequence[str], path: Path) -> None:
    from pyarrow import types

    for name in spectral:
        kind = schema.field(name).type
        if not (types.is_floating(kind) or types.is_integer(kind) or types.is_null(kind)):
            raise SpectraError(
                f"spectral column {name} holds {kind}, not numbers",
                where=str(path),
                fix="Store the spectra as float32 or float64.",
            )


@contextmanager
def _explained(path: Path, separator: str = ",") -> Iterator[None]:
    """Turn what the readers of pyarrow say into one line for the user."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowInvalid as error:
        raise _explain(str(error), path, separator) from error
    except (pa.ArrowException, OSError, EOFError, ValueError) as error:
        raise _damaged(path, str(error).partition("\n")[0] or type(error).__name__) from error


def _explain(message: str, path: Path, separator: str) -> Exception:
    if "UTF8" in message or "UTF-8" in message:
        return _not_utf8(path, "a text that is not UTF-8")
    if re.search(r"Expected \d+ columns, got \d+", message):
        return _ragged(path, separator)
    if text := re.search(r"In CSV column #(\d+).*invalid value '(.*?)'", message):
        return SpectraError(
            f"a spectral column (number {int(text[1]) + 1}) holds {text[2]!r}, not a number",
            where=str(path),
            fix="Leave missing values empty and write decimals with a point.",
        )
    return _damaged(path, message.splitlines()[0])


def _ragged(path: Path, separator: str) -> ProductError:
    """Find the first line whose number of columns is not that of the header."""
    opener: Any = gzip.open if _is_gzip(path) else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
        rows = csv.reader(stream, delimiter=separator)
        expected = len(next(rows))
        uneven = ((rows.line_num, len(row)) for row in rows if row and len(row) != expected)
        line, found = next(uneven, (0, 0))
    at = f"but line {line} has {found}" if line else "but other lines have not"
    return ProductError(
        f"the header has {expected} columns, {at}",
        where=str(path),
        fix="Give every row the same number of separators; put texts that hold one in quotes.",
    )


def _damaged(path: Path, why: object) -> ProductError:
    return ProductError(
        f"the file is damaged or cut off ({str(why) or type(why).__name__})",
        where=str(path),
        fix="Copy or download it again.",
    )


def _not_utf8(path: Path, found: str) -> ProductError:
    return ProductError(
        f"the text is not UTF-8 (found {found})",
        where=str(path),
        fix="Save it as UTF-8, for example: iconv -f latin1 -t utf-8 OLD > NEW.",
    )


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP
