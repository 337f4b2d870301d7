"""Labels: EC by several methods and by texture in one table, row by row, and what is told about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deepsalt as ds
from deepsalt.config import parse_config
from deepsalt.errors import ConfigError, LabelError, UsageError
from deepsalt.estimators.bridge_library import labels_of
from deepsalt.labels import TEXTURE_USED, require_ec, textures_of, with_ece
from deepsalt.pipeline.prepare import read_library
from deepsalt.spectra import Axis, Spectra


def spectra_of(table: dict) -> Spectra:
    samples = pd.DataFrame(table)
    axis = Axis(np.array([500.0, 600.0, 700.0]), "nm")
    return Spectra.of_table(np.full((len(samples), 3), 0.3), axis, "reflectance", samples=samples)


def told(spectra: Spectra) -> str:
    return " | ".join(spectra.provenance)


MIXED = {
    "ec_ds_m": [1.0, 2.0, 1.0, np.nan, 5.0],
    "ec_method": ["EC1:5", "EC1:5", "ECe", None, "EC1:5"],
    "texture": ["sand", "clay", "loam", "silt", None],
}


def test_several_methods_in_one_table_go_row_by_row() -> None:
    labelled = with_ece(spectra_of(MIXED))
    samples = labelled.samples
    np.testing.assert_allclose(samples["ece_ds_m"], [6.422, 12.952, 1.0, np.nan, 32.542])
    np.testing.assert_allclose(samples["ece_sd_ds_m"], [3.211, 6.476, 0.0, np.nan, 32.542])
    assert "3 ECe converted from EC1:5 by kargas-2018-1:5" in told(labelled)
    assert "1 of them outside its range (error doubled)" in told(labelled)
    assert "1 values measured as ECe" in told(labelled)
    assert TEXTURE_USED not in samples, "texture is used where it is asked for only"


def test_texture_by_row_where_it_is_asked_for() -> None:
    labelled = with_ece(spectra_of(MIXED), "auto")
    np.testing.assert_allclose(
        labelled.samples["ece_ds_m"],
        [2.46 + 3.03 / 0.2, 2 * (2.46 + 3.03 / 0.6), 1.0, np.nan, 5 * 6.53 - 0.108],
    )
    assert labelled.samples[TEXTURE_USED].tolist() == ["sand", "clay", "loam", "silt", None]
    assert "texture of 4 of 5 rows from texture" in told(labelled)
    assert "2 ECe converted from EC1:5 by slavich-petterson-1993-1:5" in told(labelled)


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_sand_and_clay_as_percent_or_as_fractions(scale: float) -> None:
    table = pd.DataFrame({"Sand": [92.0, 10.0, np.nan], "Clay": [3.0, 60.0, 20.0]}) * scale
    found, note = textures_of(table, "sand,clay")
    assert found.tolist() == ["sand", "clay", None]
    assert ("read as fractions" in note) == (scale < 1)
    assert "texture of 2 of 3 rows from Sand, Clay" in note


def test_rows_that_may_be_fractions_among_percent_are_left_out_and_told() -> None:
    found, note = textures_of(pd.DataFrame({"s": [40.0, 0.4, 0.0], "c": [20.0, 0.2, 0.0]}), "s,c")
    assert found.tolist() == ["loam", None, None]
    assert "2 rows of at most 1 % together are left without a texture" in note


def test_auto_knows_the_names_of_ossl() -> None:
    table = pd.DataFrame({"clay.tot_usda.a334_w.pct": [20.0], "sand.tot_usda.c60_w.pct": [40.0]})
    assert textures_of(table, "auto")[0].tolist() == ["loam"]
    with pytest.raises(LabelError, match=r"no column of texture is known.*texture = 'column'"):
        textures_of(pd.DataFrame({"clay": [1.0]}), "auto")
    with pytest.raises(UsageError, match=r"no column 'sandd' \(texture=\).*Did you mean 'sand'"):
        textures_of(pd.DataFrame({"sand": [1.0], "clay": [1.0]}), "sandd,clay")
    with pytest.raises(LabelError, match=r"column soil: row 2: unknown texture 'mud'"):
        textures_of(pd.DataFrame({"soil": ["loam", "mud"]}), "soil")
    with pytest.raises(LabelError, match="'much' in row 1 of column sand is not a number"):
        textures_of(pd.DataFrame({"sand": ["much"], "clay": [1.0]}), "sand,clay")


def test_labels_of_the_bridge_keep_texture_and_methods() -> None:
    labelled = with_ece(spectra_of(MIXED), "auto")
    expected = np.log1p(labelled.samples["ece_ds_m"].to_numpy())
    np.testing.assert_allclose(labels_of(labelled, np.zeros(len(labelled))), expected, rtol=1e-6)


def test_ec_without_a_method_is_no_label_and_a_measured_target_has_one_method() -> None:
    with pytest.raises(LabelError, match="EC by 0 methods"):
        require_ec(spectra_of({"ec_ds_m": [1.0], "ec_method": [None]}))
    with pytest.raises(LabelError, match=r"row 2"):
        with_ece(spectra_of({"ec_ds_m": [1.0, 1.0, 2.0], "ec_method": ["ECe", None, "EC1:5"]}))
    require_ec(spectra_of(MIXED))
    with pytest.raises(LabelError, match=r"2 methods \(EC1:5, ECe\) in one table.*target = 'ece'"):
        require_ec(spectra_of(MIXED), one_method=True)


LUCAS = "id,dataset.code_ascii_txt,ec_usda.a364_ds.m,sand,clay,scan_visnir.400_ref,scan_visnir.500_ref"


@pytest.fixture
def ossl(tmp_path: Path) -> Path:
    path = tmp_path / "ossl.csv"
    rows = ["a,KSSL.SSL,1,40,20,.1,.2", "b,LUCAS.WOODWELL.SSL,1,40,20,.1,.2", "c,LUCAS.SSL,,40,20,.1,.2"]
    path.write_text("\n".join([LUCAS, *rows]))
    return path


def test_rows_of_lucas_are_not_one_to_two(ossl: Path) -> None:
    spectra = ds.read(ossl, ec="ec1:2")
    assert spectra.samples["ec_method"].tolist() == ["EC1:2", "EC1:5", None]
    assert "1 values of LUCAS rows (dataset.code_ascii_txt) are EC1:5 by ISO 11265" in told(spectra)
    np.testing.assert_allclose(with_ece(spectra).samples["ece_ds_m"], [2.5548, 6.422, np.nan])


def test_a_config_asks_for_texture(ossl: Path) -> None:
    def library(**more: str):
        return parse_config({"library": {"path": str(ossl), "domain": "visnir", **more}}).library

    plain, by_texture = read_library(library()), read_library(library(texture="auto"))
    assert plain.samples["ece_ds_m"].tolist() == pytest.approx([2.5548, 6.422])
    assert by_texture.samples["ece_ds_m"].tolist() == pytest.approx([2.35 - 0.36, 2.46 + 3.03 / 0.4])
    with pytest.raises(LabelError, match="target = 'ece'"):
        read_library(library(target="measured"))
    with pytest.raises(ConfigError, match="Did you mean 'texture'"):
        library(textur="auto")
