"""Texture: the twelve USDA classes from sand and clay, their names in text, and three groups of them."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import LabelError

#: USDA class -> group. Coarse, medium and fine are the sandy, loamy and clayey soils of the Soil Survey
#: Manual. Assumed: the sources of the equations group alike (they print the names of groups only).
GROUP_OF = {
    "sand": "coarse",
    "loamy sand": "coarse",
    "sandy loam": "medium",
    "loam": "medium",
    "silt loam": "medium",
    "silt": "medium",
    "sandy clay loam": "medium",
    "clay loam": "medium",
    "silty clay loam": "medium",
    "sandy clay": "fine",
    "silty clay": "fine",
    "clay": "fine",
}
CLASSES = tuple(GROUP_OF)
GROUPS = ("coarse", "medium", "fine")

#: Water of the saturated paste by mass, kg/kg. The values are those that Slavich & Petterson (1993) give
#: factors for. Assumed: which class has which value (after the Australian field textures), and that a
#: group has the value of its middle class.
SATURATION = {
    "sand": 0.20, "loamy sand": 0.20, "sandy loam": 0.27, "loam": 0.40, "silt loam": 0.40, "silt": 0.40,
    "sandy clay loam": 0.40, "clay loam": 0.49, "silty clay loam": 0.49, "sandy clay": 0.49,
    "silty clay": 0.60, "clay": 0.60, "coarse": 0.20, "medium": 0.40, "fine": 0.60,
}  # fmt: skip

_SHORT = {
    "s": "sand", "ls": "loamy sand", "sl": "sandy loam", "l": "loam", "sil": "silt loam", "si": "silt",
    "scl": "sandy clay loam", "cl": "clay loam", "sicl": "silty clay loam", "sc": "sandy clay",
    "sic": "silty clay", "c": "clay", "silty loam": "silt loam", "sandy": "coarse", "loamy": "medium",
    "clayey": "fine",
}  # fmt: skip
_SIZE = re.compile(r"\b(very fine|fine|medium|coarse) (?=(?:loamy |sandy )?(?:sand|loam))")
_SIZE_INSIDE = re.compile(r"(?<=loamy )(very fine|fine|coarse) (?=sand)")

#: Percent by which sand and clay may exceed 100 together, from rounding.
_ROUNDING = 1.0


def parse_texture(text: str) -> str:
    """A USDA class or a group (coarse, medium, fine) from its name or abbreviation.

    >>> parse_texture("SiCL"), parse_texture("Loamy fine sand"), parse_texture("fine"), parse_texture("c")
    ('silty clay loam', 'loamy sand', 'fine', 'clay')

    Raises LabelError for a name that is not known.
    """
    name = re.sub(r"[\s_.-]+", " ", text.strip().lower())
    name = _SIZE_INSIDE.sub("", _SIZE.sub("", name))
    name = _SHORT.get(name, name)
    if name not in SATURATION:
        raise LabelError(f"unknown texture {text!r}", fix=f"Known: {', '.join((*CLASSES, *GROUPS))}.")
    return name


def parse_textures(texts: ArrayLike, where: str = "") -> NDArray[np.object_]:
    """(n,) classes or groups of names; None where a name is missing. LabelError names the first bad row."""
    each = np.atleast_1d(np.asarray(texts, dtype=object))
    found = np.full(len(each), None, dtype=object)
    for row, text in enumerate(each):
        if text is None or (isinstance(text, float) and np.isnan(text)) or not str(text).strip():
            continue
        try:
            found[row] = parse_texture(str(text))
        except LabelError as error:
            raise LabelError(f"row {row + 1}: {error}", where=where) from error
    return found


def group_of(texture: str) -> str:
    """coarse, medium or fine.

    >>> group_of("silt loam"), group_of("fine")
    ('medium', 'fine')
    """
    return GROUP_OF.get(texture, texture)


def texture_class(sand_pct: ArrayLike, clay_pct: ArrayLike) -> NDArray[np.object_]:
    """USDA class of each composition; None where sand or clay is missing.

    sand_pct, clay_pct   (n,) percent by mass of the fine earth; silt is the rest

    Raises LabelError for a negative share, or sand and clay beyond 101 % together.

    Source: USDA-NRCS Soil Survey Manual, texture triangle. A bound belongs to the class that its rule names.

    >>> texture_class([92, 40, 10], [3, 20, 60]).tolist()
    ['sand', 'loam', 'clay']
    """
    sand, clay = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (sand_pct, clay_pct))
    wrong = (sand < 0) | (clay < 0) | (sand + clay > 100 + _ROUNDING)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise LabelError(
            f"sand {sand[row]:g} % and clay {clay[row]:g} % in row {row + 1} cannot be",
            fix="They are percent of the fine earth; leave a missing value empty.",
        )
    known = np.isfinite(sand) & np.isfinite(clay)
    silt = np.maximum(np.round(100 - sand - clay, 6), 0)
    rules = _rules(sand, silt, clay)
    names = np.full(len(sand), None, dtype=object)
    for name, rule in rules.items():
        names[known & rule] = name
    return names


def _rules(
    sand: NDArray[np.float64], silt: NDArray[np.float64], clay: NDArray[np.float64]
) -> dict[str, NDArray[np.bool_]]:
    """The triangle: each composition meets exactly one rule (a test checks this)."""
    below_sand, below_loamy_sand = silt + 1.5 * clay < 15, silt + 2 * clay < 30
    return {
        "sand": below_sand,
        "loamy sand": ~below_sand & below_loamy_sand,
        "sandy loam": ~below_loamy_sand
        & (((clay >= 7) & (clay < 20) & (sand > 52)) | ((clay < 7) & (silt < 50))),
        "loam": (clay >= 7) & (clay < 27) & (silt >= 28) & (silt < 50) & (sand <= 52),
        "silt loam": (silt >= 50) & (clay < 27) & ((clay >= 12) | (silt < 80)),
        "silt": (silt >= 80) & (clay < 12),
        "sandy clay loam": (clay >= 20) & (clay < 35) & (silt < 28) & (sand > 45),
        "clay loam": (clay >= 27) & (clay < 40) & (sand > 20) & (sand <= 45),
        "silty clay loam": (clay >= 27) & (clay < 40) & (sand <= 20),
        "sandy clay": (clay >= 35) & (sand > 45),
        "silty clay": (clay >= 40) & (silt >= 40),
        "clay": (clay >= 40) & (sand <= 45) & (silt < 40),
    }


def as_percent(sand: ArrayLike, clay: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """(sand %, clay %, what was found) of columns that may hold percent or fractions.

    Where no row has more than 1 together, all are fractions. Else all are percent, and a row of at most
    1 % together, which no soil is likely to have, is left without a texture (NaN); the text says so.
    """
    both = np.array([sand, clay], dtype=np.float64)
    total = both.sum(axis=0)
    if not np.isfinite(total).any():
        return both[0], both[1], "sand and clay are missing"
    if np.nanmax(total) <= 1.0 + _ROUNDING / 100:
        return 100 * both[0], 100 * both[1], "sand and clay read as fractions"
    odd = total <= 1.0
    both[:, odd] = np.nan
    left = f"; {int(odd.sum())} rows of at most 1 % together are left without a texture" if odd.any() else ""
    return both[0], both[1], f"sand and clay read as percent{left}"
