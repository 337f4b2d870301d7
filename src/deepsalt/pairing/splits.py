"""No pair across a split: what is held out must not teach through its partner."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from deepsalt.errors import LabelError, UsageError
from deepsalt.pairing.nearest import Pairs


def refuse_across(pairs: Pairs, lab_parts: ArrayLike, satellite_parts: ArrayLike) -> None:
    """Raise LabelError if a pair joins rows of different parts of a split.

    lab_parts, satellite_parts   (row,) name of the part of each row, such as "train" or "test"

    A row without a part (None, NaN) raises UsageError where a pair holds it.
    """
    lab = np.asarray(lab_parts, dtype=object)[pairs.lab]
    satellite = np.asarray(satellite_parts, dtype=object)[pairs.satellite]
    for name, parts, rows in (("laboratory", lab, pairs.lab), ("satellite", satellite, pairs.satellite)):
        nowhere = [row for row, part in zip(rows, parts, strict=True) if not isinstance(part, str)]
        if nowhere:
            raise UsageError(
                f"{name} row {nowhere[0] + 1} is paired but belongs to no part of the split",
                fix="Name the part of every row.",
            )
    across = np.flatnonzero(lab != satellite)
    if len(across):
        first = across[0]
        raise LabelError(
            f"{len(across)} of {len(pairs)} pairs join different parts of the split (first: laboratory row "
            f"{pairs.lab[first] + 1} of {lab[first]!r} with satellite row {pairs.satellite[first] + 1} of "
            f"{satellite[first]!r})",
            fix="Pair the rows of each part by themselves.",
        )
