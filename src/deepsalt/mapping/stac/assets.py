"""Assets of an item: what each file of a map is, from the file itself."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.cog import strips
from deepsalt.mapping.folder import SUMMARY
from deepsalt.mapping.stac.fields import COG, JSON
from deepsalt.readers.raster import open_raster

#: Layers that say which values of the others may be used.
_MASKS = ("mask", "outside")
_CATEGORY = "CATEGORY_"
#: Multihash: code of SHA2-256, then the length of the digest in bytes.
_SHA256 = "1220"
#: Layers that are read at a time for their statistics.
_AT_A_TIME = 2


def assets_of(folder: Path, layers: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Every file of a map that is there, by key: layers, their styles, the picture and the summary.

    layers  file name of each layer, as in map.json
    """
    with ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="asset") as pool:
        described = pool.map(lambda name: layer_asset(folder / layers[name], name), layers)
        found = dict(zip(layers, described, strict=True))
    for name, file in layers.items():
        if (style := (folder / file).with_suffix(".qml")).is_file():
            title = f"QGIS style of {file}"
            found[f"{name}-style"] = _asset(style, title, "text/xml", "style", "metadata")
    if (picture := folder / "quicklook.png").is_file():
        found["quicklook"] = _asset(picture, "Picture of the classes", "image/png", "overview")
    if (summary := folder / SUMMARY).is_file():
        found["summary"] = _asset(summary, "Hectares a class, provenance, notes", JSON, "metadata")
    return found


def layer_asset(path: Path, name: str) -> dict[str, Any]:
    """One COG: its band with type, unit, nodata, statistics, and classes where it has categories."""
    with open_raster(path) as dataset:
        tags, colours = dataset.tags(1), _colours(dataset)
        band: dict[str, Any] = {
            "name": name,
            "description": dataset.descriptions[0] or name,
            "data_type": dataset.dtypes[0],
            **({} if dataset.nodata is None else {"nodata": _number(dataset.nodata)}),
            **({"unit": dataset.units[0]} if dataset.units[0] else {}),
            "raster:sampling": "area",
            **metres_per_pixel(dataset.crs, dataset.transform, "raster:spatial_resolution"),
        }
        level = dataset.tags().get("LEVEL")
        nodata = dataset.nodata
    categories = [tags[f"{_CATEGORY}{i}"] for i in range(256) if f"{_CATEGORY}{i}" in tags]
    if categories:
        counts = _counts(path)
        band["statistics"] = _valid(int(counts.sum()), 0 if nodata is None else int(counts[int(nodata)]))
        band["classification:classes"] = _classes(categories, colours, counts)
    else:
        band["statistics"] = _statistics(path)
    asset = _asset(path, band["description"], COG, "data-mask" if name in _MASKS else "data")
    return {**asset, **({"deepsalt:level": float(level)} if level else {}), "bands": [band]}


def metres_per_pixel(crs: Any, transform: Any, field: str) -> dict[str, float]:
    """The field with the side of a pixel, m; empty where the plane is not in a unit of length."""
    if crs is None or not crs.is_projected:
        return {}
    side = math.sqrt(abs(transform.determinant)) * float(crs.linear_units_factor[1])
    return {field: round(side, 6)}


def _asset(path: Path, title: str, media_type: str, *roles: str) -> dict[str, Any]:
    return {
        "href": f"./{path.name}",
        "title": title,
        "type": media_type,
        "roles": list(roles),
        "file:size": path.stat().st_size,
        "file:checksum": _checksum(path),
    }


def _checksum(path: Path) -> str:
    """Multihash of the file in hexadecimal digits."""
    with path.open("rb") as stream:
        return _SHA256 + hashlib.file_digest(stream, "sha256").hexdigest()


def _number(value: float) -> float | str:
    """As STAC writes a nodata value: JSON has no word for NaN."""
    if math.isnan(value):
        return "nan"
    return int(value) if value.is_integer() else value


def _statistics(path: Path) -> dict[str, float | int]:
    """Of the finite values of a layer of numbers."""
    size, count, total, squares = 0, 0, 0.0, 0.0
    low, high = math.inf, -math.inf
    for values in _finite(path):
        size += values.size
        known = values[np.isfinite(values)].astype(np.float64)
        if len(known):
            count, total, squares = count + len(known), total + known.sum(), squares + (known**2).sum()
            low, high = min(low, known.min()), max(high, known.max())
    if not count:
        return _valid(size, size)
    mean = total / count
    spread = math.sqrt(max(squares / count - mean**2, 0.0))
    numbers = {"minimum": low, "maximum": high, "mean": mean, "stddev": spread}
    return {**{key: round(float(value), 6) for key, value in numbers.items()}, **_valid(size, size - count)}


def _finite(path: Path) -> Iterator[NDArray[Any]]:
    return (values for _, values in strips(path))


def _valid(size: int, missing: int) -> dict[str, float | int]:
    return {"count": size - missing, "valid_percent": round(100 * (size - missing) / size, 4)}


def _counts(path: Path) -> NDArray[np.int64]:
    """(256,) how many pixels have each value."""
    counts = np.zeros(256, np.int64)
    for _, values in strips(path):
        counts += np.bincount(values.ravel(), minlength=256)
    return counts


def _classes(
    categories: list[str], colours: Mapping[int, tuple[int, ...]], counts: NDArray[np.int64]
) -> list[dict[str, Any]]:
    return [
        {
            "value": value,
            "name": re.sub(r"[^a-z0-9]+", "-", title.partition("(")[0].lower()).strip("-"),
            "title": title,
            **({"color_hint": "{:02X}{:02X}{:02X}".format(*colours[value][:3])} if value in colours else {}),
            "count": int(counts[value]),
        }
        for value, title in enumerate(categories)
    ]


def _colours(dataset: Any) -> Mapping[int, tuple[int, ...]]:
    try:
        found: Mapping[int, tuple[int, ...]] = dataset.colormap(1)
    except ValueError:  # rasterio's word for: there is none
        return {}
    return found
