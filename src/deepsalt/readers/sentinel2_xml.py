"""MTD_MSIL2A.xml of a Sentinel-2 product: scale, offsets, time, baseline, and what belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from deepsalt.errors import ProductError
from deepsalt.readers.product_xml import finite, parsed, text_at
from deepsalt.readers.raster_scene import time_from_text

_HEAD = 4096
#: Bands by the number they have in the metadata (band_id, from 0).
BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
#: Reflectance 1 is stored as this number, in every baseline so far.
_QUANTIFICATION = 10_000.0
#: Stored numbers are shifted by this much since processing baseline 04.00 (25 January 2022), so that
#: reflectance below 0 can be stored. Earlier products are not shifted, and their metadata have no such list.
_OFFSET, _OFFSET_SINCE = -1000.0, (4, 0)
_NODATA, _SATURATED = 0.0, 65_535.0
_FACTS = {
    "spacecraft": "spacecraft_name",
    "processing baseline": "processing_baseline",
    "relative orbit": "sensing_orbit_number",
    "cloud cover": "cloud_coverage_assessment",
    "generated": "generation_time",
}
_TILE_FACTS = {
    "sun zenith angle": ".//mean_sun_angle/zenith_angle",
    "sun azimuth angle": ".//mean_sun_angle/azimuth_angle",
}


@dataclass(frozen=True, eq=False)
class Sentinel2Metadata:
    """What MTD_MSIL2A.xml says: reflectance = (stored + offset) / quantification.

    name        product name
    spacecraft  "Sentinel-2A", ...
    acquired    start time, UTC, or None
    offsets     by band name ("B1" ... "B12")
    nodata, saturated   stored values that stand for no reflectance
    images      names, without folder and suffix, of the images that belong to the product
    """

    path: Path
    name: str
    spacecraft: str
    acquired: datetime | None
    quantification: float
    offsets: Mapping[str, float]
    nodata: float = _NODATA
    saturated: float = _SATURATED
    images: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def looks_like_metadata(path: Path) -> bool:
    """Whether a file is the XML of a Sentinel-2 user product, level 1C or 2A."""
    if not path.is_file() or path.suffix.lower() != ".xml":
        return False
    with path.open("rb") as stream:
        head = stream.read(_HEAD).lower()
    return re.search(rb"level-(1c|2ap?)_user_product", head) is not None


def read_metadata(path: Path) -> Sentinel2Metadata:
    """Parse the XML of a product. Raises ProductError for damaged XML, and for a product that is not L2A."""
    root = parsed(path)
    _check_level(root, path)
    notes: list[str] = []
    name = _text(root, "product_uri") or _text(root, "product_uri_2a") or path.parent.name
    offsets = _offsets(root, path, notes)
    facts = {key: _text(root, tag) for key, tag in _FACTS.items()}
    quantification = _quantification(root, path, notes)
    facts["scale"] = _told_scale(quantification, offsets)
    special = _special_values(root)
    return Sentinel2Metadata(
        path=path,
        name=re.sub(r"\.SAFE$", "", name, flags=re.IGNORECASE),
        spacecraft=facts["spacecraft"],
        acquired=time_from_text(_text(root, "product_start_time") or _text(root, "datatake_sensing_start")),
        quantification=quantification,
        offsets=offsets,
        nodata=special.get("NODATA", _NODATA),
        saturated=special.get("SATURATED", _SATURATED),
        images=frozenset(_images(root)),
        facts={key: text for key, text in facts.items() if text},
        notes=tuple(notes),
    )


def tile_facts(path: Path) -> dict[str, str]:
    """What the metadata of a tile (MTD_TL.xml) say of the sun. Raises ProductError for damaged XML."""
    root = parsed(path)
    facts = {key: text_at(root, place) for key, place in _TILE_FACTS.items()}
    return {key: text for key, text in facts.items() if text}


def _check_level(root: ElementTree.Element, path: Path) -> None:
    level = _text(root, "processing_level") or root.tag
    if "level-2a" not in root.tag or "2a" not in level.lower():
        raise ProductError(
            f"the product is {level}, not Level-2A",
            where=str(path),
            fix="Download the surface reflectance (L2A) of the same date, or make it with Sen2Cor.",
        )


def _quantification(root: ElementTree.Element, path: Path, notes: list[str]) -> float:
    text = next((e.text for e in root.iter() if str(e.tag).endswith("boa_quantification_value")), None)
    if text is None:
        notes.append(f"no BOA_QUANTIFICATION_VALUE in the metadata: {_QUANTIFICATION:g} is assumed")
        return _QUANTIFICATION
    value = _number(text, "BOA_QUANTIFICATION_VALUE", path)
    if value <= 0:
        raise ProductError(
            f"BOA_QUANTIFICATION_VALUE is {value:g}", where=str(path), fix="Download the product again."
        )
    return value


def _offsets(root: ElementTree.Element, path: Path, notes: list[str]) -> dict[str, float]:
    """The offset of each band: of the list; without one, what the baseline calls for."""
    listed = {
        _band(element.get("band_id", ""), path): _number(element.text, "BOA_ADD_OFFSET", path)
        for element in root.iter("boa_add_offset")
    }
    baseline = _text(root, "processing_baseline")
    if listed:
        missing = [band for band in BANDS if band not in listed]
        if missing:
            notes.append(f"no BOA_ADD_OFFSET of {', '.join(missing)}: {_commonest(listed):g} is assumed")
        return {band: listed.get(band, _commonest(listed)) for band in BANDS}
    offset = _OFFSET if (_version(baseline) or (0, 0)) >= _OFFSET_SINCE else 0.0
    if offset:
        notes.append(f"baseline {baseline}, but no BOA_ADD_OFFSET: {offset:g} is assumed, as since 04.00")
    elif _version(baseline) is None:
        notes.append("no processing baseline and no BOA_ADD_OFFSET: stored numbers are taken as not shifted")
    return dict.fromkeys(BANDS, offset)


def _band(number: str, path: Path) -> str:
    if number.isdigit() and int(number) < len(BANDS):
        return BANDS[int(number)]
    raise ProductError(
        f"BOA_ADD_OFFSET of a band {number!r}, which is not one of 0 to {len(BANDS) - 1}",
        where=str(path),
        fix="Download the product again.",
    )


def _commonest(listed: Mapping[str, float]) -> float:
    values = list(listed.values())
    return max(values, key=values.count)


def _version(baseline: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", baseline)
    return (int(found[1]), int(found[2])) if found else None


def _special_values(root: ElementTree.Element) -> dict[str, float]:
    found = {}
    for element in root.iter("special_values"):
        text, value = text_at(element, "special_value_text"), text_at(element, "special_value_index")
        if value.isdigit():
            found[text.upper()] = float(value)
    return found


def _images(root: ElementTree.Element) -> Iterator[str]:
    """Names of the images; the element is called IMAGE_FILE, IMAGE_ID or a kin of these, by baseline."""
    for element in root.iter():
        if str(element.tag).startswith(("image_file", "image_id")) and element.text:
            yield element.text.strip().rpartition("/")[2]


def _told_scale(quantification: float, offsets: Mapping[str, float]) -> str:
    shifts = sorted(set(offsets.values()))
    shift = f"{shifts[0]:+g}" if len(shifts) == 1 else "+ offset of the band"
    return f"(stored {shift}) / {quantification:g}" if shifts != [0.0] else f"stored / {quantification:g}"


def _text(root: ElementTree.Element, tag: str) -> str:
    return text_at(root, f".//{tag}")


def _number(text: str | None, what: str, path: Path) -> float:
    value = finite(text or "")
    if value is None:
        raise ProductError(
            f"{what} is {text!r}, not a number", where=str(path), fix="Download the product again."
        )
    return value
