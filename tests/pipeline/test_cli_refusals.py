"""Bad input of every kind: one clear line, an exit code, and nothing half-written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import write_config

from deepsalt.pipeline.run import Run


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
    return table[[column for column in table if not column.startswith("scan_visnir")]]


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
