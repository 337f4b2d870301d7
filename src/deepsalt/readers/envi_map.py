"""`map info` of an ENVI header: where the pixels lie.

    map info = {projection, column and row of the reference pixel, easting, northing, width, height,
                ..., rotation=30}

The reference pixel counts from 1, and (1, 1) is the outer CORNER of the first pixel. `rotation` is in
degrees: a row of pixels runs from east by that angle towards north. Format: "ENVI Header Files" (NV5
Geospatial); the sign of the rotation is that which GDAL takes.
"""

from __future__ import annotations

import re

import numpy as np

from deepsalt.errors import ProductError
from deepsalt.readers.envi_header import EnviHeader

_ROTATION = re.compile(r"rotation\s*=\s*([-+.\deE]+)", re.IGNORECASE)

Transform = tuple[float, float, float, float, float, float]


def transform_of(envi: EnviHeader, notes: list[str]) -> Transform:
    """Affine (a, b, c, d, e, f) of pixel corners; the identity where the header has no map info.

    Raises ProductError for map info that cannot be read, or has pixels without size.
    """
    text = envi.text("map info")
    if not text:
        return (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    try:
        column, row, x, y, width, height = (float(part) for part in text.split(",")[1:7])
    except ValueError as error:
        raise _bad(envi, f"its numbers cannot be read ({error})") from error
    if not (width > 0 and height > 0 and np.isfinite([column, row, x, y, width, height]).all()):
        raise _bad(envi, f"a pixel measures {width:g} x {height:g}")
    turned = _rotation(envi, text)
    if turned:
        notes.append(f"the grid is rotated by {turned:g} degrees (map info): from east towards north")
    cos, sin = np.cos(np.deg2rad(turned)), np.sin(np.deg2rad(turned))
    a, b, d, e = width * cos, height * sin, width * sin, -height * cos
    return (
        float(a),
        float(b),
        float(x - (column - 1) * a - (row - 1) * b),
        float(d),
        float(e),
        float(y - (column - 1) * d - (row - 1) * e),
    )


def _rotation(envi: EnviHeader, text: str) -> float:
    found = _ROTATION.search(text)
    if not found:
        return 0.0
    try:
        return float(found[1])
    except ValueError as error:
        raise _bad(envi, f"rotation {found[1]!r} is no number") from error


def _bad(envi: EnviHeader, why: str) -> ProductError:
    return ProductError(
        f"map info is damaged: {why}", where=envi.where, fix="Correct it, or delete the line."
    )
