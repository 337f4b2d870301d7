"""The files of one EMIT L2A granule: which they are, that they belong together, what their attributes say.

A granule is three NetCDF-4 (HDF5) files: EMIT_L2A_RFL_001_<time>_<orbit>_<scene>.nc and, beside it, MASK and
RFLUNCERT. The data set at the root of a file says what it is: `reflectance`, `mask`,
`reflectance_uncertainty`, or the `radiance` of level 1B. Since version 002 the mask is a collection of its
own, with names of the same form. Files of one granule share the time, orbit and scene of their names and the
attribute `flight_line`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepsalt.errors import DeepSaltError, ProductError
from deepsalt.readers.hdf5 import is_hdf5, opened, text_of

REFLECTANCE, MASK, UNCERTAINTY, _RADIANCE = "reflectance", "mask", "reflectance_uncertainty", "radiance"
_KINDS = (REFLECTANCE, MASK, UNCERTAINTY, _RADIANCE)
_BANDS_GROUP = "sensor_band_parameters"
_NAME = re.compile(r"EMIT_L\w+?_[A-Z]+_\d{3}_(?P<key>\d{8}T\d{6}_\d+_\d+)", re.IGNORECASE)
#: `flight_line` is the first characters of the producer's own file name: acquisition, orbit, segment.
_FLIGHT_LINE = 31
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
_WRONG_PARTS = "Download the granule again, all its parts together."


@dataclass(frozen=True)
class Part:
    """One file of a granule.

    kind         name of its data set
    swath        (downtrack, crosstrack) pixels
    ortho        (rows, columns) of the lookup table; None where the file has none
    attributes   global attributes as text
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


@dataclass(frozen=True)
class Granule:
    """The files of one granule that were found, and what is missing."""

    reflectance: Part
    mask: Part | None
    uncertainty: Part | None
    notes: tuple[str, ...]

    @property
    def facts(self) -> dict[str, str]:
        """What the reflectance says of the granule, and the names of the files beside it."""
        beside = {"mask file": self.mask, "uncertainty file": self.uncertainty}
        return self.reflectance.facts | {words: part.path.name for words, part in beside.items() if part}


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
    except (OSError, RuntimeError, KeyError):
        return ""


def looks_like_emit(path: Path) -> bool:
    """Whether a path is an EMIT file, or a folder that holds one; a damaged file is known by its name."""
    if path.is_dir():
        return any(looks_like_emit(file) for file in path.iterdir() if file.is_file())
    return bool(kind_of(path)) or (is_hdf5(path) and _is_named(path))


def granule_of(path: Path) -> Granule:
    """Find the files of the granule that a folder or a reflectance file stands for.

    In a folder every file must belong to one granule; beside a single file others are passed over.

    Raises ProductError for a missing reflectance file, several of them, or parts that do not belong together.
    """
    alone = path.is_dir()
    image = _reflectance_in(path) if alone else path
    reflectance = _part(image)
    if reflectance.kind != REFLECTANCE:
        raise _no_reflectance(reflectance)
    found: dict[str, Part] = {}
    for part in map(_part, _candidates(image, alone)):
        if part.kind not in (MASK, UNCERTAINTY):
            continue
        if not _same_granule(reflectance, part):
            if alone or _key(part.path) == _key(image) != "":
                raise _of_another(reflectance, part)
            continue
        _check_sizes(reflectance, part)
        if part.kind in found:
            raise _twice(found[part.kind], part)
        found[part.kind] = part
    mask, uncertainty = found.get(MASK), found.get(UNCERTAINTY)
    return Granule(reflectance, mask, uncertainty, _notes(reflectance, mask, uncertainty))


def _notes(reflectance: Part, mask: Part | None, uncertainty: Part | None) -> tuple[str, ...]:
    notes = []
    if mask is None:
        notes.append("no MASK file beside the reflectance: cloud, cirrus, water and aerosol are not masked")
    if uncertainty is None:
        notes.append("no RFLUNCERT file beside the reflectance: no uncertainty")
    ours = reflectance.attributes.get("product_version", "")
    for part in (mask, uncertainty):
        theirs = part.attributes.get("product_version", "") if part else ""
        if part and ours and theirs and theirs != ours:
            notes.append(f"{part.path.name} is of version {theirs}, the reflectance of {ours}")
    return tuple(notes)


