"""Items and collections of maps: valid, true, and found again from anywhere."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.crs import CRS
from tests.mapping.conftest import Brightness, MemoryScene, scene_of, soil
from tests.mapping.test_mapping_layers import Knows
from tests.stac_schemas import validator

from deepsalt.errors import OutputError, ProductError
from deepsalt.files import fingerprint
from deepsalt.mapping import map_scene
from deepsalt.mapping.cog import Grid, Layer, LayerWriter
from deepsalt.mapping.stac import ITEM, check_free, write_collection, write_item
from deepsalt.mapping.stac.assets import layer_asset
from deepsalt.preprocessing.composites import composite
from deepsalt.readers import read
from deepsalt.spectra import Scene, Window

pystac = pytest.importorskip("pystac")

#: The Earth seen from afar: the corners of this raster lie beside it.
BEYOND_EARTH = {
    "crs": CRS.from_proj4("+proj=ortho +lat_0=41 +lon_0=61 +datum=WGS84 +units=m").to_wkt(),
    "transform": (5e6, 0.0, -7.5e6, 0.0, -3e4, 3e4),
}
SWIR = [[0.01, 0.02, 0.05], [0.12, 0.40, 0.50]]


def scene(name: str = "TOY-SCENE", **changes: Any) -> MemoryScene:
    return scene_of(soil(2, 3, SWIR), [[0, 0, 0], [0, 0, 2]], **{"name": name, **changes})


def item_in(folder: Path) -> Any:
    return json.loads((folder / ITEM).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three maps: one in UTM, one of another day west of the antimeridian, one across it."""
    out = tmp_path_factory.mktemp("maps")
    map_scene(Brightness(), scene(), out)
    later = datetime(2024, 9, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    fiji = {"crs": "EPSG:4326", "transform": (0.01, 0.0, 178.0, 0.0, -0.01, -17.0)}
    map_scene(Brightness(), scene("FIJI", acquired=later, **fiji), out)
    across = {"crs": "EPSG:4326", "transform": (0.01, 0.0, 179.98, 0.0, -0.01, -17.0)}
    map_scene(Brightness(), scene("ACROSS", acquired=later, **across), out)
    write_collection(out)
    return out


def test_every_item_and_the_collection_are_valid_stac(archive: Path) -> None:
    collection = pystac.Collection.from_file(str(archive / "collection.json"))
    collection.validate(validator=validator())
    items = list(collection.get_items(recursive=True))
    assert sorted(item.id for item in items) == ["ACROSS", "FIJI", "TOY-SCENE"]
    for item in items:
        item.validate(validator=validator())
        assert item.collection_id == collection.id
        assert item.get_collection() is collection


def test_the_schemas_of_the_tests_refuse_what_is_wrong(archive: Path) -> None:
    wrong = item_in(archive / "TOY-SCENE")
    wrong["assets"]["ece"]["file:size"] = "large"
    with pytest.raises(pystac.errors.STACValidationError, match="large"):
        pystac.Item.from_dict(wrong).validate(validator=validator())
    wrong = item_in(archive / "TOY-SCENE")
    wrong["assets"]["class"]["bands"][0]["classification:classes"][0]["name"] = "not a name"
    with pytest.raises(pystac.errors.STACValidationError, match="not a name"):
        pystac.Item.from_dict(wrong).validate(validator=validator())


def test_an_item_says_where_when_and_from_what(archive: Path) -> None:
    item = item_in(archive / "TOY-SCENE")
    facts = item["properties"]
    assert facts["datetime"] == "2024-05-01T10:30:00Z"
    assert (facts["proj:code"], facts["proj:shape"], facts["gsd"]) == ("EPSG:32614", [2, 3], 30.0)
    assert facts["proj:transform"] == [30.0, 0.0, 500_000.0, 0.0, -30.0, 2_000_000.0]
    assert facts["proj:bbox"] == [500_000.0, 1_999_940.0, 500_090.0, 2_000_000.0]
    assert facts["processing:software"] == {"deepsalt": "0.1.0"}
    assert facts["processing:lineage"].startswith(
        "ECe (dS/m) of the surface layer, predicted by the model toy-brightness from TOY-SCENE; masked: "
    )
    assert facts["deepsalt:model_fingerprint"] == "0123456789abcdef"
    assert facts["deepsalt:source_scenes"] == ["TOY-SCENE"]
    assert "platform" not in facts
    assert item["bbox"][0] == pytest.approx(-99.0)


def test_a_known_sensor_is_named_and_a_simulated_model_too(tmp_path: Path) -> None:
    predictor = Brightness()
    predictor.simulated = True  # type: ignore[attr-defined]
    toy = scene()
    enmap = type(toy.sensor)(name="enmap", axis=toy.sensor.axis)
    facts = item_in(map_scene(predictor, scene(sensor=enmap), tmp_path).folder)["properties"]
    assert (facts["platform"], facts["instruments"]) == ("enmap", ["hsi"])
    assert facts["deepsalt:simulated"].startswith("yes")
    assert "simulated: yes" in facts["processing:lineage"]
    assert facts["title"] == "ECe of the surface layer (simulated), TOY-SCENE"


def test_assets_are_the_files_with_their_checksums(archive: Path) -> None:
    folder = archive / "TOY-SCENE"
    assets = item_in(folder)["assets"]
    assert list(assets) == [
        "ece", "class", "mask", "ece-style", "class-style", "quicklook", "summary"
    ]  # fmt: skip
    for asset in assets.values():
        content = (folder / asset["href"]).read_bytes()
        assert asset["file:size"] == len(content)
        assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert assets["ece"]["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert [assets[name]["roles"] for name in ("ece", "class", "mask")] == [["data"], ["data"], ["data-mask"]]


def test_a_band_tells_type_unit_nodata_and_statistics(archive: Path) -> None:
    """ECe 1, 2, 5, 12, 40 and a cloud: mean 12, standard deviation sqrt(210.8)."""
    (band,) = item_in(archive / "TOY-SCENE")["assets"]["ece"]["bands"]
    statistics = band.pop("statistics")
    assert band == {
        "name": "ece",
        "description": "ECe of the surface layer",
        "data_type": "float32",
        "nodata": "nan",
        "unit": "dS/m",
        "raster:sampling": "area",
        "raster:spatial_resolution": 30.0,
    }
    expected = {"minimum": 1.0, "maximum": 40.0, "mean": 12.0, "stddev": 210.8**0.5, "count": 5}
    assert statistics == pytest.approx({**expected, "valid_percent": 83.3333}, rel=1e-5)


def test_classes_carry_value_name_colour_and_count(archive: Path) -> None:
    assets = item_in(archive / "TOY-SCENE")["assets"]
    (band,) = assets["class"]["bands"]
    assert band["nodata"] == 255
    assert band["statistics"] == {"count": 5, "valid_percent": 83.3333}
    assert band["classification:classes"][4] == {
        "value": 4,
        "name": "strongly-saline",
        "title": "strongly saline (≥ 16 dS/m)",
        "color_hint": "BD0026",
        "count": 1,
    }
    (mask,) = assets["mask"]["bands"]
    assert {one["name"]: one["count"] for one in mask["classification:classes"] if one["count"]} == {
        "valid": 5,
        "cloud": 1,
    }


def test_a_layer_of_another_kind_is_told_by_its_own_file(tmp_path: Path) -> None:
    """What later layers are, their files say: bounds of an interval, a flag of two classes."""
    grid = Grid(1, 3, "EPSG:32614", (30.0, 0.0, 0.0, 0.0, -30.0, 0.0))
    low = Layer("ece_low", "float32", float("nan"), "lower bound", unit="dS/m")
    outside = Layer("outside", "uint8", 255, "outside?", categories=("inside", "outside"), overviews="MODE")
    for layer, values, tags in ((low, [[1, 3, np.nan]], {"LEVEL": "0.9"}), (outside, [[0, 1, 255]], {})):
        writer = LayerWriter(tmp_path, layer, grid, tags)
        writer.write(Window(0, 0, 1, 3), np.array(values))
        writer.finish()
    found = layer_asset(tmp_path / "ece_low.tif", "ece_low")
    assert (found["deepsalt:level"], found["roles"]) == (0.9, ["data"])
    assert found["bands"][0]["statistics"]["mean"] == 2.0
    flag = layer_asset(tmp_path / "outside.tif", "outside")
    assert flag["roles"] == ["data-mask"]
    assert flag["bands"][0]["statistics"] == {"count": 2, "valid_percent": 66.6667}
    assert [one["name"] for one in flag["bands"][0]["classification:classes"]] == ["inside", "outside"]


def test_each_threshold_is_an_asset_and_bounds_tell_their_level(tmp_path: Path) -> None:
    folder = map_scene(Knows(), scene(), tmp_path, level=0.8, thresholds=(2, 12.5)).folder
    write_collection(tmp_path)
    pystac.Item.from_file(str(folder / ITEM)).validate(validator=validator())
    assets = item_in(folder)["assets"]
    told = {
        name: one["title"]
        for name, one in assets.items()
        if name.startswith("probability") and "style" not in name
    }
    assert told == {
        "probability_above_2": "probability that ECe exceeds 2 dS/m",
        "probability_above_12.5": "probability that ECe exceeds 12.5 dS/m",
    }
    assert {name: one["deepsalt:level"] for name, one in assets.items() if "deepsalt:level" in one} == {
        "ece_low": 0.8,
        "ece_high": 0.8,
    }


def test_pixels_in_feet_are_metres_and_in_degrees_nothing(tmp_path: Path) -> None:
    feet = map_scene(
        Brightness(), scene(crs="EPSG:2227", transform=(100.0, 0.0, 6e6, 0.0, -100.0, 2e6)), tmp_path
    )
    assert item_in(feet.folder)["properties"]["gsd"] == pytest.approx(30.48006, abs=1e-5)
    degrees = {"crs": "EPSG:4326", "transform": (0.01, 0.0, 60.0, 0.0, -0.01, 40.0)}
    other = item_in(map_scene(Brightness(), scene("B", **degrees), tmp_path).folder)
    assert "gsd" not in other["properties"]
    assert "raster:spatial_resolution" not in other["assets"]["ece"]["bands"][0]


def test_a_coordinate_system_without_a_code_is_written_out(tmp_path: Path) -> None:
    own = CRS.from_proj4("+proj=laea +lat_0=41 +lon_0=61 +datum=WGS84 +units=m").to_wkt()
    result = map_scene(Brightness(), scene(crs=own, transform=(30.0, 0.0, 0.0, 0.0, -30.0, 0.0)), tmp_path)
    item = item_in(result.folder)
    assert item["properties"]["proj:code"] is None
    assert item["properties"]["proj:wkt2"].startswith("PROJCRS[")
    assert item["bbox"][0] == pytest.approx(61.0)
    pystac.Item.from_dict(item).validate(validator=validator())


def test_a_wholly_masked_map_has_a_valid_item(tmp_path: Path) -> None:
    masked = scene_of(soil(2, 2, 0.1), np.full((2, 2), 7))
    item = item_in(map_scene(Brightness(), masked, tmp_path).folder)
    assert item["assets"]["ece"]["bands"][0]["statistics"] == {"count": 0, "valid_percent": 0.0}
    pystac.Item.from_dict(item).validate(validator=validator())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"acquired": None}, "when it was taken"),
        ({"crs": ""}, "where it lies"),
        (BEYOND_EARTH, "where on Earth it lies in degrees"),
        ({"crs": "", "acquired": None}, "where it lies and when it was taken"),
    ],
)
def test_a_map_without_place_or_time_says_why_it_has_no_item(changes: Any, why: str, tmp_path: Path) -> None:
    result = map_scene(Brightness(), scene(**changes), tmp_path)
    assert not (result.folder / ITEM).exists()
    sentence = f"No STAC item: the scene does not say {why}."
    assert sentence in result.summary["notes"]
    assert sentence in json.loads((result.folder / "map.json").read_text())["notes"]
    assert write_collection(tmp_path) is None


