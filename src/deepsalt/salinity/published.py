"""The published equations from EC of an extract to ECe, one entry each.

Error of an entry, as a share of ECe: what its own fit leaves, sqrt(1 - r2), and the share of 0.2 by which
published equations for one ratio and one texture differ among each other (root mean square over the six
pairs 1:1 and 1:5 by coarse, medium, fine), added in squares. Where no r2 is stated 0.5 is assumed, as
for the default lines. The smallest error is the intercept, and at least 0.1 dS/m (0.2 for the wider ratios).

Range: only that of KSSL is stated where we read it. Else it is assumed: EC 1:1 to 20, 1:2 and 1:2.5 to 10,
1:5 to 4 dS/m, about ECe 20 to 40; a line with a negative intercept is taken to hold from where it is zero.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from deepsalt.salinity.equations import Equation, Form, Line, Power, SaturationFactor
from deepsalt.salinity.methods import WATER

#: Largest EC, dS/m, that an equation is taken to hold for where its source states none.
ASSUMED_TO = {"EC1:1": 20.0, "EC1:2": 10.0, "EC1:2.5": 10.0, "EC1:5": 4.0}
_ASSUMED = "assumed: no range stated where we read it"
_FLOOR = {"EC1:1": 0.1, "EC1:2": 0.1, "EC1:2.5": 0.2, "EC1:5": 0.2}

#: Share by which published equations differ; and the error where no r2 is stated.
BETWEEN = 0.2
UNSTATED = 0.5

_PLOS = "in PLOS ONE 13:e0198290 (2018), table 2"
_SONMEZ = f"Sonmez et al. 2008, {_PLOS}"
_SONMEZ_SWAPPED = "Sonmez et al. 2008, as in soilassessment (R) with its sandy and clay lines put right"
_HOGG = f"Hogg & Henry 1984, {_PLOS}"


def _entry(
    family: str,
    method: str,
    form: Form,
    source: str,
    *,
    texture: str = "any",
    r2: float | None = None,
    relative_sd: float | None = None,
) -> Equation:
    """An entry with the error and the range that the module's text describes."""
    tail = "" if texture == "any" else f"-{texture}"
    line = form if isinstance(form, Line) else Line(1.0)
    own = UNSTATED if r2 is None else round(float(np.hypot(np.sqrt(1 - r2), BETWEEN)), 2)
    return Equation(
        name=f"{family}-{method.removeprefix('EC')}{tail}",
        family=family,
        method=method,
        texture=texture,
        form=form,
        relative_sd=own if relative_sd is None else relative_sd,
        floor_sd=max(_FLOOR[method], abs(line.intercept)),
        valid=(max(0.0, -line.intercept / line.slope), ASSUMED_TO[method]),
        source=source,
        range_note=_ASSUMED,
    )


def _by_texture(
    family: str,
    method: str,
    source: str,
    lines: dict[str, tuple[float, float]],
    r2: dict[str, float] | None = None,
) -> list[Equation]:
    stated = r2 or {}
    return [
        _entry(family, method, Line(*line), source, texture=texture, r2=stated.get(texture))
        for texture, line in lines.items()
    ]


#: Used where no texture is known. Relative errors follow from the stated r2 where the source gives no
#: residual: sqrt(1 - r2) of the spread of ECe, taken as a share of its level.
DEFAULTS = (
    Equation("measured", "measured", "ECe", "any", Line(1.0), 0.0, 0.0, (0.0, np.inf), "measured as ECe"),
    Equation(
        "kargas-2018-1:1", "kargas-2018", "EC1:1", "any", Line(1.83, 0.117), 0.39, 0.1, (0.0, 20.0),
        "Kargas et al. 2018; r2 .85 as in Zhang et al. 2005", _ASSUMED,
    ),
    Equation(
        "kssl-1:2", "kssl", "EC1:2", "any", Line(2.5808, -0.026), 0.61, 0.1, (0.0, 1.5),
        "KSSL line of the SOLUS EC script (Nauman 2024), adj. R2 .625",
    ),
    Equation(
        "sonmez-2008-1:2.5-medium", "sonmez-2008", "EC1:2.5", "medium", Line(3.84, 0.35), 0.5, 0.2,
        (0.0, 10.0), "Sonmez et al. 2008, loamy soils", _ASSUMED,
    ),
    Equation(
        "kargas-2018-1:5", "kargas-2018", "EC1:5", "any", Line(6.53, -0.108), 0.5, 0.2, (0.0, 4.0),
        "Kargas et al. 2018; loses power above ECe 4 (He 2013)", _ASSUMED,
    ),
)  # fmt: skip

