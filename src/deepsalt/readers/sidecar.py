"""Wavelengths that lie beside an image: in an ENVI header, or in a list (CSV) of centres and widths."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import AxisError, ProductError, UsageError
from deepsalt.readers.cube_bands import CubeBands, check_count, nm_per_unit
from deepsalt.readers.envi_header import EnviHeader, header_beside, is_header, read_header
from deepsalt.readers.raster import RasterInfo

_LIST = "wavelengths.csv"
_UNIT = r"(?:[ _(\[]*(?P<unit>nm|um|µm|nanomet(?:er|re)s?|micromet(?:er|re)s?)[)\]]?)?"
_CENTRE = re.compile(rf"(?:band[ _]?)?(?:cent(?:re|er)|wavelength|cw)s?(?:[ _]wavelength)?{_UNIT}", re.I)
_WIDTH = re.compile(rf"(?:fwhm|(?:band)?[ _]?width){_UNIT}", re.IGNORECASE)
_GOOD = re.compile(r"good|bbl", re.IGNORECASE)


def bands_of_file(header: RasterInfo, file: str | Path, notes: list[str]) -> CubeBands:
    """Bands by a file that the user has named: an ENVI header, or a list.

    Raises UsageError if there is no such file, ProductError if it has not one wavelength for each band.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise UsageError(f"no such file: wavelengths={str(file)!r}", fix="Check the path.")
    found = bands_of_header(header, read_header(path), notes) if is_header(path) else None
    found = found or _bands_of_list(header, path, notes)
    if found is None:
        raise ProductError(
            "no column of wavelengths",
            where=str(path),
            fix="Name the columns centre_nm and fwhm_nm, or give bare numbers in one or two columns.",
        )
    notes.append(f"wavelengths of {path.name}, as stated with wavelengths=")
    return found


def bands_beside(header: RasterInfo, notes: list[str]) -> CubeBands | None:
    """Bands by <name>.hdr, <name>.csv or wavelengths.csv beside the image; None where none tells them."""
    path = Path(str(header.path))
    envi = header_beside(path)
    if envi is not None and is_header(envi) and (found := bands_of_header(header, read_header(envi), notes)):
        notes.append(f"wavelengths of {envi.name} beside it")
        return found
    for file in (path.with_suffix(".csv"), path.with_name(_LIST)):
        if file.is_file() and (found := _bands_of_list(header, file, notes)):
            notes.append(f"wavelengths of {file.name} beside it")
            return found
    return None


def with_header(header: RasterInfo, envi: EnviHeader, notes: list[str]) -> RasterInfo:
    """A raster's facts with the nodata value and the scale of an ENVI header, where it has none itself."""
    changes: dict[str, object] = {}
    ignored = envi.number("data ignore value")
    if header.nodata is None and ignored is not None:
        changes["nodata"] = ignored
        notes.append(f"nodata {ignored:g} by {envi.path.name} beside it")
    divisor = envi.number("reflectance scale factor")
    if divisor not in (None, 1.0) and set(header.scales) == {1.0} and set(header.offsets) == {0.0}:
        changes["scales"] = (1.0 / checked_divisor(envi, divisor),) * header.bands
        notes.append(f"reflectance scale factor {divisor:g} of {envi.path.name}")
    return dataclasses.replace(header, **changes)  # type: ignore[arg-type]


def checked_divisor(envi: EnviHeader, divisor: float | None) -> float:
    """The `reflectance scale factor` of a header; ProductError where it cannot be one."""
    if divisor is None or not (np.isfinite(divisor) and divisor > 0):
        raise ProductError(
            f"the header has reflectance scale factor = {envi.text('reflectance scale factor')}",
            where=envi.where,
            fix="Correct it.",
        )
    return divisor


def bands_of_header(header: RasterInfo, envi: EnviHeader, notes: list[str]) -> CubeBands | None:
    """Bands by an ENVI header: wavelength, wavelength units, fwhm, bbl; None where it has no wavelengths.

    Raises ProductError for lists of another length than the image has bands.
    """
    text = envi.text("wavelength")
    if not text:
        return None
    check_count(header, len([part for part in text.split(",") if part.strip()]), envi.path.name)
    centres = envi.numbers("wavelength", header.bands)
    assert centres is not None
    factor = nm_per_unit(envi.text("wavelength units"), centres, notes, envi.where)
    good = envi.numbers("bbl", header.bands)
    if good is not None and (good == 0).any():
        notes.append(f"{int((good == 0).sum())} bands are marked bad by the file (bbl)")
    return CubeBands(
        np.round(centres * factor, 6),
        _widths(envi.numbers("fwhm", header.bands), factor, notes),
        None if good is None else good > 0,
    )


def _bands_of_list(header: RasterInfo, path: Path, notes: list[str]) -> CubeBands | None:
    """Bands by a CSV with a column of centres, or of nothing but numbers; None where it is neither."""
    table = _table(path)
    columns = {name: match for name in table if (match := _CENTRE.fullmatch(str(name).strip()))}
    if not columns:
        return None
    name = next(iter(columns))
    check_count(header, len(table), path.name)
    centres = _numbers(table, name, path)
    factor = nm_per_unit(columns[name]["unit"] or "", centres, notes, str(path))
    width = next((column for column in table if _WIDTH.fullmatch(str(column).strip())), None)
    good = next((column for column in table if _GOOD.fullmatch(str(column).strip())), None)
    widths = None if width is None else _numbers(table, width, path)
    return CubeBands(
        np.round(centres * factor, 6),
        _widths(widths, factor, notes),
        None if good is None else _numbers(table, good, path) > 0,
    )


def _table(path: Path) -> pd.DataFrame:
    """A list as a table, by its column `band` where it has one; bare numbers are centre and width."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        first = lines[0] if lines else ""
        mark = next((mark for mark in ",;\t" if mark in first), ",")
        bare = all(_is_number(part) for part in first.split(mark))
        names = ["centre", "fwhm", "good"][: first.count(mark) + 1] if bare else None
        table = pd.read_csv(io.StringIO("\n".join(lines)), sep=mark, names=names)
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise ProductError(
            f"no list of wavelengths ({error})", where=str(path), fix="Write a CSV with a column centre_nm."
        ) from error
    return table.sort_values("band", ignore_index=True) if "band" in table else table


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _numbers(table: pd.DataFrame, column: object, path: Path) -> NDArray[np.float64]:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0]) + 1
        raise AxisError(
            f"entry {row} of column {column!r} is no number", where=str(path), fix="Fill in every band."
        )
    return np.asarray(values)


def _widths(fwhm: NDArray[np.float64] | None, factor: float, notes: list[str]) -> NDArray[np.float64] | None:
    """Widths in nm; None, and a note, where they are not all positive."""
    if fwhm is None:
        return None
    if not (np.isfinite(fwhm).all() and (fwhm > 0).all()):
        notes.append("the FWHM are not all positive: left out")
        return None
    return np.round(fwhm * factor, 6)
