"""Which product an item is about: EnMAP, Sentinel-2, GeoTIFF, ENVI, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.readers.conftest import NAME, Product
from tests.readers.safe import Safe
from tests.stac_sources import item

from deepsalt.errors import ProductError
from deepsalt.readers import read
from deepsalt.readers.stac_products import Products, product_of

pystac = pytest.importorskip("pystac")


def found(document: dict[str, Any], at: Path, products: Products | None = None) -> Path:
    return product_of(pystac.Item.from_dict(document, href=str(at)), products)


def why_none(document: dict[str, Any], at: Path, products: Products | None = None) -> str:
    with pytest.raises(ProductError) as caught:
        found(document, at, products)
    assert caught.value.where == document["id"]
    return caught.value.found


def test_an_enmap_item_beside_its_product(product: Product, tmp_path: Path) -> None:
    product.write()
    files = {
        "thumbnail": (f"./{NAME}/{NAME}-QL_VNIR.TIF", "thumbnail"),
        "metadata": (f"./{NAME}/{NAME}-METADATA.XML", "metadata"),
        "image": (f"./{NAME}/{NAME}-SPECTRAL_IMAGE.TIF", "data"),
    }
    path = found(item("E", files), tmp_path / "item.json")
    assert path.name == f"{NAME}-SPECTRAL_IMAGE.TIF"
    assert read(path).name == NAME


def test_a_product_is_known_by_its_metadata_or_its_folder(product: Product, tmp_path: Path) -> None:
    product.write()
    metadata = {"metadata": (f"./{NAME}/{NAME}-METADATA.XML", "metadata")}
    assert read(found(item("E", metadata), tmp_path / "item.json")).name == NAME
    quality = {"classes": (f"./{NAME}/{NAME}-QL_QUALITY_CLASSES.TIF", "data")}
    assert found(item("E", quality), tmp_path / "item.json") == tmp_path / NAME


def test_bands_of_sentinel2_lead_to_the_whole_product(tmp_path: Path) -> None:
    safe = Safe(tmp_path)
    safe.write()
    bands = {f"B{n}": (safe.file(f"B0{n}", 10), "data") for n in (2, 3, 4)}
    xml = {"product_metadata": (safe.path / "MTD_MSIL2A.xml", "metadata")}
    assert found(item("S", {**bands, **xml}), tmp_path / "item.json") == safe.path / "MTD_MSIL2A.xml"
    assert why_none(item("S", bands), tmp_path / "item.json").startswith(
        "no reader of scenes knows its files"
    )


def cube() -> np.ndarray:
    return np.ones((3, 4, 5), np.float32)


def test_a_geotiff_by_path_or_file_address(make_tiff: Callable[..., Path], tmp_path: Path) -> None:
    path = make_tiff(cube(), "a cube.tif")
    for href in (path, "./a cube.tif", path.as_uri()):
        assert found(item("G", {"image": (href, "data")}), tmp_path / "item.json") == path


def test_of_several_images_none_is_guessed(make_tiff: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("one.tif", "two.tif"):
        make_tiff(cube(), name)
    assets = {"a": ("./one.tif", "data"), "b": ("./two.tif", "data")}
    why = why_none(item("G", assets), tmp_path / "item.json")
    assert why == "several images, and nothing tells which is the scene (one.tif, two.tif)"


def test_a_header_and_its_binary_are_one_image(tmp_path: Path) -> None:
    (tmp_path / "cube.img").write_bytes(np.zeros((2, 2, 2), np.float32).tobytes())
    lines = "samples = 2\nlines = 2\nbands = 2\ndata type = 4\ninterleave = bsq\nwavelength = {500, 600}"
    (tmp_path / "cube.hdr").write_text(f"ENVI\nfile type = ENVI Standard\nbyte order = 0\n{lines}\n")
    assets = {"image": ("./cube.img", "data"), "header": ("./cube.hdr", "metadata")}
    assert found(item("C", assets), tmp_path / "item.json") == tmp_path / "cube.img"


def test_what_is_no_product_says_why(tmp_path: Path) -> None:
    at = tmp_path / "item.json"
    assert why_none(item("X", {"picture": ("./a.png", "thumbnail")}), at) == "it has no asset with data"
    missing = why_none(item("X", {"image": ("./gone.tif", "data")}), at)
    assert missing == f"its files are not there ({tmp_path / 'gone.tif'})"
    (tmp_path / "library.csv").write_text("id,400,500,600,700,800\na,0.1,0.2,0.3,0.2,0.2\n")
    table = why_none(item("X", {"table": ("./library.csv", "data")}), at)
    assert table == "no reader of scenes knows its files (library.csv)"
    ours = item("X", {"ece": ("./ece.tif", "data")}, **{"processing:software": {"deepsalt": "0.1.0"}})
    assert why_none(ours, at) == "a map made by deepsalt, not a product"


@pytest.mark.parametrize("href", ["https://example.org/a/{}-SPECTRAL_IMAGE.TIF?key=1", "s3://bucket/{}.tif"])
def test_what_lies_on_the_web_is_looked_for_among_products(
    href: str, product: Product, tmp_path: Path
) -> None:
    document = item(NAME, {"image": (href.format(NAME), "data")})
    at = tmp_path / "item.json"
    assert f"it lies at {href.format(NAME)}: download it" in why_none(document, at)
    assert why_none(document, at, Products(tmp_path)).startswith("not among the products in")
    product.folder = tmp_path / "2023" / "june"
    product.__post_init__()
    product.write()
    assert found(document, at, Products(tmp_path)) == product.path


def test_a_downloaded_product_is_known_by_the_name_of_its_file(product: Product, tmp_path: Path) -> None:
    product.write()
    document = item("other-id", {"image": (f"https://example.org/a/{NAME}-METADATA.XML", "metadata")})
    assert found(document, tmp_path / "item.json", Products(tmp_path)).name == f"{NAME}-METADATA.XML"