_OTHERS = (
    # 1:1. Zhang's line is the one without intercept, which alone was validated.
    _entry("zhang-2005", "EC1:1", Line(1.85), f"Zhang et al. 2005, {_PLOS}", r2=0.85),
    _entry("ozkan", "EC1:1", Line(1.93, -0.57), f"'ozkan' in soilassessment (R); {_PLOS}"),
    _entry("landon", "EC1:1", Line(2.2), "Landon, as in soilassessment (R)"),
    # Theory says 3; by kind of salt it is 1.6 to 2.78, so it reads high.
    _entry("usda", "EC1:1", Line(3.0), f"USDA, theoretical, reads high, {_PLOS}"),
    *_by_texture(
        "hogg-henry-1984-suspension", "EC1:1", f"{_HOGG}; suspension, not extract",
        {"coarse": (3.01, -0.06), "medium": (3.01, -0.77), "fine": (2.66, -0.97)},
        {"coarse": 0.98, "medium": 0.98, "fine": 0.98},
    ),
    *_by_texture(
        "sonmez-2008", "EC1:1", _SONMEZ,
        {"coarse": (2.72, -1.27), "medium": (2.15, -0.44)}, {"coarse": 0.99, "medium": 0.99},
    ),
    *_by_texture("sonmez-2008", "EC1:1", _SONMEZ_SWAPPED, {"fine": (2.03, -0.41)}),
    _entry("sonmez-2008", "EC1:1", Line(2.23, -0.58), f"{_SONMEZ}, all soils", r2=0.98),
    # 1:2
    *_by_texture(
        "hogg-henry-1984", "EC1:2", f"{_HOGG}; extract",
        {"coarse": (2.79, 0.71), "medium": (2.35, -0.36), "fine": (2.16, 0.03)},
        {"coarse": 0.91, "medium": 0.95, "fine": 0.97},
    ),
    # 1:2.5; the line of loamy soils is a default
    *_by_texture("sonmez-2008", "EC1:2.5", _SONMEZ_SWAPPED, {"coarse": (4.3, 0.17), "fine": (3.68, 0.22)}),
    _entry("shahid", "EC1:2.5", Line(4.77), "Shahid, as in soilassessment (R)"),
    # 1:5
    *_by_texture(
        "sonmez-2008", "EC1:5", _SONMEZ_SWAPPED,
        {"coarse": (8.22, -0.33), "medium": (7.58, 0.06), "fine": (7.36, -0.24)},
    ),
    _entry(
        "slavich-petterson-1993", "EC1:5", SaturationFactor(2.46, 3.03),
        "Slavich & Petterson 1993; SP kg/kg, by texture where not measured",
    ),
    *_by_texture(
        "barrett-lennard-2008", "EC1:5", "from the class table of Barrett-Lennard 2008 (Saltland Genie)",
        {"coarse": (14.0, 0.0), "medium": (11.0, 0.0), "fine": (8.0, 0.0)},
    ),
    _entry("he-2013", "EC1:5", Power(0.7, 1.78), "He et al. 2013, CJSS 93:585, r2 > .85", r2=0.85),
    _entry("klaustermeier", "EC1:5", Power(1.256, 0.766, 10.0), "Klaustermeier, as in soilassessment (R)"),
    _entry("australia", "EC1:5", Line(6.4), "Australia (ANZSoilData 14B1: 6.4 to 6.5)"),
    # 4.6 to 9.9 is taken as two standard deviations to either side of 7.25: .18, with .2 between sources .27.
    _entry("korea", "EC1:5", Line(7.5), "Korea: mean factor 7.5, 4.6 to 9.9", relative_sd=0.27),
    # Any ratio: the salts of the extract in the water of the paste. What was not dissolved is not there.
    *(
        _entry(
            "fao-2006", method, SaturationFactor(0.0, WATER[method]),
            "FAO 2006, dilution law 100 r / SP%; SP kg/kg, by texture where not measured",
        )
        for method in WATER
    ),
)  # fmt: skip

#: Every equation by its name.
EQUATIONS = MappingProxyType({equation.name: equation for equation in (*DEFAULTS, *_OTHERS)})

#: What is used where texture is known: method -> family. Slavich & Petterson goes through zero, follows
#: the water of each class, and lies between the other two families by texture.
BY_TEXTURE = MappingProxyType(
    {
        "EC1:1": "sonmez-2008",
        "EC1:2": "hogg-henry-1984",
        "EC1:2.5": "sonmez-2008",
        "EC1:5": "slavich-petterson-1993",
    }
)

#: In circulation, but not to be used, and why.
LEFT_OUT = MappingProxyType(
    {
        "viscounti": "it is kargas-2018 under another name (soilassessment)",
        "visconti": "in soilassessment it is kargas-2018 under another name",
        "usda-1:5": "its factor of 4.5 is doubtful: all others are 6 and more",
    }
)
