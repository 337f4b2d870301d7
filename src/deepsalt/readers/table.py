"""Wide tables of spectra: one sample a row, one band a column, in CSV or Parquet."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError, SpectraError
from deepsalt.readers.columns import TEXT, listed, name_columns
from deepsalt.readers.ec_columns import samples_of
from deepsalt.readers.spectral_columns import BandColumns, count_bands, domains_among, find_bands
from deepsalt.readers.tabular import head_of, header_separator, is_parquet, looks_like_text, open_table
from deepsalt.spectra import Spectra

_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_PERCENT_FROM = 3.0
_LOOKED_AT = 1000


def domains_of(path: str | Path) -> list[str]:
    """Domains of a wide table with OSSL names, in the order of its columns; none for plain headers."""
    return domains_among(open_table(Path(path)).columns)


class TableReader:
    """Reader of wide tables with OSSL column names or plain numeric headers."""

    name = "table"
    description = "wide table of spectra, CSV (also .gz) or Parquet, OSSL names or numeric headers"
    specificity = 10

    def matches(self, path: Path) -> bool:
        """Parquet by its magic number; text by its ending, or by a first line full of band headers."""
        if not path.is_file():
            return False
        head = _head(path)
        if is_parquet(head):
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
        ec: str | None = None,
        ec_column: str | None = None,
        ec_unit: str | None = None,
        id: str | None = None,
        group: str | None = None,
        region: str | None = None,
        latitude: str | None = None,
        longitude: str | None = None,
        date: str | None = None,
        drop_empty: bool = False,
    ) -> Spectra:
        """Read a table into Spectra of shape (sample, band).

        domain      "mir", "visnir" or "nir", where the file holds several
        unit        "nm" or "cm-1" of plain numeric headers
        quantity    "reflectance" or "absorbance" of plain headers
        scale       factor to multiply the values by: 0.01 for percent, 0.0001 for scaled integers
        ec, ec_column, ec_unit   which EC column, by which method, in which unit: see `find_ec`
        id, group, region, latitude, longitude, date   columns that do not go by a known name
        drop_empty  drop samples without any value instead of raising SpectraError

        Raises ProductError, UsageError, AxisError, SpectraError or LabelError; each says where.
        """
        where = str(path)
        file = open_table(path)
        bands = find_bands(file.columns, domain=domain, unit=unit, quantity=quantity, where=where)
        stated = {"id": id, "group": group, "region": region, "date": date,
                  "latitude": latitude, "longitude": longitude}  # fmt: skip
        named = name_columns(bands.others, stated, where)
        text = {named.of[name] for name in TEXT if name in named.of}
        frame, values = file.load(bands.columns, other=bands.others, text=text)
        if not len(frame):
            raise SpectraError("the table has a header but no rows", where=where)
        samples, notes = samples_of(frame, named, where, ec=ec, ec_column=ec_column, ec_unit=ec_unit)
        provenance = [f"read from {path.name}", *file.notes, *bands.notes, *notes]
        values, samples = _without_empty(values, samples, drop_empty, provenance, where)
        values = _scaled(values, bands, scale, provenance, where)
        return Spectra.of_table(
            values, bands.axis, bands.quantity, samples=samples, provenance=provenance, where=where
        )


READER = TableReader()


def _without_empty(
    values: NDArray[np.float32], samples: pd.DataFrame, drop: bool, provenance: list[str], where: str
) -> tuple[NDArray[np.float32], pd.DataFrame]:
    empty = np.asarray(np.isnan(values).all(axis=1))
    if not empty.any():
        return values, samples
    ids = listed(samples["id"].to_numpy()[empty].tolist(), 5)
    if not drop or empty.all():
        raise SpectraError(
            f"{int(empty.sum())} of {len(empty)} spectra have no value in any band (id {ids})",
            where=where,
            fix="Give another file." if empty.all() else "Drop these rows, or read with drop_empty=True.",
        )
    provenance.append(f"{int(empty.sum())} samples without a spectrum dropped (id {ids})")
    return values[~empty], samples.loc[~empty].reset_index(drop=True)


def _scaled(
    values: NDArray[np.float32], bands: BandColumns, scale: float | None, provenance: list[str], where: str
) -> NDArray[np.float32]:
    if scale is not None:
        provenance.append(f"values multiplied by scale={scale:g}")
        return values * np.float32(scale)
    if bands.quantity == "reflectance":
        typical = float(np.nanmedian(values[:: max(1, len(values) // _LOOKED_AT)]))
        if typical > _PERCENT_FROM:
            factor, name = (0.01, "percent") if typical <= 100 else (0.0001, "scaled integers")
            raise SpectraError(
                f"reflectance has a median of {typical:.3g}: it looks like {name}, not a fraction of 0-1",
                where=where,
                fix=f"Read with scale={factor:g}, or say quantity='absorbance' if that is what it is.",
            )
    return values


def _head(path: Path) -> bytes:
    """First bytes to recognise a file by; a damaged gzip is left for `open` to explain."""
    try:
        return head_of(path)
    except (DeepSaltError, gzip.BadGzipFile, zlib.error, OSError):
        return b"\x1f\x8b"
