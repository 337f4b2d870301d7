"""From stored numbers to reflectance: the scale as stated, as the file tells it, or as its numbers allow.

A scale is never guessed silently: what is taken is noted, and asked for where the numbers leave a choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.raster import RasterInfo, is_nodata, sampled_rows

#: Fractions of reflectance stay below; bright snow and sun glint reach above 1.
_FRACTION_TO = 3.0
#: Reflectance times 10000 stays below.
_SCALED_TO = 20_000.0
_SCALED_TYPES = ("int16", "uint16", "int32")
_SAMPLED_ROWS = 5


def scaling(
    header: RasterInfo, stated: float | None, notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(band,) gain and offset: reflectance = gain * stored + offset.

    stated  the user's own scale, in place of the file's

    Raises UsageError for a stated scale that is not positive, ProductError where none is told and the
    numbers are neither fractions nor fractions times 10000.
    """
    zeros = np.zeros(header.bands)
    if stated is not None:
        if not stated > 0:
            raise UsageError(f"scale={stated!r}", fix="Give a positive number, for example 0.0001.")
        notes.append(f"scale {stated:g} as stated")
        return np.full(header.bands, stated), zeros
    if any(s != 1.0 for s in header.scales) or any(o != 0.0 for o in header.offsets):
        return np.array(header.scales), np.array(header.offsets)
    typical, highest = _levels(header)
    if typical <= _FRACTION_TO and header.dtype.startswith("float"):
        return np.ones(header.bands), zeros
    if header.dtype in _SCALED_TYPES and _FRACTION_TO < highest <= _SCALED_TO:
        notes.append(f"no scale in the file: {header.dtype} values up to {highest:.0f} are taken as 1/10000")
        return np.full(header.bands, 1e-4), zeros
    raise ProductError(
        f"the scale is not told ({header.dtype}, median {typical:g}, highest {highest:g})",
        where=str(header.path),
        fix="Say scale=, for example scale=0.0001 for 10000 = 100 % reflectance, 0.01 for percent.",
    )


def _levels(header: RasterInfo) -> tuple[float, float]:
    """Median and 99.9th percentile of the values in a few rows; zeros where they hold none."""
    stored = np.concatenate(list(sampled_rows(header, _SAMPLED_ROWS)), axis=1)
    values = stored[~is_nodata(stored, header.nodata)].astype(np.float64)
    return (float(np.median(values)), float(np.percentile(values, 99.9))) if len(values) else (0.0, 0.0)
