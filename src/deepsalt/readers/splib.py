"""USGS Spectral Library Version 7, ASCII: a line that names the record, then one number a channel."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.columns import listed
from deepsalt.readers.ecostress import TextSpectrum, number_of, text_of

_RECORD = re.compile(r"^\s*(s\d{2}\w*|splib\d{2}\w*)\s+Record\s*=\s*(\d+)\s*:\s*(.*?)\s*$", re.IGNORECASE)
_AXIS = re.compile(r"^(wavelengths|wavenumbers?)\b", re.IGNORECASE)
_NO_SPECTRUM = re.compile(r"^(wavelengths|wavenumbers?|bandpass)\b|\berrorbars?\b", re.IGNORECASE)
#: Code of the spectrometer in a record's name -> what the file of its wavelengths is called.
_INSTRUMENT = re.compile(r"\b(ASD|BECK|NIC4|AVIRIS)", re.IGNORECASE)
_FOLDERS_UP = 3


def is_record(head: bytes) -> bool:
    """Whether a file begins as a USGS record of a spectrum, and not as one of wavelengths or widths."""
    match = _RECORD.match(head.decode("latin-1").partition("\n")[0].rstrip("\r"))
    return match is not None and not _NO_SPECTRUM.search(match[3])


def read_splib(path: Path, wavelengths: str | Path | None = None) -> TextSpectrum:
    """One USGS spectrum with its wavelengths.

    wavelengths  the file that holds them; by default the one beside it that fits

    Raises ProductError for a damaged file or other wavelengths, UsageError where they must be named.
    """
    title, values = _record(path)
    file = Path(wavelengths).expanduser() if wavelengths is not None else wavelength_file(path)
    if not file.is_file():
        raise UsageError("no such file", where=str(file), fix="Check the path of the wavelengths.")
    axis_title, centres = _record(file)
    if len(centres) != len(values):
        raise ProductError(
            f"{len(values)} channels, but {len(centres)} wavelengths in {file.name}",
            where=str(path),
            fix="Name the file of this spectrometer: wavelengths=FILE.",
        )
    if not np.isfinite(centres).all():
        raise ProductError("the wavelengths are not all numbers", where=str(file), fix="Download it again.")
    unit = "cm-1" if axis_title.lower().startswith("wavenumber") else "um"
    if re.search(r"\bnanomet|\bnm\b", axis_title, re.IGNORECASE):
        unit = "nm"
    if unit == "um" and centres.max() > 300:  # the library's own are all in micrometres
        raise ProductError(f"wavelengths up to {centres.max():g} are no micrometres", where=str(file))
    return TextSpectrum(
        centres, values, unit, "USGS splib07", facts={"name": title}, notes=(f"wavelengths from {file.name}",)
    )


def wavelength_file(path: Path) -> Path:
    """The file of wavelengths that fits a spectrum: as many channels, of the same spectrometer.

    Looked for beside the spectrum and up to three folders above. Raises UsageError where there is none, or
    where several fit and differ.
    """
    title, values = _record(path)
    instrument = _instrument(f"{title} {path.stem}")
    fitting: dict[bytes, Path] = {}
    seen: list[str] = []
    for folder in [path.parent, *path.parents[1 : 1 + _FOLDERS_UP]]:
        for file in sorted(folder.glob("*[Ww]ave*.txt")):
            if _fits(file, len(values), instrument, seen):
                fitting.setdefault(_record(file)[1].tobytes(), file)
        if fitting:
            break
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    there = f"several fit: {listed([f.name for f in fitting.values()], 4)}" if fitting else (
        f"none of {listed(seen, 4)} fits" if seen else "there is none beside it")  # fmt: skip
    raise UsageError(
        f"the wavelengths of its {len(values)} channels are in a file of their own, and {there}",
        where=str(path),
        fix="Copy splib07a_Wavelengths_....txt into the folder, or name it: wavelengths=FILE.",
    )


def _fits(file: Path, channels: int, instrument: str, seen: list[str]) -> bool:
    with file.open("rb") as stream:
        match = _RECORD.match(stream.readline().decode("latin-1").rstrip("\r\n"))
    if match is None or not _AXIS.match(match[3]):
        return False
    seen.append(file.name)
    other = _instrument(f"{match[3]} {file.stem}")
    return len(_record(file)[1]) == channels and (not instrument or not other or instrument == other)


def _instrument(text: str) -> str:
    match = _INSTRUMENT.search(text.replace("_", " "))
    return match[1].upper() if match else ""


def _record(path: Path) -> tuple[str, NDArray[np.float64]]:
    """The name of a record, and its numbers."""
    where = str(path)
    lines = text_of(path)[0].splitlines()
    match = _RECORD.match(lines[0]) if lines else None
    if match is None:
        raise ProductError(
            "no USGS record: its first line does not say 'splib07a Record=N: name'", where=where
        )
    filled = [(number, line.strip()) for number, line in enumerate(lines[1:], 2) if line.strip()]
    if not filled:
        raise ProductError("the record has no channels", where=where, fix="Download it again.")
    return match[3], np.array([number_of(line, number, where) for number, line in filled])
