"""Random fields with a length scale, and the mosaic of irrigated fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.floating]


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], length_px: float) -> NDArray[np.float64]:
    """(y, x) Gaussian field of mean 0 and standard deviation 1, correlated over about `length_px`.

    White noise through a Gaussian filter, made on a larger canvas so that the edges are like the middle.
    """
    pad = int(np.ceil(3 * length_px))
    noise = rng.standard_normal((shape[0] + 2 * pad, shape[1] + 2 * pad))
    smooth = gaussian_filter(noise, length_px, mode="wrap")[pad : pad + shape[0], pad : pad + shape[1]]
    return standardised(smooth)


def standardised(values: Floats) -> NDArray[np.float64]:
    """The same values with mean 0 and standard deviation 1; all zero where they do not vary."""
    centred = np.asarray(values, dtype=np.float64) - np.mean(values)
    spread = centred.std()
    return centred / spread if spread > 0 else centred


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Fields with straight edges.

    number  (y, x) running number of the field a pixel lies in, from 0
    count   how many fields there are
    """

    number: NDArray[np.intp]
    count: int

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """(y, x) the value of each pixel's field; `values` is (count,)."""
        return np.asarray(values)[self.number]


def mosaic(rng: np.random.Generator, shape: tuple[int, int], width_px: tuple[int, int] = (7, 15)) -> Mosaic:
    """Strips along the canal, each cut into fields at its own places."""
    number = np.zeros(shape, dtype=np.intp)
    count = 0
    for top, bottom in _cuts(rng, shape[0], width_px):
        for left, right in _cuts(rng, shape[1], width_px):
            number[top:bottom, left:right] = count
            count += 1
    return Mosaic(number, count)


def _cuts(rng: np.random.Generator, length: int, width_px: tuple[int, int]) -> list[tuple[int, int]]:
    edges = [0]
    while length - edges[-1] > width_px[1]:
        edges.append(edges[-1] + int(rng.integers(width_px[0], width_px[1] + 1)))
    return list(zip(edges, [*edges[1:], length], strict=True))
