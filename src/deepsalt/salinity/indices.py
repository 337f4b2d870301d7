"""Spectral indices of salinity, named by their formula, because sources number them differently.

B G R N S1 S2 are reflectances near the bands of Sentinel-2: blue, green, red, NIR, 1.6 and 2.2 um. Their
formulas are those of the R packages SoilSaltIndex [S] and soilassessment [A]; numbers such as "SI1" are kept
as `numbered` for reference only. An index is no measurement of salt: pure halite has no band here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepsalt.errors import BandError, LabelError

Floats = NDArray[np.float64]

#: Letter -> (centre, tolerance), nm: centres of Sentinel-2 A; the tolerance lets the bands of Landsat in.
BANDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "B": (490.0, 40.0),
        "G": (560.0, 40.0),
        "R": (665.0, 40.0),
        "N": (865.0, 40.0),
        "S1": (1610.0, 60.0),
        "S2": (2190.0, 60.0),
    }
)


@dataclass(frozen=True)
class Index:
    """One index: its formula in B G R N S1 S2, a short name where all sources agree on it, and sources."""

    formula: str
    compute: Callable[..., Floats]
    source: str
    name: str = ""
    numbered: str = ""

    @property
    def bands(self) -> tuple[str, ...]:
        """Letters of the bands it needs, in order of wavelength."""
        used = set(re.findall(r"[A-Z]\d?", self.formula))
        return tuple(letter for letter in BANDS if letter in used)


_ALL = (
    Index("sqrt(G*R)", lambda G, R: np.sqrt(G * R), "S, A", numbered="S SI1, A SI1"),
    Index("sqrt(B*R)", lambda B, R: np.sqrt(B * R), "S, A", numbered="S SI10, A SI2"),
    Index("sqrt(G**2+R**2)", lambda G, R: np.sqrt(G**2 + R**2), "S, A", numbered="S SI3, A SI3"),
    Index(
        "sqrt(G**2+R**2+N**2)",
        lambda G, R, N: np.sqrt(G**2 + R**2 + N**2),
        "S, A",
        numbered="S SI2, A BI",
    ),
    Index("B/R", lambda B, R: B / R, "S", numbered="S SI7"),
    Index("(B-R)/(B+R)", lambda B, R: (B - R) / (B + R), "S", numbered="S SI8"),
    Index("G*R/B", lambda B, G, R: G * R / B, "S", numbered="S SI9"),
    Index("B*R/G", lambda B, G, R: B * R / G, "S", numbered="S SI11"),
    Index("R*N/G", lambda G, R, N: R * N / G, "S", numbered="S SI12"),
    Index("100*R/N", lambda R, N: 100 * R / N, "S", numbered="S SI14, SI-T"),
    Index("N/S1", lambda N, S1: N / S1, "S", numbered="S SIT"),
    Index("S1/S2", lambda S1, S2: S1 / S2, "S"),
    Index("(S1-S2)/(S1+S2)", lambda S1, S2: (S1 - S2) / (S1 + S2), "S"),
    Index("(N-S1)/(N+S1)", lambda N, S1: (N - S1) / (N + S1), "S"),
    Index("(S1*S2-S2**2)/S1", lambda S1, S2: (S1 * S2 - S2**2) / S1, "S"),
    Index("S1-S2", lambda S1, S2: S1 - S2, "S"),
    Index("(R-N)/(R+N)", lambda R, N: (R - N) / (R + N), "S, A", "NDSI"),
    Index("sqrt(R**2+N**2)", lambda R, N: np.sqrt(R**2 + N**2), "S", numbered="S BI"),
    # A's denominator reads N*G + B*G, likely a slip.
    Index(
        "sqrt((N*R-G*B)/(N*R+G*B))",
        lambda B, G, R, N: np.sqrt((N * R - G * B) / (N * R + G * B)),
        "S",
        "CRSI",
    ),
    Index(
        "((B+G)/(R+N))*((N-R)/(N+R))",
        lambda B, G, R, N: ((B + G) / (R + N)) * ((N - R) / (N + R)),
        "S",
        "COSRI",
    ),
    Index("2*G-5*(R+N)", lambda G, R, N: 2 * G - 5 * (R + N), "S, A", "VSSI"),
    Index("(S1-S2)/(S1-N)", lambda N, S1, S2: (S1 - S2) / (S1 - N), "S", "NSI"),
    Index("(S1-N)/(S1+S2)", lambda N, S1, S2: (S1 - N) / (S1 + S2), "S", numbered="S ASTER SI"),
)

#: Every index by its formula.
INDICES = MappingProxyType({index.formula: index for index in _ALL})


def find_index(name: str) -> Index:
    """An index by its formula (spaces do not count) or its short name.

    >>> find_index("ndsi").formula, find_index("sqrt(G * R)").bands
    ('(R-N)/(R+N)', ('G', 'R'))

    Raises LabelError for another name; one that sources give to different formulas is not taken.
    """
    wanted = re.sub(r"\s", "", name)
    for index in _ALL:
        if wanted == index.formula or (index.name and wanted.upper() == index.name):
            return index
    loose = [i.formula for i in _ALL if wanted.upper() in re.findall(r"[A-Z][A-Z\d-]+", i.numbered)]
    if loose:
        raise LabelError(f"{name!r} is not the same in all sources", fix=f"Say {' or '.join(loose)}.")
    raise LabelError(f"unknown index {name!r}", fix=f"Known: {', '.join(i.name or i.formula for i in _ALL)}.")


def pick_bands(values: ArrayLike, wavelength_nm: ArrayLike, letters: Sequence[str]) -> dict[str, Floats]:
    """Letter -> (...,) reflectance at the band nearest to its centre.

    values         (..., band) reflectance, fraction
    wavelength_nm  (band,) centres

    Raises BandError where no band lies within the tolerance of `BANDS`.
    """
    data, centres = np.asarray(values, dtype=np.float64), np.asarray(wavelength_nm, dtype=np.float64)
    if data.shape[-1:] != centres.shape:
        raise BandError(f"{data.shape[-1:]} values for {centres.shape} wavelengths")
    found: dict[str, Floats] = {}
    for letter in letters:
        centre, tolerance = BANDS[letter]
        away = np.abs(centres - centre)
        if not away.size or away.min() > tolerance:
            near = f"the nearest is at {centres[away.argmin()]:g} nm" if away.size else "there is none"
            raise BandError(
                f"no band within {tolerance:g} nm of {letter} ({centre:g} nm): {near}",
                fix="Choose an index without it.",
            )
        found[letter] = data[..., int(away.argmin())]
    return found


def salinity_index(name: str, values: ArrayLike, wavelength_nm: ArrayLike) -> Floats:
    """(...,) one index of (..., band) reflectance.

    NaN where it is not defined: a division by zero, the root of a negative number, a missing band value.
    Raises LabelError for an unknown index, BandError for a missing band.
    """
    index = find_index(name)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.asarray(index.compute(**pick_bands(values, wavelength_nm, index.bands)))
    return np.where(np.isfinite(result), result, np.nan)
