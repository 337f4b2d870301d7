"""Words and addresses of STAC that items and collections share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deepsalt.files import written_whole

STAC_VERSION = "1.1.0"
#: Id of the collection that every map belongs to.
COLLECTION_ID = "deepsalt-maps"
ITEM = "item.json"
COLLECTION = "collection.json"

JSON = "application/json"
GEOJSON = "application/geo+json"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"

#: Extensions whose fields are written, by prefix.
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        prefix: f"https://stac-extensions.github.io/{path}/schema.json"
        for prefix, path in {
            "proj": "projection/v2.0.0",
            "raster": "raster/v2.0.0",
            "file": "file/v2.1.0",
            "processing": "processing/v1.2.0",
            "classification": "classification/v2.0.0",
        }.items()
    }
)

#: Platform or constellation, and instrument, of the shipped sensors. A table of bands does not tell one
#: Sentinel-2 or Landsat from the next, so that these have no platform.
SENSORS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "enmap": {"platform": "enmap", "instruments": ["hsi"]},
        "prisma": {"platform": "prisma", "instruments": ["hyc"]},
        "emit": {"platform": "iss", "instruments": ["emit"]},
        "desis": {"platform": "iss", "instruments": ["desis"]},
        "sentinel2": {"constellation": "sentinel-2", "instruments": ["msi"]},
        "sentinel2b": {"constellation": "sentinel-2", "instruments": ["msi"]},
        "landsat8": {"constellation": "landsat", "instruments": ["oli"]},
    }
)


def write_json(path: Path, document: Mapping[str, Any]) -> Path:
    """Write it whole, in an order that does not depend on when or where."""
    with written_whole(path) as aside:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")
    return path
