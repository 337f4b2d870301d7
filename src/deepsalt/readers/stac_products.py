"""From a STAC item to the satellite product that it is about, on this disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints
from urllib.parse import unquote, urlparse

from deepsalt.errors import DeepSaltError, ProductError
from deepsalt.readers.columns import listed
from deepsalt.readers.registry import Reader, reader_for
from deepsalt.spectra import Scene

if TYPE_CHECKING:
    from pystac import Asset, Item

#: What made an item, where it is one of our maps.
SOFTWARE = "deepsalt"
#: Assets that show or explain a product and hold none of its values.
_NO_DATA = {"thumbnail", "overview", "visual", "style"}
#: Readers from this specificity on know a product by its layout, and read all of it from any of its files.
_WHOLE_PRODUCT = 20


@dataclass
class Products:
    """Products on this disk, by name: where an item whose files lie on the web is looked for.

    root  a folder; its folders and files are known by their names, with and without the ending
    """

    root: Path
    _by_name: dict[str, list[Path]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for folder, folders, files in os.walk(self.root):
            for name in sorted((*folders, *files)):
                for known in {name, name.partition(".")[0]}:
                    self._by_name.setdefault(known, []).append(Path(folder, name))

    def named(self, name: str) -> list[Path]:
        return self._by_name.get(name, [])


def product_of(item: Item, products: Products | None = None) -> Path:
    """The file or folder that a reader opens as a scene.

    products  where to look for it by the item's id, and by the names of its files, if it lies on the web

    Of the item's assets, those with the role "data" come first; then the others; then the folders that they
    lie in. The reader that knows most of the product's layout wins.
    Raises ProductError that says why there is none.
    """
    if SOFTWARE in (item.properties.get("processing:software") or {}):
        raise _unusable(item, "a map made by deepsalt, not a product")
    assets = _with_data(item)
    if not assets:
        raise _unusable(item, "it has no asset with data")
    places = [_place(asset) for asset in assets]
    local = [place for place in places if isinstance(place, Path)]
    if not local:
        return _from_disk(item, [str(place) for place in places], products)
    here = [path for path in local if path.exists()]
    if not here:
        raise _unusable(item, f"its files are not there ({listed([str(path) for path in local], 2)})")
    return _best(item, here)


def _unusable(item: Item, why: str) -> ProductError:
    return ProductError(why, where=item.id)


def _with_data(item: Item) -> list[Asset]:
    """Assets that may lead to the product, those with the role "data" first."""
    assets = [one for one in item.assets.values() if not _NO_DATA & set(one.roles or ())]
    return sorted(assets, key=lambda asset: "data" not in (asset.roles or ()))


def _place(asset: Asset) -> Path | str:
    """A path, or the address of what lies elsewhere."""
    href = asset.get_absolute_href() or asset.href
    parts = urlparse(href)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return href if "://" in href else Path(href)


def _from_disk(item: Item, addresses: list[str], products: Products | None) -> Path:
    if products is None:
        raise _unusable(
            item,
            f"it lies at {addresses[0]}: download it, and name the folder of products with --products",
        )
    names = [item.id, *(unquote(urlparse(address).path).rpartition("/")[2] for address in addresses)]
    found = next((paths for name in names if (paths := products.named(name))), [])
    if not found:
        raise _unusable(item, f"not among the products in {products.root}; it lies at {addresses[0]}")
    return _best(item, found)


def _best(item: Item, paths: list[Path]) -> Path:
    """The one path that is a product. Raises ProductError where no reader, or more than one path, is."""
    ranked = [(rank, path) for path in paths if (rank := _rank(path)) is not None]
    if not any(rank >= _WHOLE_PRODUCT for rank, _ in ranked):
        folders = dict.fromkeys(path.parent for path in paths if path.is_file())
        ranked += [(rank, path) for path in folders if (rank := _rank(path)) is not None]
    if not ranked:
        raise _unusable(item, f"no reader of scenes knows its files ({listed([p.name for p in paths], 4)})")
    best = max(rank for rank, _ in ranked)
    winners = [path for rank, path in ranked if rank == best]
    if best < _WHOLE_PRODUCT and len(set(_images(winners))) > 1:
        names = listed([path.name for path in winners], 4)
        raise _unusable(item, f"several images, and nothing tells which is the scene ({names})")
    return winners[0]


def _images(paths: list[Path]) -> Iterator[Path]:
    """A header and its binary are one image."""
    return (path.with_suffix("") for path in paths)


def _rank(path: Path) -> int | None:
    """How well its reader knows the path; None where none does, or none that opens scenes."""
    try:
        reader = reader_for(path)
    except DeepSaltError:
        return None
    return int(getattr(reader, "specificity", 0)) if _opens_scenes(reader) else None


def _opens_scenes(reader: Reader) -> bool:
    """By what its `open` says that it returns; a reader that says nothing may."""
    told = get_type_hints(type(reader).open).get("return")
    return told is None or not isinstance(told, type) or issubclass(told, Scene)
