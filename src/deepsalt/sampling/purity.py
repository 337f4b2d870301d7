"""How uniform the land is around a pixel: a point on an edge labels a mixture.

Purity = 1 - (mean over bands of the standard deviation across the valid pixels) / (their mean level), within
0 and 1; 1 is uniform. This measure is our own. More light on the whole neighbourhood does not change it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.places import great_circle_m
from deepsalt.sampling.pixels import place
from deepsalt.spectra import Scene, Window


def purity(spectra: NDArray[np.floating]) -> float:
    """Purity of a neighbourhood; NaN for fewer than two pixels, and where no band is whole or has a level.

    spectra   (pixel, band) reflectance of its valid pixels; a band with a missing value is left out

    >>> purity(np.full((9, 3), 0.3))
    1.0
    >>> round(purity(np.array([[0.2, 0.2], [0.4, 0.4]])), 3)
    0.667
    """
    whole = np.asarray(spectra, np.float64)[:, np.isfinite(spectra).all(axis=0)]
    if len(whole) < 2 or whole.shape[1] == 0 or whole.mean() <= 0:
        return float("nan")
    return float(np.clip(1.0 - whole.std(axis=0).mean() / whole.mean(), 0.0, 1.0))


def purity_around(
    values: NDArray[np.floating],
    valid: NDArray[np.bool_],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    reach: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(point,) purity of the neighbourhood of each pixel, and how many valid neighbours it has.

    values   (y, x, band), valid (y, x)
    reach    (point,) pixels to each side: 1 is 3 x 3
    """
    found = np.full(len(rows), np.nan)
    neighbours = np.zeros(len(rows), np.intp)
    for number, (row, column, far) in enumerate(zip(rows, columns, reach, strict=True)):
        near = (slice(max(0, row - far), row + far + 1), slice(max(0, column - far), column + far + 1))
        block = values[near][valid[near]]
        found[number], neighbours[number] = purity(block), len(block) - 1
    return found, neighbours


def grown(window: Window, by: int, scene: Scene) -> Window:
    """The window with so many rows and columns more on each side, as far as the scene goes."""
    top, left = max(0, window.row - by), max(0, window.column - by)
    bottom = min(scene.height, window.row + window.rows + by)
    right = min(scene.width, window.column + window.columns + by)
    return Window(top, left, bottom - top, right - left)


def pixel_size_m(scene: Scene) -> float:
    """Side in m of a square as large as the middle pixel, whatever the scene's coordinates are."""
    row, column = scene.height // 2, scene.width // 2
    latitude, longitude = place(scene, np.array([row, row, row + 1]), np.array([column, column + 1, column]))
    right = great_circle_m(latitude[0], longitude[0], latitude[1], longitude[1])
    down = great_circle_m(latitude[0], longitude[0], latitude[2], longitude[2])
    return float(np.sqrt(right * down))
