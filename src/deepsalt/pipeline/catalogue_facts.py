"""Facts about a STAC catalogue, collection, item or saved search: what is in it, and what could be mapped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsalt.errors import ProductError
from deepsalt.pipeline.catalogue import item_times
from deepsalt.readers.footprint import box_around
from deepsalt.readers.stac import LeftOut, stac_items
from deepsalt.readers.stac_products import SOFTWARE, product_of

if TYPE_CHECKING:
    from pystac import Item

#: Properties of an item that a reader of maps wants to know.
_TOLD = ("title", "platform", "instruments", "gsd", "eo:cloud_cover", "proj:code", "processing:lineage")


def describe_stac(path: Path) -> dict[str, Any]:
    """Plain values; `kind` is "STAC item", "STAC catalogue" or, of our own, "map item", "archive of maps".

    Raises what `stac_items` raises.
    """
    found = list(stac_items(str(path)))
    items = [one for one in found if not isinstance(one, LeftOut)]
    unread = [one for one in found if isinstance(one, LeftOut)]
    ours = bool(items) and all(
        SOFTWARE in (item.properties.get("processing:software") or {}) for item in items
    )
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("type") == "Feature" and items:
        return _item(items[0], ours)
    usable, reasons = _usable(items)
    return {
        "kind": "archive of maps" if ours else "STAC catalogue",
        "items": len(items),
        "collections": sorted({item.collection_id for item in items if item.collection_id}),
        "dates": _dates(items),
        "bbox": _box(items),
        "names": [item.id for item in items],
        **({} if ours else {"products_on_this_disk": usable, "others": dict(reasons)}),
        "looks_wrong": [f"{one.name}: {one.reason}" for one in unread],
    }


def _item(item: Item, ours: bool) -> dict[str, Any]:
    facts = {
        "kind": "map item" if ours else "STAC item",
        "id": item.id,
        "collection": item.collection_id,
        "dates": _dates([item]),
        "bbox": item.bbox,
        **{name: item.properties[name] for name in _TOLD if name in item.properties},
        "assets": {key: asset.href for key, asset in item.assets.items()},
    }
    return facts if ours else {**facts, "product": _product(item)}


def _product(item: Item) -> str:
    try:
        return str(product_of(item))
    except ProductError as error:
        return f"none: {error.found}"


def _usable(items: Sequence[Item]) -> tuple[int, Counter[str]]:
    """How many items lead to a product on this disk, and why the others do not."""
    told = [_product(item) for item in items]
    reasons = Counter(one for one in told if one.startswith("none: "))
    return len(told) - reasons.total(), reasons


def _dates(items: Sequence[Item]) -> list[str] | None:
    """First and last day."""
    times: list[datetime] = [time for item in items for time in item_times(item) if time is not None]
    return [f"{min(times):%Y-%m-%d}", f"{max(times):%Y-%m-%d}"] if times else None


def _box(items: Sequence[Item]) -> list[float] | None:
    boxes = [tuple(item.bbox) for item in items if item.bbox and len(item.bbox) == 4]
    return list(box_around(boxes)) if boxes else None  # type: ignore[arg-type]
