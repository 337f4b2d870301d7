"""A folder of scans, one file each, as spectrometers and libraries have them, joined to a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias, Unpack

import numpy as np
import pandas as pd

from deepsalt.errors import ProductError, SpectraError, UsageError
from deepsalt.readers import asd, opus, spectral_text
from deepsalt.readers.columns import listed
from deepsalt.readers.samples import SampleOptions, with_metadata
from deepsalt.spectra import Spectra

Scans: TypeAlias = asd.AsdReader | opus.OpusReader | spectral_text.SpectralTextReader

_SCANS: tuple[Scans, ...] = (asd.READER, opus.READER, spectral_text.READER)
#: Options that are passed on to the scans, and what files that do not take them lack.
_PASSED_ON: dict[Scans, tuple[str, ...]] = {
    asd.READER: (),
    opus.READER: ("block", "scale"),
    spectral_text.READER: ("domain", "scale", "wavelengths"),
}
_LACK = {
    "block": "blocks",
    "domain": "several domains",
    "scale": "another scale",
    "wavelengths": "wavelengths apart",
}
_SAME = 1e-3  # nm or cm-1: the axes of two scans of one instrument
_LOOKED_AT = 50


class FolderReader:
    """Reader of folders that hold scans of one format."""

    name = "folder"
    description = "folder of ASD, Bruker OPUS, ECOSTRESS or USGS files, one scan each"
    specificity = 5

    def matches(self, path: Path) -> bool:
        """Whether one of its first 50 files is a scan."""
        return path.is_dir() and any(_format(file) for file in _files(path)[:_LOOKED_AT])

    def open(
        self,
        path: Path,
        *,
        block: str | None = None,
        domain: str | None = None,
        scale: float | None = None,
        wavelengths: str | Path | None = None,
        drop_damaged: bool = False,
        **sample: Unpack[SampleOptions],
    ) -> Spectra:
        """All scans of the folder, in the order of their names; its subfolders are not looked into.

        block         of OPUS files with several results: see `OpusReader.open`
        domain, wavelengths   of ECOSTRESS and USGS files: see `SpectralTextReader.open`
        scale         factor of OPUS and text files
        drop_damaged  leave out scans that cannot be read, and say so, instead of raising
        sample        see `SampleOptions`: metadata and its columns. A scan's id is its file's name without
                      the ending, so that `soil_17.0` and `soil_17.1` are scans of one sample

        Raises UsageError for a folder of several formats, or metadata of other samples; LabelError for an id
        that stands twice in the metadata; SpectraError for scans on different axes; and what a scan raises.
        """
        where = str(path)
        reader, scans, aside = _scans_of(path, where)
        given = {"block": block, "domain": domain, "scale": scale, "wavelengths": wavelengths}
        options = {name: value for name, value in given.items() if value is not None}
        for name in options:
            if name not in _PASSED_ON[reader]:
                raise UsageError(
                    f"{reader.name} files have no {_LACK[name]}", where=where, fix=f"Leave {name}= away."
                )
        found, damaged = _read_all(reader, scans, options, drop_damaged)
        if not found:
            raise ProductError(f"none of {len(scans)} scans can be read", where=where, fix=damaged[0])
        _check_axes(found, where)
        if reader is opus.READER:
            _check_blocks(found, where)
        samples = pd.concat([one.samples for one in found], ignore_index=True)
        notes = [f"read {len(found)} {reader.name} files from {path.name}"]
        notes += [*_said_of(found), *_left_out(aside, damaged)]
        together = Spectra.of_table(
            np.concatenate([one.values for one in found]), found[0].axis, found[0].quantity,
            samples=samples, provenance=notes, where=where,
        )  # fmt: skip
        return with_metadata(together, sample)


READER = FolderReader()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _format(file: Path) -> Scans | None:
    return next((reader for reader in _SCANS if reader.matches(file)), None)


def _scans_of(path: Path, where: str) -> tuple[Scans, list[Path], list[Path]]:
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
    reader: Scans, scans: Sequence[Path], options: dict[str, Any], drop: bool
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
