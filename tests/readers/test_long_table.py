"""Long tables: a row a reading, pivoted to spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepsalt as ds
from deepsalt.errors import AxisError, LabelError, ProductError, SpectraError, UsageError
from deepsalt.readers.long_table import READER, is_long

NM = np.array([450.0, 550.0, 1650.0, 2200.0])


def long(samples: int = 3, **columns: object) -> pd.DataFrame:
    """Readings of all samples in a row, with an EC of each."""
    values = np.linspace(0.1, 0.6, samples * len(NM))
    return pd.DataFrame(
        {
            "id": np.repeat([f"s{n}" for n in range(samples)], len(NM)),
            "ece_ds_m": np.repeat(np.arange(samples) + 1.0, len(NM)),
            "wavelength_nm": np.tile(NM, samples),
            "reflectance": values,
            **columns,
        }
    )


def write(folder: Path, table: pd.DataFrame, name: str = "long.csv") -> Path:
    path = folder / name
    table.to_parquet(path) if name.endswith("parquet") else table.to_csv(path, index=False)
    return path


@given(st.permutations(list(range(12))))
def test_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    found = ds.read(write(tmp_path_factory.mktemp("long"), long().iloc[order]))
    back = np.argsort(found.samples["id"].to_numpy())
    np.testing.assert_allclose(found.values[back], np.linspace(0.1, 0.6, 12).reshape(3, 4), rtol=1e-6)
    assert found.axis.values.tolist() == NM.tolist()
    assert found.samples["ece_ds_m"].to_numpy()[back].tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["long.parquet", "long.csv", "long.xlsx"])
def test_every_kind_of_file(tmp_path: Path, name: str) -> None:
    if name.endswith("xlsx"):
        long().to_excel(tmp_path / name, index=False)
    else:
        write(tmp_path, long(), name)
    found = ds.read(tmp_path / name)
    assert found.data.shape == (3, 4)
    assert "12 readings in reflectance over wavelength_nm pivoted to 3 samples" in found.provenance
    assert found.samples["id"].tolist() == ["s0", "s1", "s2"]


@pytest.mark.parametrize(
    ("axis", "value", "factor", "unit", "quantity"),
    [
        ("Wavelength (nm)", "Reflectance (%)", 100, "nm", "reflectance"),
        ("wavelength_um", "refl", 1, "nm", "reflectance"),
        ("Wavenumber [cm-1]", "absorbance", 1, "cm-1", "absorbance"),
        ("wavenumber", "value", 1, "cm-1", "absorbance"),
    ],
)
def test_columns_tell_unit_and_quantity(tmp_path: Path, axis, value, factor, unit, quantity) -> None:
    table = long().rename(columns={"wavelength_nm": axis, "reflectance": value})
    table[value] *= factor
    if "um" in axis.split("_"):
        table[axis] /= 1000
    found = ds.read(write(tmp_path, table))
    assert (found.axis.unit, found.quantity) == (unit, quantity)
    assert float(found.values.max()) == pytest.approx(0.6)


def test_what_is_long_is_told_by_its_columns(tmp_path: Path) -> None:
    assert is_long(["id", "wl", "value"])
    assert not is_long(["id", "wavelength", "clay"])
    assert not is_long(["id", "wavelength", "value", "450", "550", "650"])
    assert not READER.matches(tmp_path)
    table = long().rename(columns={"wavelength_nm": "lam", "reflectance": "R"})
    path = write(tmp_path, table)
    assert not READER.matches(path)
    assert len(ds.read(path, reader="long_table", axis_column="lam", value_column="R", unit="nm")) == 3


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda t: t.drop(index=5), SpectraError, r"do not share one axis: s1 has 3 readings.*lacks 550"),
        (lambda t: pd.concat([t, t.iloc[[6]]]), SpectraError, "sample s1 has 2 readings at 1650"),
        (lambda t: t.assign(id=range(12)), SpectraError, "every one of 12 ids stands there once"),
        (lambda t: t.assign(id=[None, *t["id"][1:]]), SpectraError, "no id in row 1"),
        (lambda t: t.assign(ece_ds_m=range(12)), LabelError, "several values within one sample"),
        (lambda t: t.assign(wavelength_nm=["x", *NM[1:], *NM, *NM]), SpectraError, "'x' in row 1"),
        (lambda t: t.assign(wavelength_nm=[None, *NM[1:], *NM, *NM]), SpectraError, "no number in row 1"),
        (lambda t: t.assign(reflectance=["?", *["0.1"] * 11]), SpectraError, r"'\?' in row 1"),
        (lambda t: t.assign(reflectance=t["reflectance"] * 100), SpectraError, "looks like percent"),
        (lambda t: t.assign(wavelength_nm=t["wavelength_nm"] * 100), AxisError, "declared as nm"),
        (lambda t: t.drop(columns="id"), UsageError, "no column of ids"),
        (lambda t: t.assign(absorbance=1.0), UsageError, "several columns may hold the values"),
        (lambda t: t.iloc[:0], SpectraError, "a header but no rows"),
        (lambda t: t.assign(wl_um=1.0), UsageError, "several columns may hold wavelengths"),
    ],
)
def test_tables_that_cannot_be_pivoted(tmp_path: Path, change, error, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        ds.read(write(tmp_path, change(long())))
    assert "long.csv" in str(caught.value)


def test_of_two_values_the_quantity_chooses(tmp_path: Path) -> None:
    path = write(tmp_path, long(absorbance=1.5))
    assert ds.read(path, quantity="absorbance").values.max() == 1.5
    assert ds.read(path, quantity="reflectance").values.max() == pytest.approx(0.6)


def test_missing_values_stay_missing_and_varying_columns_go(tmp_path: Path) -> None:
    table = long(scan=range(12))
    table.loc[2, "reflectance"] = np.nan
    found = ds.read(write(tmp_path, table))
    assert np.isnan(found.values).sum() == 1
    assert "scan" not in found.samples
    assert "columns that vary within a sample are left out (scan)" in found.provenance


def test_a_few_readings_of_many_samples_take_no_memory(tmp_path: Path) -> None:
    """A reading a sample, each elsewhere: a pivot would have 400 million cells."""
    count = 20_000
    table = pd.DataFrame(
        {
            "id": np.repeat(np.arange(count), 2),
            "wavelength_nm": 400 + np.arange(2 * count) / 100,
            "value": 0.1,
        }
    )
    with pytest.raises(SpectraError, match="do not share one axis"):
        ds.read(write(tmp_path, table))
    with pytest.raises((SpectraError, ProductError)):
        ds.read(write(tmp_path, table.assign(value="x")))
