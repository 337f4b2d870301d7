"""Gypsum in an extract: it conducts, it is hardly salt, and it does not dilute as salts do.

A dilute extract dissolves gypsum anew up to its solubility, so a line from EC 1:r to ECe that was fitted on
soils without gypsum multiplies what it should not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.salinity.conversion import Names, convert

#: Conductivity of a saturated gypsum solution, dS/m. USDA Handbook 60 (1954); later manuals give 2.0-2.5.
SATURATED_DS_M = 2.2


def to_ece_with_gypsum(
    ec_ds_m: ArrayLike, method: Names, presence: ArrayLike, texture: Names | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(ECe, its standard deviation), dS/m, of extracts to which gypsum may have added.

    ec_ds_m   (n,) measured
    method    one for all, or one a value
    presence  (n,) 0 = no gypsum, 1 = enough to saturate the extract (about 0.5 % by mass at 1:2)
    texture   as for `convert`

    What gypsum gives, at most 2.2 dS/m, is taken off before the line and put back after it: the paste is
    saturated with gypsum as well. Raises LabelError as `convert` does.
    """
    ec = np.asarray(ec_ds_m, np.float64)
    gypsum = np.minimum(SATURATED_DS_M * np.clip(np.asarray(presence, np.float64), 0, 1), ec)
    salts = convert(ec - gypsum, method, texture=texture)
    return np.where(gypsum > 0, salts.ece + gypsum, convert(ec, method, texture=texture).ece), salts.sd
