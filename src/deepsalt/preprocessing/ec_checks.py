"""EC labels that cannot be true. They are told, never changed: only the laboratory knows what it measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.readers.ec_columns import is_ec, method_of, unit_of
from deepsalt.units import ds_per_m

#: A saturated brine of NaCl conducts about 250 dS/m at 25 C: no extract of a soil conducts more.
BRINE_DS_M = 250.0
#: From little water to much: an extract with more water conducts no better.
BY_WATER = ("ECe", "EC1:1", "EC1:2", "EC1:2.5", "EC1:5")
#: Two measurements of one soil differ by so much without a fault: a share, and dS/m. Where gypsum sets the
#: salinity both extracts are saturated with it and conduct the same.
_SHARE, _DS_M = 0.15, 0.1
#: Medians of soil libraries lie between 0.05 and 10 dS/m; read in uS/cm they would be thousand times larger.
_MEDIANS_DS_M = (0.002, 50.0)
#: Ratio of the extract with less water to that with more, median of the samples that have both.
_RATIOS = (0.1, 100.0)


@dataclass(frozen=True)
class EcFault:
    """One rule, the rows that break it, (sample,) True, and the sentence that tells."""

    rule: str
    rows: NDArray[np.bool_]
    why: str


def ec_faults(samples: pd.DataFrame) -> list[EcFault]:
    """Every rule on EC that some row breaks; none where there is no EC.

    Looks at `ec_ds_m` and at all other columns whose name tells method and unit, in dS/m.
    """
    faults = []
    if "ec_ds_m" in samples:
        ec = pd.to_numeric(samples["ec_ds_m"], errors="coerce").to_numpy(float)
        faults += [
            EcFault("negative EC", ec < 0, "EC below zero"),
            EcFault("impossible EC", ec > BRINE_DS_M, f"EC above {BRINE_DS_M:g} dS/m, saturated brine"),
            EcFault("conflicting EC", _conflicting(samples, ec), "scans of one id have different EC"),
            *_units(ec),
        ]
    faults += _more_water(samples)
    return [fault for fault in faults if fault.rows.any()]


def _conflicting(samples: pd.DataFrame, ec: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows of an id whose EC differ by more than rounding."""
    if "id" not in samples:
        return np.zeros(len(samples), bool)
    named = samples["id"].notna().to_numpy()
    groups = pd.Series(ec).groupby(samples["id"].astype(object).to_numpy(), dropna=True)
    low, high = groups.transform("min").to_numpy(), groups.transform("max").to_numpy()
    return np.asarray(named & (high - low > 1e-3 * np.abs(high) + 1e-6))


def _units(ec: NDArray[np.float64]) -> list[EcFault]:
    known = ec[ec > 0]
    if len(known) < 10:
        return []
    median = float(np.median(known))
    low, high = _MEDIANS_DS_M
    if low <= median <= high:
        return []
    unit = "uS/cm" if median > high else "S/m or divided by 1000 twice"
    why = f"the median of EC is {median:.3g} dS/m: it looks like {unit}; state ec_unit"
    return [EcFault("suspicious unit", ~np.isnan(ec), why)]


def _more_water(samples: pd.DataFrame) -> list[EcFault]:
    """Extracts of one sample in the wrong order, neighbour by neighbour among the columns there are."""
    found = _columns(samples)
    methods = [method for method in BY_WATER if method in found]
    faults = []
    for i, strong in enumerate(methods):
        for weak in methods[i + 1 :]:
            less, more = found[strong], found[weak]
            both = np.isfinite(less) & np.isfinite(more) & (less > 0) & (more > 0)
            ratio = float(np.median(less[both] / more[both])) if both.any() else 1.0
            if not _RATIOS[0] <= ratio <= _RATIOS[1]:
                why = f"{strong} is {ratio:.3g} times {weak} (median): one of the two is in another unit"
                faults.append(EcFault("suspicious unit", both, why))
                continue
            wrong = both & (more > less * (1 + _SHARE) + _DS_M)
            why = f"{weak} is larger than {strong} of the same sample"
            faults.append(EcFault("order of extracts", wrong, why))
    return faults


def _columns(samples: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """EC by method, in dS/m: the column in use first, then those whose names tell method and unit."""
    found: dict[str, NDArray[np.float64]] = {}
    methods = list(samples["ec_method"].dropna().unique()) if "ec_method" in samples else []
    if "ec_ds_m" in samples and len(methods) == 1:
        found[str(methods[0])] = samples["ec_ds_m"].to_numpy(float)
    for name in map(str, samples.columns):
        method = method_of(name) if is_ec(name) else None
        if name in ("ec_ds_m", "ec_method") or method is None or method in found:
            continue
        numbers = pd.to_numeric(samples[name], errors="coerce").to_numpy(float)
        found[method] = ds_per_m(numbers, unit_of(name) or "dS/m")
    return found
