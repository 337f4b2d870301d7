"""One value of EC in words and numbers: what it is as ECe, how sure, by which equation; and the equations."""

from __future__ import annotations

import math
from typing import Any

from deepsalt.errors import LabelError
from deepsalt.salinity.classes import USDA, ClassScheme
from deepsalt.salinity.conversion import convert
from deepsalt.salinity.equations import Equation
from deepsalt.salinity.methods import parse_method
from deepsalt.salinity.published import EQUATIONS
from deepsalt.salinity.temperature import to_25c
from deepsalt.salinity.texture import SATURATION, parse_texture
from deepsalt.units import ds_per_m, from_ds_per_m


def explain(
    value: float,
    method: str,
    to: str = "ece",
    *,
    unit: str = "dS/m",
    to_unit: str = "dS/m",
    temperature_c: float | None = None,
    texture: str | None = None,
    saturation_pct: float | None = None,
    equation: str | None = None,
    scheme: ClassScheme = USDA,
) -> dict[str, Any]:
    """Facts about one EC: the value and its standard deviation, equation, range, class, source.

    value           EC in `unit`, at `temperature_c` (None: at 25 C), by `method`
    to              "ece", or the method itself, for units and temperature only
    to_unit         unit of the answer
    texture, saturation_pct, equation   as for `convert`

    Raises LabelError for a value below zero or not a number, and for a conversion that there is not.
    """
    if not math.isfinite(value) or value < 0:
        raise LabelError(f"EC of {value:g} cannot be", fix="Give a number of zero or more.")
    known, wanted = parse_method(method), parse_method(to)
    measured = ds_per_m(value, unit)
    ec = float(measured if temperature_c is None else to_25c(measured, temperature_c))
    given = {"method": known, "value": value, "unit": unit, "temperature_c": temperature_c, "ds_m": ec}
    if wanted == known:
        return {
            "kind": "ec",
            "from": given,
            "to": _answer(known, ec, None, to_unit),
            **_class(known, ec, scheme),
        }
    if wanted != "ECe":
        raise LabelError(
            f"no conversion from {known} to {wanted}",
            fix=f"Equations lead to ECe only: --to ece, or --to {known.lower()} for another unit.",
        )
    soil = parse_texture(texture) if texture else None
    found = convert([ec], known, texture=soil, saturation_pct=saturation_pct, equation=equation)
    used = EQUATIONS[str(found.equation[0])]
    return {
        "kind": "ec",
        "from": {**given, "texture": soil, "saturation_pct": saturation_pct},
        "to": _answer("ECe", float(found.ece[0]), float(found.sd[0]), to_unit),
        **_class("ECe", float(found.ece[0]), scheme),
        "equation": described(used),
        "inside_range": not bool(found.outside[0]),
        "notes": _notes(used, bool(found.outside[0]), soil, saturation_pct),
    }


def _notes(used: Equation, outside: bool, soil: str | None, saturation_pct: float | None) -> list[str]:
    notes = ["outside the range of the equation: the error is doubled"] if outside else []
    if used.form.needs_saturation and saturation_pct is None and soil is not None:
        notes.append(f"SP {SATURATION[soil]:g} kg/kg assumed from the texture {soil}")
    return notes


def described(equation: Equation) -> dict[str, Any]:
    """What an equation is, as plain values; SP in a formula is kg of water per kg of soil."""
    low, high = equation.valid
    return {
        "name": equation.name,
        "family": equation.family,
        "method": equation.method,
        "texture": equation.texture,
        "formula": equation.formula,
        "valid_ec_ds_m": [round(low, 3), None if math.isinf(high) else high],
        "range": equation.range_note or "as stated by the source",
        "relative_sd": equation.relative_sd,
        "floor_sd_ds_m": equation.floor_sd,
        "source": equation.source,
    }


def equation_list() -> dict[str, Any]:
    """Every equation by its name."""
    listed = [described(one) for one in EQUATIONS.values() if one.method != "ECe"]
    return {"kind": "equations", "equations": listed}


def _answer(method: str, ds_m: float, sd: float | None, unit: str) -> dict[str, Any]:
    """The value in `unit`, and how far one standard deviation (given in dS/m) reaches above it."""
    value = float(from_ds_per_m(ds_m, unit))
    answer: dict[str, Any] = {"method": method, "unit": unit, "value": value}
    return answer if sd is None else {**answer, "sd": float(from_ds_per_m(ds_m + sd, unit)) - value}


def _class(method: str, ece: float, scheme: ClassScheme) -> dict[str, Any]:
    """The class, of ECe only: classes are not defined for extracts."""
    if method != "ECe":
        return {}
    return {"class": scheme.classes[int(scheme.classify(ece))].name, "scheme": scheme.name}
