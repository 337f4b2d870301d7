"""What a PRISMA L2D file says of itself: level, time, bands and scales, from its groups and root attributes.

Names, counts and the order of bands are those of a real product (SNAP's expectations of the product of
2024-04-02) and of the readers of SNAP, EnMAP-Box and prismaread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError
from deepsalt.readers.hdf5 import text_of
from deepsalt.readers.raster_scene import ranges, time_from_text

SWATHS = "HDFEOS/SWATHS"
SWATH = f"{SWATHS}/PRS_L2D_HCO"
FIELDS = f"{SWATH}/Data Fields"
#: A stored number runs from 0 to this, reflectance from L2Scale...Min to L2Scale...Max.
DN_MAX = 65535

_LEVEL = "L2D"
_GROUP = re.compile(r"PRS_(L\d[A-Z]?)_")
_TIME_IN_NAME = re.compile(r"PRS_\w+?_(\d{14})_")
_FACTS = {
    "cloud cover": "Cloudy_pixels_percentage",
    "sea cover": "Sea_pixels_percentage",
    "sun zenith angle": "Sun_zenith_angle",
    "sun azimuth angle": "Sun_azimuth_angle",
    "processor": "Processor_Name",
    "processor version": "Processor_Version",
    "quality": "L2d_Quality_flags",
}


@dataclass(frozen=True, eq=False)
class Detector:
    """One of the two cubes.

    name        "VNIR" or "SWIR"
    listed      bands in the cube, unused ones among them
    index       (band,) place in the cube, from 0, of each band that is used
    centres_nm  (band,) of this very product
    fwhm_nm     (band,) 0 where the product does not tell it
    low, high   reflectance of the stored numbers 0 and 65535
    """

    name: str
    listed: int
    index: NDArray[np.intp]
    centres_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64]
    low: float
    high: float

    @property
    def step(self) -> float:
        """Reflectance between one stored number and the next."""
        return (self.high - self.low) / DN_MAX


@dataclass(frozen=True, eq=False)
class PrismaMetadata:
    """Of the whole product; `notes` says what was missing or assumed."""

    name: str
    acquired: datetime | None
    detectors: tuple[Detector, Detector]
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def levels_in(file: Any) -> list[str]:
    """Levels of the PRISMA swaths in an HDF5 file, for example ["L2D"]; none where there are no such."""
    if SWATHS not in file:
        return []
    found = (_GROUP.match(str(name)) for name in file[SWATHS])
    return sorted({match[1] for match in found if match})


def dataset(file: Any, field: str, group: str = FIELDS) -> Any:
    """An array of the file; a KeyError, as for one that is not there, where it holds no numbers."""
    found = file[f"{group}/{field}"]
    try:
        numbers = found.ndim and found.dtype.kind in "uif"
    except (AttributeError, TypeError, ValueError):
        numbers = False
    if not numbers:
        raise KeyError(f"{field} is no array of numbers")
    return found


def read_metadata(file: Any, path: str, stem: str) -> PrismaMetadata:
    """Metadata of an open L2D file.

    path  for messages
    stem  the file's name without ending, used where the product does not tell its own

    Raises ProductError for another level, and for attributes that are missing or cannot be used.
    """
    _check_level(file, path)
    notes: list[str] = []
    said = text_at(file, "Processing_Level")
    if said and said.upper().removeprefix("L") != _LEVEL[1:]:
        notes.append(f"Processing_Level says {said!r}, the data are those of {_LEVEL}: read as {_LEVEL}")
    name = text_at(file, "Product_Name").removesuffix(".he5") or stem
    if name != stem:
        notes.append(f"the file is named {stem}, the product in it {name}")
    detectors = (_detector(file, "VNIR", path, notes), _detector(file, "SWIR", path, notes))
    started = text_at(file, "Product_StartTime")
    acquired = time_from_text(started) or _time_in_name(name) or _time_in_name(stem)
    if acquired is None:
        notes.append("neither Product_StartTime nor the name tells when it was taken")
    facts = {key: text_at(file, attribute) for key, attribute in _FACTS.items()}
    facts |= {f"scale {d.name}": f"{d.low:g} to {d.high:g}" for d in detectors}
    return PrismaMetadata(name, acquired, detectors, {k: v for k, v in facts.items() if v}, tuple(notes))


def _check_level(file: Any, path: str) -> None:
    levels = levels_in(file)
    if _LEVEL in levels:
        return
    found = f"the product is {' and '.join(levels)}, not L2D" if levels else "there is no PRISMA swath in it"
    raise ProductError(found, where=path, fix="Order level L2D: surface reflectance on a map grid.")


def _detector(file: Any, name: str, path: str, notes: list[str]) -> Detector:
    """A detector's bands and scale; unused bands (centre 0, or flag 0) are left out."""
    centres = _listed(file, f"List_Cw_{name.title()}", path)
    widths = _listed(file, f"List_Fwhm_{name.title()}", path)
    used = (centres > 0) & _flags(file, name, centres, path, notes)
    if len(widths) != len(centres) or not used.any():
        raise ProductError(
            f"List_Cw_{name.title()} names {int(used.sum())} bands in use of {len(centres)}, "
            f"List_Fwhm_{name.title()} has {len(widths)} entries",
            where=path,
            fix="Download it again: its metadata contradict each other.",
        )
    index = np.flatnonzero(used)
    low, high = (number_of(file, f"L2Scale{name.title()}{end}", path) for end in ("Min", "Max"))
    if not low < high:
        raise ProductError(
            f"reflectance of the {name} runs from {low:g} to {high:g} (L2Scale{name.title()}Min and Max)",
            where=path,
            fix="Download it again: without a scale its numbers mean nothing.",
        )
    return Detector(name, len(centres), index, centres[index], np.maximum(widths[index], 0.0), low, high)


