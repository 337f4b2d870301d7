"""EC of an extract to ECe, with the error of the conversion carried along.

Each line is ECe = slope * EC + intercept (dS/m) with the residual spread that its source allows to
state. A conversion is label noise: its standard deviation travels with the label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError
from deepsalt.salinity.methods import parse_method


@dataclass(frozen=True)
class Conversion:
    """A published line from one extract to ECe.

    method     canonical name of the extract
    slope, intercept   ECe = slope EC + intercept, dS/m
    relative_sd        spread of the single value as a share of ECe, from the stated fit
    floor_sd           smallest standard deviation, dS/m
    valid_to           largest EC the line was fitted on, dS/m; beyond it the error is doubled
    source             where the line stands
    """

    method: str
    slope: float
    intercept: float
    relative_sd: float
    floor_sd: float
    valid_to: float
    source: str

    def apply(self, ec_ds_m: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(ECe, its standard deviation), dS/m, same shape as the argument."""
        ec = np.asarray(ec_ds_m, dtype=np.float64)
        ece = np.maximum(self.slope * ec + self.intercept, 0.0)
        spread = np.maximum(self.relative_sd * ece, self.floor_sd)
        return ece, np.where(ec > self.valid_to, 2.0 * spread, spread)


#: The lines used by default, one a method. Relative errors follow from the stated r2 where the
#: source gives no residual: sqrt(1 - r2) of the spread of ECe, taken as a share of its level.
CONVERSIONS = {
    line.method: line
    for line in (
        Conversion("ECe", 1.0, 0.0, 0.0, 0.0, np.inf, "measured as ECe"),
        Conversion(
            "EC1:1", 1.83, 0.117, 0.39, 0.1, 20.0, "Kargas et al. 2018; r2 .85 as in Zhang et al. 2005"
        ),
        Conversion(
            "EC1:2",
            2.5808,
            -0.026,
            0.61,
            0.1,
            1.5,
            "KSSL line of the SOLUS EC script (Nauman 2024), adj. R2 .625",
        ),
        Conversion("EC1:2.5", 3.84, 0.35, 0.5, 0.2, 10.0, "Sonmez et al. 2008, loamy soils"),
        Conversion(
            "EC1:5", 6.53, -0.108, 0.5, 0.2, 4.0, "Kargas et al. 2018; loses power above ECe 4 (He 2013)"
        ),
    )
}


def to_ece(ec_ds_m: ArrayLike, method: str) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """ECe (dS/m), its standard deviation (dS/m) and the source of the line, from EC by a method.

    Raises LabelError for a method without a line to ECe (ECa needs a field calibration).
    """
    name = parse_method(method)
    if name not in CONVERSIONS:
        raise LabelError(
            f"no conversion from {name} to ECe",
            fix=f"Methods with one: {', '.join(CONVERSIONS)}. ECa needs a calibration of its own field.",
        )
    line = CONVERSIONS[name]
    ece, spread = line.apply(ec_ds_m)
    return ece, spread, line.source
