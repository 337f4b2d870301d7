"""Which scenes: from paths, globs, STAC catalogues and APIs, by area and date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepsalt.errors import DeepSaltError, ProductError, UsageError
from deepsalt.pipeline.paths import expand
from deepsalt.readers import read
from deepsalt.readers.area import Area
from deepsalt.readers.footprint import footprint
from deepsalt.readers.period import Period
from deepsalt.readers.stac import LeftOut, is_address, is_stac, stac_items
from deepsalt.readers.stac_products import Products, product_of
from deepsalt.spectra import Scene

if TYPE_CHECKING:
    from pystac import Item


@dataclass(frozen=True)
class SceneSource:
    """A scene that `deepsalt.read` opens.

    name      of the item or product
    path      what to open
    first, last  its acquisition, UTC, or None where nothing asked for it
    geometry  GeoJSON in degrees, or None where nothing asked for it
    """

    name: str
    path: str
    first: datetime | None = None
    last: datetime | None = None
    geometry: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class FoundScenes:
    """What was found.

    scenes       those to work on, in the order found, each path once
    left_out     those that were asked for and cannot be used, with the reason
    passed_over  how many were not asked for, by why
    """

    scenes: tuple[SceneSource, ...]
    left_out: tuple[LeftOut, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        return [scene.path for scene in self.scenes]

    def lines(self) -> list[str]:
        """For people: what was not taken, and why."""
        lines = [f"{count} passed over: {why}" for why, count in self.passed_over.items()]
        return [*lines, *(f"left out: {one.name}: {one.reason}" for one in self.left_out)]


@dataclass(frozen=True)
class _Wanted:
    """What a scene must fulfil."""

    area: Area | None
    period: Period | None
    max_cloud: float | None
    collections: tuple[str, ...]
    products: Products | None

    @property
    def anywhere_and_any_time(self) -> bool:
        return self.area is None and self.period is None

    def why_not(self, first: datetime | None, last: datetime | None, geometry: Any) -> str:
        """Why a scene is not asked for; "" where it is. Raises ProductError where it does not say."""
        if self.period is not None:
            if first is None:
                raise ProductError("it does not say when it was taken")
            if not self.period.meets(first, last):
                return "another date"
        if self.area is not None:
            if geometry is None:
                raise ProductError("it does not say where it lies")
            if not self.area.meets(geometry):
                return "outside the area"
        return ""


def find_scenes(
    sources: Sequence[str],
    *,
    area: str | Path | None = None,
    dates: str | None = None,
    max_cloud: float | None = None,
    collections: Sequence[str] = (),
    products: str | Path | None = None,
    limit: int | None = None,
) -> FoundScenes:
    """The scenes that sources name, fulfilling what is asked for.

    sources  paths and globs of products; paths and addresses of STAC catalogues, collections, items and saved
             searches; addresses of STAC APIs
    area     "west,south,east,north" in degrees, or a vector file in any coordinate system
    dates    a date or a span of dates, see `Period.of`
    limit    at most so many scenes; that more may be there is told

    Of items of STAC only:
    max_cloud    largest cloud cover, percent
    collections  ids of the collections wanted
    products     a folder of downloaded products, where items whose files lie on the web are looked for

    Products given by path are opened only if an area or dates are asked for. What cannot be opened as a scene
    then stays in, so that working on it tells what is wrong with it.
    Raises UsageError where nothing is left, with the reasons, or where what is asked for makes no sense.
    """
    wanted = _Wanted(
        None if area is None else Area.of(area),
        None if dates is None else Period.of(dates),
        max_cloud,
        tuple(collections),
        None if products is None else Products(_folder(products)),
    )
    scenes: dict[str, SceneSource] = {}
    left_out: list[LeftOut] = []
    passed_over: Counter[str] = Counter()
    for one in _candidates(sources, wanted):
        if isinstance(one, SceneSource):
            scenes.setdefault(one.path, one)
        elif isinstance(one, LeftOut):
            left_out.append(one)
        else:
            passed_over[one] += 1
        if limit is not None and len(scenes) >= limit:
            left_out.append(LeftOut("further scenes", f"the limit of {limit} is reached; more may be there"))
            break
    found = FoundScenes(tuple(scenes.values()), tuple(left_out), dict(passed_over))
    if not scenes:
        raise _nothing_left(sources, found)
    return found


def item_times(item: Item) -> tuple[datetime | None, datetime | None]:
    """First and last moment of an item, UTC."""
    times = item.common_metadata
    first, last = times.start_datetime or item.datetime, times.end_datetime or item.datetime
    return _utc(first), _utc(last)


def _folder(path: str | Path) -> Path:
    if not Path(path).is_dir():
        raise UsageError("no such folder of products", where=str(path), fix="Check the path.")
    return Path(path)


def _candidates(sources: Sequence[str], wanted: _Wanted) -> Iterator[SceneSource | LeftOut | str]:
    """Of each scene: that it is wanted, why it cannot be used, or why it is not asked for."""
    for source in sources:
        if is_address(source):
            yield from _of_stac(source, wanted)
            continue
        for path in expand([source], "scene"):
            yield from _of_stac(path, wanted) if is_stac(Path(path)) else [_of_path(path, wanted)]


def _of_stac(source: str, wanted: _Wanted) -> Iterator[SceneSource | LeftOut | str]:
    asked = {"area": wanted.area, "period": wanted.period, "collections": wanted.collections}
    for item in stac_items(source, **asked):  # type: ignore[arg-type]
        yield item if isinstance(item, LeftOut) else _of_item(item, wanted)


def _of_item(item: Item, wanted: _Wanted) -> SceneSource | LeftOut | str:
    if wanted.collections and item.collection_id not in wanted.collections:
        return "another collection"
    first, last = item_times(item)
    try:
        why_not = wanted.why_not(first, last, item.geometry) or _too_cloudy(item, wanted.max_cloud)
        return why_not or SceneSource(
            item.id, str(product_of(item, wanted.products)), first, last, item.geometry
        )
    except ProductError as error:
        return LeftOut(item.id, error.found)


def _too_cloudy(item: Item, most: float | None) -> str:
    if most is None:
        return ""
    cover = item.properties.get("eo:cloud_cover")
    if cover is None:
        raise ProductError("it does not say its cloud cover")
    return f"more than {most:g} % cloud" if cover > most else ""


def _of_path(path: str, wanted: _Wanted) -> SceneSource | LeftOut | str:
    if wanted.anywhere_and_any_time:
        return SceneSource(Path(path).name, path)
    scene = _opened(path)
    if scene is None:
        return SceneSource(Path(path).name, path)
    try:
        outline = footprint(scene.height, scene.width, scene.crs, scene.transform) if scene.crs else None
        why_not = wanted.why_not(scene.acquired, None, outline)
    except ProductError as error:
        return LeftOut(scene.name, error.found)
    return why_not or SceneSource(scene.name, path, scene.acquired, scene.acquired, outline)


def _opened(path: str) -> Scene | None:
    """The scene, or None for what is none or is broken: working on it tells what is wrong."""
    try:
        found = read(path)
    except DeepSaltError:
        return None
    return found if isinstance(found, Scene) else None


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _nothing_left(sources: Sequence[str], found: FoundScenes) -> UsageError:
    reasons = Counter(one.reason for one in found.left_out)
    told = [f"{count} {why}" for why, count in (*found.passed_over.items(), *reasons.most_common(3))]
    return UsageError(
        f"no scene to work on ({'; '.join(told) or 'nothing is there'})",
        where=", ".join(sources),
        fix="Ask for another area or other dates, or give the paths of products.",
    )
