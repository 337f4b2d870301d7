"""The commands: one JSON document, exit codes, and one clear line for every kind of bad input."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook
from tests import stac_sources
from tests.readers.test_asd import AsdFile

from deepsalt.cli import app
from deepsalt.console import run_command
from deepsalt.pipeline.catalogue import find_scenes
from deepsalt.pipeline.run import Run
from deepsalt.pipeline.template import TEMPLATE


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]):
    """Run a command; give exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = run_command(app, [str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


def write_config(folder: Path, world: Path, text: str = "") -> Path:
    config = folder / "config.toml"
    config.write_text(
        f"""name = "cli"
seed = 3
simulated = true
[library]
path = "{world}/library.parquet"
domain = "mir"
ec = "ec1:2"
[satellite]
scenes = ["{world}/scenes/*"]
points = "{world}/points.csv"
unlabelled_pixels = 100
[split]
unseen_region = "gypsum_marl"
[method]
preset = "paper"
adaptation = false
distillation = false
baselines = ["mean"]
[method.settings]
directions = 16
hidden = [32]
latent = 16
tokens = 4
autoencoder = {{ epochs = 4, learning_rate = 3e-3 }}
student = {{ epochs = 40, patience = 40, batch = 16, learning_rate = 3e-3 }}
{text}"""
    )
    return config


def test_help_and_version_are_quick_and_exit_with_zero(call) -> None:
    assert call("--help")[0] == 0
    code, out, _ = call("--version")
    assert (code, out) == (0, "deepsalt 0.1.0\n")


def test_init_prints_the_template(call) -> None:
    assert call("init") == (0, TEMPLATE, "")


def test_simulate_takes_a_sensor_and_laws(call, tmp_path: Path) -> None:
    made = tmp_path / "world"
    code, out, _ = call("simulate", "--out", made, "--small", "--sensor", "emit", "--laws", "other", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["settings"]["sensor"], told["settings"]["laws"]) == ("emit", "other")
    assert all(scene["scene"].startswith("EMIT_") for scene in told["regions"])
    code, out, err = call("simulate", "--out", tmp_path / "none", "--sensor", "emti")
    assert (code, out) == (2, "")
    assert "sensor is 'emti'. Did you mean 'emit'?" in re.sub(r"\s+", " ", err)
    assert not (tmp_path / "none").exists()


def test_train_evaluate_report_and_map_from_the_command_line(call, world: Path, tmp_path: Path) -> None:
    config, run = write_config(tmp_path, world), tmp_path / "run"
    code, out, err = call("train", config, "--out", run, "--json")
    assert (code, err) == (0, "")
    trained = json.loads(out)
    assert trained["methods"] == ["mean", "student-alone"]
    code, out, _ = call("evaluate", run, "--json")
    assert json.loads(out)["results"] == trained["results"]
    code, out, _ = call("evaluate", run)
    assert code == 0
    assert "Unseen region" in out
    scene = sorted((world / "scenes").iterdir())[0]
    code, out, _ = call("map", run, scene, "--out", tmp_path / "maps", "--json")
    assert (code, len(json.loads(out)["maps"])) == (0, 1)
    assert (tmp_path / "maps" / scene.name / "ece.tif").is_file()
    code, out, _ = call("report", run, "--json")
    assert Path(json.loads(out)["report"]).read_text().startswith("<!")
    code, out, _ = call("inspect", run / "model.safetensors", "--json")
    card = json.loads(out)
    assert (card["kind"], card["target"], card["unit"]) == ("model", "ECe", "dS/m")


def test_dates_on_one_grid_are_mapped_as_one_composite(call, world: Path, run: Run, tmp_path: Path) -> None:
    """The same product twice: the composite's map is that of one date, and tells the rules it was made by."""
    scene = sorted((world / "scenes").iterdir())[0]
    again = tmp_path / "again" / scene.name
    shutil.copytree(scene, again)
    common = ("--nbr2", "0.13", "--covariates", "none", "--json")
    code, _, err = call("map", run.root, scene, "--out", tmp_path / "one", *common)
    assert (code, err) == (0, "")
    options = ("--composite", "median", "--min-looks", "2", *common)
    code, out, _ = call("map", run.root, scene, again, "--out", tmp_path / "both", *options)
    assert code == 0
    made = json.loads(out)["maps"]
    assert len(made) == 1
    folder = tmp_path / "both" / f"{scene.name}_and_1_more_median"
    one, both = (read_band(place / "ece.tif") for place in (tmp_path / "one" / scene.name, folder))
    np.testing.assert_allclose(both, one, rtol=1e-4)
    told = json.loads((folder / "map.json").read_text())
    assert "max_ndvi 0.35, nbr2 0.13, salt_crust_guard" in json.dumps(told)
    code, _, err = call(
        "map", run.root, scene, again, "--out", tmp_path / "x", "--composite", "mean", *common
    )
    assert code == 2
    assert "composite is 'mean'" in err


def read_band(path: Path) -> np.ndarray:
    import rasterio

    with rasterio.open(path) as data:
        return data.read(1)


def test_without_json_progress_goes_to_stderr_and_results_to_stdout(
    call, world: Path, tmp_path: Path
) -> None:
    code, out, err = call("train", write_config(tmp_path, world), "--out", tmp_path / "run")
    assert code == 0
    assert "reading the library" in err
    assert "student-alone" in out
    assert "reading the library" not in out


def test_inspect_knows_what_it_is_given(call, world: Path, run: Run) -> None:
    scene = sorted((world / "scenes").iterdir())[0]
    kinds = {
        world: "world",
        scene: "scene",
        world / "points.csv": "points",
        run.root: "run",
        run.model: "model",
    }
    for path, kind in kinds.items():
        code, out, _ = call("inspect", path, "--json")
        assert (code, json.loads(out)["kind"]) == (0, kind)
    points = json.loads(call("inspect", world / "points.csv", "--json")[1])
    table = pd.read_csv(world / "points.csv")
    assert (points["points"], points["fields"]) == (len(table), table["field"].nunique())
    assert points["ec"]["method"] == ["ECe"]
    assert points["ec"]["median"] == pytest.approx(table["ece_ds_m"].median())
    code, out, _ = call("inspect", world / "library.parquet", "--domain", "mir")
    assert code == 0
    assert "851 bands" in out


def test_inspect_joins_a_folder_of_scans_to_its_samples(call, tmp_path: Path) -> None:
    folder = tmp_path / "field"
    folder.mkdir()
    for number in range(3):
        AsdFile().write(folder, f"plot{number}.asd")
    (tmp_path / "samples.csv").write_text("id,ec_ds_m\nplot0,0.5\nplot2,3\n")
    code, out, _ = call("inspect", folder, "--metadata", tmp_path / "samples.csv", "--ec", "ec1:5", "--json")
    facts = json.loads(out)
    assert (code, facts["samples"], facts["quantity"]) == (0, 3, "reflectance")
    assert facts["ec"]["method"] == {"EC1:5": 2}
    code, _, err = call("inspect", folder, "--block", "a")
    assert code == 2
    assert "asd files have no blocks" in err


def test_inspect_takes_the_options_of_every_format(call, tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Spectra"
    for row in (["nr", 400, 1000, 2000], ["a", 12, 22, 42], ["b", 22, 32, 45]):
        book.active.append(row)
    for row in (["nr", "EC(uS/cm)"], ["a", 900], ["b", 1500]):
        (book["Samples"] if "Samples" in book else book.create_sheet("Samples")).append(row)
    path = tmp_path / "lab.xlsx"
    book.save(path)
    code, _, err = call("inspect", path)
    assert code == 2
    assert "several sheets hold data: 'Spectra', 'Samples'" in err
    options = ["--sheet", "Spectra", "--unit", "nm", "--scale", "0.01", "--metadata", path, "--id", "nr"]
    code, out, _ = call("inspect", path, *options, "--metadata-sheet", "Samples", "--ec", "ec1:5", "--json")
    facts = json.loads(out)
    assert (code, facts["samples"], facts["quantity"], facts["unit"]) == (0, 2, "reflectance", "nm")
    assert facts["values"]["look_like"] == "reflectance"
    assert (facts["ec"]["column"], facts["ec"]["method"]) == ("EC(uS/cm)", {"EC1:5": 2})
    code, _, err = call("inspect", path, "--sheet", "Spectra", "--block", "a")
    assert code == 2
    assert "has no option 'block'" in err


def test_inspect_knows_a_long_table_from_ground_points(call, tmp_path: Path) -> None:
    rows = [f"{sample},{nm},0.{sample}{nm // 100}" for sample in (1, 2) for nm in (450, 550, 2200)]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(["id,wavelength_nm,reflectance", *rows]))
    code, out, _ = call("inspect", path, "--json")
    assert (code, json.loads(out)["samples"], json.loads(out)["bands"]) == (0, 2, 3)


def points_with(world: Path, folder: Path, **changes: object) -> Path:
    table = pd.read_csv(world / "points.csv")
    path = folder / "points.csv"
    table.assign(**changes).to_csv(path, index=False)
    return path


def swapped(world: Path, folder: Path) -> Path:
    table = pd.read_csv(world / "points.csv")
    path = folder / "points.csv"
    table.rename(columns={"latitude": "longitude", "longitude": "latitude"}).to_csv(path, index=False)
    return path


def library_with(world: Path, folder: Path, change) -> Path:
    path = folder / "library.parquet"
    change(pd.read_parquet(world / "library.parquet")).to_parquet(path)
    return path


def all_nan(table: pd.DataFrame) -> pd.DataFrame:
    mir = [column for column in table if column.startswith("scan_mir")]
    table.loc[3, mir] = np.nan
    return table


def no_method(world: Path, folder: Path) -> Path:
    path = folder / "points.csv"
    pd.read_csv(world / "points.csv").rename(columns={"ece_ds_m": "EC"}).to_csv(path, index=False)
    return path


def garbage(world: Path, folder: Path) -> Path:
    path = folder / "x.csv"
    path.write_bytes(b"\xff\xfe\x00garbage")
    return path


def twice(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{"scan_mir.600.0_abs": table["scan_mir.600_abs"]})


def in_thousands(table: pd.DataFrame) -> pd.DataFrame:
    """MIR columns named in thousands of cm-1."""
    return table.rename(
        columns={c: f"scan_mir.{int(c[9:-4]) / 1000}_abs" for c in table if c.startswith("scan_mir.")}
    )


#: What is wrong: which input, how it is made, exit code (None: 1 or 2), what the message must say.
BAD_INPUT = {
    "negative EC": ("points", lambda w, f: points_with(w, f, ece_ds_m=-1.0), 1, r"ece_ds_m"),
    "swapped coordinates": ("points", swapped, 1, r"look swapped"),
    "EC without a method": ("points", no_method, 1, r"say ec="),
    "a missing file": ("points", lambda w, f: f / "nowhere.csv", 2, r"nowhere.csv"),
    "all-NaN spectra": ("library", lambda w, f: library_with(w, f, all_nan), 1, r"1 of \d+ spectra have no"),
    "duplicate bands": ("library", lambda w, f: library_with(w, f, twice), 1, r"600"),
    "a library that is no table": ("library", garbage, None, r"x\.csv"),
    "wrong unit": ("library", lambda w, f: library_with(w, f, in_thousands), 1, r"cm-1"),
}


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_gives_one_line_and_no_traceback(call, world: Path, tmp_path: Path, kind: str) -> None:
    key, make, code, message = BAD_INPUT[kind]
    config = write_config(tmp_path, world)
    text = config.read_text()
    old = f"{world}/points.csv" if key == "points" else f"{world}/library.parquet"
    config.write_text(text.replace(old, str(make(world, tmp_path))))
    found, _, err = call("train", config, "--out", tmp_path / "run")
    *_, line = err.strip().splitlines()
    assert found == code if code else found in (1, 2)
    assert line.startswith("error: ")
    assert re.search(message, line), line
    assert "Traceback" not in err
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert not list(tmp_path.rglob("*.part*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [("respons_weight = 1.0", "Did you mean 'response_weight'"), ("[methd]", "Did you mean 'method'")],
)
def test_an_unknown_config_key_exits_with_two(
    call, world: Path, tmp_path: Path, text: str, message: str
) -> None:
    code, _, err = call("train", write_config(tmp_path, world, text), "--out", tmp_path / "run")
    assert code == 2
    assert message in err
    assert not (tmp_path / "run").exists()


def broken_scene(world: Path, folder: Path) -> Path:
    scene = sorted((world / "scenes").iterdir())[0]
    copy = folder / "scenes" / scene.name
    shutil.copytree(scene, copy)
    return copy


def test_a_truncated_image_gives_one_line_and_no_map(call, world: Path, run: Run, tmp_path: Path) -> None:
    scene = broken_scene(world, tmp_path)
    image = next(scene.glob("*SPECTRAL_IMAGE.TIF"))
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    code, _, err = call("map", run.root, scene, "--out", tmp_path / "maps", "--covariates", "none")
    assert code == 1
    assert "SPECTRAL_IMAGE" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "maps").rglob("*.tif"))


def test_an_xml_of_another_band_count_is_refused(call, world: Path, run: Run, tmp_path: Path) -> None:
    scene = broken_scene(world, tmp_path)
    metadata = next(scene.glob("*METADATA.XML"))
    text = metadata.read_text()
    start = text.index('<bandID number="224">')
    metadata.write_text(text[:start] + text[text.index("</bandID>", start) + len("</bandID>") :])
    code, _, err = call("inspect", scene)
    assert code == 1
    assert "223" in err
    assert "224" in err


def test_a_scene_of_another_sensor_is_refused(call, run: Run, tmp_path: Path) -> None:
    import rasterio
    from rasterio.transform import Affine

    path = tmp_path / "other.tif"
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 3, "height": 8, "width": 8, "crs": "EPSG:32633",
        "transform": Affine(30.0, 0.0, 5e5, 0.0, -30.0, 5e6),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as data:
        data.write(np.full((3, 8, 8), 0.3, np.float32))
        for band, centre in enumerate((560, 660, 850), 1):
            data.update_tags(band, wavelength=str(centre), wavelength_units="Nanometers", fwhm="30")
    code, _, err = call("map", run.root, path, "--out", tmp_path / "maps", "--covariates", "none")
    assert code == 1
    assert "trained for enmap" in err
    assert not list((tmp_path / "maps").rglob("*.tif"))


def test_a_scene_without_bands_the_model_needs_is_refused(
    call, world: Path, run: Run, tmp_path: Path
) -> None:
    import rasterio

    scene = broken_scene(world, tmp_path)
    image = next(scene.glob("*SPECTRAL_IMAGE.TIF"))
    with rasterio.open(image) as data:
        profile, cube = data.profile, data.read()
    cube[195:210] = -32768
    with rasterio.open(image, "w", **profile) as data:
        data.write(cube)
    metadata = next(scene.glob("*METADATA.XML"))
    metadata.unlink()
    code, _, err = call("map", run.root, scene, "--out", tmp_path / "maps", "--covariates", "none")
    assert code == 1
    assert "bands are needed" in err
    assert "missing or without data" in err


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x10\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_damaged_model_is_refused(call, world: Path, tmp_path: Path, content: bytes) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes(content)
    scene = sorted((world / "scenes").iterdir())[0]
    code, _, err = call("map", model, scene, "--out", tmp_path / "maps")
    assert code == 1
    assert str(model) in err


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from deepsalt.cli import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("limit", [300, 30_000])
def test_a_disk_that_fills_up_gives_one_line_and_no_result(world: Path, tmp_path: Path, limit: int) -> None:
    """No file may grow beyond the limit: at 300 bytes the config fails, at 30,000 the model."""
    config, run = write_config(tmp_path, world), tmp_path / "run"
    command = [sys.executable, "-c", FULL_DISK, str(limit), "train", str(config), "--out", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert re.match(r"error: .*(model.safetensors|config.json).*[Ff]ree some space", last), last
    assert not (run / "metrics.json").exists()
    assert not (run / "model.safetensors").exists()
    assert not list(tmp_path.rglob("*.part*"))


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


def test_a_wrong_call_exits_with_two(call, tmp_path: Path) -> None:
    assert call("train", tmp_path / "none.toml")[0] == 2
    assert call("nonsense")[0] == 2
    assert call("map", tmp_path)[0] == 2
    assert call("evaluate", tmp_path)[0] == 2
    assert call("inspect", tmp_path / "nothing")[0] == 2


@pytest.mark.real_data
def test_inspect_tells_the_real_enmap_products(call, shared_data: Path) -> None:
    folder = next((shared_data / "enmap").glob("ENMAP01-____L2A-DT0000004950*"))
    code, out, _ = call("inspect", folder, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["sensor"], facts["bands"]) == ("enmap", 224)
    assert facts["acquired"].startswith("2022-11-03T16:24:38")
    code, out, _ = call("inspect", next((shared_data / "enmap").glob("*TRIMMED-METADATA.XML")), "--json")
    assert (code, json.loads(out)["bands"]) == (0, 218)


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


def test_ec_says_what_a_value_means(call) -> None:
    code, out, err = call("ec", "1.2", "--from", "ec1:5", "--to", "ece", "--texture", "loam", "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["to"]["value"] == pytest.approx(12.042)
    assert told["to"]["sd"] == pytest.approx(6.021)
    assert told["equation"]["name"] == "slavich-petterson-1993-1:5"
    assert told["equation"]["formula"] == "ECe = (2.46 + 3.03/SP) EC"
    assert (told["inside_range"], told["class"], told["scheme"]) == (True, "moderately saline", "USDA")
    more = ("--unit", "uS/cm", "--temperature", "15", "--equation", "australia-1:5", "--classes", "fao")
    told = json.loads(call("ec", "1200", "--from", "ec1:5", *more, "--json")[1])
    assert told["to"]["value"] == pytest.approx(1.2 * 1.2494 * 6.4, abs=0.01)
    assert told["class"] == "very strongly salty"
    assert "sd" in call("ec", "1.2", "--from", "ec1:5")[1]


def test_ec_lists_its_equations(call) -> None:
    listed = json.loads(call("ec", "--list", "--json")[1])["equations"]
    assert {"kssl-1:2", "he-2013-1:5"} <= {one["name"] for one in listed}
    code, out, _ = call("ec", "--list")
    assert code == 0
    assert "hogg-henry-1984-suspension-1:1-medium" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1.2",), "no EC with its method. For example: deepsalt ec 1.2 --from ec1:5"),
        (("1.2", "--from", "ec1:5", "--to", "ec1:1"), "Equations lead to ECe only"),
        (("1.2", "--from", "ec1:3"), "unknown EC method 'ec1:3'"),
        (("1.2", "--from", "ec1:5", "--unit", "S"), "unknown unit of EC 'S'"),
        (("1.2", "--from", "ec1:5", "--texture", "mud"), "unknown texture 'mud'"),
        (("1.2", "--from", "ec1:5", "--temperature", "290"), "Is it in Celsius?"),
    ],
)
def test_ec_that_cannot_be_converted_is_a_wrong_call(call, arguments: tuple, message: str) -> None:
    code, out, err = call("ec", *arguments, "--json")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
