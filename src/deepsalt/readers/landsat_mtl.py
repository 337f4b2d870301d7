"""The metadata file of a Landsat Collection 2 product (MTL), as text (ODL), XML or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from deepsalt.errors import ProductError
from deepsalt.readers.product_xml import finite, parsed
from deepsalt.readers.raster_scene import time_from_text

_ROOT = "LANDSAT_METADATA_FILE"
_MTL = re.compile(r"(?:^|_)MTL\.(txt|xml|json)$", re.IGNORECASE)
_HEAD = 256
#: Group and key -> what the user is told of the whole scene.
_FACTS = {
    "spacecraft": ("IMAGE_ATTRIBUTES", "SPACECRAFT_ID"),
    "cloud cover": ("IMAGE_ATTRIBUTES", "CLOUD_COVER"),
    "sun elevation": ("IMAGE_ATTRIBUTES", "SUN_ELEVATION"),
    "sun azimuth": ("IMAGE_ATTRIBUTES", "SUN_AZIMUTH"),
    "path": ("IMAGE_ATTRIBUTES", "WRS_PATH"),
    "row": ("IMAGE_ATTRIBUTES", "WRS_ROW"),
    "processing level": ("PRODUCT_CONTENTS", "PROCESSING_LEVEL"),
    "collection category": ("PRODUCT_CONTENTS", "COLLECTION_CATEGORY"),
    "processor": ("LEVEL2_PROCESSING_RECORD", "PROCESSING_SOFTWARE_VERSION"),
}
#: Scale and offset of surface reflectance in Collection 2, all bands (USGS, Landsat 8-9 Collection 2 Level 2
#: Science Product Guide).
GAIN, OFFSET = 0.0000275, -0.2
#: The level-1 group holds keys of the same names: those scale the radiance at the top of the atmosphere.
_SCALES = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"

Groups = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class LandsatMetadata:
    """What an MTL file says: reflectance = gain * stored + offset.

    name        product name
    spacecraft  "LANDSAT_8", "LANDSAT_9", ...
    level       processing level: "L2SP", "L2SR", or one of level 1 such as "L1TP"
    acquired    UTC: centre of the scene; None where it is not told
    gains, offsets   by band name ("B1" ... "B7")
    """

    path: Path
    name: str
    spacecraft: str
    level: str
    acquired: datetime | None
    gains: Mapping[str, float]
    offsets: Mapping[str, float]
    facts: Mapping[str, str] = field(default_factory=dict)


def looks_like_mtl(path: Path) -> bool:
    """Whether a file is the metadata of a Landsat Collection 2 product, by its first bytes."""
    if not path.is_file() or not _MTL.search(path.name):
        return False
    with path.open("rb") as stream:
        return _ROOT.encode() in stream.read(_HEAD)


def read_mtl(path: Path) -> LandsatMetadata:
    """Parse an MTL file. Raises ProductError for one that is damaged or lacks the scale of a band."""
    groups = _groups(path)
    contents, image = groups.get("PRODUCT_CONTENTS", {}), groups.get("IMAGE_ATTRIBUTES", {})
    facts = {key: groups.get(group, {}).get(name, "") for key, (group, name) in _FACTS.items()}
    scales = groups.get(_SCALES, {})
    moment = f"{image.get('DATE_ACQUIRED', '')}T{image.get('SCENE_CENTER_TIME', '')}"
    return LandsatMetadata(
        path=path,
        name=contents.get("LANDSAT_PRODUCT_ID") or _MTL.sub("", path.name),
        spacecraft=image.get("SPACECRAFT_ID", ""),
        level=contents.get("PROCESSING_LEVEL", ""),
        acquired=time_from_text(moment),
        gains=_by_band(scales, "REFLECTANCE_MULT_BAND_", path),
        offsets=_by_band(scales, "REFLECTANCE_ADD_BAND_", path),
        facts={key: text for key, text in facts.items() if text},
    )


def _by_band(scales: Mapping[str, str], key: str, path: Path) -> dict[str, float]:
    """Numbers of the keys that begin with `key` and end with the number of a band."""
    found = {}
    for name, text in scales.items():
        if name.startswith(key) and name[len(key) :].isdigit():
            value = finite(text)
            if value is None:
                raise _damaged(path, f"{name} is {text!r}, not a number")
            found[f"B{name[len(key) :]}"] = value
    return found


def _groups(path: Path) -> Groups:
    """Keys and values of each group, quotes taken off."""
    if path.suffix.lower() == ".xml":
        root = parsed(path)
        return {group.tag.upper(): _children(group) for group in root}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _damaged(path, f"the metadata are not text ({error.reason})") from error
    return _of_json(text, path) if path.suffix.lower() == ".json" else _of_odl(text, path)


def _children(group: ElementTree.Element) -> dict[str, str]:
    return {child.tag.upper(): (child.text or "").strip() for child in group}


def _of_json(text: str, path: Path) -> Groups:
    try:
        told: Any = json.loads(text)[_ROOT]
        return {group: {key: str(value) for key, value in keys.items()} for group, keys in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"the JSON is damaged or cut off ({error})") from error


def _of_odl(text: str, path: Path) -> Groups:
    """Groups of `KEY = VALUE` lines between GROUP and END_GROUP; the file ends with END."""
    groups: dict[str, dict[str, str]] = {}
    group = ""
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            group = value
        elif key == "END":
            return groups
        elif value and key != "END_GROUP":
            groups.setdefault(group, {})[key] = value.strip('"')
    raise _damaged(path, "the metadata are cut off: no END")


def _damaged(path: Path, found: str) -> ProductError:
    return ProductError(found, where=str(path), fix="Copy or download it again.")
