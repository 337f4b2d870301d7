"""Sodium beside salt: SAR, ESP, and whether a soil is saline, sodic or both."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError

Floats = NDArray[np.float64]

#: Bounds of USDA Handbook 60: ECe in dS/m, exchangeable sodium in percent, and the SAR that stands for it.
SALINE_DS_M, SODIC_ESP, SODIC_SAR = 4.0, 15.0, 13.0

_WORDS = np.array(["normal", "saline", "sodic", "saline-sodic", None], dtype=object)


def sar(na: ArrayLike, ca: ArrayLike, mg: ArrayLike) -> Floats:
    """Sodium adsorption ratio of the saturation extract, Na / sqrt((Ca + Mg) / 2).

    na, ca, mg   mmol of charge per litre; NaN where Ca and Mg are zero together. LabelError below zero

    >>> float(sar(20, 6, 2))
    10.0
    """
    ions = [np.asarray(ion, dtype=np.float64) for ion in (na, ca, mg)]
    if any((ion < 0).any() for ion in ions):
        raise LabelError("an ion below zero", fix="Give mmolc/L; leave missing values empty.")
    half = np.asarray((ions[1] + ions[2]) / 2)
    return ions[0] / np.sqrt(np.where(half > 0, half, np.nan))


def esp_from_sar(sar_value: ArrayLike) -> Floats:
    """Exchangeable sodium percentage from SAR; zero where the formula falls below it.

    100 (-.0126 + .01475 SAR) / (1 - .0126 + .01475 SAR), USDA Handbook 60 (1954).
    """
    ratio = -0.0126 + 0.01475 * np.asarray(sar_value, dtype=np.float64)
    return np.maximum(100 * ratio / (1 + ratio), 0.0)


def sodicity(
    ece_ds_m: ArrayLike, *, esp: ArrayLike | None = None, sar: ArrayLike | None = None
) -> NDArray[np.object_]:
    """One of "normal", "saline", "sodic", "saline-sodic" a sample; None where a number is missing.

    Saline: ECe >= 4 dS/m. Sodic: ESP >= 15 %, or SAR > 13 where ESP is not given (USDA Handbook 60).
    Raises LabelError unless exactly one of `esp` and `sar` is given.
    """
    if (esp is None) == (sar is None):
        raise LabelError("sodic soils are told by ESP or by SAR", fix="Give one of esp= and sar=.")
    ece = np.asarray(ece_ds_m, dtype=np.float64)
    sodium = np.asarray(esp if esp is not None else sar, dtype=np.float64)
    sodic = sodium >= SODIC_ESP if esp is not None else sodium > SODIC_SAR
    saline = ece >= SALINE_DS_M
    missing = np.isnan(ece) | np.isnan(sodium)
    return np.asarray(_WORDS[np.where(missing, len(_WORDS) - 1, saline + 2 * sodic)])
