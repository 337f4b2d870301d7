"""Items of STAC: a catalogue, collection, item or saved search on disk or on the web, or an API's answer.

It needs the optional packages of `deepsalt[stac]`; nothing else of deepsalt does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deepsalt.errors import ProductError, UsageError
from deepsalt.quiet import quiet
from deepsalt.readers.area import Area
from deepsalt.readers.period import Period

if TYPE_CHECKING:
    from pystac import Item

#: Files by which a folder is known to be a catalogue, the first that is there.
_ROOTS = ("catalog.json", "collection.json")
#: What every document of STAC says somewhere.
_MARK = b'"stac_version"'
_ITEM_SEARCH = "/item-search"
_PAGE = 100
_TIMEOUT_S = 30.0
_RETRIES = 2


@dataclass(frozen=True)
class LeftOut:
    """A scene that was found and cannot be used: its name, and why."""

    name: str
    reason: str


Found: TypeAlias = "Item | LeftOut"


def is_address(source: str) -> bool:
    """Whether it names something on the web."""
    return source.lower().startswith(("http://", "https://"))


def is_stac(path: Path) -> bool:
    """Whether a path is a JSON file of STAC, or a folder with a catalogue; quick, and never raises."""
    try:
        if path.is_dir():
            return any((path / name).is_file() for name in _ROOTS)
        with path.open("rb") as stream:
            head = stream.read(64)
            if head.lstrip()[:1] != b"{":
                return False
            content = head + stream.read()
        document = json.loads(content) if _MARK in content else None
    except (OSError, ValueError):
        return False
    return _is_document(document)


def stac_items(
    source: str,
    *,
    area: Area | None = None,
    period: Period | None = None,
    collections: Sequence[str] = (),
) -> Iterator[Found]:
    """Every item that a source holds, and those that cannot be read with the reason, one by one.

    source  path or address of a catalogue, collection, item or item collection, or address of an API
    area, period, collections   what an API is asked for. A catalogue gives all of its items: check them

    Raises UsageError for what is no STAC, ProductError for a source that cannot be read.
    """
    _pystac_or_explain()
    from pystac_client.stac_api_io import StacApiIO

    href = source if is_address(source) else str(_root_of(Path(source)).absolute())
    io = StacApiIO(timeout=_TIMEOUT_S, max_retries=_RETRIES)
    with closing(io.session):
        document = _read(href, io)
        search = _api_of(document, href)
        if search is None:
            yield from _walk(document, href, io, {href})
        else:
            root, own = search
            yield from _search(root, io, own or collections, area, period)


def _root_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    return next((path / name for name in _ROOTS if (path / name).is_file()), path)


def _pystac_or_explain() -> None:
    try:
        import pystac_client  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"STAC catalogues need a package that is not installed ({error.name})",
            fix="Install it with: pip install 'deepsalt[stac]'",
        ) from error


def _is_document(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    features = document.get("features")
    if document.get("type") == "FeatureCollection" and isinstance(features, list):
        return bool(features) and all(_is_document(one) for one in features)
    return "stac_version" in document


@contextmanager
def _failures(where: str) -> Iterator[None]:
    """What the network, JSON and pystac raise, as one ProductError."""
    from pystac.errors import STACError, STACTypeError
    from pystac_client.exceptions import APIError
    from requests import RequestException

    try:
        yield
    except (APIError, RequestException, STACError, STACTypeError, OSError, ValueError) as error:
        text = str(error).strip() or type(error).__name__
        raise ProductError(
            f"could not be read as STAC ({text.splitlines()[0][:200]})",
            where=where,
            fix="Check the address and the network, or the file.",
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ProductError(f"is no valid STAC ({error!r})", where=where, fix="Repair the file.") from error


def _read(href: str, io: Any) -> dict[str, Any]:
    with _failures(href):
        document: dict[str, Any] = io.read_json(href)
    if not _is_document(document):
        raise UsageError("is no STAC catalogue, collection or item", where=href, fix="Check the path.")
    return document


def _walk(document: dict[str, Any], href: str, io: Any, seen: set[str]) -> Iterator[Found]:
    """Items of a document and of those that it links to; each document once."""
    if document.get("type") == "FeatureCollection":
        for feature in document["features"]:
            yield from _item(feature, _own_href(feature) or href)
    elif document.get("type") == "Feature":
        yield from _item(document, href)
    else:
        for target in _targets(document, href):
            if target not in seen:
                seen.add(target)
                yield from _linked(target, io, seen)


def _linked(href: str, io: Any, seen: set[str]) -> Iterator[Found]:
    try:
        document = _read(href, io)
        yield from _walk(document, href, io, seen)
    except (ProductError, UsageError) as error:
        yield LeftOut(href, error.found)


def _item(document: dict[str, Any], href: str) -> Iterator[Found]:
    from pystac import Item

    try:
        with _failures(href), quiet():  # of pystac on items of earlier versions, which it converts
            item = Item.from_dict(document, href=href, migrate=True)
    except ProductError as error:
        yield LeftOut(str(document.get("id", href)), error.found)
    else:
        yield item


def _targets(document: Mapping[str, Any], href: str) -> list[str]:
    """Absolute addresses of the items and catalogues that a catalogue links to."""
    from pystac.utils import make_absolute_href

    with _failures(href):
        links = [link["href"] for link in document["links"] if link.get("rel") in ("item", "child")]
        return [make_absolute_href(link, start_href=href) for link in links]


def _own_href(feature: Mapping[str, Any]) -> str:
    links = feature.get("links") or []
    return next((str(link.get("href", "")) for link in links if link.get("rel") == "self"), "")


def _api_of(document: Mapping[str, Any], href: str) -> tuple[str, tuple[str, ...]] | None:
    """Address of the API's root and the collection that was named; None for what is no API."""
    if any(str(one).endswith(_ITEM_SEARCH) for one in document.get("conformsTo") or ()):
        return href, ()
    links = document.get("links") or ()
    rels = {link.get("rel"): link.get("href") for link in links}
    if document.get("type") == "Collection" and "items" in rels and "item" not in rels:
        return str(rels.get("root") or href), (str(document["id"]),)
    return None


def _search(
    root: str, io: Any, collections: Sequence[str], area: Area | None, period: Period | None
) -> Iterator[Found]:
    """What an API answers, page by page."""
    from pystac_client import Client

    with _failures(root), quiet():
        client = Client.open(root, stac_io=io)
        search = client.search(
            collections=list(collections) or None,
            intersects=None if area is None else area.as_geojson(),
            datetime=None if period is None else period.as_interval(),
            limit=_PAGE,
        )
        pages = search.pages_as_dicts()
    while True:
        with _failures(root), quiet():
            page = next(pages, None)
        if page is None:
            return
        for feature in page["features"]:
            yield from _item(feature, _own_href(feature))
