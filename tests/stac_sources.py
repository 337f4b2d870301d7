"""STAC documents of products, and a server on this machine that answers as a STAC API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CORE = "https://api.stacspec.org/v1.0.0/core"
SEARCH = "https://api.stacspec.org/v1.0.0/item-search"


def item(
    id: str,
    assets: Mapping[str, Any],
    *,
    when: str = "2023-06-15T10:30:12Z",
    box: tuple[float, float, float, float] = (10.4, 52.2, 10.6, 52.4),
    collection: str | None = None,
    **properties: Any,
) -> dict[str, Any]:
    """An item whose assets are given as key -> (href, role)."""
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": id,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": list(box),
        "properties": {"datetime": when, **properties},
        "links": [],
        "assets": {key: {"href": str(href), "roles": [role]} for key, (href, role) in assets.items()},
        **({"collection": collection} if collection else {}),
    }


def write(path: Path, document: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def catalogue(items: list[str], children: list[str] = (), id: str = "cat") -> dict[str, Any]:  # type: ignore[assignment]
    links = [{"rel": "item", "href": href} for href in items]
    links += [{"rel": "child", "href": href} for href in children]
    return {"type": "Catalog", "stac_version": "1.1.0", "id": id, "description": "products", "links": links}


@contextmanager
def _serving(handler: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def files_served(folder: Path) -> Iterator[str]:
    """The address of a folder."""
    with _serving(partial(_Quiet, directory=str(folder))) as address:
        yield address


class Api:
    """A STAC API: items of collections, two a page; `asked` keeps the bodies of the searches."""

    def __init__(self, items: list[dict[str, Any]], page: int = 2) -> None:
        self.items, self.page = items, page
        self.asked: list[dict[str, Any]] = []
        self.fails_from_page: int | None = None

    @contextmanager
    def serving(self) -> Iterator[str]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def _send(self, document: Any, status: int = 200) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @property
            def root(self) -> str:
                return f"http://{self.headers['Host']}"

            def do_GET(self) -> None:
                links = [
                    {"rel": "root", "href": f"{self.root}/"},
                    {"rel": "search", "href": f"{self.root}/search", "method": "POST"},
                ]
                if self.path == "/":
                    self._send({**catalogue([]), "conformsTo": [CORE, SEARCH], "links": links})
                elif self.path == "/collections/l2a":
                    extent = {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None, None]]}}
                    document = {**catalogue([], id="l2a"), "type": "Collection", "license": "other"}
                    own = [*links, {"rel": "items", "href": f"{self.root}/collections/l2a/items"}]
                    self._send({**document, "extent": extent, "links": own})
                else:
                    self._send({"code": "NotFound"}, 404)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.asked.append(body)
                start = int(body.get("token", 0))
                if api.fails_from_page is not None and start >= api.fails_from_page * api.page:
                    self._send({"code": "Broken"}, 400)
                    return
                wanted = [
                    one
                    for one in api.items
                    if not body.get("collections") or one.get("collection") in body["collections"]
                ]
                page = wanted[start : start + api.page]
                more = start + api.page < len(wanted)
                following = {
                    "rel": "next",
                    "href": f"{self.root}/search",
                    "method": "POST",
                    "body": {**body, "token": start + api.page},
                }
                links = [following] if more else []
                self._send({"type": "FeatureCollection", "features": page, "links": links})

        with _serving(Handler) as address:
            yield f"{address}/"
