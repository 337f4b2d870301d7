"""Hectares that went from class to class, and hectares of each verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.cog import strips
from deepsalt.mapping.combine.layers import VERDICTS
from deepsalt.salinity.classes import ClassScheme
from deepsalt.spectra import Window
from deepsalt.units import log_ece

Area = NDArray[np.float64]


class Tally:
    """What is counted window by window: classes before and after, and the mean change of the land.

    area  (y,) hectares of a pixel of each row; None where they are not known
    """

    def __init__(self, scheme: ClassScheme, area: Area | None) -> None:
        self._scheme, self._area = scheme, area
        classes = len(scheme.classes)
        #: (before, after); the last row and column are pixels without a class.
        self._pixels = np.zeros((classes + 1, classes + 1), np.int64)
        self._hectares = np.zeros((classes + 1, classes + 1))
        self._sums = np.zeros(3)

    def add(self, window: Window, before: NDArray[np.floating], after: NDArray[np.floating]) -> None:
        """before, after  (y, x) ECe in dS/m, NaN where there is none."""
        weight = np.ones(window.rows)
        if self._area is not None:
            weight = self._area[window.row : window.row + window.rows]
        by_row = self._transitions(before, after)
        self._pixels += by_row.sum(axis=0)
        self._hectares += np.tensordot(weight, by_row, axes=1)
        both = np.isfinite(before) & np.isfinite(after)
        by_pixel = np.broadcast_to(weight[:, None], both.shape)[both]
        one, other = before[both].astype(np.float64), after[both].astype(np.float64)
        changes = (log_ece(other) - log_ece(one), other - one)
        self._sums += [by_pixel.sum(), *(float(by_pixel @ change) for change in changes)]

    def _transitions(self, before: NDArray[np.floating], after: NDArray[np.floating]) -> NDArray[np.int64]:
        """(y, class before, class after) pixels."""
        rows, kinds = len(before), len(self._pixels)
        one, other = (np.minimum(self._scheme.classify(ece), kinds - 1) for ece in (before, after))
        place = (np.arange(rows)[:, None] * kinds + one) * kinds + other
        return np.bincount(place.ravel(), minlength=rows * kinds**2).reshape(rows, kinds, kinds)

    def facts(self) -> dict[str, Any]:
        """For map.json: `transitions`, from the class of a row to that of a column; `coverage`;
        `mean_change`.
        """
        size = len(self._scheme.classes)
        total, ln, ds_m = self._sums
        return {
            "mean_change": {
                "ln": round(float(ln / total), 6) if total else None,
                "ds_m": round(float(ds_m / total), 6) if total else None,
            },
            "transitions": {
                "classes": [one.name for one in self._scheme.classes],
                "pixels": self._pixels[:size, :size].tolist(),
                "hectares": self._as_hectares(self._hectares[:size, :size]),
            },
            "coverage": {
                "both": self._part(np.s_[:size, :size]),
                "before_only": self._part(np.s_[:size, size:]),
                "after_only": self._part(np.s_[size:, :size]),
                "neither": self._part(np.s_[size:, size:]),
            },
        }

    def _part(self, where: tuple[slice, slice]) -> dict[str, Any]:
        hectares = self._as_hectares(self._hectares[where].sum())
        return {"pixels": int(self._pixels[where].sum()), "hectares": hectares}

    def _as_hectares(self, values: Any) -> Any:
        return None if self._area is None else np.round(values, 4).tolist()


def verdict_rows(path: Path, area: Area | None) -> list[dict[str, Any]]:
    """Pixels and hectares of each value of significance.tif."""
    pixels, hectares = np.zeros(len(VERDICTS), np.int64), np.zeros(len(VERDICTS))
    for window, values in strips(path):
        by_row = np.stack([(values == value).sum(axis=1) for value in range(len(VERDICTS))])
        pixels += by_row.sum(axis=1)
        if area is not None:
            hectares += by_row @ area[window.row : window.row + window.rows]
    return [
        {
            "name": name,
            "value": value,
            "colour": colour,
            "pixels": int(pixels[value]),
            "hectares": None if area is None else round(float(hectares[value]), 4),
        }
        for value, (name, colour) in enumerate(VERDICTS)
    ]
