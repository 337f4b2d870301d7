"""The STAC collection of an archive of maps, made from the items that are in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from deepsalt.errors import OutputError, ProductError
from deepsalt.mapping.stac.fields import (
    COLLECTION,
    COLLECTION_ID,
    EXTENSIONS,
    GEOJSON,
    ITEM,
    JSON,
    STAC_VERSION,
    write_json,
)
from deepsalt.readers.footprint import Box, box_around

_DESCRIPTION = (
    "Maps of soil salinity: electrical conductivity of the saturated paste (ECe, dS/m) of the surface layer, "
    "predicted from satellite spectra. An optical sensor sees the top millimetres of the soil."
)
#: Fields of items that the collection sums up, where an item has them.
_SUMMED_UP = (
    "platform",
    "constellation",
    "instruments",
    "gsd",
    "proj:code",
    "processing:level",
    "processing:software",
    "deepsalt:model",
    "deepsalt:model_fingerprint",
)


def write_collection(
    out: str | Path, *, licence: str | None = None, providers: Sequence[Mapping[str, Any]] | None = None
) -> Path | None:
    """Write `out`/collection.json from the items in the folders of `out`; None where there is none.

    licence    SPDX expression, or "other". None: what the earlier collection says, or "other"
    providers  STAC providers: name, roles, url. None: those of the earlier collection, or none

    Links are relative, so that the archive can be moved as it is. Same items, same bytes. An earlier
    collection is replaced; one without any item left is removed.
    Raises OutputError if another file of this name is in the way, ProductError for an item that is damaged.
    """
    root = Path(out)
    earlier = _earlier(root / COLLECTION)
    items = {path: _read(path) for path in sorted(root.glob(f"[!.]*/{ITEM}"))}
    if not items:
        (root / COLLECTION).unlink(missing_ok=True)
        return None
    document = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [EXTENSIONS[prefix] for prefix in ("proj", "processing")],
        "id": COLLECTION_ID,
        "title": "Soil salinity maps",
        "description": _DESCRIPTION,
        "keywords": ["soil", "salinity", "ECe"],
        "license": licence or earlier.get("license", "other"),
        **_providers(providers if providers is not None else earlier.get("providers", ())),
        "extent": _extent(list(items.values())),
        "summaries": _summaries(list(items.values())),
        "links": [{"rel": "root", "href": f"./{COLLECTION}", "type": JSON}, *map(_link, items)],
    }
    return write_json(root / COLLECTION, document)


def check_free(out: str | Path) -> None:
    """Raise OutputError if `write_collection` would refuse: before long work, not after it."""
    _earlier(Path(out) / COLLECTION)


def _earlier(path: Path) -> dict[str, Any]:
    """The collection that stands there; empty where there is none. Raises OutputError for one of others."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("id") != COLLECTION_ID:
        raise OutputError(
            f"a file that is no collection of these maps is in the way (its id is not {COLLECTION_ID})",
            where=str(path),
            fix="Move it, or write the maps to another folder with --out.",
        )
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        item = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(item, dict) and len(item["bbox"]) == 4 and _interval(item):
            return item
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, repr(error)) from error
    raise _damaged(path, "no STAC item")


def _damaged(path: Path, why: str) -> ProductError:
    fix = "Map the scene again, or remove the folder."
    return ProductError(f"the item is damaged ({why})", where=str(path), fix=fix)


def _providers(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"providers": [dict(one) for one in found]} if found else {}


def _link(item: Path) -> dict[str, str]:
    return {"rel": "item", "href": f"./{item.parent.name}/{ITEM}", "type": GEOJSON}


def _extent(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    boxes: list[Box] = [(box[0], box[1], box[2], box[3]) for box in (item["bbox"] for item in items)]
    times = [_interval(item) for item in items]
    first = min((time[0] for time in times), key=datetime.fromisoformat)
    last = max((time[1] for time in times), key=datetime.fromisoformat)
    return {"spatial": {"bbox": [list(box_around(boxes))]}, "temporal": {"interval": [[first, last]]}}


def _interval(item: Mapping[str, Any]) -> tuple[str, str]:
    """First and last moment, as the item writes them."""
    times = item["properties"]
    moment = times["datetime"]
    return (moment, moment) if moment else (times["start_datetime"], times["end_datetime"])


def _summaries(items: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Every value that a field takes in the items, once, sorted."""
    found = {}
    for field in _SUMMED_UP:
        values = [item["properties"][field] for item in items if field in item["properties"]]
        if isinstance(next(iter(values), None), list):
            values = [one for value in values for one in value]
        distinct = {json.dumps(value): value for value in values if value is not None}
        if distinct:
            found[field] = [distinct[key] for key in sorted(distinct)]
    return found