def _kind(file: Any) -> str:
    return next((kind for kind in _KINDS if kind in file and _BANDS_GROUP in file), "")


def _part(path: Path) -> Part:
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
                fix=_WRONG_PARTS,
            )
        table = file["location/glt_x"].shape if "location/glt_x" in file else None
        attributes = {key: text_of(value) for key, value in file.attrs.items()}
        return Part(path, kind, tuple(shape[:2]), table, attributes)


def _key(path: Path) -> str:
    """Time, orbit and scene in a file's name; "" for a name of another form."""
    match = _NAME.match(path.name)
    return match["key"].upper() if match else ""


def _reflectance_in(folder: Path) -> Path:
    images = [file for file in _files(folder) if kind_of(file) == REFLECTANCE]
    if len(images) == 1:
        return images[0]
    if images:
        raise ProductError(
            f"{len(images)} reflectance files lie in one folder",
            where=str(folder),
            fix=f"Give one of them, for example {images[0].name}.",
        )
    parts = [_part(file) for file in _files(folder) if _is_named(file) or kind_of(file)]
    if parts:
        raise _no_reflectance(parts[0])
    raise ProductError("no EMIT file in this folder", where=str(folder), fix="Give the folder of a granule.")


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())


def _candidates(image: Path, alone: bool) -> list[Path]:
    """Other EMIT files of the folder; unless the granule is alone in it, not those named for another."""
    own, found = _key(image), []
    for file in _files(image.parent):
        theirs = _key(file)
        foreign = not alone and bool(own and theirs and own != theirs)
        if file != image and not foreign and (_is_named(file) or kind_of(file)):
            found.append(file)
    return found


def _is_named(path: Path) -> bool:
    """Whether a name says that this is an EMIT file, so that it counts even if it is damaged."""
    return bool(_NAME.match(path.name)) and path.suffix.lower() == ".nc"


def _same_granule(one: Part, other: Part) -> bool:
    """Whether two files are of one granule, by what both say: flight line, start, key of the name."""
    said = []
    for key in ("flight_line", "time_coverage_start"):
        ours, theirs = one.attributes.get(key, ""), other.attributes.get(key, "")
        if ours and theirs:
            said.append(ours[:_FLIGHT_LINE].lower() == theirs[:_FLIGHT_LINE].lower())
    names = _key(one.path), _key(other.path)
    if all(names):
        said.append(names[0] == names[1])
    return all(said)


def _check_sizes(reflectance: Part, part: Part) -> None:
    same_table = part.ortho is None or reflectance.ortho is None or part.ortho == reflectance.ortho
    if part.swath == reflectance.swath and same_table:
        return
    told = [
        f"{one.path.name} has {one.swath} pixels and a table of {one.ortho}" for one in (part, reflectance)
    ]
    raise ProductError("; ".join(told), where=str(reflectance.path.parent), fix=_WRONG_PARTS)


def _of_another(reflectance: Part, part: Part) -> DeepSaltError:
    told = [p.attributes.get("flight_line") or _key(p.path) or "no name" for p in (part, reflectance)]
    return ProductError(
        f"{part.path.name} is of another granule ({told[0]}) than {reflectance.path.name} ({told[1]})",
        where=str(reflectance.path.parent),
        fix="Keep the files of one granule in a folder of their own.",
    )


def _twice(one: Part, other: Part) -> DeepSaltError:
    return ProductError(
        f"{one.path.name} and {other.path.name} are both the {one.kind.replace('_', ' ')} of one granule",
        where=str(one.path.parent),
        fix="Keep one of them.",
    )


def _no_reflectance(part: Part) -> DeepSaltError:
    if part.kind == _RADIANCE:
        return ProductError(
            "at-sensor radiance (L1B)", where=str(part.path), fix="Order surface reflectance (L2A RFL)."
        )
    return ProductError(
        f"this is the {part.kind.replace('_', ' ')} of a granule, without its reflectance",
        where=str(part.path),
        fix="Give the reflectance file (EMIT_L2A_RFL_...nc), with this one beside it.",
    )
