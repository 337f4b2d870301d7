"""Wide tables of spectra: one sample a row, one band a column, in CSV, Parquet or Excel."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Unpack

from deepsalt.errors import DeepSaltError, SpectraError
from deepsalt.readers.quantity import as_told
from deepsalt.readers.samples import (
    SampleOptions,
    named_columns,
    samples_in,
    text_columns,
    with_metadata,
    without_empty,
)
from deepsalt.readers.spectral_columns import count_bands, domains_among, find_bands
from deepsalt.readers.tabular import (
    columns_of,
    head_of,
    header_separator,
    is_parquet,
    looks_like_text,
    open_table,
)
from deepsalt.readers.workbook import is_workbook
from deepsalt.spectra import Spectra

_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")


def domains_of(path: str | Path, sheet: str | None = None) -> list[str]:
    """Domains of a wide table with OSSL names, in the order of its columns; none for plain headers."""
    return domains_among(columns_of(Path(path), sheet))


class TableReader:
    """Reader of wide tables with OSSL column names or plain numeric headers."""

    name = "table"
    description = "wide table of spectra, CSV (also .gz), Parquet or Excel, OSSL names or numeric headers"
    specificity = 10

    def matches(self, path: Path) -> bool:
        """Parquet and Excel by content; text by its ending, or by a first line full of band headers."""
        if not path.is_file():
            return False
        head = _head(path)
        if is_parquet(head) or is_workbook(path, head):
            return True
        if path.name.lower().endswith(_SUFFIXES) and b"\x00\x00" not in head[:64]:
            return True
        if not looks_like_text(head):
            return False
        line = head.decode("utf-8", errors="replace").splitlines()[0]
        separator = header_separator(line)
        return separator is not None and count_bands([c.strip('" ') for c in line.split(separator)]) > 0

    def open(
        self,
        path: Path,
        *,
        domain: str | None = None,
        unit: str | None = None,
        quantity: str | None = None,
        scale: float | None = None,
        sheet: str | None = None,
        drop_empty: bool = False,
        **sample: Unpack[SampleOptions],
    ) -> Spectra:
        """Read a table into Spectra of shape (sample, band).

        domain      "mir", "visnir" or "nir", where the file holds several
        unit        "nm", "um" or "cm-1" of plain numeric headers
        quantity    "reflectance" or "absorbance" of plain headers
        scale       factor to multiply the values by: 0.01 for percent, 0.0001 for scaled integers
        sheet       of an Excel workbook, where several hold data
        drop_empty  drop samples without any value instead of raising SpectraError
        sample      see `SampleOptions`

        Raises ProductError, UsageError, AxisError, SpectraError or LabelError; each says where.
        """
        where = str(path)
        file = open_table(path, sheet)
        bands = find_bands(file.columns, domain=domain, unit=unit, quantity=quantity, where=where)
        named = named_columns(bands.others, sample, where)
        frame, values = file.load(bands.columns, other=bands.others, text=text_columns(named))
        if not len(frame):
            raise SpectraError("the table has a header but no rows", where=where)
        samples, notes = samples_in(frame, named, sample, where)
        dropped: list[str] = []
        values, samples = without_empty(values, samples, drop_empty, dropped, where)
        values, seen = as_told(values, bands.axis, bands.told, scale, where)
        provenance = [f"read from {path.name}", *file.notes, *bands.notes, *seen, *notes, *dropped]
        found = Spectra.of_table(
            values, bands.axis, bands.quantity, samples=samples, provenance=provenance, where=where
        )
        return with_metadata(found, sample, "samples") if sample.get("metadata") else found


READER = TableReader()


def _head(path: Path) -> bytes:
    """First bytes to recognise a file by; a damaged gzip is left for `open` to explain."""
    try:
        return head_of(path)
    except (DeepSaltError, gzip.BadGzipFile, zlib.error, OSError):
        return b"\x1f\x8b"
