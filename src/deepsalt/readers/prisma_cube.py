"""The cubes of a PRISMA L2D file: stored numbers to reflectance, and which of them to rely on.

Reflectance is L2Scale...Min + number (Max - Min) / 65535, apart for each detector. 0 is read as missing: it
fills the image outside the swath, stands where the retrieval failed (in the water-vapour bands), and is all
that is left of a value below Min; a true reflectance of exactly Min cannot be told from these. The error
matrices mark single values: 1 bad at level 1, 2 negative after the atmospheric correction, 4 saturated
after it; sums are understood. Such values are NaN, except a negative one where the scale reaches below
zero: there it was stored as it is, and negative reflectance is real.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.readers.prisma_layout import Axes, Layout
from deepsalt.readers.prisma_metadata import FIELDS, Detector, dataset
from deepsalt.spectra import Sensor, Window

_FILL = 0
_NEGATIVE, _SATURATED = 2, 4
#: Bands of each detector that tell a pixel outside the swath.
_PROBES = 6
#: Rows that tell a band without data: a few for all bands, more for those that hold nothing in these.
_SAMPLED_ROWS = (8, 64)


@dataclass(frozen=True, eq=False)
class Cube:
    """The part of one detector that is delivered.

    index    (band,) its bands by their place in the file, from 0, increasing
    place    (band,) where each of them stands among those of the scene
    probes   (few,) bands in the file that tell whether there is data
    counted  (band,) among `index`, those that a pixel is judged by: with data, outside the water-vapour bands
    errors   whether it has an error matrix
    """

    detector: Detector
    axes: Axes
    index: NDArray[np.intp]
    place: NDArray[np.intp]
    probes: NDArray[np.intp]
    counted: NDArray[np.intp]
    errors: bool

    def reflectance(self, file: Any, part: Window) -> NDArray[np.float32]:
        """(y, band, x), NaN where there is no value to rely on."""
        stored = _stored(file, f"{self.detector.name}_Cube", self.axes, part, self.index)
        values = stored.astype(np.float32)
        values *= np.float32(self.detector.step)
        values += np.float32(self.detector.low)
        np.copyto(values, np.nan, where=stored == _FILL)
        if self.errors:
            np.copyto(values, np.nan, where=self._bad(self._codes(file, part)))
        return values

    def dark(self, file: Any, part: Window) -> NDArray[np.bool_]:
        """(y, x) True where no probed band holds a value."""
        stored = _stored(file, f"{self.detector.name}_Cube", self.axes, part, self.probes)
        return np.asarray((stored == _FILL).all(axis=1))

    def marked(self, file: Any, part: Window) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(y, x) how many of the counted bands the error matrix marks, and how many as saturated."""
        if not self.errors:
            none = np.zeros((part.rows, part.columns), np.intp)
            return none, none
        codes = self._codes(file, part)[:, self.counted]
        return self._bad(codes).sum(axis=1), ((codes & _SATURATED) > 0).sum(axis=1)

    def _codes(self, file: Any, part: Window) -> NDArray[Any]:
        return _stored(file, error_matrix(self.detector.name), self.axes, part, self.index)

    def _bad(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        tolerated = _NEGATIVE if self.detector.low < 0 else 0
        return np.asarray((codes & ~np.array(tolerated, codes.dtype)) != 0)


def cubes_of(
    detectors: Sequence[Detector],
    order: NDArray[np.intp],
    sensor: Sensor,
    empty: NDArray[np.bool_],
    axes: Axes,
    errors: Mapping[str, bool],
) -> tuple[Cube, ...]:
    """Which bands of which cube the scene delivers, and where."""
    index = np.concatenate([detector.index for detector in detectors])[order]
    telling = np.asarray(sensor.good) & ~empty
    cubes = []
    for detector in detectors:
        place = np.flatnonzero(np.array(sensor.detector) == detector.name)
        place = place[np.argsort(index[place])]
        counted = np.flatnonzero(telling[place])
        counted = counted if len(counted) else np.arange(len(place))
        spread = np.linspace(0, len(counted) - 1, min(_PROBES, len(counted))).astype(int)
        probes = index[place][counted[spread]]
        cubes.append(Cube(detector, axes, index[place], place, probes, counted, errors[detector.name]))
    return tuple(cubes)


def with_errors(file: Any, detectors: Sequence[Detector]) -> tuple[dict[str, bool], list[str]]:
    """Whether each detector has an error matrix of the cube's own shape, and notes where it has none."""
    there, notes = {}, []
    for name in (detector.name for detector in detectors):
        field = error_matrix(name)
        matrix = dataset(file, field) if f"{FIELDS}/{field}" in file else None
        wrong = _wrong(matrix, dataset(file, f"{name}_Cube").shape)
        there[name] = not wrong
        if wrong:
            notes.append(f"{field} is {wrong}: bad values of the {name} are not masked by it")
    return there, notes


def _wrong(matrix: Any, shape: tuple[int, ...]) -> str:
    """What is wrong with an error matrix of a cube of this shape; "" where nothing is."""
    if matrix is None:
        return "missing"
    if matrix.shape != shape:
        return f"of another shape ({' x '.join(map(str, matrix.shape))})"
    return "" if matrix.dtype.kind in "iu" else f"of {matrix.dtype}, no whole numbers"


def empty_bands(file: Any, detector: Detector, layout: Layout) -> NDArray[np.bool_]:
    """(band,) True where rows spread over the image hold no number; none where they hold nothing at all."""
    empty = np.ones(len(detector.index), bool)
    for wanted in _SAMPLED_ROWS:
        for row in np.unique(np.linspace(0, layout.height - 1, wanted, dtype=int)).tolist():
            part = Window(row, 0, 1, layout.width)
            stored = _stored(file, f"{detector.name}_Cube", layout.axes, part, detector.index[empty])
            empty[empty] = (stored == _FILL).all(axis=(0, 2))
    return empty & ~empty.all()


def error_matrix(detector: str) -> str:
    """Name of the data set that holds the error codes of a detector."""
    return f"{detector}_PIXEL_L2_ERR_MATRIX"


def _stored(file: Any, field: str, axes: Axes, part: Window, bands: NDArray[np.intp]) -> NDArray[Any]:
    """(y, band, x) numbers of a cube as they are stored, bands by their place in the file, increasing.

    Bands that stand close together are read as one run: to pick them one by one takes longer.
    """
    if not len(bands):
        return np.zeros((part.rows, 0, part.columns), np.uint16)
    cube = dataset(file, field)
    first, last = int(bands.min()), int(bands.max())
    if last - first < 2 * len(bands):
        run = _slab(cube, axes, part, slice(first, last + 1))
        return run if run.shape[1] == len(bands) else run[:, bands - first]
    return np.concatenate([_slab(cube, axes, part, slice(b, b + 1)) for b in bands.tolist()], axis=1)


def _slab(cube: Any, axes: Axes, part: Window, bands: slice) -> NDArray[Any]:
    rows, columns = part.slices
    along = {axes.rows: rows, axes.bands: bands, axes.columns: columns}
    values: NDArray[Any] = cube[along[0], along[1], along[2]]
    return np.transpose(values, (axes.rows, axes.bands, axes.columns))
