"""Spectra as text, one a file: ECOSTRESS (and ASTER) library files, and USGS splib07 ASCII files.

ECOSTRESS: lines `Name: value` ("X Units: Wavelength (micrometers)", "Y Units: Reflectance (percent)", ...),
then two columns. USGS: "splib07a Record=N: name", then one column of reflectances; their wavelengths are in a
file of the same form beside it (or in a folder above), and deleted channels hold -1.23e34.
Sources: Meerdink et al. (2019), Baldridge et al. (2009); Kokaly et al. (2017), USGS Data Series 1035.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import SpectraError
from deepsalt.readers.axis_unit import bands_of
from deepsalt.readers.ecostress import read_ecostress
from deepsalt.readers.quantity import Told, as_told, without_deleted
from deepsalt.readers.samples import SampleOptions, with_metadata
from deepsalt.readers.splib import is_record, read_splib, wavelength_file
from deepsalt.spectra import Spectra

_HEAD = 4096
_ECOSTRESS = re.compile(rb"^\s*Name:.*^\s*X Units:", re.DOTALL | re.MULTILINE | re.IGNORECASE)


class SpectralTextReader:
    """Reader of ECOSTRESS and USGS splib07 text files."""

    name = "spectral_text"
    description = "ECOSTRESS or USGS splib07 text file with one spectrum"
    specificity = 20

    def matches(self, path: Path) -> bool:
        """By its first lines; the USGS files of wavelengths hold no spectrum."""
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        return bool(_ECOSTRESS.search(head)) or is_record(head)

    def beside(self, path: Path) -> list[Path]:
        """The file of wavelengths of a USGS spectrum."""
        with path.open("rb") as stream:
            return [wavelength_file(path)] if is_record(stream.read(_HEAD)) else []

    def open(
        self,
        path: Path,
        *,
        domain: str | None = None,
        scale: float | None = None,
        wavelengths: str | Path | None = None,
        **sample: Unpack[SampleOptions],
    ) -> Spectra:
        """One spectrum of reflectance; the file's name without its endings is its id.

        domain       "visnir" (to 2700 nm) or "mir" (350-8000 cm-1), where the file spans both
        scale        factor to multiply the values by; takes the place of the file's word (percent)
        wavelengths  of a USGS file: the file of its wavelengths, where it cannot be found or told
        sample       see `SampleOptions`

        What the header says (name, class, particle size, ...) stands in the samples. Readings of one and the
        same wavelength are averaged. Raises ProductError for a file that is damaged, contradicts itself or
        holds no reflectance; UsageError where a domain or the wavelengths must be named.
        """
        where = str(path)
        with path.open("rb") as stream:
            usgs = is_record(stream.read(_HEAD))
        found = read_splib(path, wavelengths) if usgs else read_ecostress(path)
        notes = [f"read from {path.name}, {found.origin}", *found.notes]
        values, deleted = without_deleted(found.values)
        centres, values, doubled = _averaged(found.centres, values)
        bands = bands_of(centres, told=found.unit, domain=domain, what="wavelengths", where=where)
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused when Spectra are made
            row = values[bands.order][None].astype(np.float32)
        if np.isnan(row).all():
            raise SpectraError("the spectrum has no value in any band", where=where)
        told = Told("reflectance", True, found.factor, found.why)
        row, seen = as_told(row, bands.axis, told, scale, where)
        samples = pd.DataFrame({"id": [_stem(path)], **{name: [text] for name, text in found.facts.items()}})
        spectra = Spectra.of_table(
            row, bands.axis, "reflectance", samples=samples,
            provenance=[*notes, *deleted, *doubled, *bands.notes, *seen], where=where,
        )  # fmt: skip
        return with_metadata(spectra, sample)


READER = SpectralTextReader()


def _stem(path: Path) -> str:
    return re.sub(r"(\.spectrum)?\.txt$", "", path.name, flags=re.IGNORECASE)


def _averaged(
    centres: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """One value a wavelength: where two instruments meet, libraries hold the same one twice."""
    once, inverse, times = np.unique(centres, return_inverse=True, return_counts=True)
    if len(once) == len(centres):
        return centres, values, []
    sums = np.bincount(inverse, np.nan_to_num(values))
    known = np.bincount(inverse, ~np.isnan(values))
    mean = np.divide(sums, known, out=np.full(len(once), np.nan), where=known > 0)
    return once, mean, [f"{int((times > 1).sum())} wavelengths stand there more than once: averaged"]
