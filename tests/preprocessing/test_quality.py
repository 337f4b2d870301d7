"""Each rule finds what was put in, and nothing in a clean library; only what is certain is dropped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.preprocessing.library import FIVE_NM, clean_values, library

import deepsalt as ds
from deepsalt.errors import SpectraError, UsageError
from deepsalt.preprocessing.quality import QualitySettings, check_quality
from deepsalt.spectra import Spectra

FLAG = QualitySettings(drop=())


def rules(spectra: Spectra, settings: QualitySettings = FLAG) -> dict[str, list[int]]:
    _, report = check_quality(spectra, settings)
    return {finding.rule: list(finding.rows) for finding in report.findings}


@given(st.integers(0, 5))
def test_a_clean_library_stays_as_it_is(seed: int) -> None:
    spectra = library(clean_values(80, seed), ec_ds_m=1.0)
    kept, report = check_quality(spectra)
    assert kept.values.tobytes() == spectra.values.tobytes()
    assert report.findings == ()
    assert kept.provenance == ("quality: nothing wrong was found in 80 spectra",)


def spoiled() -> np.ndarray:
    values = clean_values()
    values[3] = 0.5  # flat
    values[7] = values[7] + 2.0  # all out of range
    values[11, 40:45] = 1.9  # out of range
    values[15] = np.minimum(values[15], np.quantile(values[15], 0.7))  # clipped
    values[19] += np.random.default_rng(1).normal(0, 4e-3, len(FIVE_NM)).astype(np.float32)  # noisy
    values[23, FIVE_NM.values <= 1000] += 0.03  # a step
    values[27] = values[2]  # one spectrum under two ids
    return values


def test_every_fault_is_found_and_no_other() -> None:
    found = rules(library(spoiled()))
    far = found.pop("far outside")
    assert found == {
        "flat": [3],
        "all out of range": [7],
        "out of range": [11],
        "clipped": [15],
        "noisy": [19],
        "splice step": [23],
        "equal spectra": [2, 27],
    }
    assert set(far) <= {11, 15, 19, 23}
    assert {11, 19, 23} <= set(far)


def test_what_is_certain_is_dropped_with_the_reason() -> None:
    kept, report = check_quality(library(spoiled()))
    assert (report.checked, report.kept, len(kept)) == (60, 58, 58)
    assert not {"s3", "s7"} & set(kept.samples["id"])
    assert "quality: 1 spectrum dropped, flat: one value in all bands (id s3)" in kept.provenance
    assert len(kept.provenance) == len(report.findings) == 8
    assert json.loads(json.dumps(report.as_dict())) == report.as_dict()


def test_flagging_changes_no_value_and_the_argument_is_left_alone() -> None:
    spectra = library(spoiled())
    before = spectra.values.tobytes()
    kept, report = check_quality(spectra, FLAG)
    assert kept.values.tobytes() == spectra.values.tobytes() == before
    assert {finding.action for finding in report.findings} == {"flagged"}


@given(st.permutations(range(60)))
def test_findings_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    spectra = library(spoiled())
    straight, mixed = check_quality(spectra, FLAG)[1], check_quality(spectra.take(np.array(order)), FLAG)[1]
    for one, other in zip(straight.findings, mixed.findings, strict=True):
        assert (one.rule, set(one.ids)) == (other.rule, set(other.ids))


def test_missing_bands_are_no_fault_and_wide_gaps_are_told() -> None:
    values = clean_values()
    values[:, 10] = np.nan  # a band that no row has
    values[4, 100:103] = np.nan  # short
    values[5, 200:260] = np.nan  # wide
    _, report = check_quality(library(values), FLAG)
    assert (report.findings, report.not_judged) == ((), 1)
    assert report.sentences() == ["1 spectra with wide gaps were not compared with the library"]


def test_the_same_scan_twice_is_dropped_but_not_if_its_ec_differs() -> None:
    values = clean_values()
    values[1], values[3], values[5] = values[0], values[2], values[4] + 3e-5
    spectra = library(values, ec_ds_m=1.0)
    ids = spectra.samples["id"].replace({"s1": "s0", "s3": "s2", "s5": "s4"})
    ec = spectra.samples["ec_ds_m"].mask(np.arange(60) == 3, 2.0)
    kept, report = check_quality(spectra.with_samples(id=ids, ec_ds_m=ec))
    assert report.rows("duplicate scan") == (1, 5)
    assert report.rows("conflicting EC") == (2, 3)
    assert len(kept) == 58


def test_steps_are_corrected_on_request_and_scans_averaged() -> None:
    values = clean_values()
    values[23, FIVE_NM.values <= 1000] += 0.03
    spectra = library(values)
    ids = spectra.samples["id"].replace({"s1": "s0"})
    settings = QualitySettings(splice_correction="add", average=True)
    kept, report = check_quality(spectra.with_samples(id=ids), settings)
    assert [(one.rule, one.action) for one in report.findings if one.rule == "splice step"] == [
        ("splice step", "corrected")
    ]
    assert len(kept) == 59
    assert kept.values[22] == pytest.approx(clean_values()[23], abs=1e-3)
    assert kept.samples["scans"].tolist()[:2] == [2, 1]


def test_a_table_without_ids_names_rows() -> None:
    values = clean_values(12)
    values[3] = 0.5
    spectra = Spectra.of_table(values, FIVE_NM, "reflectance")
    _, report = check_quality(spectra)
    assert report.findings[0].ids == ("row 4",)


def test_what_cannot_be_done_says_so() -> None:
    with pytest.raises(UsageError, match=r"unknown rule of quality 'flatt'.*Did you mean 'flat'"):
        QualitySettings(drop=("flatt",))
    with pytest.raises(SpectraError, match="drops every one of 3 spectra"):
        check_quality(library(np.full((3, len(FIVE_NM)), 0.3)))
    image = Spectra.of_image(np.full((2, 2, len(FIVE_NM)), 0.3), FIVE_NM)
    with pytest.raises(UsageError, match="pixels"):
        check_quality(image)


@pytest.mark.real_data
def test_the_real_library_holds_gypsum_soils_and_no_fault(shared_data: Path) -> None:
    spectra = ds.read(shared_data / "lab" / "icraf_isric_visnir.parquet", ec="ec1:2.5")
    kept, report = check_quality(spectra)
    assert len(kept) == 3358
    assert [finding.rule for finding in report.findings] == ["far outside"]
    far = spectra.samples.iloc[list(report.rows("far outside"))]
    assert 4 <= len(far) <= 20
    assert (far["wrb_group"] == "GY").sum() == 4
