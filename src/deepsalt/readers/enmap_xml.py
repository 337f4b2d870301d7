"""METADATA.XML of an EnMAP product: bands, time, level, and what its processor says of the scene."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.file_axis import axis_of_file
from deepsalt.readers.product_files import File, stream_of
from deepsalt.readers.product_xml import band_number, parsed, text_at
from deepsalt.readers.raster_scene import ranges, time_from_text, time_in_name

_HEAD = 4096
_GAIN, _OFFSET = 1e-4, 0.0
#: Mean of a band without any data in bandStatistics is -1000000; EnMAP-Box and our own reading agree on it.
_NO_STATISTICS = -999_999.0
_FACTS = {
    "sun zenith angle": "specific/qualityflag/sceneSZA",
    "water vapour": "specific/qualityflag/sceneWV",
    "aerosol optical thickness": "specific/qualityflag/sceneAOT",
    "cloud cover": "specific/qualityflag/cloudCover",
    "haze cover": "specific/qualityflag/hazeCover",
    "cirrus cover": "specific/qualityflag/cirrusCover",
    "snow cover": "specific/qualityflag/snowCover",
    "water cover": "specific/qualityflag/waterCover",
    "correction": "processing/correctionType",
    "cirrus and haze removal": "processing/cirrusHazeRemoval",
    "band interpolation": "processing/bandInterpolation",
    "terrain correction": "processing/terrainCorrection",
    "projection": "product/ortho/projection",
    "mission phase": "specific/missionPhase",
}


@dataclass(frozen=True, eq=False)
class EnmapMetadata:
    """What METADATA.XML says. Arrays are (band,) in the order of bandID, which is that of the image.

    name       product name
    level      "L2A", ...
    acquired   start time, UTC, or None
    centres_nm, fwhm_nm, gain, offset
    detector   "VNIR", "SWIR" or "" where the lists of expected channels do not hold the band
    empty      True where bandStatistics report a band without data; None where they say nothing
    facts      further facts as text
    notes      what was missing
    """

    path: File
    name: str
    level: str
    acquired: datetime | None
    centres_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64]
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    detector: tuple[str, ...]
    empty: NDArray[np.bool_] | None
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def level_in_name(name: str) -> str:
    """Processing level in a product name, for example "L2A"; "" where it has none."""
    found = re.search(r"_(L\d[A-C])-", name, flags=re.IGNORECASE)
    return found[1].upper() if found else ""


def looks_like_metadata(path: File) -> bool:
    """Whether a file is XML that characterises bands the EnMAP way."""
    if path.suffix.lower() != ".xml" or (isinstance(path, Path) and not path.is_file()):
        return False
    with stream_of(path) as stream:
        head = stream.read(_HEAD).lower()
    return b"<level_x" in head or b"enmap" in head


def read_metadata(path: File) -> EnmapMetadata:
    """Parse METADATA.XML; ProductError names the element that is missing or cannot be used."""
    root = parsed(path)
    bands = _byband_number(root, "specific/bandcharacterisation", path)
    if not bands:
        raise ProductError(
            "no bands are characterised (specific/bandCharacterisation)",
            where=str(path),
            fix="Give the METADATA.XML of an L1C or L2A product.",
        )
    numbers = sorted(bands)
    centres, widths = (
        np.array([band_number(bands[n], tag, n, path) for n in numbers])
        for tag in ("wavelengthcenterofband", "fwhmofband")
    )
    notes: list[str] = []
    name = re.sub(
        r"-METADATA$", "", Path(text_at(root, "metadata/name") or path.name).stem, flags=re.IGNORECASE
    )
    started = text_at(root, "base/temporalcoverage/starttime") or text_at(root, "specific/datatakestart")
    level = text_at(root, "base/level") or text_at(root, "metadata/schema/processinglevel")
    facts = {key: text_at(root, place.lower()) for key, place in _FACTS.items()}
    return EnmapMetadata(
        path=path,
        name=name,
        level=level or level_in_name(name),
        acquired=time_from_text(started) or time_in_name(name),
        centres_nm=centres,
        fwhm_nm=widths,
        gain=_or_default(bands, numbers, "gainofband", _GAIN, notes),
        offset=_or_default(bands, numbers, "offsetofband", _OFFSET, notes),
        detector=_detectors(root, numbers),
        empty=_empty(root, numbers, path),
        facts={key: text for key, text in facts.items() if text},
        notes=tuple(notes),
    )


def describe_metadata(path: str | Path) -> dict[str, Any]:
    """What a METADATA.XML says, ready for JSON; the image need not be there.

    Raises UsageError if there is no such file, ProductError if it is no EnMAP metadata.
    """
    place = Path(path)
    if not place.is_file():
        raise UsageError("no such file", where=str(place), fix="Check the path.")
    meta = read_metadata(place)
    order = np.argsort(meta.centres_nm)
    axis = axis_of_file(
        meta.centres_nm[order], "nm", meta.fwhm_nm[order], where=str(place), error=ProductError
    )
    empty = np.flatnonzero(np.zeros(0) if meta.empty is None else meta.empty[order]) + 1
    return {
        "kind": "metadata",
        "product": meta.name,
        "sensor": "enmap",
        "level": meta.level,
        "acquired": meta.acquired.isoformat().replace("+00:00", "Z") if meta.acquired else None,
        "bands": len(axis),
        "wavelength_nm": [float(axis.values[0]), float(axis.values[-1])],
        "detectors": {d or "unknown": meta.detector.count(d) for d in sorted(set(meta.detector))},
        "empty_bands": {"count": len(empty), "numbers": ranges(empty)},
        "facts": dict(meta.facts),
        "notes": [*meta.notes, "metadata only: no image was looked at"],
    }


def _byband_number(root: ElementTree.Element, place: str, path: File) -> dict[int, ElementTree.Element]:
    """The bandID elements below a place, by their number."""
    bands: dict[int, ElementTree.Element] = {}
    for element in root.findall(f"{place}/bandid"):
        text = element.get("number", "")
        if not text.strip().isdigit() or int(text) in bands:
            raise ProductError(f"bandID number={text!r} is repeated or no number", where=f"{path} ({place})")
        bands[int(text)] = element
    return bands


def _or_default(
    bands: Mapping[int, ElementTree.Element], numbers: list[int], tag: str, default: float, notes: list[str]
) -> NDArray[np.float64]:
    """Gain or offset of each band; the default of all EnMAP L2A products where a band has none."""
    missing = [n for n in numbers if not text_at(bands[n], tag)]
    if missing:
        notes.append(f"{tag} missing for bands {ranges(missing)}: {default:g} assumed")
    return np.array([float(text_at(bands[n], tag) or default) for n in numbers])


def _detectors(root: ElementTree.Element, numbers: list[int]) -> tuple[str, ...]:
    of: dict[int, str] = {}
    for detector in ("vnir", "swir"):
        text = text_at(root, f"specific/{detector}productquality/expectedchannelslist")
        of |= {int(n): detector.upper() for n in re.findall(r"\d+", text)}
    return tuple(of.get(number, "") for number in numbers)


def _empty(root: ElementTree.Element, numbers: list[int], path: File) -> NDArray[np.bool_] | None:
    statistics = _byband_number(root, "product/bandstatistics", path)
    if not set(numbers) <= set(statistics):
        return None
    means = np.array([band_number(statistics[n], "mean", n, path) for n in numbers])
    return np.isnan(means) | (means <= _NO_STATISTICS)
