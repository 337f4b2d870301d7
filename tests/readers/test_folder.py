"""Folders of scans joined to a table of samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.readers.test_asd import AsdFile
from tests.readers.test_opus import ABSORBANCE, A, R, T, opus, write

from deepsalt.errors import LabelError, ProductError, SpectraError, UsageError
from deepsalt.readers import read


@pytest.fixture
def field_kit(tmp_path: Path) -> Path:
    """Three scans of different brightness, and notes beside them."""
    folder = tmp_path / "field"
    folder.mkdir()
    for number, level in enumerate((0.5, 1.0, 1.5)):
        AsdFile(level=level).write(folder, f"plot{number}.asd")
    (folder / "notes.txt").write_text("windy\n")
    (folder / ".hidden").write_text("")
    return folder


def table(folder: Path, **columns: object) -> Path:
    path = folder.parent / "samples.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_every_scan_is_a_row_in_the_order_of_names(field_kit: Path) -> None:
    found = read(field_kit)
    assert found.samples["id"].tolist() == ["plot0", "plot1", "plot2"]
    np.testing.assert_allclose(found.values[2] / found.values[0], 3.0, rtol=1e-5)
    assert found.provenance[0] == "read 3 asd files from field"
    assert "1 other files left aside (notes.txt)" in found.provenance


def test_the_table_of_samples_is_joined_on_the_id(field_kit: Path) -> None:
    path = table(field_kit, sample=["plot2", "plot0", "other"], ec_1_5=[3.0, 0.5, 9.0], clay=[10, 30, 50])
    found = read(field_kit, metadata=path, id="sample", ec="ec1:5", ec_column="ec_1_5", ec_unit="dS/m")
    assert found.samples["ec_ds_m"].tolist()[::2] == [0.5, 3.0]
    assert np.isnan(found.samples["ec_ds_m"].iloc[1])
    assert found.samples["clay"].tolist()[::2] == [30, 10]
    assert "1 scans have no row there (id plot1)" in found.provenance
    assert found.samples["date"].tolist() == ["2021-06-07"] * 3  # the scans' own, where the table has none


def test_replicate_scans_of_one_sample_share_its_row(tmp_path: Path) -> None:
    folder = tmp_path / "mir"
    folder.mkdir()
    for number in range(3):
        write(folder, opus({A: ABSORBANCE + np.float32(0.01 * number)}), f"soil_17.{number}")
    found = read(folder, metadata=table(folder, id=["soil_17"], ec=[2.0]), ec="ec1:2", ec_unit="dS/m")
    assert found.samples["ec_ds_m"].tolist() == [2.0] * 3
    assert found.quantity == "absorbance"
    assert "block 'a': absorbance" in found.provenance


def test_a_block_is_passed_on_to_files_that_have_some(tmp_path: Path, field_kit: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    write(folder, opus({A: ABSORBANCE, R: 10**-ABSORBANCE}))
    with pytest.raises(UsageError, match="2 results"):
        read(folder)
    assert read(folder, block="r").quantity == "reflectance"
    with pytest.raises(UsageError, match="asd files have no blocks"):
        read(field_kit, block="r")


def test_scans_of_different_blocks_are_not_mixed(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    write(folder, opus({A: ABSORBANCE}), "soil_1.0")
    write(folder, opus({T: 10**-ABSORBANCE}), "soil_2.0")
    with pytest.raises(UsageError, match=r"several blocks: block 'a'.*soil_1.*block 't'.*soil_2"):
        read(folder)


def test_what_only_some_scans_say_is_counted(field_kit: Path) -> None:
    AsdFile(dark=0).write(field_kit, "plot1.asd")
    found = read(field_kit)
    assert "dark current was not taken off (1 of 3 scans)" in found.provenance
    assert "reflectance is target by white reference, taken for 1" in found.provenance


def test_a_damaged_scan_stops_or_is_dropped_and_named(field_kit: Path) -> None:
    (field_kit / "plot1.asd").write_bytes(AsdFile().raw()[:900])
    with pytest.raises(ProductError, match=r"cut off.*plot1\.asd|plot1\.asd.*cut off"):
        read(field_kit)
    found = read(field_kit, drop_damaged=True)
    assert found.samples["id"].tolist() == ["plot0", "plot2"]
    assert any(note.startswith("1 scans dropped") and "plot1.asd" in note for note in found.provenance)


def test_scans_that_do_not_belong_together_are_refused(field_kit: Path) -> None:
    AsdFile(channels=1000).write(field_kit, "short.asd")
    with pytest.raises(SpectraError, match=r"plot0 has reflectance, 2151 bands.*short has reflectance, 1000"):
        read(field_kit)
    write(field_kit, opus({A: ABSORBANCE}))
    with pytest.raises(UsageError, match=r"several formats \(asd, opus\)|several formats \(opus, asd\)"):
        read(field_kit)


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"name": ["plot0"], "clay": [3]}, LabelError, "no column of ids"),
        ({"id": ["plot0", "plot0"], "clay": [3, 4]}, LabelError, r"more than once \(first: plot0\)"),
        ({"id": ["a", "b"], "clay": [3, 4]}, UsageError, r"metadata: a, b; scans: plot0, plot1, plot2"),
    ],
)
def test_metadata_of_no_use_say_why(
    field_kit: Path, columns: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        read(field_kit, metadata=table(field_kit, **columns))
