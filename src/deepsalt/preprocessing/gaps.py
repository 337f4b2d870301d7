"""Bands that are missing in single spectra, made up for from the bands around them.

Every method reads spectra through this one rule, so that none is favoured where a detector element failed.
Between two bands that are there the spectrum is taken as linear: within 50 nm, two channels of 20 nm with
the bands at their edges, reflectance of soil bends by less than its noise nearly everywhere. Farther apart
lie features that a line would erase (clay at 2200 nm is 50 nm wide). A line is exact where renormalised
weights are not: they move the centre of what is averaged. Where only one side is near, at the ends and
beside water vapour, the nearest value is held for up to 20 nm. A row is filled from itself alone: an
answer does not depend on which other rows stand in the table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import BandError
from deepsalt.preprocessing.resample import describe_ranges
from deepsalt.spectra import Axis, Spectra

#: Between bands that are there and no farther apart than this, nm, missing ones are interpolated.
SPAN_NM = 50.0
#: Beyond the last band before a wider gap its value is held so far, nm.
HOLD_NM = 20.0


def fill_gaps(values: NDArray[np.float32], axis: Axis) -> NDArray[np.float32]:
    """Values (..., band) with short gaps filled; NaN stays where a gap is too wide.

    axis      bands of `values`, in nm; spectra in cm-1 are returned as they are
    returns   the very same array where nothing is missing; values that are there never change
    """
    missing = np.isnan(values)
    if axis.unit != "nm" or not missing.any():
        return values
    rows = missing.any(axis=-1)
    filled = np.array(values)
    filled[rows] = _filled(values[rows], missing[rows], axis.values)
    return filled


def bridged(axis: Axis, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(band,) True for bands that are there, or between two that `fill_gaps` would join by a line."""
    if axis.unit != "nm" or present.all() or not present.any():
        return present
    known = axis.values[present]
    after = np.searchsorted(known, axis.values)
    inside = (after > 0) & (after < len(known))
    apart = np.full(len(axis), np.inf)
    apart[inside] = known[after[inside]] - known[after[inside] - 1]
    return np.asarray(present | (apart <= SPAN_NM))


def without_gaps(spectra: Spectra, what: str = "spectra") -> Spectra:
    """A table with short gaps filled, without the rows that have a wider one; provenance counts both.

    what     named in the error: which table this is
    returns  the very same table where nothing is missing
    Raises BandError, naming the bands, where no row stays.
    """
    missing = np.isnan(spectra.values)
    if not missing.any():
        return spectra
    filled = fill_gaps(spectra.values, spectra.axis)
    whole = np.asarray(np.isfinite(filled).all(axis=1))
    if not whole.any():
        lacking = np.asarray(missing.all(axis=0))
        lacking = lacking if lacking.any() else np.asarray(np.isnan(filled).any(axis=0))
        raise BandError(
            f"each of {len(spectra)} rows misses bands over more than {SPAN_NM:g} nm "
            f"({describe_ranges(spectra.axis, lacking)})",
            where=what,
            fix="Take the bands that hold data with take_bands, or mask these pixels.",
        )
    left_out = int((~whole).sum())
    step = (
        f"{int(missing.any(axis=1).sum()) - left_out} of {len(spectra)} rows had missing bands filled from "
        f"those around, {left_out} with a gap wider than {SPAN_NM:g} nm were left out"
    )
    table = spectra.with_values(filled, spectra.axis, sensor=spectra.sensor, step=step)
    return table if whole.all() else table.take(whole)


def gap_counts(before: Spectra | None, after: Spectra | None) -> dict[str, int]:
    """What `without_gaps` did to a table: rows that were filled, and rows that were left out."""
    if before is None or after is None:
        return {"filled": 0, "left out": 0}
    left_out = len(before) - len(after)
    return {"filled": int(np.isnan(before.values).any(axis=1).sum()) - left_out, "left out": left_out}


def _filled(
    values: NDArray[np.float32], missing: NDArray[np.bool_], at: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Rows (n, band) with the missing values from the nearest ones to the left and right."""
    last = len(at) - 1
    numbers = np.arange(len(at))
    left = np.maximum.accumulate(np.where(missing, -1, numbers), axis=1)
    right = np.minimum.accumulate(np.where(missing, len(at), numbers)[:, ::-1], axis=1)[:, ::-1]
    row, band = np.nonzero(missing)
    before, after = left[row, band], right[row, band]
    below = np.where(before >= 0, at[band] - at[before], np.inf)
    above = np.where(after <= last, at[np.minimum(after, last)] - at[band], np.inf)
    low, high = values[row, before], values[row, np.minimum(after, last)]
    between = below + above <= SPAN_NM
    share = np.divide(below, below + above, out=np.zeros_like(below), where=between)
    line = low + (high - low) * share.astype(np.float32)
    held = np.where(below <= above, low, high)
    near = np.minimum(below, above) <= HOLD_NM
    filled = np.array(values)
    filled[row, band] = np.where(between, line, np.where(near, held, np.float32(np.nan)))
    return filled
