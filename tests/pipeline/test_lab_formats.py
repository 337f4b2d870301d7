"""Laboratory-only runs on what a laboratory sends: a folder of scans joined to a table, an ENVI library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import silent
from tests.readers.test_asd import AsdFile

from deepsalt.config import LibraryConfig, load_config
from deepsalt.errors import UsageError
from deepsalt.estimators import LabRegressor
from deepsalt.pipeline.prepare import read_libraries
from deepsalt.pipeline.train import input_fingerprints, train

SCANS = 60


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scans whose brightness follows their EC, the table of their samples, and a config."""
    folder = tmp_path_factory.mktemp("laboratory")
    (folder / "scans").mkdir()
    random = np.random.default_rng(5)
    ec = np.exp(random.uniform(-2, 2, SCANS))
    lines = ["lab_number,pit,EC"]
    for number, value in enumerate(ec):
        level = 0.8 + 0.4 * np.log1p(value) + random.normal(0, 0.02)
        AsdFile(level=level, channels=101, step=20.0).write(folder / "scans", f"soil{number:03}.asd")
        lines.append(f"soil{number:03},p{number // 3},{1000 * value:.1f}")
    (folder / "samples.csv").write_text("\n".join(lines))
    (folder / "config.toml").write_text("""
[library]
path = "scans"
metadata = "samples.csv"
id = "lab_number"
group = "pit"
ec = "ec1:5"
ec_unit = "uS/cm"
target = "measured"
[split]
folds = 3
[method]
baselines = ["mean", "plsr"]
""")
    return folder


def test_a_folder_of_scans_trains_and_its_files_are_watched(laboratory: Path, tmp_path: Path) -> None:
    config = load_config(laboratory / "config.toml")
    quick = {"steps": 60, "members": 1, "hidden": [16], "gate_folds": 2}
    config = config.model_copy(update={"method": config.method.model_copy(update={"settings": quick})})
    run = train(config, tmp_path / "run", silent)
    metrics = run.read("metrics")
    assert metrics["target"] == "EC1:5"
    scores = {row["method"]: row["ln"]["r2"] for row in metrics["results"]}
    assert scores["plsr"] > 0.5 > scores["mean"]
    assert scores["teacher"] > 0.5
    kept = metrics["training"]["checks"]["gate"]["kept"]
    assert any(note.startswith(f"The teacher is: {kept}") for note in metrics["notes"])
    assert LabRegressor.load(run.model).card_["about"]["label"] == "EC1:5"
    steps = run.read("data")["library"]["steps"]
    assert "60 scans joined to samples.csv" in steps
    assert "EC from column EC: EC1:5, uS/cm" in steps
    inputs = run.read("data")["fingerprints"]
    assert {Path(path).name for path in inputs} == {"scans", "samples.csv"}
    scan = laboratory / "scans" / "soil000.asd"
    raw = scan.read_bytes()
    scan.write_bytes(raw[:-1] + b"?")
    changed = input_fingerprints(config)
    scan.write_bytes(raw)
    assert [path for path in inputs if inputs[path] != changed[path]] == [str(laboratory / "scans")]


def test_a_folder_is_one_domain(laboratory: Path) -> None:
    assert list(read_libraries(load_config(laboratory / "config.toml").library)) == ["visnir"]


def test_a_sample_need_not_have_both_spectra(world: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(world / "library.parquet")
    for prefix, rows in (("scan_mir", [0, 5]), ("scan_visnir", [1, 5, 7])):
        table.loc[rows, [name for name in table if name.startswith(prefix)]] = np.nan
    table.to_parquet(tmp_path / "gaps.parquet")
    found = read_libraries(LibraryConfig(path=str(tmp_path / "gaps.parquet"), ec="ec1:2"))
    assert {name: len(one) for name, one in found.items()} == {
        "mir": len(table) - 2,
        "visnir": len(table) - 3,
    }
    first = table["id.layer_uuid_txt"][0]
    assert first in set(found["visnir"].samples["id"])
    assert (
        f"2 samples without a spectrum dropped (id {first}, {table['id.layer_uuid_txt'][5]})"
        in found["mir"].provenance
    )


def test_the_header_of_a_library_is_an_input_too(tmp_path: Path) -> None:
    from tests.readers.test_envi_library import Library

    Library().write(tmp_path)
    (tmp_path / "config.toml").write_text('[library]\npath = "lib.sli"\n')
    inputs = input_fingerprints(load_config(tmp_path / "config.toml"))
    assert {Path(path).name for path in inputs} == {"lib.sli", "lib.hdr"}


def test_an_option_that_the_format_does_not_take_is_a_wrong_call(laboratory: Path, tmp_path: Path) -> None:
    text = (laboratory / "config.toml").read_text().replace("[split]", 'sheet = "S"\n[split]')
    (laboratory / "wrong.toml").write_text(text)
    with pytest.raises(UsageError, match="reader 'folder' has no option 'sheet'"):
        train(load_config(laboratory / "wrong.toml"), tmp_path / "run", silent)
