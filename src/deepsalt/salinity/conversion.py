"""EC of an extract to ECe, with the error of the conversion carried along.

A conversion is label noise: its standard deviation travels with the label. Outside the range of its
equation a value's error is doubled, and the result says how many values that were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError
from deepsalt.salinity.choice import CONVERSIONS, choose
from deepsalt.salinity.equations import Equation
from deepsalt.salinity.methods import parse_method
from deepsalt.salinity.published import EQUATIONS
from deepsalt.salinity.texture import SATURATION, group_of, parse_textures

__all__ = ["CONVERSIONS", "Converted", "convert"]

Names = str | Sequence[str | None] | NDArray[np.object_]

#: Saturation percentages outside this are a slip, most often a fraction.
_SATURATION_PCT = (10.0, 200.0)


@dataclass(frozen=True)
class Converted:
    """ECe of each value, and by what.

    ece, sd    ECe and its standard deviation, dS/m, shape of the EC; NaN where EC is missing
    equation   name of the equation of each value; "" where EC is missing
    outside    whether the EC lies outside the range of its equation (sd is doubled there)
    """

    ece: NDArray[np.float64]
    sd: NDArray[np.float64]
    equation: NDArray[np.str_]
    outside: NDArray[np.bool_]

    @property
    def counts(self) -> dict[str, int]:
        """Name of each equation used -> number of values, most frequent first."""
        return dict(Counter(name for name in self.equation.ravel().tolist() if name).most_common())

    @property
    def source(self) -> str:
        """Where the equations used stand."""
        return "; ".join(dict.fromkeys(EQUATIONS[name].source for name in self.counts))

    def notes(self) -> tuple[str, ...]:
        """One sentence an equation: how many values, by which formula, how many outside its range."""
        return tuple(self._note(EQUATIONS[name], count) for name, count in self.counts.items())

    def _note(self, used: Equation, count: int) -> str:
        beyond = int((self.outside & (self.equation == used.name)).sum())
        if used.method == "ECe":
            return f"{count} values measured as ECe"
        words = f", {beyond} of them outside its range (error doubled)" if beyond else ""
        return f"{count} ECe converted from {used.method} by {used.name} ({used.source}){words}"


def convert(
    ec_ds_m: ArrayLike,
    method: Names,
    *,
    texture: Names | None = None,
    saturation_pct: ArrayLike | None = None,
    equation: str | None = None,
) -> Converted:
    """ECe of EC values by their methods, row by row.

    ec_ds_m         values at 25 C, dS/m; NaN = missing
    method          one for all, or one a value
    texture         USDA class, abbreviation or group, one for all or one a value; None = not known
    saturation_pct  water of the saturated paste, percent by mass, where measured; else it goes by texture
    equation        name or family of an equation; None = the default of `choose`

    Raises LabelError for a negative EC, an EC without a method, an unknown name, and for a method, texture
    or equation that do not go together.
    """
    ec = np.asarray(ec_ds_m, dtype=np.float64)
    flat = ec.ravel()
    if (flat < 0).any():
        raise LabelError(f"EC below zero: {flat[flat < 0][0]:g} dS/m", fix="Leave missing values empty.")
    parsed = parse_textures(_each(texture, flat.size, "texture"))
    measured = _measured_water(saturation_pct, flat.size)
    methods = _each(method, flat.size, "method")
    ece, sd = np.full((2, flat.size), np.nan)
    names, outside = np.full(flat.size, "", dtype=object), np.zeros(flat.size, dtype=bool)
    keys = [
        (str(m) if isinstance(m, str) and m else None, t, bool(wet)) if known else None
        for m, t, wet, known in zip(methods, parsed, np.isfinite(measured), np.isfinite(flat), strict=True)
    ]
    for key in dict.fromkeys(key for key in keys if key is not None):
        rows = np.array([other == key for other in keys])
        name, kind, wet = key
        if name is None:
            raise LabelError(f"EC without a method in row {int(np.argmax(rows)) + 1}")
        group = None if kind is None else group_of(kind)
        used = choose(parse_method(name), group, equation, wet)
        water = measured[rows] / 100 if wet else SATURATION.get(kind) if kind else None
        ece[rows], sd[rows] = used.apply(flat[rows], water)
        names[rows], outside[rows] = used.name, used.outside(flat[rows])
    shape = ec.shape
    return Converted(
        ece.reshape(shape), sd.reshape(shape), names.astype(str).reshape(shape), outside.reshape(shape)
    )


def _each(given: Names | None, count: int, what: str) -> NDArray[np.object_]:
    """One entry a value, from one for all or one for each; None where there is none."""
    if given is None or isinstance(given, str):
        return np.full(count, given, dtype=object)
    each = np.asarray(given, dtype=object).ravel()
    if len(each) != count:
        raise LabelError(f"{len(each)} entries of {what} for {count} values of EC")
    return each


def _measured_water(saturation_pct: ArrayLike | None, count: int) -> NDArray[np.float64]:
    """(count,) percent, NaN where not measured."""
    if saturation_pct is None:
        return np.full(count, np.nan)
    water = np.broadcast_to(np.asarray(saturation_pct, dtype=np.float64).ravel(), count)
    wrong = (water < _SATURATION_PCT[0]) | (water > _SATURATION_PCT[1])
    if wrong.any():
        raise LabelError(
            f"a saturation percentage of {water[wrong][0]:g} cannot be",
            fix="It is percent by mass of dry soil: 45, not 0.45.",
        )
    return np.asarray(water)