def _listed(file: Any, attribute: str, path: str) -> NDArray[np.float64]:
    """A list of numbers in a root attribute, by their shortest decimals; what is not finite counts as 0."""
    try:
        numbers = np.asarray(file.attrs[attribute]).ravel().astype(str).astype(np.float64)
    except (ValueError, TypeError):
        raise ProductError(
            f"{attribute} is no list of numbers", where=path, fix="Download it again."
        ) from None
    return np.nan_to_num(numbers, posinf=0.0, neginf=0.0)


def _flags(
    file: Any, name: str, centres_nm: NDArray[np.float64], path: str, notes: list[str]
) -> NDArray[np.bool_]:
    """(band,) True where the product flags a band as in use; all of them where it has no usable flags."""
    attribute = f"List_Cw_{name.title()}_Flags"
    flags = _listed(file, attribute, path) != 0 if attribute in file.attrs else np.zeros(0, bool)
    if len(flags) != len(centres_nm) or not flags.any():
        notes.append(f"{attribute} is missing or of no use: the bands with a wavelength are taken as used")
        return np.ones(len(centres_nm), bool)
    unused = np.flatnonzero(~flags & (centres_nm > 0))
    if len(unused):
        notes.append(
            f"{name} bands {ranges(unused + 1)} have a wavelength but are flagged as unused: left out"
        )
    return flags


def number_of(file: Any, attribute: str, path: str) -> float:
    """A root attribute as a number; ProductError where it is none."""
    try:
        return float(text_of(file.attrs[attribute]))
    except (ValueError, TypeError):
        found = f"{attribute} is {text_at(file, attribute)!r}, not a number"
        raise ProductError(found, where=path, fix="Download it again.") from None


def text_at(file: Any, attribute: str) -> str:
    """A root attribute as text; "" where there is none, or none that can be read."""
    try:
        return text_of(file.attrs.get(attribute, ""))
    except (ValueError, TypeError):
        return ""


def _time_in_name(name: str) -> datetime | None:
    """Start of the acquisition from a name such as PRS_L2D_STD_20240402102837_20240402102842_0001, UTC."""
    found = _TIME_IN_NAME.search(name)
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
