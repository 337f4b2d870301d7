"""`deepsalt map`: composites of dates, catalogues, and real pixels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests import stac_sources

from deepsalt.pipeline.catalogue import find_scenes
from deepsalt.pipeline.run import Run


def test_dates_on_one_grid_are_mapped_as_one_composite(call, world: Path, run: Run, tmp_path: Path) -> None:
    """The same product twice: the composite's map is that of one date, and tells the rules it was made by."""
    scene = sorted((world / "scenes").iterdir())[0]
    again = tmp_path / "again" / scene.name
    shutil.copytree(scene, again)
    common = ("--nbr2", "0.13", "--covariates", "none", "--json")
    code, _, err = call("map", run.root, scene, "--out", tmp_path / "one", *common)
    assert (code, err) == (0, "")
    options = ("--composite", "bare", "--min-looks", "2", *common)
    code, out, _ = call("map", run.root, scene, again, "--out", tmp_path / "both", *options)
    assert code == 0
    made = json.loads(out)["maps"]
    assert len(made) == 1
    folder = tmp_path / "both" / f"{scene.name}_and_1_more_bare"
    one, both = (read_band(place / "ece.tif") for place in (tmp_path / "one" / scene.name, folder))
    np.testing.assert_allclose(both, one, rtol=1e-4)
    told = json.loads((folder / "map.json").read_text())
    assert "max_ndvi 0.35, nbr2 0.13, salt_crust_guard" in json.dumps(told)
    code, _, err = call(
        "map", run.root, scene, again, "--out", tmp_path / "x", "--composite", "mode", *common
    )
    assert code == 2
    assert "composite is 'mode'" in err


def read_band(path: Path) -> np.ndarray:
    import rasterio

    with rasterio.open(path) as data:
        return data.read(1)


def test_map_takes_scenes_from_a_catalogue_and_writes_one(
    call, world: Path, run: Run, tmp_path: Path
) -> None:
    """Of two items one lies elsewhere; the maps are a collection, which is no source of scenes."""
    pytest.importorskip("pystac_client")
    first, second = sorted((world / "scenes").iterdir())[:2]
    outline = find_scenes([str(first)], dates="../2100").scenes[0].geometry
    west, north = np.min(outline["coordinates"][0], axis=0)[0], np.max(outline["coordinates"][0], axis=0)[1]
    here = (west, north - 0.01, west + 0.01, north)
    for name, path, box in ((first.name, first, here), (second.name, second, (60.0, 40.0, 61.0, 41.0))):
        image = next(path.glob("*SPECTRAL_IMAGE*"))
        stac_sources.write(
            tmp_path / f"{name}.json", stac_sources.item(name, {"image": (image, "data")}, box=box)
        )
    links = [f"./{first.name}.json", f"./{second.name}.json"]
    catalogue = stac_sources.write(tmp_path / "catalog.json", stac_sources.catalogue(links))
    area = ",".join(map(str, here))
    options = (
        "--area",
        area,
        "--dates",
        "2023/..",
        "--covariates",
        "none",
        "--out",
        tmp_path / "maps",
        "--json",
    )
    code, out, err = call("map", run.root, catalogue, *options)
    assert (code, err) == (0, "1 passed over: outside the area\n")
    assert [Path(one["folder"]).name for one in json.loads(out)["maps"]] == [first.name]
    archive = tmp_path / "maps" / "collection.json"
    assert json.loads(archive.read_text())["links"][1]["href"] == f"./{first.name}/item.json"
    assert (
        json.loads((tmp_path / "maps" / first.name / "item.json").read_text())["properties"]["platform"]
        == "enmap"
    )
    code, out, _ = call("inspect", archive, "--json")
    assert (code, json.loads(out)["kind"], json.loads(out)["items"]) == (0, "archive of maps", 1)
    code, _, err = call("map", run.root, archive, "--out", tmp_path / "again")
    assert code == 2
    assert "a map made by deepsalt, not a product" in err
    (tmp_path / "taken").mkdir()
    shutil.copy(catalogue, tmp_path / "taken" / "collection.json")
    code, _, err = call("map", run.root, first, "--out", tmp_path / "taken", "--covariates", "none")
    assert (code, [file.name for file in (tmp_path / "taken").iterdir()]) == (1, ["collection.json"])


@pytest.mark.real_data
def test_the_model_of_a_world_maps_real_pixels_to_valid_cogs(
    call, run: Run, shared_data: Path, tmp_path: Path
) -> None:
    from rio_cogeo.cogeo import cog_validate

    folder = next((shared_data / "enmap").glob("ENMAP01-____L2A-DT0000004950*/"))
    mosaic = shared_data / "enmap" / "enmap_L2A_potsdam_20220724_tiles_mosaic_int16.tif"
    code, out, err = call(
        "map", run.root, folder, mosaic, "--out", tmp_path / "maps", "--covariates", "none", "--json"
    )
    assert (code, err) == (0, "")
    made = json.loads(out)["maps"]
    assert made[0]["valid"] == 0  # open water, as its quality layer says
    assert made[1]["valid"] > 500
    for entry in made:
        for layer in ("ece.tif", "class.tif", "mask.tif"):
            valid, errors, warnings = cog_validate(Path(entry["folder"]) / layer)
            assert (valid, errors, warnings) == (True, [], [])
