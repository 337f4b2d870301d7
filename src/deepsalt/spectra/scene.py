"""A scene: one satellite product, read lazily, window by window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.spectra.sensor import Sensor
from deepsalt.spectra.table import Spectra


class MaskReason(IntEnum):
    """Why a pixel is not used; 0 means that it is. The first reason that holds is kept."""

    VALID = 0
    BACKGROUND = 1
    CLOUD = 2
    CLOUD_SHADOW = 3
    CIRRUS = 4
    HAZE = 5
    SNOW = 6
    WATER = 7
    DEFECTIVE = 8
    VEGETATION = 9


class Window(NamedTuple):
    """A rectangle of pixels: first row, first column, rows, columns."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene(ABC):
    """A satellite product. Opening one reads metadata only; `read` reads a window of pixels.

    name       product name
    path       what was opened
    sensor     bands as they are delivered by `read`: sorted by wavelength
    height, width   pixels
    crs        coordinate system as WKT or "EPSG:n"; "" where the product has none
    transform  affine (a, b, c, d, e, f): x = a col + b row + c, y = d col + e row + f of a pixel CORNER
    block      (rows, columns) of the file's own blocks: windows should be whole rows of blocks
    acquired   start of the acquisition, UTC, or None where the product does not say
    level      processing level, for example "L2A"
    empty      (band,) True where the product holds no data at all in a band
    notes      what was missing, repaired or assumed when the product was opened
    """

    name: str
    path: str
    sensor: Sensor
    height: int
    width: int
    crs: str
    transform: tuple[float, float, float, float, float, float]
    block: tuple[int, int]
    acquired: datetime | None = None
    level: str = ""
    empty: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    notes: tuple[str, ...] = ()

    @abstractmethod
    def read(self, window: Window | None = None) -> Spectra:
        """Reflectance (y, x, band) of a window, all bands in the order of `sensor`; NaN = nodata."""

    @abstractmethod
    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel, from the product's own quality layers."""

    def whole(self) -> Window:
        return Window(0, 0, self.height, self.width)

    def windows(self, pixels: int = 65_536) -> Iterator[Window]:
        """Full-width windows of whole block rows, of about `pixels` pixels, top to bottom."""
        block_rows = max(1, self.block[0])
        rows = max(block_rows, pixels // max(self.width, 1) // block_rows * block_rows)
        for row in range(0, self.height, rows):
            yield Window(row, 0, min(rows, self.height - row), self.width)

    def xy(self, rows: NDArray[np.floating], columns: NDArray[np.floating]) -> tuple[NDArray, NDArray]:
        """Map coordinates of pixel centres, in the scene's CRS."""
        a, b, c, d, e, f = self.transform
        column, row = np.asarray(columns) + 0.5, np.asarray(rows) + 0.5
        return a * column + b * row + c, d * column + e * row + f

    def rowcol(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[NDArray, NDArray]:
        """Row and column of the pixel that holds each map coordinate; may lie outside the scene."""
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        dx, dy = np.asarray(x) - c, np.asarray(y) - f
        column = np.floor((e * dx - b * dy) / determinant).astype(np.intp)
        row = np.floor((a * dy - d * dx) / determinant).astype(np.intp)
        return row, column