def test_a_composite_has_a_first_and_a_last_time(tmp_path: Path) -> None:
    looks = [scene("A"), scene("B", acquired=datetime(2024, 6, 3, 9, tzinfo=UTC))]
    result = map_scene(Brightness(), composite(looks, name="AB"), tmp_path)
    item = item_in(result.folder)
    facts = item["properties"]
    assert facts["datetime"] is None
    assert facts["start_datetime"] == "2024-05-01T10:30:00Z"
    assert facts["end_datetime"] == "2024-06-03T09:00:00Z"
    assert facts["deepsalt:source_scenes"] == ["A", "B"]
    assert "median composite of A, B" in facts["processing:lineage"]
    pystac.Item.from_dict(item).validate(validator=validator())
    write_collection(tmp_path)
    extent = json.loads((tmp_path / "collection.json").read_text())["extent"]
    assert extent["temporal"]["interval"] == [["2024-05-01T10:30:00Z", "2024-06-03T09:00:00Z"]]


def test_a_composite_with_an_unknown_date_has_no_item(tmp_path: Path) -> None:
    looks = [scene("A"), scene("B", acquired=None)]
    assert not (map_scene(Brightness(), composite(looks), tmp_path).folder / ITEM).exists()


def test_the_collection_spans_its_items_and_sums_them_up(archive: Path) -> None:
    found = json.loads((archive / "collection.json").read_text())
    (box,) = found["extent"]["spatial"]["bbox"]
    assert box[0] == pytest.approx(178.0)
    assert box[2] == pytest.approx(-98.99915, abs=1e-5)
    assert box[1] == pytest.approx(-17.02)
    assert found["extent"]["temporal"]["interval"] == [
        ["2024-05-01T10:30:00Z", "2024-09-01T12:00:00.500000Z"]
    ]
    assert found["summaries"]["proj:code"] == ["EPSG:32614", "EPSG:4326"]
    assert found["summaries"]["deepsalt:model"] == ["toy-brightness"]
    assert [link["href"] for link in found["links"] if link["rel"] == "item"] == [
        "./ACROSS/item.json",
        "./FIJI/item.json",
        "./TOY-SCENE/item.json",
    ]


