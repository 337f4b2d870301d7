"""Which equation a value is converted by: its method, its texture, and what the caller asks for."""

from __future__ import annotations

from functools import lru_cache

from deepsalt.errors import LabelError
from deepsalt.salinity.equations import Equation
from deepsalt.salinity.published import BY_TEXTURE, DEFAULTS, EQUATIONS, LEFT_OUT

#: The equations used where no texture is known, by method.
CONVERSIONS = {equation.method: equation for equation in DEFAULTS}


@lru_cache(maxsize=512)
def choose(
    method: str, group: str | None, equation: str | None = None, measured_water: bool = False
) -> Equation:
    """The equation for one method (canonical name) and one texture.

    group           coarse, medium or fine; None = not known
    equation        name of an entry, or of a family that holds entries by texture; None = the default: by
                    texture (`BY_TEXTURE`) where it is known, else the general line (`CONVERSIONS`)
    measured_water  the saturation percentage was measured: for 1:5 it stands for the texture

    Raises LabelError for a method without an equation, an unknown name, and one that is not for this
    method or texture.
    """
    if method not in CONVERSIONS:
        raise LabelError(
            f"no conversion from {method} to ECe",
            fix=f"Methods with one: {', '.join(CONVERSIONS)}. ECa needs a calibration of its own field.",
        )
    if method == "ECe":
        return CONVERSIONS[method]
    if equation is not None:
        return _asked_for(method, group, equation.strip().lower())
    family = BY_TEXTURE[method]
    if group is None and not (measured_water and family == BY_TEXTURE["EC1:5"]):
        return CONVERSIONS[method]
    return _of_family(family, method, group)


def _asked_for(method: str, group: str | None, name: str) -> Equation:
    if name in LEFT_OUT:
        raise LabelError(f"equation {name!r} is not used: {LEFT_OUT[name]}", fix=_choices(method))
    named = EQUATIONS.get(name)
    if named is None:
        return _of_family(name, method, group)
    if named.method != method:
        raise LabelError(f"equation {name!r} is for {named.method}, not {method}", fix=_choices(method))
    if group is not None and named.texture not in ("any", group):
        raise LabelError(
            f"equation {name!r} is for {named.texture} soils, the texture is {group}",
            fix=f"Leave the texture out, or name the family: {named.family!r}.",
        )
    return named


def _of_family(family: str, method: str, group: str | None) -> Equation:
    entries = {e.texture: e for e in EQUATIONS.values() if e.family == family and e.method == method}
    if not entries:
        raise LabelError(f"no equation {family!r} for {method}", fix=_choices(method))
    if found := entries.get(group or "any", entries.get("any")):
        return found
    raise LabelError(
        f"{family!r} for {method} goes by texture ({', '.join(entries)}), which is "
        f"{group or 'not known'} here",
        fix=f"Give a texture, or choose a line: {', '.join(e.name for e in entries.values())}.",
    )


def _choices(method: str) -> str:
    return f"For {method}: {', '.join(e.name for e in EQUATIONS.values() if e.method == method)}."
