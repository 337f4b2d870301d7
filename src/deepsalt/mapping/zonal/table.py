"""Columns of zonal statistics from sums, for polygons and for all of them together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.mapping.zonal.stats import Measured, Sums
from deepsalt.spectra import MaskReason

#: Quantiles of ECe by area, and the names of their columns.
QUANTILES: Mapping[str, float] = {"ece_median": 0.5, "ece_p10": 0.1, "ece_p90": 0.9}
#: A polygon of which less lies beyond the map lies on it whole: coverage has single precision.
_ROUNDING = 1e-6

Columns = dict[str, NDArray[np.float64]]


def columns_of(
    sums: Sums, hectares: NDArray[np.float64], quantiles: NDArray[np.float64], measured: Measured
) -> Columns:
    """Columns (polygon,) by name; see `units_of` for what they are measured in.

    sums       as `sums_of` gives them
    hectares   (polygon,) area of the whole polygon
    quantiles  (polygon, quantile) of ECe, in the order of QUANTILES
    """
    on_map, mapped = sums["on_map"], sums["mapped"]
    beyond = hectares - on_map
    columns = {
        "hectares": hectares,
        "mapped_ha": mapped,
        "masked_ha": on_map - mapped,
        "off_map_ha": np.where(beyond > _ROUNDING * hectares, beyond, 0.0),
    }
    for reason in MaskReason:
        name = f"masked_{reason.name.lower()}"
        if name in sums and sums[name].any():
            columns[f"{name}_ha"] = sums[name]
    columns["ece_mean"] = _per(sums["ece"], mapped)
    columns |= {name: quantiles[:, number] for number, name in enumerate(QUANTILES)}
    columns["ln1p_ece_mean"] = _per(sums["ln"], mapped)
    if measured.interval:
        columns |= {f"ece_mean_{side}": _per(sums[side], mapped) for side in ("low", "high")}
    for index, name in enumerate(measured.classes):
        columns[f"{_plain(name)}_ha"] = sums[f"class_{index}"]
    for threshold in measured.thresholds:
        columns |= _above(f"above_{threshold:g}", sums)
    if "outside" in sums:
        columns["share_outside"] = _per(sums["outside"], sums["applicability"])
    return columns


def _above(name: str, sums: Sums) -> Columns:
    kinds = ("", "_low", "_high", "_expected")
    return {f"{name}{kind}_ha": sums[f"{name}{kind}"] for kind in kinds if f"{name}{kind}" in sums}


def _per(amount: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amount over area; NaN where there is no area."""
    return np.divide(amount, area, out=np.full(len(area), np.nan), where=area > 0)


def _plain(name: str) -> str:
    """A name of a class as part of a column's name.

    >>> _plain("very slightly saline")
    'very_slightly_saline'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def units_of(names: Sequence[str]) -> dict[str, str]:
    """The unit of each column."""
    return {name: _unit(name) for name in names}


def _unit(name: str) -> str:
    if name.endswith("_ha") or name == "hectares":
        return "ha"
    if name.startswith("share_"):
        return "share of the mapped hectares, 0-1"
    return "ln(1 + ECe in dS/m)" if name.startswith("ln1p") else "dS/m"


def record(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """The only row of columns as plain numbers."""
    return {name: float(values[0]) for name, values in columns.items()}
