"""Scenes that keep one file a band, the files on grids of several pixel sizes: Sentinel-2, Landsat.

The scene has one grid. The pixels of a file are as large as its own, or a whole number of them fits the side
of one pixel of the scene (the file is finer: their mean is taken), or the other way round (the file is
coarser: its values are repeated). No value is drawn between pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.jp2_layout import check_whole_jp2, is_jp2
from deepsalt.readers.raster import RasterInfo, info, read_bands
from deepsalt.spectra import MaskReason, Scene, Spectra, Window

#: Pixels may miss the grid by this share of the smaller pixel: coordinates are written with few digits.
_OFF_GRID = 0.01
#: Bands that are looked at where no quality layer tells the outline of the data.
_PROBES = 3


@dataclass(frozen=True)
class Nesting:
    """How the pixels of a file and those of the scene lie in each other.

    finer, coarser   pixels of the file along one of the scene; pixels of the scene along one of the file.
                     One of the two is 1
    row, column      where the scene begins in the file, in pixels of whichever is smaller
    """

    finer: int = 1
    coarser: int = 1
    row: int = 0
    column: int = 0

    def window(self, part: Window) -> Window:
        """The window of the file that covers a window of the scene."""
        row, rows = self._span(part.row, part.rows, self.row)
        column, columns = self._span(part.column, part.columns, self.column)
        return Window(row, column, rows, columns)

    def stacked(self, stored: NDArray[Any], part: Window) -> NDArray[Any]:
        """(n, y, x) the n values of the file that lie in each pixel of the scene; n = finer * finer.

        stored  (row, column) values of `window(part)`
        """
        if self.finer > 1:
            blocks = stored.reshape(part.rows, self.finer, part.columns, self.finer)
            return blocks.transpose(1, 3, 0, 2).reshape(-1, part.rows, part.columns)
        if self.coarser > 1:
            stored = stored.repeat(self.coarser, axis=0).repeat(self.coarser, axis=1)
            row, column = (part.row + self.row) % self.coarser, (part.column + self.column) % self.coarser
            stored = stored[row : row + part.rows, column : column + part.columns]
        return stored[None]

    def _span(self, first: int, count: int, offset: int) -> tuple[int, int]:
        start = first * self.finer + offset
        stop = start + count * self.finer
        return start // self.coarser, -(-stop // self.coarser) - start // self.coarser


@dataclass(frozen=True)
class LayerFile:
    """A file with one value a pixel."""

    path: Path
    nesting: Nesting

    def read(self, part: Window) -> NDArray[Any]:
        """(n, y, x) stored values in a window of the scene, as `Nesting.stacked` has them."""
        return self.nesting.stacked(read_bands(self.path, self.nesting.window(part), [1])[0], part)


@dataclass(frozen=True)
class BandFile(LayerFile):
    """A file of one band: reflectance = gain * stored + offset.

    nodata     stored value that means "no data"
    saturated  stored value that means "more than could be measured"; None where there is none
    """

    gain: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    saturated: float | None = None

    def reflectance(self, part: Window) -> NDArray[np.float32]:
        """(y, x) reflectance; NaN = nodata.

        A pixel made of several is the mean of those that hold data; it is NaN where one of them is saturated,
        for then the mean is not known.
        """
        stored = self.read(part)
        values = stored.astype(np.float32) * np.float32(self.gain) + np.float32(self.offset)
        if self.nodata is not None:
            values[stored == self.nodata] = np.nan
        if self.saturated is not None:
            values[:, (stored == self.saturated).any(axis=0)] = np.nan
        return _mean(values)


@dataclass(frozen=True, eq=False, kw_only=True)
class BandFilesScene(Scene):
    """A scene of one file a band.

    files  (band,) the file of each band of `sensor`; None for a band without one, which is NaN throughout
    """

    files: tuple[BandFile | None, ...]

    def read(self, window: Window | None = None) -> Spectra:
        """Reflectance (y, x, band), float32, on the grid of the scene; NaN = nodata or saturated."""
        part = self._checked(window)
        source = f"read from {self.name}, rows {part.row}-{part.row + part.rows - 1}"
        return Spectra.of_image(
            self._cube(part), self.sensor.axis, sensor=self.sensor, provenance=(source, *self.notes)
        )

    def mask(self, window: Window | None = None) -> NDArray[np.uint8]:
        """(y, x) MaskReason: BACKGROUND where no band has data, DEFECTIVE where only some have."""
        return self._footprint(self._checked(window))

    def _cube(self, part: Window) -> NDArray[np.float32]:
        cube = np.full((part.rows, part.columns, len(self.files)), np.nan, np.float32)
        for band, file in enumerate(self.files):
            if file is not None:
                cube[..., band] = file.reflectance(part)
        return cube

    def _footprint(self, part: Window) -> NDArray[np.uint8]:
        """Background from nodata, judged on a few bands spread over the spectrum."""
        present = [file for file in self.files if file is not None]
        chosen = np.unique(np.linspace(0, len(present) - 1, _PROBES).astype(int))
        missing = np.stack([np.isnan(present[i].reflectance(part)) for i in chosen])
        reasons = np.where(missing.any(axis=0), MaskReason.DEFECTIVE, MaskReason.VALID).astype(np.uint8)
        reasons[missing.all(axis=0)] = MaskReason.BACKGROUND
        return reasons


def header_of(path: Path) -> RasterInfo:
    """The header of a band's file. Raises ProductError for one that is empty, cut off or unreadable."""
    with path.open("rb") as stream:
        head = stream.read(12)
    if not head:
        raise ProductError("the file is empty (0 bytes)", where=str(path), fix="Copy or download it again.")
    if is_jp2(head):
        check_whole_jp2(path)
    return info(path)


