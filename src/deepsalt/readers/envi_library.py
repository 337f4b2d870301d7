"""ENVI spectral libraries: spectra in a .sli file, all that is known of them in the header beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.axis_unit import Bands, bands_of, unit_named
from deepsalt.readers.envi_header import (
    LIBRARY,
    EnviHeader,
    header_and_values,
    header_beside,
    is_header,
    read_header,
)
from deepsalt.readers.quantity import Told, as_told, settle_quantity, without_deleted
from deepsalt.readers.samples import SampleOptions, with_metadata, without_empty
from deepsalt.spectra import Axis, Spectra

#: Numbers beyond these, in more than a tenth of all, are bytes that were taken for something else.
_SMALLEST, _LARGEST, _MOST_WILD, _DELETED = 1e-12, 1e12, 0.1, -1e30
_DATA = (".sli", ".lib", ".dat", ".img", "")


class EnviLibraryReader:
    """Reader of ENVI spectral libraries."""

    name = "envi_library"
    description = "ENVI spectral library, .sli with its .hdr"
    specificity = 25

    def matches(self, path: Path) -> bool:
        """Whether it is, or lies beside, a header of file type "ENVI Spectral Library"."""
        if not path.is_file():
            return False
        try:
            header = path if is_header(path) else header_beside(path)
            if header is None:
                return path.suffix.lower() == ".sli"
            return read_header(header).text("file type").lower() == LIBRARY
        except (ProductError, OSError):
            return path.suffix.lower() == ".sli"

    def beside(self, path: Path) -> list[Path]:
        """The header of the spectra, or the spectra of the header."""
        header, data = _pair(path)
        return [data if path == header else header]

    def open(
        self,
        path: Path,
        *,
        domain: str | None = None,
        unit: str | None = None,
        quantity: str | None = None,
        scale: float | None = None,
        drop_empty: bool = False,
        **sample: Unpack[SampleOptions],
    ) -> Spectra:
        """All spectra of a library; their names are the ids.

        path        the .sli file or its header
        domain      "visnir" or "mir", where the wavelengths span both
        unit        "nm", "um" or "cm-1", where the header does not say
        quantity    "reflectance" or "absorbance": headers do not tell
        scale       factor to multiply the values by, in place of the header's `reflectance scale factor`
        drop_empty  drop spectra without any value instead of raising SpectraError
        sample      see `SampleOptions`

        Bands that the header marks as bad (bbl = 0) are left out. Raises ProductError for a header that is
        damaged or speaks of another number of values than the file holds, UsageError where the other file of
        the pair is missing, and AxisError or SpectraError for what cannot be spectra.
        """
        where = str(path)
        header_file, data = _pair(path)
        header = read_header(header_file)
        _check_kind(header)
        notes = [f"read from {data.name} and {header_file.name}"]
        raw, deleted = _values(header, data)
        bands = _bands(header, raw.shape[1], unit, domain, notes)
        picked, axis = _without_bad(header, raw.shape[1], bands, notes)
        settled, sure = settle_quantity(
            axis.unit, told=None, stated=quantity, what="values of a library", notes=notes, where=where
        )
        samples = _samples(header, len(raw), notes)
        values, samples = without_empty(raw[:, picked], samples, drop_empty, notes, where)
        told = Told(settled, sure, *_factor(header))
        values, seen = as_told(values, axis, told, scale, where)
        found = Spectra.of_table(
            values, axis, settled, samples=samples, provenance=[*notes, *deleted, *seen], where=where
        )
        return with_metadata(found, sample, "spectra")


READER = EnviLibraryReader()


def _pair(path: Path) -> tuple[Path, Path]:
    """The header and the file of spectra, whichever of them is given."""
    return header_and_values(path, "library", _DATA, _no_spectra)


def _no_spectra(header: Path) -> UsageError:
    return UsageError(
        "the header has no file of spectra beside it",
        where=str(header),
        fix=f"Copy {Path(header.stem).stem}.sli into the same folder.",
    )


def _check_kind(header: EnviHeader) -> None:
    kind = header.text("file type")
    if kind.lower() != LIBRARY:
        raise ProductError(
            f"file type {kind!r} is no spectral library" if kind else "the header has no field 'file type'",
            where=header.where,
            fix="A library says: file type = ENVI Spectral Library.",
        )
    if header.count("bands", default=1) != 1:
        raise ProductError(
            f"a spectral library has one band, this one {header.text('bands')}",
            where=header.where,
            fix="Is it an image? samples are the channels, lines the spectra.",
        )


def _values(header: EnviHeader, data: Path) -> tuple[NDArray[np.float32], list[str]]:
    """(spectrum, channel) as stored, missing as NaN; the file's size is checked before anything is read."""
    channels, spectra = header.count("samples"), header.count("lines")
    offset, kind = header.count("header offset", least=0, default=0), header.dtype()
    expected, size = offset + channels * spectra * kind.itemsize, data.stat().st_size
    if size != expected:
        raise ProductError(
            f"the header speaks of {spectra} spectra of {channels} channels ({expected} bytes), "
            f"the file has {size} bytes",
            where=str(data),
            fix="Copy both files again; samples are the channels, lines the spectra.",
        )
    stored = np.fromfile(data, kind, channels * spectra, offset=offset).reshape(spectra, channels)
    values = stored.astype(np.float64)
    _check_numbers(values, data)
    ignored = header.number("data ignore value")
    notes = []
    if ignored is not None and (hit := stored == ignored).any():
        values[hit] = np.nan
        notes.append(f"{int(hit.sum())} values of {ignored:g} (data ignore value) are missing")
    values, deleted = without_deleted(values)
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold is refused later
        return values.astype(np.float32), [*notes, *deleted]


