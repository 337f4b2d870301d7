"""JSON schemas of the fields of STAC extensions that we write, ours, from the fields' published tables.

pystac carries the schemas of STAC itself and fetches those of extensions from the network, which tests do
without. A field of an extension that is not listed here is refused, as it is by the published schemas.
"""

from __future__ import annotations

from typing import Any

NUMBER, STRING, INTEGER = {"type": "number"}, {"type": "string", "minLength": 1}, {"type": "integer"}
COUNT = {"type": "integer", "minimum": 0}


def array(item: dict[str, Any], *lengths: int) -> dict[str, Any]:
    sizes = [{"minItems": n, "maxItems": n} for n in lengths] or [{"minItems": 1}]
    return {"type": "array", "items": item, "anyOf": sizes}


CLASS = {
    "type": "object",
    "required": ["value", "name"],
    "properties": {
        "value": INTEGER,
        "name": {"type": "string", "pattern": "^[0-9A-Za-z_-]+$"},
        "title": STRING,
        "color_hint": {"type": "string", "pattern": "^[0-9A-F]{6}$"},
        "count": COUNT,
    },
    "additionalProperties": False,
}

FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "projection/v2.0.0": {
        "proj:code": {"type": ["string", "null"], "pattern": "^[^:]+:.+$"},
        "proj:wkt2": {"type": ["string", "null"]},
        "proj:bbox": array(NUMBER, 4, 6),
        "proj:shape": array(INTEGER, 2),
        "proj:transform": array(NUMBER, 6, 9),
    },
    "raster/v2.0.0": {
        "raster:sampling": {"enum": ["area", "point"]},
        "raster:spatial_resolution": NUMBER,
    },
    "file/v2.1.0": {
        "file:size": COUNT,
        "file:checksum": {"type": "string", "pattern": "^[a-f0-9]+$"},
    },
    "processing/v1.2.0": {
        "processing:level": {"type": "string", "pattern": "^(RAW|L[0-4].*)$"},
        "processing:lineage": STRING,
        "processing:software": {"type": "object", "minProperties": 1, "additionalProperties": STRING},
    },
    "classification/v2.0.0": {"classification:classes": {**array(CLASS), "uniqueItems": True}},
}


def address(extension: str) -> str:
    return f"https://stac-extensions.github.io/{extension}/schema.json"


def schema_of(extension: str) -> dict[str, Any]:
    """Schema of items and collections that use an extension: its fields only, anywhere they may stand."""
    fields = FIELDS[extension]
    prefix = next(iter(fields)).partition(":")[0]
    here = {
        "type": "object",
        "properties": fields,
        "patternProperties": {f"^(?!{prefix}:)": {}},
        "additionalProperties": False,
    }
    bands = {"properties": {"bands": {"type": "array", "items": here}}}
    asset = {"allOf": [here, bands]}
    listed = {"contains": {"const": address(extension)}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": address(extension),
        "type": "object",
        "required": ["stac_extensions"],
        "properties": {
            "stac_extensions": {"type": "array", **listed},
            "properties": here,
            "assets": {"type": "object", "additionalProperties": asset},
        },
    }


def validator() -> Any:
    """pystac's validator of STAC with our schemas of the extensions; it reaches for no network."""
    from pystac.validation import JsonSchemaSTACValidator

    checks = JsonSchemaSTACValidator()
    checks.schema_cache |= {address(name): schema_of(name) for name in FIELDS}
    return checks
