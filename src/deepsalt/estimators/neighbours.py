"""Pairs of a library with everything measured by a satellite: labelled sites, then loose pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.pairing import Pairs, nearest_pairs
from deepsalt.spectra import Spectra


def pairs_with(library: Spectra, satellite: Iterable[Spectra | None], within_m: float) -> Pairs:
    """Each laboratory sample with its nearest satellite row; rows of all tables are counted through.

    satellite  tables in the order in which their rows are counted; None is skipped
    within_m   farther apart they are no pair

    Rows without `latitude` and `longitude` (degrees) are never paired.
    """
    found = [_coordinates(table.samples) for table in satellite if table is not None]
    if not found:
        return no_pairs()
    latitude, longitude = (np.concatenate(values) for values in zip(*found, strict=True))
    return nearest_pairs(*_coordinates(library.samples), latitude, longitude, within_m)


def no_pairs() -> Pairs:
    """For methods that need none."""
    return Pairs(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))


def _coordinates(table: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if "latitude" not in table or "longitude" not in table:
        missing = np.full(len(table), np.nan)
        return missing, missing
    return table["latitude"].to_numpy(np.float64), table["longitude"].to_numpy(np.float64)