def _check_numbers(values: NDArray[np.float64], data: Path) -> None:
    """Raise ProductError for numbers such as only another type or order of bytes gives."""
    size = np.abs(values[np.isfinite(values) & (values != 0) & (values > _DELETED)])
    wild = (size < _SMALLEST) | (size > _LARGEST)
    if wild.sum() > _MOST_WILD * size.size:
        raise ProductError(
            f"numbers from {size.min():.2g} to {size.max():.2g} are no spectra",
            where=str(data),
            fix="The header's byte order or data type is wrong, or the file is damaged.",
        )


def _bands(
    header: EnviHeader, channels: int, unit: str | None, domain: str | None, notes: list[str]
) -> Bands:
    centres = header.numbers("wavelength", channels)
    if centres is None:
        raise ProductError(
            "the header has no wavelengths",
            where=header.where,
            fix=f"Add the {channels} of them: wavelength = {{...}}.",
        )
    fwhm = header.numbers("fwhm", channels)
    if fwhm is not None and not (np.isfinite(fwhm).all() and (fwhm > 0).all()):
        notes.append("the header's FWHM are not all positive: left out")
        fwhm = None
    bands = bands_of(
        centres, told=unit_named(header.text("wavelength units")), stated=unit, domain=domain, fwhm=fwhm,
        what="wavelengths", where=header.where,
    )  # fmt: skip
    notes += bands.notes
    return bands


def _without_bad(
    header: EnviHeader, channels: int, bands: Bands, notes: list[str]
) -> tuple[NDArray[np.intp], Axis]:
    """Channels to take, in the order of the axis, and the axis of them."""
    good = header.numbers("bbl", channels)
    keep = np.ones(len(bands.order), bool) if good is None else good[bands.order] > 0
    if not keep.any():
        raise ProductError("the header marks every band as bad (bbl)", where=header.where)
    if not keep.all():
        notes.append(f"{int((~keep).sum())} bands marked as bad (bbl) are left out")
    return bands.order[keep], bands.axis.take(keep)


def _samples(header: EnviHeader, spectra: int, notes: list[str]) -> pd.DataFrame:
    names = header.names("spectra names", spectra)
    if names is None:
        notes.append("the header has no names of spectra: their number is the id")
        names = [str(number) for number in range(1, spectra + 1)]
    elif len(set(names)) < spectra:
        notes.append(f"{spectra - len(set(names))} names of spectra stand there more than once")
    return pd.DataFrame({"id": pd.Series(names, dtype=object)})


def _factor(header: EnviHeader) -> tuple[float, str]:
    """What the values are to be multiplied by, and why."""
    divisor = header.number("reflectance scale factor")
    if divisor is None or divisor == 1:
        return 1.0, ""
    if not (np.isfinite(divisor) and divisor > 0):
        raise ProductError(
            f"the header has reflectance scale factor = {divisor:g}", where=header.where, fix="Correct it."
        )
    return 1 / divisor, f"reflectance scale factor {divisor:g}"
