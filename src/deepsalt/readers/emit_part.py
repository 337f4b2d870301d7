"""One file of an EMIT granule: what it holds, by its content, and what its attributes say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepsalt.errors import ProductError
from deepsalt.readers.hdf5 import is_hdf5, opened, text_of

REFLECTANCE, MASK, UNCERTAINTY, RADIANCE = "reflectance", "mask", "reflectance_uncertainty", "radiance"
_KINDS = (REFLECTANCE, MASK, UNCERTAINTY, RADIANCE)
_BANDS_GROUP = "sensor_band_parameters"
_NAME = re.compile(r"EMIT_L\w+?_(?P<part>[A-Z]+)_\d{3}_(?P<key>\d{8}T\d{6}_\d+_\d+)", re.IGNORECASE)
#: Parts of a level 2A granule as names tell them; others (RAD, OBS, MIN) may lie beside it.
_PARTS = ("RFL", "MASK", "RFLUNCERT")
#: Attributes that `facts` keep, by the words they are told with.
_FACTS = {
    "product version": "product_version",
    "software build": "software_build_version",
    "flight line": "flight_line",
    "time coverage start": "time_coverage_start",
    "time coverage end": "time_coverage_end",
    "crosstrack orientation": "crosstrack_orientation",
    "day or night": "day_night_flag",
}


@dataclass(frozen=True)
class Part:
    """One file of a granule.

    kind         name of its data set
    swath        (downtrack, crosstrack) pixels
    ortho        (rows, columns) of the lookup table; None where the file has none
    attributes   the title, and those global attributes that `facts` tells, as text
    """

    path: Path
    kind: str
    swath: tuple[int, int]
    ortho: tuple[int, int] | None
    attributes: Mapping[str, str]

    @property
    def facts(self) -> dict[str, str]:
        """What the attributes say of the granule, those that are there."""
        return {words: self.attributes[key] for words, key in _FACTS.items() if self.attributes.get(key)}


def data_set(file: Any, name: str) -> Any:
    """A data set of an open file by its path. Raises ProductError, naming it, where there is none."""
    if name in file:
        return file[name]
    raise ProductError(f"the file has no {name}", where=file.filename, fix="Download the granule again.")


def kind_of(path: Path) -> str:
    """What an EMIT file holds, by its content: the name of its data set, or "" for any other file."""
    import h5py

    if not is_hdf5(path):
        return ""
    try:
        with h5py.File(path, "r") as file:
            return _kind(file)
    except (OSError, RuntimeError, KeyError, ValueError):
        return ""


def _kind(file: Any) -> str:
    """The first data set of ours; another product may have a group of that name."""
    return next((kind for kind in _KINDS if _BANDS_GROUP in file and hasattr(file.get(kind), "shape")), "")


def part_of(path: Path) -> Part:
    """What the header of a file says. Raises ProductError if it is no EMIT file or cannot be read."""
    if path.stat().st_size == 0:
        raise ProductError("the file is empty (0 bytes)", where=str(path), fix="Copy or download it again.")
    if not is_hdf5(path):
        raise ProductError("not NetCDF-4 (HDF5)", where=str(path), fix="Copy or download it again.")
    with opened(path) as file:
        kind = _kind(file)
        if not kind:
            raise ProductError(
                f"no EMIT data: none of {', '.join(_KINDS)} beside a group {_BANDS_GROUP}",
                where=str(path),
                fix="Give the reflectance file (EMIT_L2A_RFL_...nc) or the folder of a granule.",
            )
        shape = file[kind].shape
        if len(shape) != 3:
            raise ProductError(
                f"{kind} has {len(shape)} axes, not downtrack, crosstrack and bands",
                where=str(path),
                fix="Download the granule again.",
            )
        table = file["location/glt_x"].shape if "location/glt_x" in file else None
        wanted = [key for key in (*_FACTS.values(), "title") if key in file.attrs]
        attributes = {key: text_of(file.attrs[key]) for key in wanted}
        return Part(path, kind, tuple(shape[:2]), table, attributes)


def key_of(path: Path) -> str:
    """Time, orbit and scene in a file's name; "" for a name of another form."""
    match = _NAME.match(path.name)
    return match["key"].upper() if match else ""


def is_named(path: Path) -> bool:
    """Whether a name says that this is a part of a granule, so that it counts even if it is damaged."""
    match = _NAME.match(path.name)
    return match is not None and match["part"].upper() in _PARTS and path.suffix.lower() == ".nc"
