"""The numbers of a map, of a scene or a mosaic, counted window by window while it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.area import hectares_per_pixel
from deepsalt.mapping.cog import Grid
from deepsalt.mapping.window import Layers
from deepsalt.salinity.classes import ClassScheme
from deepsalt.spectra.scene import MaskReason, Window
from deepsalt.units import log_ece


class Tally:
    """What `add` has seen so far; of a map of any size."""

    def __init__(self, scheme: ClassScheme, grid: Grid) -> None:
        self._scheme = scheme
        self._area = hectares_per_pixel(grid)
        self._reasons = np.zeros(256, np.int64)
        self._pixels = np.zeros(len(scheme.classes), np.int64)
        self._hectares = np.zeros(len(scheme.classes))
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, window: Window, layers: Layers) -> None:
        """Count one window."""
        valid = layers["mask"] == MaskReason.VALID
        self._reasons += np.bincount(layers["mask"].ravel(), minlength=256)
        self._add_classes(window, layers["class"])
        for name in layers:
            if name.startswith("probability_above_"):
                self._sum(name, layers[name][valid])
        if "ece_low" in layers:
            low, high = (layers[name][valid].astype(np.float64) for name in ("ece_low", "ece_high"))
            self._sum("width", high - low)
            self._sum("width_ln", log_ece(high) - log_ece(low))
        if "outside" in layers:
            self._sum("outside", layers["outside"][valid] == 1)

    @property
    def valid(self) -> int:
        """Pixels with a value."""
        return int(self._reasons[MaskReason.VALID])

    def counts(self, level: float | None, ece: Mapping[str, float | None]) -> dict[str, Any]:
        """What map.json tells of the pixels, in its order.

        level  of the interval, where there is one
        ece    percentiles of the valid pixels, which cannot be counted window by window
        """
        return {
            "valid": self.valid,
            "reasons": self._told_reasons(),
            "classes": self._told_classes(),
            "ece": ece,
            **self._told_doubt(level),
        }

    def _told_reasons(self) -> dict[str, int]:
        """Masked pixels by reason, only those that occur, in the order of MaskReason."""
        return {r.name.lower(): int(self._reasons[r]) for r in MaskReason if r and self._reasons[r]}

    def _told_classes(self) -> list[dict[str, Any]]:
        """Pixels and hectares of each class; no hectares where the grid has no coordinate system."""
        return [
            {
                "name": item.name,
                "lower": item.lower,
                "upper": None if np.isinf(item.upper) else item.upper,
                "colour": item.colour,
                "pixels": int(self._pixels[index]),
                "hectares": None if self._area is None else round(float(self._hectares[index]), 4),
            }
            for index, item in enumerate(self._scheme.classes)
        ]

    def _told_doubt(self, level: float | None) -> dict[str, Any]:
        """What is known of the errors, of what there is: `interval` (its level, mean width in dS/m and on
        ln(1+ECe)), `probability_above` (mean by threshold), and `outside` (pixels and share).

        Means of the valid pixels that have the number, None where none has: an edited raster may have gaps.
        """
        found: dict[str, Any] = {}
        if "width" in self._sums:
            widths = {
                key: self._mean(name)
                for key, name in (("mean_width", "width"), ("mean_width_ln", "width_ln"))
            }
            found["interval"] = {"level": level, **widths}
        means = {
            name.removeprefix("probability_above_"): self._mean(name)
            for name in self._sums
            if name.startswith("probability_above_")
        }
        if means:
            found["probability_above"] = means
        if "outside" in self._sums:
            found["outside"] = {"pixels": int(self._sums["outside"][0]), "share": self._mean("outside")}
        return found

    def _add_classes(self, window: Window, classes: NDArray[np.uint8]) -> None:
        for index in range(len(self._scheme.classes)):
            by_row = (classes == index).sum(axis=1)
            self._pixels[index] += by_row.sum()
            if self._area is not None:
                self._hectares[index] += by_row @ self._area[window.row : window.row + window.rows]

    def _sum(self, name: str, values: NDArray[Any]) -> None:
        known = values[np.isfinite(values)]
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = total + float(known.sum(dtype=np.float64)), count + len(known)

    def _mean(self, name: str) -> float | None:
        total, count = self._sums[name]
        return round(total / count, 4) if count else None


class SceneTally(Tally):
    """Holds the valid pixels' ECe too: one layer of a scene fits in memory where its spectra would not."""

    def __init__(self, scheme: ClassScheme, grid: Grid) -> None:
        super().__init__(scheme, grid)
        self._ece: list[NDArray[np.float32]] = []

    def add(self, window: Window, layers: Layers) -> None:
        super().add(window, layers)
        self._ece.append(layers["ece"][layers["mask"] == MaskReason.VALID])

    @property
    def ece(self) -> NDArray[np.float32]:
        """(valid,) dS/m."""
        return np.concatenate(self._ece)
