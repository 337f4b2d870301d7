"""Sums over the pixels of polygons: everything that adds up, so that windows and maps can be added too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.zonal.maps import MapLayers
from deepsalt.salinity.classes import NO_CLASS
from deepsalt.sampling.shares import shares
from deepsalt.spectra import MaskReason, Window
from deepsalt.units import log_ece

#: Hectares of each polygon, times what the name says.
Sums = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Measured:
    """What the maps let be measured.

    layers         names of the layers that all maps have
    classes        names of the classes of class.tif; none where the maps have no classes
    thresholds     dS/m, rising: lower bounds of the classes above the first, and of the probabilities of
                   any map
    probabilities  threshold -> its layer, of those that all maps have
    """

    layers: frozenset[str]
    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    probabilities: Mapping[float, str]

    @classmethod
    def of(cls, maps: Sequence[MapLayers]) -> Measured:
        layers = frozenset.intersection(*(frozenset(one.layers) for one in maps))
        classes = maps[0].classes if "class" in layers else ()
        probabilities = {t: name for t, name in maps[0].probabilities.items() if name in layers}
        lowest = {lower for _, lower in classes if lower > 0}
        asked = {threshold for one in maps for threshold in one.probabilities}
        names = tuple(name for name, _ in classes)
        return cls(layers, names, tuple(sorted(lowest | asked)), probabilities)

    @property
    def interval(self) -> bool:
        return {"ece_low", "ece_high"} <= self.layers

    @property
    def read(self) -> frozenset[str]:
        """The layers that the sums need."""
        wanted = {"ece", "mask", "class", "ece_low", "ece_high", "outside", *self.probabilities.values()}
        return self.layers & wanted


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels under polygons, one entry a pair of the two.

    polygon   (pair,) place of the polygon in the task, from 0
    hectares  (pair,) ground area of the part of the pixel under the polygon
    layers    name -> (pair,) value
    """

    polygon: NDArray[np.intp]
    hectares: NDArray[np.float64]
    layers: Mapping[str, NDArray[Any]]

    @property
    def mapped(self) -> NDArray[np.bool_]:
        return np.isfinite(self.layers["ece"])


def pixels_under(
    shapes: NDArray[np.object_], one: MapLayers, window: Window, layers: frozenset[str]
) -> Pixels:
    """The pixels of a window of a map under shapes, weighed by exact share and ground area."""
    found = shares(shapes, window)
    at = (found.row - window.row, found.column - window.column)
    values = {name: one.read(name, window)[at] for name in sorted(layers)} if len(found) else {}
    nothing = np.empty(0, np.float32)
    return Pixels(
        found.shape,
        found.share * one.hectares[found.row],
        values or dict.fromkeys(layers, nothing),
    )


def sums_of(pixels: Pixels, count: int, measured: Measured) -> Sums:
    """Sums over the pixels of each polygon, (polygon,) each."""
    return {
        name: np.bincount(pixels.polygon, pixels.hectares * amount, minlength=count).astype(np.float64)
        for name, amount in _amounts(pixels, measured)
    }


def added(one: Sums, other: Sums) -> Sums:
    return {name: one[name] + other[name] for name in one}


def _amounts(pixels: Pixels, measured: Measured) -> Iterator[tuple[str, NDArray[Any]]]:
    """What is summed, (pair,) each, one at a time. A layer without a value on a mapped pixel gives NaN."""
    layers, mapped = pixels.layers, pixels.mapped
    ece = np.where(mapped, layers["ece"], 0).astype(np.float64)
    yield "on_map", np.ones(len(mapped))
    yield "mapped", mapped
    yield "ece", ece
    yield "ln", log_ece(np.maximum(ece, 0))
    if "mask" in layers:
        for reason in list(MaskReason)[1:]:
            yield f"masked_{reason.name.lower()}", ~mapped & (layers["mask"] == reason)
    for index in range(len(measured.classes)):
        yield f"class_{index}", mapped & (layers["class"] == index)
    for threshold in measured.thresholds:
        yield f"above_{threshold:g}", mapped & (ece >= threshold)
    if measured.interval:
        yield from _bounds(pixels, measured.thresholds)
    for threshold, name in measured.probabilities.items():
        yield f"above_{threshold:g}_expected", _on(mapped, layers[name])
    if "outside" in layers:
        yield "applicability", mapped & (layers["outside"] != NO_CLASS)
        yield "outside", mapped & (layers["outside"] == 1)


def _bounds(pixels: Pixels, thresholds: Sequence[float]) -> Iterator[tuple[str, NDArray[Any]]]:
    for side in ("low", "high"):
        bound = pixels.layers[f"ece_{side}"].astype(np.float64)
        yield side, _on(pixels.mapped, bound)
        for threshold in thresholds:
            reached = np.where(np.isnan(bound), np.nan, bound >= threshold)
            yield f"above_{threshold:g}_{side}", _on(pixels.mapped, reached)


def _on(mapped: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(mapped, values, 0.0).astype(np.float64)