def test_the_item_across_the_antimeridian_is_in_two_parts(archive: Path) -> None:
    item = item_in(archive / "ACROSS")
    assert item["geometry"]["type"] == "MultiPolygon"
    assert item["bbox"] == pytest.approx([179.98, -17.02, -179.99, -17.0])


def test_an_archive_may_be_moved(archive: Path, tmp_path: Path) -> None:
    shutil.copytree(archive, tmp_path / "elsewhere")
    collection = pystac.Collection.from_file(str(tmp_path / "elsewhere" / "collection.json"))
    for item in collection.get_items(recursive=True):
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href()).is_file()
            assert "elsewhere" in asset.get_absolute_href()


def test_same_maps_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = map_scene(Brightness(), scene(), tmp_path).folder
    assert fingerprint(again) == fingerprint(archive / "TOY-SCENE")
    before = (archive / "collection.json").read_bytes()
    write_collection(archive)
    assert (archive / "collection.json").read_bytes() == before


def test_licence_and_providers_are_kept_until_others_are_given(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps"
    shutil.copytree(archive, out)
    agency = {"name": "Water agency", "roles": ["processor"], "url": "https://example.org"}

    def written(**settings: Any) -> Any:
        write_collection(out, **settings)
        found = json.loads((out / "collection.json").read_text())
        pystac.Collection.from_dict(found).validate(validator=validator())
        return found["license"], found.get("providers")

    assert written() == ("other", None)
    assert written(licence="CC-BY-4.0", providers=[agency]) == ("CC-BY-4.0", [agency])
    assert written() == ("CC-BY-4.0", [agency])
    assert written(licence="CC0-1.0", providers=[]) == ("CC0-1.0", None)


def test_removed_maps_leave_the_collection_and_half_written_ones_are_not_in_it(
    archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "maps"
    shutil.copytree(archive, out)
    shutil.copytree(out / "FIJI", out / ".FIJI.1234.part")
    shutil.rmtree(out / "FIJI")
    write_collection(out)
    links = json.loads((out / "collection.json").read_text())["links"]
    assert [link["href"] for link in links[1:]] == ["./ACROSS/item.json", "./TOY-SCENE/item.json"]
    for name in ("ACROSS", "TOY-SCENE"):
        shutil.rmtree(out / name)
    assert write_collection(out) is None
    assert not (out / "collection.json").exists()


@pytest.mark.parametrize("content", ['{"id": "somebody-elses"}', "not JSON", "[]"])
def test_a_collection_of_others_is_not_touched(content: str, archive: Path, tmp_path: Path) -> None:
    shutil.copytree(archive, tmp_path / "maps")
    (tmp_path / "maps" / "collection.json").write_text(content)
    for refused in (check_free, write_collection):
        with pytest.raises(OutputError, match="no collection of these maps is in the way"):
            refused(tmp_path / "maps")
    assert (tmp_path / "maps" / "collection.json").read_text() == content


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"bbox": [0, 0, 1, 1], "properties": {"datetime": null}}']
)
def test_a_damaged_item_is_named_and_the_collection_stays(
    content: str, archive: Path, tmp_path: Path
) -> None:
    shutil.copytree(archive, tmp_path / "maps")
    before = (tmp_path / "maps" / "collection.json").read_bytes()
    (tmp_path / "maps" / "FIJI" / ITEM).write_text(content)
    with pytest.raises(ProductError, match=r"FIJI/item\.json: the item is damaged"):
        write_collection(tmp_path / "maps")
    assert (tmp_path / "maps" / "collection.json").read_bytes() == before


