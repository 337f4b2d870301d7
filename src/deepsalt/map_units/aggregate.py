"""ECe of survey map units: over a depth, over components, and as the distribution that pixels share.

As soilDB aggregates SSURGO: with t_h = min(bottom_h, D) - max(top_h, d) for the horizons that overlap [d, D],
a component has y_c = sum_h(y_h t_h) / sum_h(t_h where y_h is known), and a unit has
y = sum_c(y_c p_c) / sum_c(p_c where y_c is known), p = comppct_r. Miscellaneous areas count only if asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.readers.map_units import MapUnitTables

#: What optics sees, cm; and the values that a component is described by.
TOP_CM, BOTTOM_CM = 0.0, 5.0
_VALUES = ["ece_low", "ece", "ece_high"]
#: Percents written without decimals need not sum to 100 exactly.
_ROUNDING = 0.5


@dataclass(frozen=True, eq=False)
class MapUnitLabel:
    """ECe of one unit.

    mukey       key of the unit
    ece         mean over its components, dS/m
    components  a row a component with a known ECe: cokey, name, percent, share (of the known percents, sums
                to 1), ece_low, ece, ece_high (dS/m), known_cm (depth with a known ECe)
    wanted      mean of ln(1+ECe) in the unit, over the distribution within and between its components
    spread      its standard deviation
    """

    mukey: str
    ece: float
    components: pd.DataFrame
    wanted: float
    spread: float


@dataclass(frozen=True, eq=False)
class MapUnitLabels:
    """Labels of the units of a survey.

    units       a row a unit with a known ECe: mukey, ece_ds_m, ece_low, ece_high, components (known),
                percent_known, percent_total, wanted, spread
    components  a row a component that counts: mukey and the columns of `MapUnitLabel.components`
    depth_cm    (top, bottom)
    notes       what was assumed, left out and looked odd
    """

    units: pd.DataFrame
    components: pd.DataFrame
    depth_cm: tuple[float, float]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.units)

    def label(self, mukey: str) -> MapUnitLabel:
        """The label of one unit. Raises LabelError for one without a known ECe."""
        found = self.units[self.units["mukey"] == mukey]
        if not len(found):
            raise LabelError(f"no ECe of map unit {mukey!r}", fix="Ask for one of labels.units['mukey'].")
        row = found.iloc[0]
        parts = (
            self.components[self.components["mukey"] == mukey].drop(columns="mukey").reset_index(drop=True)
        )
        return MapUnitLabel(mukey, row["ece_ds_m"], parts, row["wanted"], row["spread"])


def aggregate(
    tables: MapUnitTables,
    top_cm: float = TOP_CM,
    bottom_cm: float = BOTTOM_CM,
    *,
    dominant: bool = False,
    miscellaneous: bool = False,
) -> MapUnitLabels:
    """ECe of each unit over a depth.

    top_cm, bottom_cm  the depth; satellites see the top
    dominant           only the component with the largest percent; of equals the one whose cokey sorts first
    miscellaneous      let areas without soil (water, rock, towns) count where they have an EC

    Raises UsageError for a depth that is none, LabelError if no unit has a known ECe there.
    """
    if not 0 <= top_cm < bottom_cm:
        raise UsageError(
            f"depth {top_cm:g}-{bottom_cm:g} cm", fix="Give a top of 0 or more above the bottom."
        )
    notes = list(tables.notes) + _percent_notes(tables.components)
    counted = tables.components if miscellaneous else tables.components[~tables.components["miscellaneous"]]
    if left_out := len(tables.components) - len(counted):
        notes.append(f"{left_out} miscellaneous areas do not count")
    if dominant:
        counted = _dominant(counted)
    known = component_ece(tables.horizons, top_cm, bottom_cm)
    parts = counted.merge(known, on="cokey", how="left").drop(columns="miscellaneous")
    parts = parts[parts["ece"].notna() & (parts["percent"] > 0)].reset_index(drop=True)
    if not len(parts):
        raise LabelError(
            f"no map unit has a known ECe in {top_cm:g}-{bottom_cm:g} cm", fix="Check ec_r and the depth."
        )
    parts["share"] = parts["percent"] / parts.groupby("mukey")["percent"].transform("sum")
    units = _units(parts, tables.components)
    total = tables.components["mukey"].nunique()
    if len(units) < total:
        notes.append(
            f"{total - len(units)} of {total} map units have no known ECe in {top_cm:g}-{bottom_cm:g} cm"
        )
    columns = ["mukey", "cokey", "name", "percent", "share", *_VALUES, "known_cm"]
    return MapUnitLabels(units, parts[columns], (top_cm, bottom_cm), tuple(notes))


def component_ece(horizons: pd.DataFrame, top_cm: float, bottom_cm: float) -> pd.DataFrame:
    """A row a component: cokey, ece_low, ece, ece_high weighted by thickness, and known_cm of the depth.

    Horizons outside of the depth and those without an EC do not count; a component without any has no row.
    """
    thickness = horizons["bottom_cm"].clip(upper=bottom_cm) - horizons["top_cm"].clip(lower=top_cm)
    counts = (thickness > 0) & horizons["ece"].notna()
    inside = horizons[counts]
    weight = thickness[counts]
    summed = inside[_VALUES].multiply(weight, axis=0).groupby(inside["cokey"]).sum()
    known = weight.groupby(inside["cokey"]).sum()
    return summed.divide(known, axis=0).assign(known_cm=known).reset_index()


def moments(
    share: NDArray[np.float64], low: NDArray[np.float64], mode: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[float, float]:
    """Mean and standard deviation of ln(1+ECe) over a unit.

    share            (component,) sums to 1
    low, mode, high  (component,) ECe, dS/m

    A component is a triangular distribution on ln(1+ECe) from low to high with its peak at the
    representative value: mean (a+b+c)/3, variance (a^2+b^2+c^2-ab-ac-bc)/18 (Kotz & van Dorp 2004, Beyond
    Beta, ch. 1). That the ends of the survey's range are those of the distribution is an assumption. The
    unit is the mixture of its components by share: the mean of means; the mean of variances and squared
    means less the square of the mean.
    """
    a, c, b = np.log1p(low), np.log1p(mode), np.log1p(high)
    mean = (a + b + c) / 3
    variance = ((b - a) ** 2 + (c - a) ** 2 + (b - c) ** 2) / 36  # the same, exact where all three are equal
    whole = float(share @ mean)
    return whole, float(np.sqrt(max(0.0, float(share @ (variance + (mean - whole) ** 2)))))


def _dominant(components: pd.DataFrame) -> pd.DataFrame:
    ranked = components.sort_values(["mukey", "percent", "cokey"], ascending=[True, False, True])
    return ranked.drop_duplicates("mukey")


def _percent_notes(components: pd.DataFrame) -> list[str]:
    """What the percents of units sum to, where it is not 100."""
    total = components.groupby("mukey")["percent"].sum()
    notes = []
    for count, word in ((int((total < 100).sum()), "less"), (int((total > 100).sum()), "more")):
        if count:
            notes.append(
                f"the components of {count} map units sum to {word} than 100 percent; shares are of their sum"
            )
    return notes


def _units(parts: pd.DataFrame, components: pd.DataFrame) -> pd.DataFrame:
    total = components.groupby("mukey")["percent"].sum()
    rows = []
    for mukey, of in parts.groupby("mukey"):
        share = of["share"].to_numpy(np.float64)
        low, ece, high = (of[name].to_numpy(np.float64) for name in _VALUES)
        wanted, spread = moments(share, low, ece, high)
        rows.append(
            {
                "mukey": mukey,
                "ece_ds_m": float(share @ ece),
                "ece_low": float(share @ low),
                "ece_high": float(share @ high),
                "components": len(of),
                "percent_known": float(of["percent"].sum()),
                "percent_total": float(total[mukey]),
                "wanted": wanted,
                "spread": spread,
            }
        )
    return pd.DataFrame(rows)
