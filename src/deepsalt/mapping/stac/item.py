"""The STAC item of one map: where, when, from what and by what, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepsalt.errors import ProductError
from deepsalt.mapping.stac.assets import assets_of, metres_per_pixel
from deepsalt.mapping.stac.fields import (
    COLLECTION,
    COLLECTION_ID,
    EXTENSIONS,
    ITEM,
    JSON,
    SENSORS,
    STAC_VERSION,
    write_json,
)
from deepsalt.readers.footprint import box_of, footprint
from deepsalt.readers.raster import open_raster


def missing_for_item(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    """For the notes of a map: why it can have no item, in a sentence; nothing where it has one."""
    lacking = []
    if not facts["crs"]:
        lacking.append("where it lies")
    elif _footprint(folder, facts) is None:
        lacking.append("where on Earth it lies in degrees")
    if not _times(facts["provenance"]):
        lacking.append("when it was taken")
    return [f"No STAC item: the scene does not say {' and '.join(lacking)}."] if lacking else []


def write_item(folder: Path, facts: Mapping[str, Any]) -> Path | None:
    """Write item.json about a map whose files are all there; None where place or time are not known.

    facts   the content of map.json: scene, model, crs, layers, provenance. In the provenance, ACQUIRED is the
            time of one acquisition; FIRST_ACQUIRED and LAST_ACQUIRED, which come before it, those of several

    Same map, same bytes. The item belongs to the collection that `write_collection` puts beside the folder.
    """
    if missing_for_item(folder, facts):
        return None
    return write_json(folder / ITEM, _item(folder, facts))


def _item(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    geometry = _footprint(folder, facts) or {}
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS.values()),
        "id": facts["scene"],
        "geometry": geometry,
        "bbox": list(box_of(geometry)),
        "properties": _properties(folder, facts),
        "links": [
            {"rel": rel, "href": f"../{COLLECTION}", "type": JSON} for rel in ("root", "parent", "collection")
        ],
        "assets": assets_of(folder, facts["layers"]),
        "collection": COLLECTION_ID,
    }


def _grid(folder: Path, facts: Mapping[str, Any]) -> Any:
    """The header of the map's first layer: all lie on one grid."""
    return open_raster(folder / next(iter(facts["layers"].values())))


def _footprint(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    with _grid(folder, facts) as dataset:
        try:
            place = dataset.crs.to_wkt(), tuple(dataset.transform)[:6]
            return footprint(dataset.height, dataset.width, *place)
        except ProductError:
            return None


def _properties(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    tags = facts["provenance"]
    simulated = " (simulated)" if "SIMULATED" in tags else ""
    with _grid(folder, facts) as dataset:
        return {
            **_times(tags),
            "title": f"ECe of the surface layer{simulated}, {facts['scene']}",
            **SENSORS.get(tags.get("SENSOR", ""), {}),
            **metres_per_pixel(dataset.crs, dataset.transform, "gsd"),
            **_projection(dataset.crs),
            "proj:shape": list(dataset.shape),
            "proj:transform": [float(number) for number in tuple(dataset.transform)[:6]],
            "proj:bbox": [float(edge) for edge in dataset.bounds],
            **_processing(facts),
        }


def _times(tags: Mapping[str, str]) -> dict[str, str | None]:
    """The acquisition in UTC, or the first and last of several; empty where it is not known."""
    if "FIRST_ACQUIRED" in tags and "LAST_ACQUIRED" in tags:
        first, last = _utc(tags["FIRST_ACQUIRED"]), _utc(tags["LAST_ACQUIRED"])
        return {"datetime": None, "start_datetime": first, "end_datetime": last}
    return {"datetime": _utc(tags["ACQUIRED"])} if "ACQUIRED" in tags else {}


def _utc(text: str) -> str:
    """RFC 3339 with Z; a time without zone is UTC, as everywhere in deepsalt."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _projection(crs: Any) -> dict[str, str | None]:
    authority = crs.to_authority()
    if authority:
        return {"proj:code": ":".join(authority)}
    return {"proj:code": None, "proj:wkt2": crs.to_wkt(version="WKT2_2019")}


def _processing(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What made the map: software, model and rules, in fields and in a sentence."""
    tags = facts["provenance"]
    software, _, version = tags["TIFFTAG_SOFTWARE"].partition(" ")
    named = {
        "deepsalt:model": facts["model"],
        "deepsalt:model_fingerprint": tags.get("MODEL_FINGERPRINT"),
        "deepsalt:model_file": tags.get("MODEL_FILE"),
        "deepsalt:sensor": tags.get("SENSOR"),
        "deepsalt:composite": tags.get("COMPOSITE"),
        "deepsalt:source_scenes": tags.get("SCENES", facts["scene"]).split(", "),
        "deepsalt:simulated": tags.get("SIMULATED"),
    }
    return {
        "processing:level": "L4",
        "processing:software": {software: version},
        "processing:lineage": _lineage(facts),
        **{key: value for key, value in named.items() if value is not None},
    }


def _lineage(facts: Mapping[str, Any]) -> str:
    tags = facts["provenance"]
    of = f"{tags['COMPOSITE']} composite of {tags['SCENES']}" if "SCENES" in tags else facts["scene"]
    lines = [f"ECe (dS/m) of the surface layer, predicted by the model {facts['model']} from {of}"]
    for key, words in (("SURFACE_RULES", "masked"), ("COVARIATES", "covariates"), ("SIMULATED", "simulated")):
        if key in tags:
            lines.append(f"{words}: {tags[key]}")
    return "; ".join(lines)
