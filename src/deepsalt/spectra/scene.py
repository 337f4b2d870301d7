"""A scene: one satellite product, read lazily, window by window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError, UsageError
from deepsalt.spectra.loaded import Loaded, LoadedImage
from deepsalt.spectra.sensor import Sensor
from deepsalt.spectra.table import Spectra


class MaskReason(IntEnum):
    """Why a pixel is not used; 0 means that it is.

    The numbers are those of `mask.tif`, so that they never change. Where several reasons hold, `first_reason`
    keeps the first: what the product says comes before what the spectrum tells.
    """

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
    SATURATED = 10
    DRY_VEGETATION = 11
    NOT_BARE = 12


def first_reason(shape: tuple[int, int], holds: Mapping[MaskReason, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """(y, x) the first reason, in the order given, that holds at each pixel; VALID where none does.

    >>> cloud, water = np.array([[True, False]]), np.array([[True, True]])
    >>> first_reason((1, 2), {MaskReason.CLOUD: cloud, MaskReason.WATER: water}).tolist()
    [[2, 7]]
    """
    reasons = np.full(shape, MaskReason.VALID, np.uint8)
    for reason, where in reversed(list(holds.items())):
        reasons[where] = reason
    return reasons


class Window(NamedTuple):
    """A rectangle of pixels: first row, first column, rows, columns."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


def check_window(window: Window, height: int, width: int, where: str) -> None:
    """Raise UsageError for a window that is empty or leaves the image."""
    inside = (
        window.rows > 0
        and window.columns > 0
        and 0 <= window.row <= height - window.rows
        and 0 <= window.column <= width - window.columns
    )
    if not inside:
        raise UsageError(
            f"{tuple(window)} (row, column, rows, columns) is no window of {height} x {width} pixels",
            where=where,
            fix="Use scene.windows() or scene.whole().",
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene(ABC):
    """A satellite product. Opening one reads metadata only; `read` reads a window of pixels.

    name       product name
    path       what was opened
    sensor     bands as they are delivered by `read`: sorted by wavelength
    height, width   pixels
    crs        coordinate system as WKT or "EPSG:n"; "" where the product has none
    transform  affine (a, b, c, d, e, f): x = a col + b row + c, y = d col + e row + f of a pixel CORNER
    block      (rows, columns) of the file's own blocks: windows should be whole blocks
    acquired   start of the acquisition, UTC, or None where the product does not say
    level      processing level, for example "L2A"
    band_faults  (band,) why a band is NaN throughout, such as "no data in the product"; "" where it is not
    facts      what the product's metadata say of the whole scene, as text
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
    band_faults: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        faults = tuple(self.band_faults) or ("",) * len(self.sensor)
        if len(faults) != len(self.sensor):
            raise BandError(f"scene {self.name}: {len(self.sensor)} bands but {len(faults)} faults of bands")
        object.__setattr__(self, "band_faults", faults)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """(band,) True where `read` gives no value at all in a band."""
        return np.array([bool(fault) for fault in self.band_faults], bool)

    @property
    def quality_layers(self) -> tuple[str, ...]:
        """Names of the product's own quality layers that `mask` uses."""
        return ()

    @abstractmethod
    def read(self, window: Window | None = None) -> Spectra:
        """Reflectance (y, x, band) of a window, all bands in the order of `sensor`; NaN = nodata."""

    def load(self, window: Window | None = None) -> Loaded:
        """The pixels of a window in memory, for who needs some bands of all and all bands of some."""
        return LoadedImage(self.read(window))

    @abstractmethod
    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason of each pixel, from the product's own quality layers."""

    def whole(self) -> Window:
        return Window(0, 0, self.height, self.width)

    def _checked(self, window: Window | None) -> Window:
        """The window, or the whole scene. Raises UsageError for one that is empty or leaves the scene."""
        part = self.whole() if window is None else Window(*window)
        check_window(part, self.height, self.width, self.path)
        return part

    def windows(self, pixels: int = 65_536) -> Iterator[Window]:
        """Windows of whole blocks, of about `pixels` pixels, top to bottom and left to right.

        They are as wide as the scene where a row of blocks is small enough, else narrower: a file of large
        tiles would otherwise be held whole in memory. Each block lies in one window.
        """
        block_rows, block_columns = max(1, self.block[0]), max(1, self.block[1])
        columns = self.width
        if block_rows * columns > pixels:
            columns = min(columns, max(block_columns, pixels // block_rows // block_columns * block_columns))
        rows = max(block_rows, pixels // max(columns, 1) // block_rows * block_rows)
        for row in range(0, self.height, rows):
            for column in range(0, self.width, columns):
                yield Window(row, column, min(rows, self.height - row), min(columns, self.width - column))

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
