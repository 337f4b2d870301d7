"""What a mosaic says in numbers, counted from its layers: they need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.area import hectares_per_pixel
from deepsalt.mapping.cog import Grid, strips
from deepsalt.mapping.ranks import percentiles
from deepsalt.salinity.classes import ClassScheme
from deepsalt.spectra import MaskReason


def counted(folder: Path, grid: Grid, scheme: ClassScheme) -> dict[str, Any]:
    """The counts of map.json (see `map_facts`), from the layers that are already in `folder`."""
    valid, ece = _distribution(folder / "ece.tif")
    return {
        "valid": valid,
        "reasons": _reasons(folder / "mask.tif"),
        "classes": _classes(folder / "class.tif", grid, scheme),
        "ece": ece,
    }


def _distribution(path: Path) -> tuple[int, dict[str, float | None]]:
    """How many pixels have a value, and the percentiles of these; a mosaic need not fit in memory."""

    def parts() -> Iterator[NDArray[np.float32]]:
        return (values[np.isfinite(values)] for _, values in strips(path))

    valid, (p5, median, p95) = percentiles(parts, (5, 50, 95))
    named = {"median": median, "p5": p5, "p95": p95}
    return valid, {name: round(value, 4) if valid else None for name, value in named.items()}


def _reasons(path: Path) -> dict[str, int]:
    """Masked pixels by reason, only those that occur, in the order of MaskReason."""
    counts = np.zeros(256, np.int64)
    for _, values in strips(path):
        counts += np.bincount(values.ravel(), minlength=256)
    return {reason.name.lower(): int(counts[reason]) for reason in MaskReason if reason and counts[reason]}


def _classes(path: Path, grid: Grid, scheme: ClassScheme) -> list[dict[str, Any]]:
    area = hectares_per_pixel(grid)
    pixels = np.zeros(len(scheme.classes), np.int64)
    hectares = np.zeros(len(scheme.classes))
    for window, values in strips(path):
        for index in range(len(scheme.classes)):
            by_row = (values == index).sum(axis=1)
            pixels[index] += by_row.sum()
            if area is not None:
                hectares[index] += by_row @ area[window.row : window.row + window.rows]
    return [
        {
            "name": item.name,
            "lower": item.lower,
            "upper": None if np.isinf(item.upper) else item.upper,
            "colour": item.colour,
            "pixels": int(pixels[index]),
            "hectares": None if area is None else round(float(hectares[index]), 4),
        }
        for index, item in enumerate(scheme.classes)
    ]
