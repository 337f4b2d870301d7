"""The readers there are, and which one opens a path.

A reader is any object with the four members of `Reader`. Packages offer theirs by an entry point of
the group "deepsalt.readers":

    [project.entry-points."deepsalt.readers"]
    myformat = "mypackage.module:READER"
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol, get_args, get_type_hints, is_typeddict, runtime_checkable

from deepsalt.errors import ProductError, UsageError
from deepsalt.spectra import Scene, Spectra

GROUP = "deepsalt.readers"

_NAMES = (
    "table",
    "long_table",
    "asd",
    "opus",
    "envi_library",
    "spectral_text",
    "folder",
    "enmap",
    "sentinel2",
    "landsat",
    "prisma",
    "geotiff",
    "emit",
    "desis",
    "envi_cube",
)

#: Those of this package, so that they are there even where its metadata are not installed.
_SHIPPED = tuple(EntryPoint(name, f"deepsalt.readers.{name}:READER", GROUP) for name in _NAMES)


@runtime_checkable
class Reader(Protocol):
    """One format.

    name         short, in lower case: what `read(..., reader=name)` names
    description  one line for lists and messages
    matches      whether the path holds this format, by its content or structure; quick, never raises
    open         the spectra (loaded) or the scene (lazy); every option is a keyword

    A reader may have an integer `specificity` (0 where it has none). Where several readers match,
    the highest wins: a product's folder layout is 30, tags inside a file 20, a kind of file 10. Among
    equals a reader of another package wins over those shipped, because its user installed it.

    A reader may have `beside(path)`: the other files that it reads with this one, such as a header.
    Options may be declared one by one, or together: `**options: Unpack[SomeTypedDict]`.
    """

    name: str
    description: str

    def matches(self, path: Path) -> bool: ...

    def open(self, path: Path, **options: Any) -> Spectra | Scene: ...


@dataclass(frozen=True)
class Broken:
    """A reader that could not be loaded: its name, the package it belongs to, and why."""

    name: str
    package: str
    why: str

    def __str__(self) -> str:
        return f"reader {self.name!r} of package {self.package} is broken ({self.why})"


def readers() -> dict[str, Reader]:
    """All readers that can be loaded, by name; those shipped first."""
    return _load()[0]


def read(path: str | Path, *, reader: str | None = None, **options: Any) -> Spectra | Scene:
    """Open a file or product, whatever its format.

    path     a wide or long table (CSV, Parquet, Excel), an ENVI spectral library, a file of ASD, Bruker
             OPUS, ECOSTRESS or USGS splib07, a folder of such files; a satellite product of EnMAP (L2A folder
             or zip), PRISMA (L2D .he5), EMIT (L2A granule), DESIS (L2A folder), Sentinel-2 (L2A .SAFE) or
             Landsat 8/9 (Collection 2 Level-2 folder); a hyperspectral ENVI cube or GeoTIFF; or a format of
             an installed plug-in
    reader   name of the reader to use; by default the one that recognises the path
    options  of that reader, for example ec="ec1:2" for tables

    Returns Spectra (a table, loaded) or a Scene (an image, read window by window). Raises UsageError
    if the path does not exist, no reader knows it, or an option is unknown; ProductError if it is
    empty or damaged; and what the reader raises.
    """
    place = Path(path).expanduser()
    chosen = reader_for(place, reader)
    _check_options(chosen, options)
    return chosen.open(place, **options)


def reader_for(path: str | Path, reader: str | None = None) -> Reader:
    """The reader that opens a path: the one named, or the one that recognises it. Raises as `read` does."""
    place = Path(path).expanduser()
    _check_exists(place)
    known, broken = _load()
    return _named(reader, known, broken) if reader else _recognise(place, known, broken)


def files_behind(path: str | Path, reader: str | None = None) -> list[Path]:
    """The path, and every other file that is read with it, such as the header of a library."""
    place = Path(path).expanduser()
    beside = getattr(reader_for(place, reader), "beside", None)
    return [place, *(beside(place) if beside else ())]


def _load() -> tuple[dict[str, Reader], list[Broken]]:
    loaded: dict[str, Reader] = {}
    broken: list[Broken] = []
    installed = [point for point in entry_points(group=GROUP) if not _is_shipped(point)]
    for point in (*_SHIPPED, *installed):
        package = point.dist.name if point.dist else point.value.partition(".")[0].partition(":")[0]
        try:
            reader = point.load()
        except Exception as error:  # a plug-in may fail in any way; it must not take the others along
            broken.append(Broken(point.name, package, f"{type(error).__name__}: {error}"))
            continue
        if not isinstance(reader, Reader):
            broken.append(Broken(point.name, package, "it has no name, description, matches or open"))
        elif point.name in loaded:
            broken.append(Broken(point.name, package, "another reader has this name already"))
        else:
            loaded[point.name] = reader
    return loaded, broken


def _is_shipped(point: EntryPoint) -> bool:
    return any(point.value == shipped.value for shipped in _SHIPPED)


def _check_exists(path: Path) -> None:
    if not path.exists():
        near = get_close_matches(path.name, _names_in(path.parent), n=1)
        raise UsageError(
            "no such file or folder",
            where=str(path),
            fix=f"Did you mean {near[0]!r}?" if near else "Check the path.",
        )
    if path.is_file() and path.stat().st_size == 0:
        raise ProductError("the file is empty (0 bytes)", where=str(path), fix="Copy or download it again.")


def _names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()] if folder.is_dir() else []


def _named(name: str, known: dict[str, Reader], broken: Iterable[Broken]) -> Reader:
    if name in known:
        return known[name]
    for one in broken:
        if one.name == name:
            raise UsageError(f"{one}", fix=f"Repair or uninstall {one.package}.")
    near = get_close_matches(name, known, n=1)
    raise UsageError(
        f"unknown reader {name!r}",
        fix=f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}.",
    )


def _recognise(path: Path, known: dict[str, Reader], broken: list[Broken]) -> Reader:
    matching = []
    for name, reader in known.items():
        try:
            if reader.matches(path):
                matching.append((_rank(reader), name))
        except Exception as error:  # a plug-in that cannot even look at the path does not know it
            package = type(reader).__module__.partition(".")[0]
            broken.append(Broken(name, package, f"{type(error).__name__}: {error}"))
    if not matching:
        raise _unknown_format(path, known, broken)
    best = max(rank for rank, _ in matching)
    winners = [name for rank, name in matching if rank == best]
    if len(winners) > 1:
        raise UsageError(
            f"several readers know this format equally well: {', '.join(winners)}",
            where=str(path),
            fix=f"Choose one, for example reader={winners[0]!r}.",
        )
    return known[winners[0]]


def _rank(reader: Reader) -> tuple[int, bool]:
    shipped = type(reader).__module__.startswith("deepsalt.")
    return int(getattr(reader, "specificity", 0)), not shipped


def _unknown_format(path: Path, known: dict[str, Reader], broken: list[Broken]) -> UsageError:
    formats = "; ".join(f"{name}: {reader.description}" for name, reader in known.items())
    trouble = f" Not asked: {'; '.join(map(str, broken))}." if broken else ""
    return UsageError(
        f"no reader knows this {'folder' if path.is_dir() else 'file'} (looked at {_looked_at(path)})",
        where=str(path),
        fix=f"Formats known: {formats}.{trouble}",
    )


def _looked_at(path: Path) -> str:
    if not path.is_dir():
        with path.open("rb") as stream:
            return f"its first bytes, {stream.read(16)!r}"
    names = sorted(_names_in(path))
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return f"its {len(names)} entries: {shown}" if names else "its entries: there are none"


def options_of(reader: Reader) -> list[str] | None:
    """Names of a reader's options, in order; None where it takes any."""
    parameters = inspect.signature(reader.open).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    for many in (p for p in parameters if p.kind is p.VAR_KEYWORD):
        together = _typed_options(reader, many.name)
        if together is None:
            return None
        known += together
    return known


def _typed_options(reader: Reader, name: str) -> list[str] | None:
    """Keys of the TypedDict that `**name` is unpacked from; None where there is none."""
    try:
        hint = get_type_hints(reader.open)[name]
    except (KeyError, NameError, TypeError):  # a plug-in without hints, or with some for mypy alone
        return None
    (typed,) = get_args(hint) or (None,)
    return list(typed.__annotations__) if is_typeddict(typed) else None


def _check_options(reader: Reader, options: dict[str, Any]) -> None:
    known = options_of(reader)
    for option in options if known is not None else ():
        if known is not None and option not in known:
            near = get_close_matches(option, known, n=1)
            raise UsageError(
                f"reader {reader.name!r} has no option {option!r}",
                fix=f"Did you mean {near[0]!r}?" if near else f"Its options: {', '.join(known) or 'none'}.",
            )
