"""A folder of scans, one file each, as spectrometers leave them, joined to a table of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.errors import LabelError, ProductError, SpectraError, UsageError
from deepsalt.readers import asd, opus
from deepsalt.readers.columns import TEXT, listed, name_columns
from deepsalt.readers.ec_columns import samples_of
from deepsalt.readers.tabular import open_table
from deepsalt.spectra import Spectra

_SCANS = (asd.READER, opus.READER)
_SAME = 1e-3  # nm or cm-1: the axes of two scans of one instrument
_LOOKED_AT = 50


class FolderReader:
    """Reader of folders that hold scans of one format."""

    name = "folder"
    description = "folder of ASD or Bruker OPUS files, one scan each"
    specificity = 5

    def matches(self, path: Path) -> bool:
        """Whether one of its first 50 files is a scan."""
        return path.is_dir() and any(_format(file) for file in _files(path)[:_LOOKED_AT])

    def open(
        self,
        path: Path,
        *,
        metadata: str | Path | None = None,
        block: str | None = None,
        drop_damaged: bool = False,
        ec: str | None = None,
        ec_column: str | None = None,
        ec_unit: str | None = None,
        id: str | None = None,
        group: str | None = None,
        region: str | None = None,
        latitude: str | None = None,
        longitude: str | None = None,
        date: str | None = None,
    ) -> Spectra:
        """All scans of the folder, in the order of their names; its subfolders are not looked into.

        metadata      table of the samples (CSV, Parquet), joined on the id: a scan's is its file's name
                      without the ending, so that `soil_17.0` and `soil_17.1` are scans of one sample
        block         of OPUS files with several results: see `OpusReader.open`
        drop_damaged  leave out scans that cannot be read, and say so, instead of raising
        ec, ec_column, ec_unit, id, group, region, latitude, longitude, date   of the metadata: as for tables

        Raises UsageError for a folder of several formats, or metadata of other samples; LabelError for an id
        that stands twice in the metadata; SpectraError for scans on different axes; and what a scan raises.
        """
        where = str(path)
        reader, scans, aside = _scans_of(path, where)
        options: dict[str, Any] = {"block": block} if block is not None else {}
        if options and reader is not opus.READER:
            raise UsageError(f"{reader.name} files have no blocks", where=where, fix="Leave block= away.")
        found, damaged = _read_all(reader, scans, options, drop_damaged)
        if not found:
            raise ProductError(f"none of {len(scans)} scans can be read", where=where, fix=damaged[0])
        _check_axes(found, where)
        if reader is opus.READER:
            _check_blocks(found, where)
        samples = pd.concat([one.samples for one in found], ignore_index=True)
        notes = [f"read {len(found)} {reader.name} files from {path.name}"]
        notes += [*_said_of(found), *_left_out(aside, damaged)]
        if metadata is not None:
            stated = {"id": id, "group": group, "region": region, "date": date,
                      "latitude": latitude, "longitude": longitude}  # fmt: skip
            samples, told = _joined(samples, Path(metadata), stated, ec, ec_column, ec_unit)
            notes += told
        return Spectra.of_table(
            np.concatenate([one.values for one in found]), found[0].axis, found[0].quantity,
            samples=samples, provenance=notes, where=where,
        )  # fmt: skip


READER = FolderReader()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _format(file: Path) -> asd.AsdReader | opus.OpusReader | None:
    return next((reader for reader in _SCANS if reader.matches(file)), None)


def _scans_of(path: Path, where: str) -> tuple[asd.AsdReader | opus.OpusReader, list[Path], list[Path]]:
    """The format of the folder's scans, these scans, and the other files."""
    files = _files(path)
    formats = [_format(file) for file in files]
    kinds = {reader.name: reader for reader in formats if reader is not None}
    if len(kinds) != 1:
        what = f"scans of several formats ({', '.join(kinds)})" if kinds else "no scan"
        raise UsageError(
            f"the folder holds {what}",
            where=where,
            fix="Give each format a folder, and read them one by one.",
        )
    (reader,) = kinds.values()
    scans = [file for file, found in zip(files, formats, strict=True) if found is not None]
    return reader, scans, [file for file in files if file not in set(scans)]


