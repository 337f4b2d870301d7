"""The samples behind spectra: the options that name their columns, and a table joined on the id.

One piece for every reader: a folder of scans, a library of spectra or a wide table takes `metadata=`, a table
(CSV, Parquet, Excel) with a row for each sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, SpectraError, UsageError
from deepsalt.readers.columns import TEXT, Named, listed, name_columns
from deepsalt.readers.ec_columns import samples_of
from deepsalt.readers.tabular import open_table
from deepsalt.spectra import Spectra

_NAMING = ("id", "group", "region", "date", "latitude", "longitude")
_EC = ("ec", "ec_column", "ec_unit")


class SampleOptions(TypedDict, total=False):
    """Options of every reader that tell about samples.

    metadata        table of the samples (CSV, Parquet, Excel), joined on the id
    metadata_sheet  its sheet, where it is a workbook with several
    ec, ec_column, ec_unit   which EC column, by which method, in which unit: see `find_ec`
    id, group, region, latitude, longitude, date   columns that do not go by a known name

    They are about the metadata where there are any, else about the table that holds the spectra.
    """

    metadata: str | Path | None
    metadata_sheet: str | None
    ec: str | None
    ec_column: str | None
    ec_unit: str | None
    id: str | None
    group: str | None
    region: str | None
    latitude: str | None
    longitude: str | None
    date: str | None


def named_columns(columns: Sequence[str], options: SampleOptions, where: str) -> Named:
    """The standard columns among those of a table with spectra, by the options or by known names."""
    if options.get("metadata") is None:
        return name_columns(columns, _stated(options), where)
    id = options.get("id")
    here = id is not None and id.lower() in {column.lower() for column in columns}
    return name_columns(columns, {"id": id if here else None}, where)


def text_columns(named: Named) -> set[str]:
    """Columns that must stay text: "007" is not 7."""
    return {named.of[name] for name in TEXT if name in named.of}


def samples_in(
    table: pd.DataFrame, named: Named, options: SampleOptions, where: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Samples of the rows of a table with spectra: standard columns, EC, its other columns; and notes."""
    if options.get("metadata") is not None:
        return samples_of(table, named, where)
    return samples_of(table, named, where, **_ec_of(options))


def with_metadata(spectra: Spectra, options: SampleOptions, what: str = "scans") -> Spectra:
    """The same spectra with what a table says of their samples, joined on the id.

    what  how the spectra are called in messages

    Without metadata they stay as they are; an option that names a column is a UsageError then.
    Raises UsageError for metadata that are not there or of other samples, LabelError for an id that
    stands there twice or a table without ids, and what `samples_of` raises.
    """
    metadata = options.get("metadata")
    if metadata is not None:
        samples, notes = _joined(spectra.samples, Path(metadata).expanduser(), options, what)
        return replace(spectra, samples=samples, provenance=(*spectra.provenance, *notes))
    asked = [name for name in (*_EC, *_NAMING, "metadata_sheet") if options.get(name) is not None]
    if asked:
        raise UsageError(
            f"{asked[0]}= is about a table of samples, and none is given",
            fix="Name it: metadata=TABLE (CSV, Parquet or Excel).",
        )
    return spectra


def without_empty(
    values: NDArray[np.float32], samples: pd.DataFrame, drop: bool, provenance: list[str], where: str
) -> tuple[NDArray[np.float32], pd.DataFrame]:
    """Without the samples that have no value in any band; SpectraError where they are not to be dropped."""
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


def _stated(options: SampleOptions) -> dict[str, str | None]:
    return {name: options.get(name) for name in _NAMING}  # type: ignore[misc]


def _ec_of(options: SampleOptions) -> dict[str, str | None]:
    return {name: options.get(name) for name in _EC}  # type: ignore[misc]


def _rows(metadata: Path, options: SampleOptions, where: str) -> tuple[pd.DataFrame, list[str]]:
    """The table of samples in standard columns, one row a sample."""
    if not metadata.is_file():
        raise UsageError("no such file", where=where, fix="Check the path of the metadata.")
    file = open_table(metadata, options.get("metadata_sheet"))
    named = name_columns(file.columns, _stated(options), where)
    if "id" not in named.of:
        raise LabelError(
            f"the metadata have no column of ids (columns: {listed(file.columns)})",
            where=where,
            fix="Name it: id=COLUMN.",
        )
    table, _ = file.load(other=file.columns, text=text_columns(named))
    rows, notes = samples_of(table, named, where, **_ec_of(options))
    twice = rows["id"][rows["id"].duplicated()]
    if len(twice):
        raise LabelError(
            f"{len(twice)} ids stand there more than once (first: {twice.iloc[0]})",
            where=where,
            fix="Keep one row a sample.",
        )
    return rows, [*file.notes, *notes]


def _joined(
    samples: pd.DataFrame, metadata: Path, options: SampleOptions, what: str
) -> tuple[pd.DataFrame, list[str]]:
    where = str(metadata)
    rows, notes = _rows(metadata, options, where)
    known = samples["id"].isin(rows["id"])
    if not known.any():
        raise UsageError(
            f"no id of the metadata is that of one of the {what} (metadata: "
            f"{listed(rows['id'].tolist(), 3)}; {what}: {listed(samples['id'].tolist(), 3)})",
            where=where,
            fix="Name the column of the metadata that holds their ids: id=COLUMN.",
        )
    own = samples.drop(columns=[name for name in samples if name != "id" and name in rows])
    told = [f"{int(known.sum())} {what} joined to {metadata.name}", *notes]
    if not known.all():
        missing = listed(samples.loc[~known, "id"].tolist(), 5)
        told.append(f"{int((~known).sum())} {what} have no row there (id {missing})")
    return own.merge(rows, on="id", how="left", validate="many_to_one"), told
