"""Bruker OPUS files, opened by brukeropus: one scan a file, in whatever blocks the spectrometer left.

A file holds absorbance, or reflectance, or several results beside the single-channel spectra they come from.
Which one is read is never a silent choice: the only result there is, or the one that `block` names.
"""

from __future__ import annotations

import io
import struct
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.quantity import Told, as_told
from deepsalt.readers.samples import SampleOptions, with_metadata
from deepsalt.spectra import Quantity, Spectra

if TYPE_CHECKING:
    from brukeropus.file.data import Data

_MAGIC = b"\n\n\xfe\xfe"
_ENTRY, _HEADER = 12, 24
_AGAIN = "Copy it from the spectrometer again."
#: Results that can be read, by the key that brukeropus gives them, and what they become.
_RESULTS: dict[str, tuple[Quantity, str]] = {
    "a": ("absorbance", "absorbance"),
    "atr": ("absorbance", "attenuated total reflectance"),
    "logr": ("absorbance", "log(1/reflectance)"),
    "r": ("reflectance", "reflectance"),
    "t": ("absorbance", "transmittance, turned into absorbance"),
}


class OpusReader:
    """Reader of OPUS files (.0, .1, ...)."""

    name = "opus"
    description = "Bruker OPUS file with a result spectrum"
    specificity = 20

    def matches(self, path: Path) -> bool:
        """By its first four bytes."""
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC

    def open(
        self,
        path: Path,
        *,
        block: str | None = None,
        scale: float | None = None,
        **sample: Unpack[SampleOptions],
    ) -> Spectra:
        """One spectrum over wavenumber (cm-1); the file's name without its number is its id.

        block  which result: "a" absorbance, "r" reflectance, "t" transmittance, "atr", "logr"; needed where
               the file holds several
        scale  factor to multiply the values by, where they were stored as percent: 0.01
        sample see `SampleOptions`

        Raises ProductError for a damaged file or one without a result, UsageError for a block that must be
        chosen or is not there, AxisError for a range that deepsalt does not read.
        """
        where = str(path)
        key, data = _chosen(_results(path, where), block, where)
        quantity, meaning = _RESULTS[_kind(key)]
        wavenumber, values = np.asarray(data.wn, float), np.asarray(data.y, float)
        notes = [f"read from {path.name}, block {key!r}: {meaning}"]
        if scale is not None and _kind(key) == "t":  # before its logarithm
            notes.append(f"values multiplied by scale={scale:g}")
            values, scale = values * scale, None
        if _kind(key) == "t":
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, -np.log10(values), np.nan)
        order = np.argsort(wavenumber)
        axis = axis_of_file(wavenumber[order], "cm-1", where=where)
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
            values = values[order][None].astype(np.float32)
        values, told = as_told(values, axis, Told(quantity, sure=True), scale, where)
        samples = pd.DataFrame({"id": [path.stem]})
        if data.datetime is not None:
            samples["date"] = data.datetime.date().isoformat()
        found = Spectra.of_table(
            values, axis, quantity, samples=samples, provenance=[*notes, *told], where=where
        )
        return with_metadata(found, sample)


READER = OpusReader()


def _kind(key: str) -> str:
    """The result that a key names: `a_2` is a second absorbance, `a_c` one stored compactly."""
    return key.partition("_")[0]


def _results(path: Path, where: str) -> dict[str, Data]:
    """The result spectra of a file by key. Raises ProductError if it cannot be read, or has none."""
    from brukeropus import read_opus

    _check_layout(path.read_bytes(), where)
    try:
        with redirect_stdout(io.StringIO()):  # it prints what it does not know
            file: Any = read_opus(str(path))
            found = {key: getattr(file, key) for key in file.data_keys if _kind(key) in _RESULTS}
            whole = {key: one for key, one in found.items() if len(one.wn) == len(one.y) > 1}
    except Exception as error:  # what it raises for damaged bytes is not documented
        raise ProductError(
            f"the file is damaged ({type(error).__name__}: {error})", where=where, fix=_AGAIN
        ) from error
    if not whole:
        others = ", ".join(file.data_keys) or "none"
        raise ProductError(
            f"the file holds no absorbance or reflectance (its spectra: {others})",
            where=where,
            fix=f"Save the result spectrum with the scan. If it should be there: {_AGAIN.lower()}",
        )
    return whole


def _chosen(found: dict[str, Data], block: str | None, where: str) -> tuple[str, Data]:
    listed = ", ".join(f"{key!r} ({_RESULTS[_kind(key)][1]})" for key in found)
    if block is None and len(found) > 1:
        raise UsageError(
            f"the file holds {len(found)} results: {listed}",
            where=where,
            fix=f"Choose one, for example block={next(iter(found))!r}.",
        )
    key = block or next(iter(found))
    if key not in found:
        raise UsageError(f"the file has no block {key!r}", where=where, fix=f"It holds: {listed}.")
    return key, found[key]


def _check_layout(raw: bytes, where: str) -> None:
    """Raise ProductError for blocks outside the file, or parameters that a parser would never leave."""
    if len(raw) < _HEADER:
        raise ProductError(f"the file is cut off ({len(raw)} bytes)", where=where, fix=_AGAIN)
    start, most = struct.unpack_from("<ii", raw, 12)
    if start < _HEADER or most < 1 or start + most * _ENTRY > len(raw):
        raise ProductError("the file is cut off: its directory is not whole", where=where, fix=_AGAIN)
    for number in range(most):
        kind, words, at = struct.unpack_from("<iii", raw, start + number * _ENTRY)
        if at <= 0:
            break
        if words < 0 or at + 4 * words > len(raw):
            raise ProductError(
                f"the file is cut off: block {number} ends at byte {at + 4 * words} of {len(raw)}",
                where=where,
                fix=_AGAIN,
            )
        if (kind >> 4) & 0x3F:
            _check_parameters(raw[at : at + 4 * words], number, where)


def _check_parameters(block: bytes, number: int, where: str) -> None:
    """Walk a block of parameters: name, type and size of each, then its value."""
    at = 0
    while at + 8 <= len(block) and block[at : at + 3] != b"END":
        (words,) = struct.unpack_from("<h", block, at + 6)
        if words < 0:
            raise ProductError(
                f"a parameter of block {number} has size {words}: the file is damaged",
                where=where,
                fix=_AGAIN,
            )
        at += 8 + 2 * words
