"""What [library] asks of quality control is done, told in the data facts, and changes nothing by default."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.preprocessing.library import FIVE_NM, clean_values

from deepsalt.config import LibraryConfig, parse_config
from deepsalt.errors import ConfigError, UsageError
from deepsalt.pipeline.facts import library_facts
from deepsalt.pipeline.inspection import inspect_path
from deepsalt.pipeline.prepare import read_library


@pytest.fixture
def path(tmp_path: Path) -> Path:
    values = clean_values(60)
    values[3] = 0.5
    values[23, FIVE_NM.values <= 1000] += 0.03
    table = pd.DataFrame(values, columns=[f"{band:g}nm" for band in FIVE_NM.values])
    table.insert(0, "id", [f"s{row // 2}" for row in range(60)])
    table.insert(1, "ec_1to5_ds.m", np.repeat(np.linspace(0.1, 3, 30), 2))
    table.to_csv(tmp_path / "lab.csv", index=False)
    return tmp_path / "lab.csv"


def config(path: Path, **changes: object) -> LibraryConfig:
    return LibraryConfig(path=str(path), target="measured", **changes)  # type: ignore[arg-type]


def test_by_default_findings_are_told_and_nothing_changes(path: Path) -> None:
    plain, told = read_library(config(path, quality="off")), read_library(config(path))
    assert told.values.tobytes() == plain.values.tobytes()
    pd.testing.assert_frame_equal(told.samples, plain.samples)
    facts = library_facts(config(path), told)
    assert facts["quality"][0] == "1 spectrum flagged, flat: one value in all bands (id s1)"
    assert any("splice step" in line for line in facts["quality"])
    assert facts["steps"] == list(plain.provenance)
    assert library_facts(config(path), plain)["quality"] == []


def test_dropping_correcting_and_averaging_on_request(path: Path) -> None:
    kept = read_library(config(path, quality="drop", splice_correction=True, replicates="id"))
    assert len(kept) == 30
    assert kept.samples["scans"].tolist().count(1) == 1
    facts = library_facts(config(path), kept)
    assert "1 spectrum dropped, flat: one value in all bands (id s1)" in facts["quality"]
    assert any("corrected, splice step" in line for line in facts["quality"])
    assert facts["steps"][-2:] == [
        "splice correction: 1 of 59 spectra had steps (1000 and 1830 nm); outer detectors were shifted onto "
        "the middle one",
        "59 scans averaged to 30 samples (equal id); 1 have one scan, none more than 2",
    ]
    scaled = read_library(config(path, quality="off", splice_correction="multiply", replicates="id"))
    assert len(scaled) == 30
    assert "scaled onto the middle one" in " ".join(scaled.provenance)


def test_a_wrong_wish_says_so(path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'spot'"):
        read_library(config(path, replicates="spot"))
    with pytest.raises(ConfigError, match=r"library.quality.*'dorp'"):
        parse_config({"library": {"path": "x", "quality": "dorp"}})


def test_inspect_shows_the_findings_once(path: Path) -> None:
    facts = inspect_path(path)
    assert json.loads(json.dumps(facts)) == facts
    wrong = facts["looks_wrong"]
    assert sum("flat" in line for line in wrong) == 1
    assert sum("splice step" in line for line in wrong) == 1
    assert facts["quality"]["kept"] == facts["samples"] == 60
