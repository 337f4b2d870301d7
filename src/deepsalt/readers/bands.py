"""The bands of a product in the order in which they are delivered, and why some of them hold nothing.

The rule where two detectors overlap: every band is kept, and all are sorted by wavelength, so that the
bands of the detectors alternate there. Resampling to a sensor averages them. With `overlap="vnir"` or
"swir" only the bands of that detector are delivered between the first wavelength of the SWIR and the last
of the VNIR.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError

Overlap = Literal["both", "vnir", "swir"]

#: Why a band is NaN throughout.
NO_DATA = "no data in the product"


def band_order(
    centres_nm: Sequence[float] | NDArray[np.float64],
    detectors: Sequence[str] = (),
    overlap: Overlap = "both",
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Index in the file of each band that is delivered, by increasing wavelength, and notes for the user.

    centres_nm  (band,) in file order; unused bands (0 or NaN) must have been taken out before
    detectors   (band,) "VNIR" or "SWIR"; none where a product has one detector
    overlap     which detector serves where both do

    Raises UsageError for an unknown `overlap`.

    >>> band_order([900.0, 990.0, 910.0, 1000.0], ["VNIR", "VNIR", "SWIR", "SWIR"], "swir")[0].tolist()
    [0, 2, 3]
    """
    if overlap not in get_args(Overlap):
        raise UsageError(f"overlap={overlap!r}", fix=f"Use one of {', '.join(get_args(Overlap))}.")
    centres = np.asarray(centres_nm, float)
    order = np.argsort(centres, kind="stable")
    notes = []
    if (np.diff(order) < 0).any():
        notes.append("bands are in another order in the file: delivered sorted by wavelength")
    names = np.array([name.upper() for name in detectors])
    vnir, swir = names == "VNIR", names == "SWIR"
    if overlap != "both" and vnir.any() and swir.any():
        shared = (centres >= centres[swir].min()) & (centres <= centres[vnir].max())
        dropped = shared & (swir if overlap == "vnir" else vnir)
        order = order[~dropped[order]]
        notes.append(f"{int(dropped.sum())} bands left out where the detectors overlap (overlap={overlap!r})")
    return order, tuple(notes)


def faults_of(empty: NDArray[np.bool_], why: str = NO_DATA) -> tuple[str, ...]:
    """(band,) the reason where a band is empty, "" elsewhere."""
    return tuple(why if missing else "" for missing in empty)
