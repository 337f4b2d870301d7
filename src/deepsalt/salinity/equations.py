"""What a published equation from EC of an extract to ECe is: its form, its range, its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError

Floats = NDArray[np.float64]


class Form(Protocol):
    """ECe (dS/m) of EC (dS/m) and, where `needs_saturation`, of water of the saturated paste (kg/kg)."""

    needs_saturation: bool

    @property
    def formula(self) -> str: ...

    def __call__(self, ec: Floats, saturation: Floats | None, /) -> Floats: ...


@dataclass(frozen=True)
class Line:
    """slope EC + intercept, never below zero."""

    slope: float
    intercept: float = 0.0
    needs_saturation = False

    @property
    def formula(self) -> str:
        sign = "-" if self.intercept < 0 else "+"
        tail = f" {sign} {abs(self.intercept):g}" if self.intercept else ""
        return f"{self.slope:g} EC{tail}"

    def __call__(self, ec: Floats, _saturation: Floats | None = None, /) -> Floats:
        return np.maximum(self.slope * ec + self.intercept, 0.0)


@dataclass(frozen=True)
class Power:
    """base ** (exponent log(EC) + shift), the logarithm to that base; 0 where EC is 0."""

    exponent: float
    shift: float
    base: float | None = None  # None: e
    needs_saturation = False

    @property
    def formula(self) -> str:
        if self.base is None:
            return f"exp({self.exponent:g} ln EC + {self.shift:g})"
        return f"{self.base:g}^({self.exponent:g} log{self.base:g} EC + {self.shift:g})"

    def __call__(self, ec: Floats, _saturation: Floats | None = None, /) -> Floats:
        factor = np.exp(self.shift) if self.base is None else self.base**self.shift
        return np.asarray(factor * np.maximum(ec, 0.0) ** self.exponent)


@dataclass(frozen=True)
class SaturationFactor:
    """(constant + per_water / saturation) EC."""

    constant: float
    per_water: float
    needs_saturation = True

    @property
    def formula(self) -> str:
        start = f"{self.constant:g} + " if self.constant else ""
        return f"({start}{self.per_water:g}/SP) EC"

    def __call__(self, ec: Floats, saturation: Floats | None, /) -> Floats:
        if saturation is None:
            raise LabelError(
                f"{self.formula} needs the water of the saturated paste",
                fix="Give a texture or a saturation percentage, or choose another equation.",
            )
        return (self.constant + self.per_water / saturation) * ec


@dataclass(frozen=True)
class Equation:
    """A published equation from one extract to ECe.

    name        of this entry; entries of one source that differ by texture share the `family`
    method      canonical name of the extract
    texture     "coarse", "medium", "fine", or "any"
    form        ECe from EC
    relative_sd spread of the single value as a share of ECe
    floor_sd    smallest standard deviation, dS/m
    valid       (from, to) EC in dS/m that the equation is taken to hold for; outside, the error is doubled
    source      where it stands
    range_note  "" where the source states the range, else what was assumed
    """

    name: str
    family: str
    method: str
    texture: str
    form: Form
    relative_sd: float
    floor_sd: float
    valid: tuple[float, float]
    source: str
    range_note: str = ""

    @property
    def formula(self) -> str:
        return f"ECe = {self.form.formula}"

    def outside(self, ec_ds_m: ArrayLike) -> NDArray[np.bool_]:
        """Whether each EC lies outside the range; a missing one does not."""
        ec = np.asarray(ec_ds_m, dtype=np.float64)
        return (ec < self.valid[0]) | (ec > self.valid[1])

    def apply(self, ec_ds_m: ArrayLike, saturation: ArrayLike | None = None) -> tuple[Floats, Floats]:
        """(ECe, its standard deviation), dS/m, same shape as the argument.

        saturation   water of the saturated paste, kg/kg, where the form needs it; LabelError without
        """
        ec = np.asarray(ec_ds_m, dtype=np.float64)
        water = None if saturation is None else np.asarray(saturation, dtype=np.float64)
        ece = self.form(ec, water)
        spread = np.maximum(self.relative_sd * ece, self.floor_sd)
        return ece, np.where(self.outside(ec), 2.0 * spread, spread)
