"""Folders of maps whose every pixel is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepsalt.mapping import style
from deepsalt.mapping.cog import Grid, Layer
from deepsalt.mapping.combine.layers import answer_layer
from deepsalt.mapping.combine.maps import FinishedMap, open_map
from deepsalt.mapping.combine.statistics import half_widths
from deepsalt.mapping.combine.writing import layers_written
from deepsalt.mapping.summary import map_facts, percentiles_told, write_summary
from deepsalt.mapping.tally import Tally
from deepsalt.readers.raster import open_raster
from deepsalt.salinity.classes import USDA, ClassScheme
from deepsalt.spectra import MaskReason, Window

UTM = "EPSG:32614"
EAST, NORTH, PIXEL = 500_000.0, 2_000_000.0, 30.0
DEGREES = (0.01, 0.0, 10.0, 0.0, -0.01, 60.0)


def write_map(
    folder: Path,
    ece: Any,
    *,
    sd: Any = None,
    bounds: tuple[Any, Any] | None = None,
    level: float = 0.9,
    above: dict[float, Any] | None = None,
    outside: Any = None,
    reasons: Any = None,
    at: tuple[int, int] = (0, 0),
    crs: str = UTM,
    transform: tuple[float, ...] | None = None,
    date: str | None = "2026-05-01T10:00:00+00:00",
    scheme: ClassScheme = USDA,
    **tags: str,
) -> FinishedMap:
    """A map of ECe (y, x) in dS/m whose first pixel is row and column `at` of one grid.

    sd  of ln(1+ECe): bounds are those of a normal error
    """
    values = np.asarray(ece, np.float32)
    row, column = at
    place = transform or (PIXEL, 0.0, EAST + PIXEL * column, 0.0, -PIXEL, NORTH - PIXEL * row)
    grid = Grid(*values.shape, crs, place)  # type: ignore[arg-type]
    layers: list[tuple[Layer, NDArray[Any]]] = [
        (style.ece_layer(), values),
        (style.class_layer(scheme), scheme.classify(values)),
        (style.mask_layer(), _reasons(values, reasons)),
    ]
    if sd is not None:
        half = np.asarray(sd) * half_widths(level)
        x = np.log1p(values.astype(float))
        bounds = (np.expm1(np.maximum(x - half, 0)), np.expm1(x + half))
    if bounds is not None:
        pairs = zip(("ece_low", "ece_high"), bounds, strict=True)
        said_level = {"LEVEL": tags.get("LEVEL", f"{level:g}")}
        layers += [
            (replace(answer_layer(name, level, {}), tags=said_level), np.broadcast_to(b, values.shape))
            for name, b in pairs
        ]
    for threshold, share in (above or {}).items():
        name = f"probability_above_{threshold:g}"
        layers.append((answer_layer(name, level, {name: threshold}), np.broadcast_to(share, values.shape)))
    if outside is not None:
        layers.append((style.outside_layer(), np.asarray(outside, np.uint8)))
    said = {"MODEL": "toy", "MODEL_FINGERPRINT": "0123", "SCENE": folder.name, **tags}
    said = {**said, "ACQUIRED": date} if date else said
    folder.mkdir(parents=True)
    whole, shown = Window(0, 0, *values.shape), {layer.name: pixels for layer, pixels in layers}
    with layers_written(folder, [layer for layer, _ in layers], grid, said) as writer:
        writer.write(whole, shown)
    tally = Tally(scheme, grid)
    tally.add(whole, shown)
    files = {layer.name: f"{layer.name}.tif" for layer, _ in layers}
    facts = map_facts(
        folder,
        folder.name,
        grid,
        scheme,
        tally.counts(level, percentiles_told(None)),
        model=said["MODEL"],
        layers=files,
        provenance=said,
        notes=[],
    )
    write_summary(folder, facts)
    return open_map(folder)


def _reasons(ece: NDArray[np.float32], reasons: Any) -> NDArray[np.uint8]:
    if reasons is None:
        return np.where(np.isnan(ece), MaskReason.CLOUD, MaskReason.VALID).astype(np.uint8)
    return np.asarray(reasons, np.uint8)


def band(path: Path) -> NDArray[Any]:
    with open_raster(path) as dataset:
        values: NDArray[Any] = dataset.read(1)
        return values


@pytest.fixture
def maps(tmp_path: Path) -> Callable[..., FinishedMap]:
    """Writes the map `name` with the arguments of `write_map`."""

    def make(name: str, ece: Any, **changes: Any) -> FinishedMap:
        return write_map(tmp_path / "maps" / name, ece, **changes)

    return make
