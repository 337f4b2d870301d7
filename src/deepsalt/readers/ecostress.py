"""ECOSTRESS and ASTER spectral library files: a header of `Name: value` lines, then two columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.axis_unit import unit_named

_MOST_BYTES = 16 << 20
_LINE = re.compile(r"^\s*([A-Za-z][A-Za-z .]*?)\s*:\s*(.*?)\s*$")
_UNITS = re.compile(r"^\s*(\w+)\s*(?:\(\s*(.*?)\s*\))?\s*$")
#: Header line -> column of the samples.
_FACTS = {"name": "name", "type": "type", "class": "class", "subclass": "subclass",
          "particle size": "particle_size", "sample no.": "sample_no", "owner": "owner",
          "origin": "origin"}  # fmt: skip
_PERCENT = ("percent", "percentage", "%", "pct")
_FRACTION = ("fraction", "", "unitless", "0-1", "0 to 1", "decimal")


@dataclass(frozen=True)
class TextSpectrum:
    """One spectrum as its file has it.

    centres, values  (channel,), NaN = missing
    unit             "nm", "um", "cm-1", or None where the file does not say
    factor, why      what the values are to be multiplied by, and how the file says so
    facts            what the header says of the sample, by column
    """

    centres: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str | None
    origin: str
    factor: float = 1.0
    why: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def text_of(path: Path) -> tuple[str, list[str]]:
    """The text of a small file, and a note where it is not UTF-8. Raises ProductError for binary data."""
    where = str(path)
    if path.stat().st_size > _MOST_BYTES:
        raise ProductError(f"one spectrum cannot have {path.stat().st_size} bytes", where=where)
    raw = path.read_bytes()
    if b"\x00" in raw:
        raise ProductError("the text holds binary data (NUL)", where=where, fix="Copy or download it again.")
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return raw.decode("latin-1"), ["the text is not UTF-8: read as Latin-1"]


def number_of(text: str, line: int, where: str) -> float:
    """A number of a spectrum. Raises ProductError that names the line."""
    try:
        return float(text)
    except ValueError:
        raise ProductError(
            f"line {line} holds {text[:30]!r}, not a number", where=where, fix="Copy or download it again."
        ) from None


def read_ecostress(path: Path) -> TextSpectrum:
    """One ECOSTRESS spectrum. Raises ProductError for a damaged file, or one without reflectance."""
    where = str(path)
    text, notes = text_of(path)
    header, rows = _parts(text, where)
    x, unit_text = _quantity(header, "x units", where)
    y, scale_text = _quantity(header, "y units", where)
    if y != "reflectance":
        raise ProductError(
            f"the file holds {y or 'values without Y Units'}, which is no reflectance",
            where=where,
            fix="Give a file whose header says: Y Units: Reflectance (percent).",
        )
    factor, why = _factor(scale_text, where)
    unit = unit_named(unit_text) or ("cm-1" if x == "wavenumber" and not unit_text else None)
    if unit is None and unit_text:
        raise ProductError(
            f"unknown X Units {header['x units']!r}", where=where, fix="Use micrometers or nm."
        )
    _check_count(header, len(rows), where)
    return TextSpectrum(
        rows[:, 0], rows[:, 1], unit, "ECOSTRESS library", factor, why,
        {column: header[line] for line, column in _FACTS.items() if header.get(line)}, tuple(notes),
    )  # fmt: skip


def _parts(text: str, where: str) -> tuple[dict[str, str], NDArray[np.float64]]:
    """The header by line name in lower case, and (channel, 2) numbers."""
    lines = text.splitlines()
    header: dict[str, str] = {}
    start = 0
    for number, line in enumerate(lines):
        if match := _LINE.match(line):
            header.setdefault(match[1].lower(), match[2])
            start = number + 1
    rows = [
        [number_of(part, start + number, where) for part in line.replace(",", " ").split()]
        for number, line in enumerate(lines[start:], 1)
        if line.strip()
    ]
    if not rows:
        raise ProductError("the header is followed by no spectrum", where=where, fix="Download it again.")
    uneven = next((number for number, row in enumerate(rows) if len(row) != 2), None)
    if uneven is not None:
        raise ProductError(
            f"reading {uneven + 1} has {len(rows[uneven])} numbers, not wavelength and value",
            where=where,
            fix="Copy or download it again.",
        )
    return header, np.array(rows)


def _quantity(header: dict[str, str], line: str, where: str) -> tuple[str, str]:
    """The quantity of an axis and its unit, both in lower case: `Wavelength (micrometers)`."""
    match = _UNITS.match(header.get(line, ""))
    if match is None:
        raise ProductError(
            f"the header has {line.title()}: {header.get(line, '')!r}" if line in header
            else f"the header has no line {line.title()!r}",
            where=where,
            fix="It should say, for example: Wavelength (micrometers).",
        )  # fmt: skip
    return match[1].lower(), (match[2] or "").lower()


def _factor(text: str, where: str) -> tuple[float, str]:
    if text in _PERCENT:
        return 0.01, "the header says percent"
    if text in _FRACTION:
        return 1.0, ""
    raise ProductError(
        f"unknown unit of reflectance {text!r}", where=where, fix="Known are percent and fraction."
    )


def _check_count(header: dict[str, str], found: int, where: str) -> None:
    told = header.get("number of x values", "")
    if told.isdigit() and int(told) != found:
        raise ProductError(
            f"the header speaks of {told} readings, there are {found}",
            where=where,
            fix="The file is cut off or was edited: download it again.",
        )
