"""The files of one EMIT L2A granule: which they are, that they belong together, what their attributes say.

A granule is three NetCDF-4 (HDF5) files: EMIT_L2A_RFL_001_<time>_<orbit>_<scene>.nc and, beside it, MASK and
RFLUNCERT. The data set at the root of a file says what it is: `reflectance`, `mask`,
`reflectance_uncertainty`, or the `radiance` of level 1B. Since version 002 the mask is a collection of its
own, with names of the same form. Files of one granule share the time, orbit and scene of their names and the
attribute `flight_line`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deepsalt.errors import DeepSaltError, ProductError
from deepsalt.readers.emit_part import (
    MASK,
    RADIANCE,
    REFLECTANCE,
    UNCERTAINTY,
    Part,
    is_named,
    key_of,
    kind_of,
    part_of,
)
from deepsalt.readers.hdf5 import is_hdf5

#: `flight_line` is the first characters of the producer's own file name: acquisition, orbit, segment.
_FLIGHT_LINE = 31
_WRONG_PARTS = "Download the granule again, all its parts together."


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


def looks_like_emit(path: Path) -> bool:
    """Whether a path is an EMIT file, or a folder that holds one; a damaged file is known by its name."""
    if path.is_dir():
        return any(looks_like_emit(file) for file in path.iterdir() if file.is_file())
    return bool(kind_of(path)) or (is_hdf5(path) and is_named(path))


def granule_of(path: Path) -> Granule:
    """Find the files of the granule that a folder or a reflectance file stands for.

    In a folder every file must belong to one granule; beside a single file others are passed over.

    Raises ProductError for a missing reflectance file, several of them, or parts that do not belong together.
    """
    alone = path.is_dir()
    image = _reflectance_in(path) if alone else path
    reflectance = part_of(image)
    if reflectance.kind != REFLECTANCE:
        raise _no_reflectance(reflectance)
    found: dict[str, Part] = {}
    for part in map(part_of, _candidates(image, alone)):
        if part.kind not in (MASK, UNCERTAINTY):
            continue
        if not _same_granule(reflectance, part):
            if alone or key_of(part.path) == key_of(image) != "":
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
    parts = [part_of(file) for file in _files(folder) if is_named(file) or kind_of(file)]
    if parts:
        raise _no_reflectance(parts[0])
    raise ProductError("no EMIT file in this folder", where=str(folder), fix="Give the folder of a granule.")


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())


def _candidates(image: Path, alone: bool) -> list[Path]:
    """Other EMIT files of the folder; unless the granule is alone in it, not those named for another."""
    own, found = key_of(image), []
    for file in _files(image.parent):
        theirs = key_of(file)
        foreign = not alone and bool(own and theirs and own != theirs)
        if file != image and not foreign and (is_named(file) or kind_of(file) in (MASK, UNCERTAINTY)):
            found.append(file)
    return found


def _same_granule(one: Part, other: Part) -> bool:
    """Whether two files are of one granule, by what both say: flight line, start, key of the name."""
    said = []
    for key in ("flight_line", "time_coverage_start"):
        ours, theirs = one.attributes.get(key, ""), other.attributes.get(key, "")
        if ours and theirs:
            said.append(ours[:_FLIGHT_LINE].lower() == theirs[:_FLIGHT_LINE].lower())
    names = key_of(one.path), key_of(other.path)
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
    told = [p.attributes.get("flight_line") or key_of(p.path) or "no name" for p in (part, reflectance)]
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
    if part.kind == RADIANCE:
        return ProductError(
            "at-sensor radiance (L1B)", where=str(part.path), fix="Order surface reflectance (L2A RFL)."
        )
    return ProductError(
        f"this is the {part.kind.replace('_', ' ')} of a granule, without its reflectance",
        where=str(part.path),
        fix="Give the reflectance file (EMIT_L2A_RFL_...nc), with this one beside it.",
    )
