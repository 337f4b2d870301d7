"""What tells the bands of a DESIS product: METADATA.xml, else the ENVI header, else the shipped table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.desis_files import DesisFiles
from deepsalt.readers.envi_header import EnviHeader, read_header
from deepsalt.readers.product_files import File
from deepsalt.readers.product_xml import band_number, parsed, text_at
from deepsalt.readers.raster import RasterInfo
from deepsalt.readers.raster_scene import ranges, time_from_text
from deepsalt.spectra import Sensor

#: Reflectance of a stored value in DESIS L2A, where the metadata do not tell it.
_GAIN, _OFFSET = 1e-4, 0.0
#: Elements of the document's head, wherever they stand in it.
_FACTS = {
    "sun zenith angle": "sunzenithangle",
    "sun azimuth angle": "sunazimuthangle",
    "cloud cover": "cloudcoverpercentage",
    "tilt along track": "alongoffnadirangle",
    "processor": "processorversion",
}


@dataclass(frozen=True, eq=False)
class DesisMetadata:
    """(band,) facts in the order of the image, and what is said of the whole scene.

    path     what told them
    fwhm_nm  None where no widths are told
    """

    path: File
    centres_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    acquired: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def read_desis_metadata(path: File, notes: list[str]) -> DesisMetadata:
    """Parse METADATA.xml; bands by their bandNumber.

    Raises ProductError naming the element that is missing, repeated or no number.
    """
    root = parsed(path)
    found = root.findall(".//bandcharacterisation/band")
    if not found:
        raise ProductError(
            "no bands are characterised (specific/bandCharacterisation/band)",
            where=str(path),
            fix="Give the METADATA.xml of an L2A product.",
        )
    numbers = [band_number(band, "bandnumber", at, path) for at, band in enumerate(found, 1)]
    if len(set(numbers)) < len(numbers):
        raise ProductError("a bandNumber stands there twice", where=str(path), fix="Download it again.")
    bands = [found[at] for at in np.argsort(numbers)]
    return DesisMetadata(
        path=path,
        centres_nm=np.array(
            [band_number(b, "wavelengthcenterofband", at, path) for at, b in enumerate(bands, 1)]
        ),
        fwhm_nm=_widths(bands, path, notes),
        gain=_or_default(bands, "gainofband", _GAIN, path, notes),
        offset=_or_default(bands, "offsetofband", _OFFSET, path, notes),
        acquired=time_from_text(_anywhere(root, "starttime")),
        facts={key: text for key, tag in _FACTS.items() if (text := _anywhere(root, tag))},
    )


def assumed_metadata(parts: DesisFiles, header: RasterInfo, notes: list[str]) -> DesisMetadata:
    """Bands of a product without METADATA.xml: by SPECTRAL_IMAGE.hdr, else by the shipped table.

    Raises ProductError where neither can tell them.
    """
    if parts.header is not None:
        return _of_header(read_header(parts.header), notes)
    table = Sensor.load("desis")
    if header.bands != len(table):
        raise ProductError(
            f"no METADATA.xml, and {header.bands} bands are not the {len(table)} of DESIS",
            where=str(parts.image),
            fix="Put the product's METADATA.xml beside the image: it holds the wavelengths.",
        )
    notes.append(
        f"no METADATA.xml: wavelengths and widths of the shipped DESIS table, scale {_GAIN:g}, are assumed"
    )
    same = np.ones(len(table))
    return DesisMetadata(parts.image, table.axis.values, table.axis.widths, _GAIN * same, _OFFSET * same)


def _of_header(envi: EnviHeader, notes: list[str]) -> DesisMetadata:
    bands = envi.count("bands")
    centres = envi.numbers("wavelength", bands)
    if centres is None:
        raise ProductError(
            "no METADATA.xml, and the header has no wavelengths",
            where=envi.where,
            fix="Put the product's METADATA.xml beside the image.",
        )
    notes.append(f"no METADATA.xml: wavelengths of {envi.path.name}")
    gain, offset = envi.numbers("data gain values", bands), envi.numbers("data offset values", bands)
    if gain is None:
        notes.append(f"no scale in {envi.path.name}: {_GAIN:g} assumed")
    return DesisMetadata(
        envi.path,
        centres,
        envi.numbers("fwhm", bands),
        np.full(bands, _GAIN) if gain is None else gain,
        np.full(bands, _OFFSET) if offset is None else offset,
    )


def _widths(bands: list[ElementTree.Element], path: File, notes: list[str]) -> NDArray[np.float64] | None:
    if not all(text_at(band, "wavelengthwidthofband") for band in bands):
        notes.append("widths of bands are missing: the distance to the neighbours is taken")
        return None
    return np.array(
        [band_number(band, "wavelengthwidthofband", at, path) for at, band in enumerate(bands, 1)]
    )


def _or_default(
    bands: list[ElementTree.Element], tag: str, default: float, path: File, notes: list[str]
) -> NDArray[np.float64]:
    missing = [at for at, band in enumerate(bands, 1) if not text_at(band, tag)]
    if missing:
        notes.append(f"{tag} missing for bands {ranges(missing)}: {default:g} assumed")
    return np.array(
        [default if at in missing else band_number(band, tag, at, path) for at, band in enumerate(bands, 1)]
    )


def _anywhere(root: ElementTree.Element, tag: str) -> str:
    """The text of the first element of a name; "" where there is none."""
    found = next(root.iter(tag), None)
    return "" if found is None else (found.text or "").strip()
