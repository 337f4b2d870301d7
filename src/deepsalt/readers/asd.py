"""ASD FieldSpec and LabSpec binary files: one scan a file, reflectance against its white reference.

Layout: "ASD File Format, version 8, revision B" (ASD Inc.). Little-endian; a header of 484 bytes, the
spectrum, then, from version 2 on, the header of the white reference and its spectrum.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.samples import SampleOptions, with_metadata
from deepsalt.spectra import Axis, Spectra

_VERSIONS = (b"ASD", *(b"as%d" % number for number in range(2, 10)))
_HEADER = 484
_REFERENCE = "<h8s8sh"  # whether there is one, its time, that of the spectrum, length of the description
_NUMBERS = {0: "<f4", 1: "<i4", 2: "<f8"}  # byte 199
_RECORDED = ("raw counts", "reflectance", "radiance", "no units", "irradiance", "quality index",
             "transmittance", "unknown", "absorbance")  # fmt: skip
_RATIO = ("raw counts", "reflectance")  # both are stored as counts beside those of the reference
_NM = (300.0, 2600.0)
_DARKEST = 1e-3  # no soil, and no scan of one, reflects less


@dataclass(frozen=True)
class _Header:
    """What the first 484 bytes say that a spectrum needs."""

    version: str
    taken: str
    recorded: str
    dark_corrected: bool
    axis: Axis
    numbers: str
    instrument: int
    splices: tuple[float, float]


class AsdReader:
    """Reader of .asd files."""

    name = "asd"
    description = "ASD FieldSpec or LabSpec binary file with its white reference"
    specificity = 20

    def matches(self, path: Path) -> bool:
        """By the first three bytes, and a header after them that is not text."""
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEADER)
        return head[:3] in _VERSIONS and (b"\x00" in head or path.suffix.lower() == ".asd")

    def open(self, path: Path, **sample: Unpack[SampleOptions]) -> Spectra:
        """One spectrum of reflectance, target by white reference; the file's name is its id.

        sample  see `SampleOptions`

        The reference is taken for 1, as the instrument does: multiply by the panel's own reflectance where it
        is known.
        Raises ProductError for a file that is cut off, has no white reference, or holds no reflectance.
        """
        where, raw = str(path), path.read_bytes()
        header = _header(raw, where)
        if header.recorded not in _RATIO:
            raise ProductError(
                f"the file was recorded as {header.recorded}, which is no reflectance",
                where=where,
                fix="Record in reflectance mode, or convert it in the maker's software.",
            )
        bands = len(header.axis)
        target, end = _block(raw, _HEADER, bands, header.numbers, "spectrum", where)
        reference = _reference(raw, end, header, where)
        with np.errstate(all="ignore"):  # what is no number, or none of a spectrum, is refused below
            ratio = np.where(reference > 0, target / reference, np.nan)
        if np.isfinite(ratio).any() and (typical := float(np.nanmedian(ratio))) < _DARKEST:
            raise ProductError(
                f"target by reference has a median of {typical:.2g}: the two are no counts of one instrument",
                where=where,
                fix="Export the spectrum as a table, and read that.",
            )
        samples = pd.DataFrame({"id": [path.stem]})
        if header.taken:
            samples["date"] = header.taken
        notes = [
            f"read from {path.name}, ASD format {header.version}",
            f"instrument {header.instrument}, detectors joined at {header.splices[0]:g} and "
            f"{header.splices[1]:g} nm",
            "reflectance is target by white reference, taken for 1",
        ]
        if not header.dark_corrected:
            notes.append("dark current was not taken off")
        if empty := int(np.isnan(ratio).sum()):
            notes.append(f"{empty} bands without light on the reference are missing")
        found = Spectra.of_table(
            ratio[None], header.axis, "reflectance", samples=samples, provenance=notes, where=where
        )
        return with_metadata(found, sample)


READER = AsdReader()


def _header(raw: bytes, where: str) -> _Header:
    if len(raw) < _HEADER:
        raise _cut_off(f"{len(raw)} bytes, the header alone has {_HEADER}", where)
    if raw[:3] not in _VERSIONS:
        raise ProductError(f"no ASD file: it begins with {raw[:3]!r}", where=where)
    first, step = struct.unpack_from("<ff", raw, 191)
    (channels,) = struct.unpack_from("<H", raw, 204)
    last = first + step * (channels - 1)
    if not (channels > 1 and step > 0 and _NM[0] <= first < last <= _NM[1]):
        raise ProductError(
            f"the header speaks of {channels} channels from {first:g} nm by {step:g} nm",
            where=where,
            fix="The file is damaged: copy it from the instrument again.",
        )
    if raw[199] not in _NUMBERS:
        raise ProductError(f"unknown format of numbers ({raw[199]})", where=where)
    recorded = _RECORDED[raw[186]] if raw[186] < len(_RECORDED) else "unknown"
    return _Header(
        version=raw[:3].decode(),
        taken=_day(struct.unpack_from("<9h", raw, 160)),
        recorded=recorded,
        dark_corrected=bool(raw[181]),
        axis=axis_of_file(first + step * np.arange(channels), "nm", where=where, error=ProductError),
        numbers=_NUMBERS[raw[199]],
        instrument=struct.unpack_from("<H", raw, 400)[0],
        splices=struct.unpack_from("<ff", raw, 444),
    )


def _day(clock: tuple[int, ...]) -> str:
    """ISO date of a C `struct tm` (months from 0, years from 1900); "" for an impossible one."""
    try:
        return date(1900 + clock[5], clock[4] + 1, clock[3]).isoformat()
    except ValueError:
        return ""


def _reference(raw: bytes, start: int, header: _Header, where: str) -> NDArray[np.float64]:
    """The white reference's spectrum, behind its own header and a description of any length."""
    without = ProductError(
        "the file has no white reference, so that its counts cannot become reflectance",
        where=where,
        fix="Take a white reference before the scan.",
    )
    if header.version == "ASD" or start == len(raw):
        raise without
    if len(raw) < start + struct.calcsize(_REFERENCE):
        raise _cut_off("the header of the white reference is not whole", where)
    there, _, _, length = struct.unpack_from(_REFERENCE, raw, start)
    if not there:
        raise without
    if length < 0:
        raise ProductError(f"the description of the reference has length {length}", where=where)
    at = start + struct.calcsize(_REFERENCE) + length
    found, _ = _block(raw, at, len(header.axis), header.numbers, "white reference", where)
    if not (found > 0).any():
        raise without
    return found


def _block(
    raw: bytes, start: int, bands: int, numbers: str, what: str, where: str
) -> tuple[NDArray[np.float64], int]:
    """(band,) numbers of a spectrum, and where it ends."""
    end = start + bands * np.dtype(numbers).itemsize
    if len(raw) < end:
        raise _cut_off(f"the {what} ends at byte {end}, the file at {len(raw)}", where)
    found = np.frombuffer(raw, numbers, bands, start).astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan), end


def _cut_off(why: str, where: str) -> ProductError:
    return ProductError(f"the file is cut off ({why})", where=where, fix="Copy it from the instrument again.")
