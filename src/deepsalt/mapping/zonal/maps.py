"""Finished maps as zonal statistics read them: the layers that are there, on one grid each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.mapping.area import hectares_per_pixel
from deepsalt.mapping.cog import Grid
from deepsalt.mapping.folder import SUMMARY
from deepsalt.mapping.style import threshold_of
from deepsalt.readers.raster import RasterInfo, info, is_nodata, read_bands
from deepsalt.readers.vector import WGS84, geopandas_or_explain
from deepsalt.spectra import Window

if TYPE_CHECKING:
    from shapely import Polygon


@dataclass(frozen=True, eq=False)
class MapLayers:
    """One map folder.

    layers      header of each layer, by the name of its file without `.tif`
    classes     (name, lower bound in dS/m) of the values 0, 1, 2, ... of class.tif
    level       of the interval between ece_low.tif and ece_high.tif; "" without one
    simulated   whether the map says that its model learned from simulated data
    """

    folder: Path
    layers: Mapping[str, RasterInfo]
    classes: tuple[tuple[str, float], ...]
    level: str
    simulated: bool

    @property
    def grid(self) -> Grid:
        ece = self.layers["ece"]
        return Grid(ece.height, ece.width, ece.crs, ece.transform)

    @cached_property
    def hectares(self) -> NDArray[np.float64]:
        """(y,) ground area of a pixel of each row."""
        found = hectares_per_pixel(self.grid)
        assert found is not None  # a map without a coordinate system is not opened
        return found

    @property
    def probabilities(self) -> dict[float, str]:
        """Threshold in dS/m -> name of the layer of the probability to lie above it."""
        found = {threshold_of(name): name for name in self.layers}
        return {threshold: name for threshold, name in found.items() if threshold is not None}

    def read(self, layer: str, window: Window) -> NDArray[Any]:
        """(y, x) of a window; nodata of numbers as NaN, of classes as stored."""
        header = self.layers[layer]
        stored = read_bands(header.path, window, [1])[0]
        if stored.dtype.kind != "f":
            return stored
        return np.where(is_nodata(stored, header.nodata), np.float32("nan"), stored)

    def footprint(self, inset: float = 0.0) -> Polygon:
        """The rectangle of the pixels in degrees WGS84, less `inset` pixels on each side."""
        import shapely

        rows, columns = self.grid.height, self.grid.width
        inside = shapely.box(inset, inset, columns - inset, rows - inset)
        a, b, c, d, e, f = self.grid.transform
        edges = shapely.segmentize(inside, max(rows, columns) / 32)
        placed = shapely.transform(
            edges, lambda p: np.column_stack([a * p[:, 0] + b * p[:, 1] + c, d * p[:, 0] + e * p[:, 1] + f])
        )
        series = geopandas_or_explain().GeoSeries([placed], crs=self.grid.crs)
        return series.to_crs(WGS84).iloc[0]


def open_maps(paths: Sequence[str | Path]) -> tuple[MapLayers, ...]:
    """The maps at these paths: map folders, or folders that hold map folders.

    Raises UsageError for a path without a map, and for maps that cannot be added up because their classes
    or the levels of their intervals differ; ProductError for a map that is damaged.
    """
    maps = tuple(_opened(folder) for folder in _folders(paths))
    for other in maps[1:]:
        _check_alike(maps[0], other)
    return maps


def _folders(paths: Sequence[str | Path]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError("no such folder", where=str(path), fix="Give a map folder of: deepsalt map")
        inside = (
            [path] if (path / SUMMARY).is_file() else sorted(one.parent for one in path.glob(f"*/{SUMMARY}"))
        )
        here = [folder for folder in inside if not folder.name.startswith(".")]
        if not here:
            raise UsageError(
                f"no map here: neither it nor a folder in it has a {SUMMARY}",
                where=str(path),
                fix="Give a map folder of: deepsalt map",
            )
        found |= {folder.resolve(): folder for folder in here}
    return list(found.values())


def _opened(folder: Path) -> MapLayers:
    facts = _facts(folder / SUMMARY)
    layers = {Path(name).stem: _layer(folder, name) for name in facts["layers"].values()}
    if "ece" not in layers:
        raise _damaged(folder / SUMMARY, "it names no layer ece.tif")
    for name, header in layers.items():
        same_place = np.allclose(header.transform, layers["ece"].transform, rtol=0, atol=1e-6)
        if header.size != layers["ece"].size or not same_place:
            raise _damaged(folder / f"{name}.tif", "its pixels are not those of ece.tif")
    if not layers["ece"].crs:
        raise ProductError(
            "the map has no coordinate system, so that polygons cannot be placed on it",
            where=str(folder / "ece.tif"),
            fix="Map a scene that has one.",
        )
    return MapLayers(
        folder,
        layers,
        tuple((str(one["name"]), float(one["lower"])) for one in facts.get("classes", [])),
        layers["ece_low"].tags.get("level", "") if "ece_low" in layers else "",
        str(facts.get("provenance", {}).get("SIMULATED", "")).startswith("yes"),
    )


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    if not isinstance(facts, dict) or not isinstance(facts.get("layers"), dict):
        raise _damaged(path, "it does not name the layers")
    return facts


def _layer(folder: Path, name: str) -> RasterInfo:
    if not (folder / name).is_file():
        raise _damaged(folder / name, f"{SUMMARY} names this layer, but the file is not there")
    return info(folder / name)


def _damaged(path: Path, why: str) -> ProductError:
    return ProductError(why, where=str(path), fix="Make the map again with: deepsalt map")


def _check_alike(one: MapLayers, other: MapLayers) -> None:
    for what, here, there in (
        ("classes", one.classes, other.classes),
        ("level of the interval", one.level, other.level),
    ):
        if here != there:
            raise UsageError(
                f"its {what} ({there or 'none'}) differ from those of {one.folder.name} ({here or 'none'})",
                where=str(other.folder),
                fix="Map both with one model and one scheme, or ask for them one by one.",
            )
