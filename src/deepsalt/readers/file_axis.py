"""The spectral axis that a file tells: refused with the file's name where it cannot be one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import AxisError, DeepSaltError
from deepsalt.spectra import Axis
from deepsalt.spectra.axis import Unit


def axis_of_file(
    centres: NDArray[np.float64],
    unit: Unit,
    fwhm: NDArray[np.float64] | None = None,
    *,
    where: str,
    error: type[DeepSaltError] = AxisError,
) -> Axis:
    """The axis of a file's bands.

    centres, fwhm  (band,) in `unit`, by increasing centre
    where          the file, for the message
    error          what the reader raises for a file that is broken: ProductError for a product

    Raises `error` for centres or widths that no axis can have.
    """
    try:
        return Axis(centres, unit, fwhm)
    except AxisError as refused:
        raise error(refused.found, where=where, fix=refused.fix) from refused
