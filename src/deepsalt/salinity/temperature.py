"""EC measured at some temperature, at the reference of 25 C."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError

#: Where the correction is used, C: the range over which Ma et al. (2011) compared such forms.
VALID_C = (3.0, 47.0)


def to_25c(ec_ds_m: ArrayLike, temperature_c: ArrayLike) -> NDArray[np.float64]:
    """EC at 25 C (dS/m) of an EC measured at a temperature in C; shapes broadcast, NaN stays NaN.

    EC25 = EC (0.4470 + 1.4034 exp(-t / 26.815)). As printed the factor is 0.99945 at 25 C; it is divided
    by that here, so that what was measured at 25 C stays as it is.

    Raises LabelError for a temperature outside 3 to 47 C.

    Source: Sheets & Hendrickx (1995) as corrected by Corwin & Lesch (2005), best of those compared by
    Ma et al. (2011), Precis. Agric. 12:55.

    >>> to_25c([1.0, 1.0], [25.0, 15.0]).round(3).tolist()
    [1.0, 1.25]
    """
    t = np.asarray(temperature_c, dtype=np.float64)
    wrong = (t < VALID_C[0]) | (t > VALID_C[1])
    if wrong.any():
        raise LabelError(
            f"EC measured at {t[wrong].flat[0]:g} C cannot be brought to 25 C",
            fix=f"The correction holds from {VALID_C[0]:g} to {VALID_C[1]:g} C. Is it in Celsius?",
        )
    return np.asarray(ec_ds_m, dtype=np.float64) * (_factor(t) / _factor(np.float64(25.0)))


def _factor(t: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(0.4470 + 1.4034 * np.exp(-t / 26.815))