def nesting_of(file: RasterInfo, grid: RasterInfo) -> Nesting:
    """How a file lies in the grid of the scene, told by the header of a file that has that grid.

    Raises ProductError where the coordinate systems differ, the pixels do not nest, or the file does not
    cover the grid.
    """
    if file.crs != grid.crs:
        raise _apart(file, grid, f"the coordinate systems are {file.crs or 'none'} and {grid.crs or 'none'}")
    ratio = np.array([file.transform[0] / grid.transform[0], file.transform[4] / grid.transform[4]])
    coarser, finer = max(1, round(ratio[0])), max(1, round(1 / ratio[0]))
    rotated = any(header.transform[k] for header in (file, grid) for k in (1, 3))
    if rotated or np.abs(ratio * finer / coarser - 1).max() > _OFF_GRID / max(file.width, file.height):
        sizes = " and ".join(f"{h.transform[0]:g} x {-h.transform[4]:g}" for h in (file, grid))
        raise _apart(file, grid, f"pixels of {sizes} do not nest")
    row, column = (
        (grid.transform[origin] - file.transform[origin]) * finer / grid.transform[step]
        for origin, step in ((5, 4), (2, 0))
    )
    if max(abs(row - round(row)), abs(column - round(column))) > _OFF_GRID:
        raise _apart(file, grid, "the corners of their pixels do not meet")
    nesting = Nesting(finer, coarser, round(row), round(column))
    covered = nesting.window(Window(0, 0, grid.height, grid.width))
    if min(covered.row, covered.column) < 0 or (
        covered.row + covered.rows > file.height or covered.column + covered.columns > file.width
    ):
        raise _apart(file, grid, "the first does not cover the second")
    return nesting


def _apart(file: RasterInfo, grid: RasterInfo, why: str) -> ProductError:
    return ProductError(
        f"{file.path.name} ({file.height} x {file.width}) and {grid.path.name} "
        f"({grid.height} x {grid.width}) do not lie on one grid: {why}",
        where=str(file.path.parent),
        fix="Download the product again: its parts do not belong together.",
    )


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(y, x) mean over the first axis of the values that are not NaN; NaN where all are."""
    if len(values) == 1:
        return values[0]
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, np.float32(0)).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
