"""A finished map on disk, checked before anything is computed from it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.mapping.folder import SUMMARY
from deepsalt.mapping.style import threshold_of
from deepsalt.readers.raster import RasterInfo, info, is_nodata, read_bands
from deepsalt.salinity.classes import ClassScheme, SalinityClass
from deepsalt.spectra import Window

#: Layers that every map has and that are read; classes follow from ECe.
ALWAYS = ("ece", "mask")
#: Bounds of the interval; a map has both or none.
BOUNDS = ("ece_low", "ece_high")
OUTSIDE = "outside"
_COLOUR = re.compile("#[0-9a-fA-F]{6}")
_DTYPES = {"mask": "uint8", "outside": "uint8"}
_MAKE_AGAIN = "Map the scene again with: deepsalt map"


@dataclass(frozen=True, eq=False)
class FinishedMap:
    """The folder of a map that `deepsalt map` or `deepsalt mosaic` made.

    summary  the content of map.json
    scheme   its salinity classes
    headers  of its layers, by the names in map.json; all on one grid
    level    share of places whose ECe should lie in the interval; None for a map without one
    """

    folder: Path
    summary: Mapping[str, Any]
    scheme: ClassScheme
    headers: Mapping[str, RasterInfo]
    level: float | None

    @property
    def name(self) -> str:
        return str(self.folder)

    @property
    def scene(self) -> str:
        return str(self.summary["scene"])

    @property
    def height(self) -> int:
        return self.headers["ece"].height

    @property
    def width(self) -> int:
        return self.headers["ece"].width

    @property
    def crs(self) -> str:
        return self.headers["ece"].crs

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        return self.headers["ece"].transform

    @property
    def tags(self) -> Mapping[str, str]:
        """Provenance, keys in upper case as in map.json."""
        return {key.upper(): value for key, value in self.headers["ece"].tags.items()}

    @property
    def acquired(self) -> datetime | None:
        """When the scene was taken, UTC; None where the map does not say."""
        told = self.tags.get("ACQUIRED")
        if told is None:
            return None
        try:
            when = datetime.fromisoformat(told)
        except ValueError as error:
            raise ProductError(
                f"the tag ACQUIRED is no date: {told[:40]!r}", where=self.name, fix=_MAKE_AGAIN
            ) from error
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)

    @property
    def thresholds(self) -> Mapping[str, float]:
        """ECe in dS/m of each layer `probability_above_...`."""
        found = {name: threshold_of(name) for name in self.headers}
        return {name: threshold for name, threshold in found.items() if threshold is not None}

    def read(self, layer: str, window: Window) -> NDArray[Any]:
        """Values (y, x) of a layer; in a layer of numbers NaN where there is none."""
        header = self.headers[layer]
        values = read_bands(header.path, window, [1])[0]
        if values.dtype.kind == "f":
            values[is_nodata(values, header.nodata)] = np.nan
        return values


def open_map(folder: str | Path) -> FinishedMap:
    """Read what the folder of a map says of itself, and the headers of its layers.

    Raises UsageError for a folder that holds no map, ProductError for a map whose files are missing, damaged,
    or contradict each other.
    """
    place = Path(folder)
    summary = _summary(place)
    headers = {name: info(path) for name, path in _layers(place, summary).items()}
    _check_layers(place, headers)
    return FinishedMap(place, summary, _scheme(place, summary), headers, _level(place, headers))


def same_scheme(maps: Sequence[FinishedMap]) -> ClassScheme:
    """The salinity classes of all maps. Raises ProductError naming a map that has others than most."""
    for odd, usual in odd_one_out(maps, lambda one: one.scheme.classes):
        raise ProductError(
            f"has classes of {odd.scheme.name}, not of {usual.scheme.name}; compared with {usual.name}",
            where=odd.name,
            fix="Map all scenes with one scheme of classes.",
        )
    return maps[0].scheme


def odd_one_out(
    maps: Sequence[FinishedMap], trait: Callable[[FinishedMap], Hashable]
) -> Iterator[tuple[FinishedMap, FinishedMap]]:
    """Each map whose trait is not that of most maps, beside the first that has the usual one."""
    usual_trait = Counter(trait(one) for one in maps).most_common(1)[0][0]
    usual = next(one for one in maps if trait(one) == usual_trait)
    return ((one, usual) for one in maps if trait(one) != usual_trait)


def scheme_of(summary: Mapping[str, Any]) -> ClassScheme:
    """The classes that a map was drawn with, from its map.json."""
    classes = tuple(
        SalinityClass(c["name"], c["lower"], float("inf") if c["upper"] is None else c["upper"], c["colour"])
        for c in summary["classes"]
    )
    named = summary.get("scheme", {})
    return ClassScheme(str(named.get("name", "")), classes, str(named.get("source", "")))


def _summary(place: Path) -> Mapping[str, Any]:
    file = place / SUMMARY
    if not file.is_file():
        raise UsageError(
            f"not the folder of a map (it has no {SUMMARY})",
            where=str(place),
            fix="Give folders that `deepsalt map` made, such as maps/SCENE.",
        )
    try:
        summary = json.loads(file.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ProductError(f"is damaged ({error})", where=str(file), fix=_MAKE_AGAIN) from error
    whole = summary if isinstance(summary, dict) else {}
    missing = [key for key in ("scene", "classes", "layers") if key not in whole]
    if missing:
        raise ProductError(
            f"does not tell of a map of ECe: it has no {missing[0]!r}",
            where=str(file),
            fix="Give folders that `deepsalt map` or `deepsalt mosaic` made.",
        )
    return whole


def _scheme(place: Path, summary: Mapping[str, Any]) -> ClassScheme:
    try:
        scheme = scheme_of(summary)
        uppers = [one.upper for one in scheme.classes[:-1]]
        sound = bool(scheme.classes) and uppers == [one.lower for one in scheme.classes[1:]]
        sound &= uppers == sorted(uppers) and all(_COLOUR.fullmatch(one.colour) for one in scheme.classes)
    except (KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise ProductError("its classes cannot be read", where=str(place / SUMMARY), fix=_MAKE_AGAIN)
    return scheme


def _layers(place: Path, summary: Mapping[str, Any]) -> dict[str, Path]:
    """The layers that are read, by name; a file lies in the folder itself."""
    files = summary["layers"]
    if not isinstance(files, dict):
        raise ProductError("its layers cannot be read", where=str(place / SUMMARY), fix=_MAKE_AGAIN)
    wanted = [n for n in files if n in (*ALWAYS, *BOUNDS, OUTSIDE) or threshold_of(n) is not None]
    for name in (*ALWAYS, *wanted):
        file = str(files.get(name, ""))
        if not file or Path(file).name != file or not (place / file).is_file():
            raise ProductError(f"has no layer {name}", where=str(place / SUMMARY), fix=_MAKE_AGAIN)
    return {name: place / str(files[name]) for name in wanted}


def _check_layers(place: Path, headers: Mapping[str, RasterInfo]) -> None:
    ece = headers["ece"]
    for name, header in headers.items():
        if (header.size, header.transform, header.crs) != (ece.size, ece.transform, ece.crs):
            found = f"{name} does not lie on the grid of ece"
        elif (header.bands, header.dtype) != (1, _DTYPES.get(name, "float32")):
            found = f"{name} has {header.bands} bands of {header.dtype}"
        else:
            continue
        raise ProductError(f"its layer {found}", where=str(place), fix=_MAKE_AGAIN)


def _level(place: Path, headers: Mapping[str, RasterInfo]) -> float | None:
    there = [name for name in BOUNDS if name in headers]
    if not there:
        return None
    told = headers[there[0]].tags.get("level", "")
    try:
        level = float(told)
    except ValueError:
        level = float("nan")
    if len(there) < 2 or not 0 < level < 1:
        found = f"the tag LEVEL of {there[0]} is {told!r}" if len(there) == 2 else f"it has {there[0]} alone"
        raise ProductError(f"its interval cannot be read: {found}", where=str(place), fix=_MAKE_AGAIN)
    return level
