"""Scenes found in catalogues, by an API and among paths: by area and date, and why some are not taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.readers.conftest import NAME, Product, write_tiff
from tests.stac_sources import Api, catalogue, files_served, item, write

from deepsalt.errors import ProductError, UsageError
from deepsalt.pipeline.catalogue import find_scenes
from deepsalt.pipeline.inspection import inspect_path

pytest.importorskip("pystac_client")

#: Where the products of these tests lie, and a place far from it.
HERE, ELSEWHERE = "10,52,11,53", "60,40,61,41"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def product_folder(tmp_path: Path) -> Path:
    return Product(tmp_path).write()


def image_of(folder: Path) -> dict[str, Any]:
    return {"image": (folder / f"{NAME}-SPECTRAL_IMAGE.TIF", "data")}


@pytest.fixture
def catalogue_path(product_folder: Path, tmp_path: Path) -> Path:
    """Two items at the root, one of them cloudy; one in a child, a year later, of another collection."""
    root = tmp_path / "cat"
    image = image_of(product_folder)
    again = tmp_path / "later" / product_folder.name
    shutil.copytree(product_folder, again)
    cloudy = tmp_path / "cloudy" / product_folder.name
    shutil.copytree(product_folder, cloudy)
    clear = item("clear", image, collection="l2a", **{"eo:cloud_cover": 5})
    write(root / "clear" / "clear.json", clear)
    covered = item("cloudy", image_of(cloudy), collection="l2a", **{"eo:cloud_cover": 80})
    write(root / "cloudy.json", covered)
    later = item("later", image_of(again), when="2024-07-01T00:00:00Z", collection="other")
    write(root / "more" / "later.json", later)
    write(root / "more" / "catalog.json", catalogue(["./later.json"], ["../catalog.json"], "more"))
    links = catalogue(["./clear/clear.json", "./cloudy.json"], ["./more/catalog.json"])
    return write(root / "catalog.json", links)


def names(**asked: Any) -> list[str]:
    return [scene.name for scene in find_scenes(**asked).scenes]


def test_a_catalogue_gives_its_items_and_those_of_its_children(catalogue_path: Path) -> None:
    found = find_scenes([str(catalogue_path)])
    assert [scene.name for scene in found.scenes] == ["clear", "cloudy", "later"]
    assert all(Path(path).is_file() for path in found.paths)
    assert found.lines() == []
    assert find_scenes([str(catalogue_path.parent)]).scenes == found.scenes


def test_date_area_cloud_and_collection_choose(catalogue_path: Path) -> None:
    here = {"sources": [str(catalogue_path)]}
    assert names(**here, dates="2023") == ["clear", "cloudy"]
    assert names(**here, dates="2024-07-01") == ["later"]
    assert names(**here, area=HERE) == ["clear", "cloudy", "later"]
    assert names(**here, max_cloud=20) == ["clear"]
    assert names(**here, max_cloud=80) == ["clear", "cloudy"]
    assert names(**here, collections=["other"]) == ["later"]
    assert names(**here, limit=2) == ["clear", "cloudy"]


def test_what_is_not_taken_is_told(catalogue_path: Path) -> None:
    found = find_scenes([str(catalogue_path)], dates="2023", max_cloud=20)
    assert found.lines() == ["1 passed over: more than 20 % cloud", "1 passed over: another date"]
    found = find_scenes([str(catalogue_path)], max_cloud=20)
    assert "left out: later: it does not say its cloud cover" in found.lines()
    (line,) = find_scenes([str(catalogue_path)], limit=1).lines()
    assert line == "left out: further scenes: the limit of 1 is reached; more may be there"


def test_nothing_left_is_an_error_with_the_reasons(catalogue_path: Path) -> None:
    with pytest.raises(UsageError, match=r"catalog\.json: no scene to work on \(3 outside the area\)"):
        find_scenes([str(catalogue_path)], area=ELSEWHERE)
    document = json.loads((catalogue_path.parent / "cloudy.json").read_text())
    document["assets"]["image"]["href"] = "./gone.tif"
    alone = write(catalogue_path.parent / "alone.json", document)
    with pytest.raises(UsageError, match=r"no scene to work on \(1 its files are not there"):
        find_scenes([str(alone)])


def test_an_item_alone_a_saved_search_and_a_glob(catalogue_path: Path, tmp_path: Path) -> None:
    clear = catalogue_path.parent / "clear" / "clear.json"
    assert names(sources=[str(clear)]) == ["clear"]
    assert names(sources=[str(catalogue_path.parent / "c*.json")]) == ["clear", "cloudy", "later"]
    features = [
        json.loads(clear.read_text()),
        json.loads((catalogue_path.parent / "cloudy.json").read_text()),
    ]
    saved = write(tmp_path / "saved.json", {"type": "FeatureCollection", "features": features})
    assert names(sources=[str(saved)]) == ["clear", "cloudy"]


def test_items_that_cannot_be_read_are_told_and_the_others_stay(catalogue_path: Path) -> None:
    (catalogue_path.parent / "cloudy.json").write_text("{")
    broken = json.loads((catalogue_path.parent / "more" / "later.json").read_text())
    del broken["properties"]
    write(catalogue_path.parent / "more" / "later.json", broken)
    found = find_scenes([str(catalogue_path)])
    assert [scene.name for scene in found.scenes] == ["clear"]
    told = {Path(one.name).name: one.reason for one in found.left_out}
    assert told["cloudy.json"].startswith("could not be read as STAC")
    assert "datetime is None" in told["later"]


def test_a_damaged_catalogue_is_an_error(tmp_path: Path) -> None:
    broken = write(tmp_path / "catalog.json", {"stac_version": "1.1.0", "type": "Catalog", "id": "x"})
    with pytest.raises(ProductError, match=r"catalog\.json: is no valid STAC \(KeyError\('links'\)\)"):
        find_scenes([str(broken)])


def test_an_archive_of_maps_is_refused(tmp_path: Path) -> None:
    ours = item("m", {"ece": ("./ece.tif", "data")}, **{"processing:software": {"deepsalt": "0.1.0"}})
    write(tmp_path / "m" / "item.json", ours)
    archive = write(tmp_path / "collection.json", catalogue(["./m/item.json"]))
    with pytest.raises(UsageError, match="no scene to work on \\(1 a map made by deepsalt, not a product\\)"):
        find_scenes([str(archive)])
    assert inspect_path(archive)["kind"] == "archive of maps"
    assert inspect_path(tmp_path / "m" / "item.json")["kind"] == "map item"


def test_paths_are_taken_as_they_are_unless_something_is_asked(product_folder: Path, tmp_path: Path) -> None:
    (found,) = find_scenes([str(tmp_path / "ENMAP*")]).scenes
    assert (found.path, found.first) == (str(product_folder), None)
    (found,) = find_scenes([str(product_folder)], area=HERE, dates="2023-06-15").scenes
    assert (found.name, found.path) == (NAME, str(product_folder))
    assert found.first is not None
    assert found.first.isoformat() == "2023-06-15T10:30:12.123456+00:00"
    with pytest.raises(UsageError, match="1 outside the area"):
        find_scenes([str(product_folder)], area=ELSEWHERE)
    with pytest.raises(UsageError, match="1 another date"):
        find_scenes([str(product_folder)], dates="2022")
    with pytest.raises(UsageError, match="no scene there"):
        find_scenes([str(tmp_path / "nothing*")])


def test_a_scene_that_does_not_say_where_or_when_is_left_out(tmp_path: Path) -> None:
    tags = [{"wavelength": str(w), "wavelength_units": "nm"} for w in (500, 600, 700)]
    cube = np.full((3, 4, 5), 0.3, np.float32)
    nowhere = write_tiff(
        tmp_path / "nowhere.tif", cube, None, band_tags=tags, tags={"start_time": "2023-06-15"}
    )
    never = write_tiff(tmp_path / "never.tif", cube, band_tags=tags)
    with pytest.raises(UsageError, match="1 it does not say when it was taken"):
        find_scenes([str(never)], dates="2023")
    with pytest.raises(UsageError, match="1 it does not say where it lies"):
        find_scenes([str(nowhere)], area=HERE)
    assert len(find_scenes([str(never)], area=HERE).scenes) == 1


def test_a_scene_that_cannot_be_opened_stays_for_mapping_to_tell(product_folder: Path) -> None:
    (product_folder / f"{NAME}-SPECTRAL_IMAGE.TIF").write_bytes(b"II*\x00")
    assert find_scenes([str(product_folder)], area=ELSEWHERE).paths == [str(product_folder)]


def remote(n: int, **changes: Any) -> dict[str, Any]:
    name = NAME if n == 0 else f"P{n}"
    return item(name, {"image": (f"https://example.org/{name}.tif", "data")}, collection="l2a", **changes)


def test_an_api_is_asked_for_area_and_dates_page_by_page(product_folder: Path) -> None:
    api = Api([*(remote(n) for n in range(5)), item("x", {}, collection="other")])
    with api.serving() as address:
        found = find_scenes(
            [address], area=HERE, dates="2023-06", collections=["l2a"], products=product_folder.parent
        )
    assert [(scene.name, scene.path) for scene in found.scenes] == [(NAME, str(product_folder))]
    assert [one.name for one in found.left_out] == ["P1", "P2", "P3", "P4"]
    assert len(api.asked) == 3
    assert api.asked[0]["collections"] == ["l2a"]
    assert api.asked[0]["datetime"] == "2023-06-01T00:00:00Z/2023-06-30T23:59:59.999999Z"
    assert api.asked[0]["intersects"]["coordinates"][0][0] == [11.0, 52.0]


def test_what_an_api_sends_beyond_the_question_is_passed_over(product_folder: Path) -> None:
    api = Api([remote(0), remote(1, when="2020-01-01T00:00:00Z"), remote(2, box=(60.0, 40.0, 61.0, 41.0))])
    with api.serving() as address:
        found = find_scenes([address], area=HERE, dates="2023", products=product_folder.parent)
    assert found.passed_over == {"another date": 1, "outside the area": 1}


def test_the_limit_stops_asking(product_folder: Path) -> None:
    api = Api([remote(n) for n in range(5)])
    with api.serving() as address:
        find_scenes([address], products=product_folder.parent, limit=1)
    assert len(api.asked) == 1


def test_a_collection_of_an_api_is_searched(product_folder: Path) -> None:
    api = Api([remote(0), item("x", {}, collection="other")])
    with api.serving() as address:
        assert names(sources=[f"{address}collections/l2a"], products=product_folder.parent) == [NAME]
    assert api.asked[0]["collections"] == ["l2a"]


def test_without_a_folder_of_products_what_to_download_is_told() -> None:
    with Api([remote(1)]).serving() as address, pytest.raises(UsageError, match=r"download it.*--products"):
        find_scenes([address])


def test_an_api_that_fails_on_the_way_is_an_error(product_folder: Path) -> None:
    api = Api([remote(n) for n in range(5)])
    api.fails_from_page = 1
    with api.serving() as address, pytest.raises(ProductError, match=r"could not be read as STAC.*Broken"):
        find_scenes([address], products=product_folder.parent)


def test_an_address_that_is_not_there_is_an_error() -> None:
    with Api([]).serving() as address, pytest.raises(ProductError, match="nothing: could not be read"):
        find_scenes([f"{address}nothing"])


def test_a_catalogue_on_the_web_is_read_and_its_files_are_not(catalogue_path: Path) -> None:
    document = json.loads((catalogue_path.parent / "clear" / "clear.json").read_text())
    document["assets"]["image"]["href"] = f"./{NAME}.tif"
    write(catalogue_path.parent / "clear" / "clear.json", document)
    for file in (catalogue_path.parent / "cloudy.json", catalogue_path.parent / "more" / "later.json"):
        document = json.loads(file.read_text())
        document["assets"]["image"]["href"] = Path(document["assets"]["image"]["href"]).as_uri()
        write(file, document)
    with files_served(catalogue_path.parent) as address:
        found = find_scenes([f"{address}/catalog.json"])
    assert [scene.name for scene in found.scenes] == ["cloudy", "later"]
    (left,) = found.left_out
    assert left.reason.startswith(f"it lies at {address}/clear/{NAME}.tif: download it")


def test_a_folder_of_products_that_is_not_there_is_refused(catalogue_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder of products"):
        find_scenes([str(catalogue_path)], products="nowhere")


def test_inspect_tells_what_could_be_mapped(catalogue_path: Path, product_folder: Path) -> None:
    write(catalogue_path.parent / "cloudy.json", item("cloudy", {"a": ("https://example.org/a.tif", "data")}))
    facts = inspect_path(catalogue_path)
    assert (facts["kind"], facts["items"], facts["products_on_this_disk"]) == ("STAC catalogue", 3, 2)
    assert facts["dates"] == ["2023-06-15", "2024-07-01"]
    assert facts["bbox"] == [10.4, 52.2, 10.6, 52.4]
    assert facts["collections"] == ["l2a", "other"]
    ((why, count),) = facts["others"].items()
    assert count == 1
    assert "download it" in why
    one = inspect_path(catalogue_path.parent / "clear" / "clear.json")
    assert (one["kind"], one["id"], one["eo:cloud_cover"]) == ("STAC item", "clear", 5)
    assert one["product"] == str(product_folder / f"{NAME}-SPECTRAL_IMAGE.TIF")