def _read_all(
    reader: asd.AsdReader | opus.OpusReader, scans: Sequence[Path], options: dict[str, Any], drop: bool
) -> tuple[list[Spectra], list[str]]:
    """The spectra, and what was said of the scans that could not be read."""
    found: list[Spectra] = []
    damaged: list[str] = []
    for scan in scans:
        try:
            found.append(reader.open(scan, **options))
        except (ProductError, SpectraError) as error:
            if not drop:
                raise
            damaged.append(str(error))
    return found, damaged


def _check_axes(found: Sequence[Spectra], where: str) -> None:
    first = found[0]
    for one in found:
        same = len(one.axis) == len(first.axis) and np.allclose(
            one.axis.values, first.axis.values, rtol=0, atol=_SAME
        )
        if not same or one.quantity != first.quantity:
            ids = [str(spectra.samples["id"].iloc[0]) for spectra in (first, one)]
            raise SpectraError(
                f"{ids[0]} has {first.quantity}, {first.axis.describe()}; {ids[1]} has {one.quantity}, "
                f"{one.axis.describe()}",
                where=where,
                fix="Read scans of one setting at a time, and resample them to one axis.",
            )


def _check_blocks(found: Sequence[Spectra], where: str) -> None:
    """Absorbance and transmittance turned into it are no scans of one setting."""
    blocks = {one.provenance[0].partition(", ")[2]: str(one.samples["id"].iloc[0]) for one in found}
    if len(blocks) > 1:
        told = "; ".join(f"{block} (id {id})" for block, id in blocks.items())
        raise UsageError(
            f"the scans were read from several blocks: {told}", where=where, fix="Name one: block=."
        )


def _said_of(found: Sequence[Spectra]) -> list[str]:
    """What the scans say of themselves, once each; how many say it where not all do."""
    first = [one.provenance[0].partition(", ")[2] for one in found]  # after "read from FILE, "
    counts = Counter([*first, *(note for one in found for note in one.provenance[1:])])
    return [note if n == len(found) else f"{note} ({n} of {len(found)} scans)" for note, n in counts.items()]


def _left_out(aside: Sequence[Path], damaged: Sequence[str]) -> list[str]:
    notes = []
    if aside:
        notes.append(f"{len(aside)} other files left aside ({listed([file.name for file in aside], 5)})")
    if damaged:
        notes.append(f"{len(damaged)} scans dropped (the first: {damaged[0]})")
    return notes


def _joined(
    samples: pd.DataFrame,
    metadata: Path,
    stated: dict[str, str | None],
    ec: str | None,
    ec_column: str | None,
    ec_unit: str | None,
) -> tuple[pd.DataFrame, list[str]]:
    """The scans' samples with what a table says of them, one row a scan; and notes."""
    where = str(metadata)
    if not metadata.is_file():
        raise UsageError("no such file", where=where, fix="Check the path of the metadata.")
    file = open_table(metadata)
    named = name_columns(file.columns, stated, where)
    if "id" not in named.of:
        raise LabelError(
            f"the metadata have no column of ids (columns: {listed(file.columns)})",
            where=where,
            fix="Name it: id=COLUMN.",
        )
    text = {named.of[name] for name in TEXT if name in named.of}
    table, _ = file.load(other=file.columns, text=text)
    rows, notes = samples_of(table, named, where, ec=ec, ec_column=ec_column, ec_unit=ec_unit)
    twice = rows["id"][rows["id"].duplicated()]
    if len(twice):
        raise LabelError(
            f"{len(twice)} ids stand there more than once (first: {twice.iloc[0]})",
            where=where,
            fix="Keep one row a sample.",
        )
    known = samples["id"].isin(rows["id"])
    if not known.any():
        raise UsageError(
            f"no id of the metadata is the name of a scan (metadata: {listed(rows['id'].tolist(), 3)}; "
            f"scans: {listed(samples['id'].tolist(), 3)})",
            where=where,
            fix="Name the column that holds the files' names: id=COLUMN.",
        )
    own = samples.drop(columns=[name for name in samples if name != "id" and name in rows])
    told = [f"{int(known.sum())} scans joined to {metadata.name}", *file.notes, *notes]
    if not known.all():
        missing = listed(samples.loc[~known, "id"].tolist(), 5)
        told.append(f"{int((~known).sum())} scans have no row there (id {missing})")
    return own.merge(rows, on="id", how="left", validate="many_to_one"), told
