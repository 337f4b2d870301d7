"""Which code makes maps: a fingerprint of its sources, so that a map of other code is known for old."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import deepsalt

#: Rooms and files of the package that run between a scene and the files of its map.
MAKES_MAPS = (
    "units.py",
    "spectra",
    "salinity",
    "readers",
    "preprocessing",
    "sampling",
    "models",
    "training/header.py",
    "training/modelfile.py",
    "estimators",
    "mapping",
    "archive/one.py",
    "archive/recipe.py",
)
#: What of these works on finished maps.
_ON_FINISHED_MAPS = ("mapping/combine", "mapping/zonal")
#: Sources, and the tables of bands.
_SUFFIXES = (".py", ".csv")

NO_SOURCES = (
    "The sources of deepsalt cannot be read here: maps of other code are known for old by its version alone."
)


@cache
def code_fingerprint() -> str:
    """Of the deepsalt that runs here, computed once in a process; "" where its sources cannot be read."""
    return fingerprint_of(Path(deepsalt.__file__).parent)


def fingerprint_of(package: Path) -> str:
    """16 hex digits of names and contents of the sources that make maps; "" for a package that holds none.

    package  the folder of deepsalt; one that is zipped or compiled has no sources
    """
    digest = hashlib.sha256()
    sources = list(_sources(package))
    for source in sources:
        content = source.read_bytes()
        digest.update(f"{source.relative_to(package).as_posix()}|{len(content)}|".encode())
        digest.update(content)
    return digest.hexdigest()[:16] if any(source.suffix == ".py" for source in sources) else ""


def makes_maps(package: Path, source: Path) -> bool:
    """Whether a file of the package counts."""
    name = source.relative_to(package).as_posix()
    within = any(name == place or name.startswith(f"{place}/") for place in MAKES_MAPS)
    return within and not name.startswith(tuple(f"{place}/" for place in _ON_FINISHED_MAPS))


def _sources(package: Path) -> Iterator[Path]:
    found = (path for path in package.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    return (path for path in sorted(found) if makes_maps(package, path))