def test_an_item_can_be_written_anew_from_the_folder(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "TOY-SCENE"
    shutil.copytree(archive / "TOY-SCENE", folder)
    before = (folder / ITEM).read_bytes()
    (folder / ITEM).unlink()
    assert write_item(folder, json.loads((folder / "map.json").read_text())) == folder / ITEM
    assert (folder / ITEM).read_bytes() == before


@pytest.mark.real_data
def test_a_real_scene_has_a_valid_item_where_it_lies(shared_data: Path, tmp_path: Path) -> None:
    """EnMAP over Potsdam: 52.4 north, 13.0 east."""

    class Mean(Brightness):
        def predict(self, spectra: Any) -> Any:
            return np.nanmean(spectra.values, axis=1)

    real = read(shared_data / "enmap" / "enmap_L2A_potsdam_20220724_tiles_mosaic_int16.tif")
    assert isinstance(real, Scene)
    item = item_in(map_scene(Mean(), real, tmp_path).folder)
    pystac.Item.from_dict(item).validate(validator=validator())
    assert item["bbox"] == pytest.approx([13.00, 52.37, 13.07, 52.42], abs=0.01)
    assert item["properties"]["datetime"] == "2022-07-24T10:45:26Z"
    assert item["properties"]["proj:code"] == "EPSG:32633"
