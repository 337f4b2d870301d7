"""Excel workbooks: the same table as in CSV, and what people do to sheets."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import Workbook

import deepsalt as ds
from deepsalt.errors import ProductError, SpectraError, UsageError
from deepsalt.readers.points import read_points

HEADER = ["id", "profile", "date", "ece_ds_m", 450.0, 550, "650", "clay"]
ROWS = [
    ["007", "p1", datetime(2021, 6, 7), 1.5, 0.1, 0.2, 0.3, 30],
    ["008", "p1", datetime(2021, 6, 8), None, 0.2, None, 0.4, "NA"],
]


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """Write sheets, each a list of rows, and give the workbook's path."""

    def write(name: str = "lab.xlsx", **sheets: list[list[Any]]) -> Path:
        made = Workbook()
        made.remove(made.active)
        for title, rows in sheets.items():
            sheet = made.create_sheet(title)
            for row in rows:
                sheet.append(row)
        path = tmp_path / name
        made.save(path)
        return path

    return write


def test_a_sheet_is_a_table(book) -> None:
    found = ds.read(book(Spectra=[HEADER, *ROWS], Notes=[]), unit="nm")
    np.testing.assert_allclose(found.values, [[0.1, 0.2, 0.3], [0.2, np.nan, 0.4]], rtol=1e-6)
    assert found.axis.values.tolist() == [450, 550, 650]
    assert found.samples["id"].tolist() == ["007", "008"]
    assert found.samples["date"].tolist() == ["2021-06-07", "2021-06-08"]
    np.testing.assert_array_equal(found.samples["clay_pct"], [30, np.nan])
    np.testing.assert_array_equal(found.samples["ece_ds_m"], [1.5, np.nan])
    assert "read from sheet 'Spectra'" in found.provenance


def test_it_is_known_by_its_content(book, tmp_path: Path) -> None:
    path = book(name="lab.xlsx", S=[HEADER, *ROWS]).rename(tmp_path / "lab.data")
    assert len(ds.read(path, unit="nm")) == 2


def test_of_several_sheets_one_must_be_named(book) -> None:
    path = book(Spectra=[HEADER, *ROWS], Samples=[["id", "ec_1to5_ds.m"], ["007", 0.7]], Empty=[])
    with pytest.raises(UsageError, match=r"several sheets hold data: 'Spectra', 'Samples'.*sheet='Spectra'"):
        ds.read(path)
    with pytest.raises(UsageError, match=r"no sheet 'Empty' with data"):
        ds.read(path, sheet="Empty")
    found = ds.read(path, sheet="Spectra", unit="nm", metadata=path, metadata_sheet="Samples")
    assert found.samples["ec_method"].tolist()[0] == "EC1:5"
    csv = path.with_name("t.csv")
    csv.write_text("450nm,550nm,650nm\n.1,.2,.3\n")
    with pytest.raises(UsageError, match="the file has no sheets"):
        ds.read(csv, sheet="Spectra")


def test_titles_and_numbers_as_text_are_repaired_and_said(book) -> None:
    rows = [["Soil survey 2021"], [None, "spectra", "of the laboratory"], [], HEADER, *ROWS]
    rows[4][4] = " 0.1 "
    found = ds.read(book(S=rows), unit="nm")
    np.testing.assert_allclose(found.values[0], [0.1, 0.2, 0.3], rtol=1e-6)
    told = " | ".join(found.provenance)
    assert "3 rows above the header are left out (Soil survey 2021, spectra, of the laboratory)" in told
    assert "1 numbers were stored as text: read as numbers" in told


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([HEADER, [*ROWS[0][:4], "0,1", 0.2, 0.3, 1]], SpectraError, r"column 450 holds '0,1' in row 2"),
        ([HEADER, [*ROWS[0][:4], datetime(2021, 1, 2), 0.2, 0.3, 1]], SpectraError, "not a number"),
        ([HEADER, [*ROWS[0][:4], True, 0.2, 0.3, 1]], SpectraError, "not a number"),
        ([HEADER, [*ROWS[0], "stray"]], ProductError, "the header has 8 columns, but row 2 has 9"),
        ([HEADER], SpectraError, "a header but no rows"),
        (
            [["id", "id", *HEADER[4:]], ["a", "b", 0.1, 0.2, 0.3, 1]],
            ProductError,
            "column id stands there twice",
        ),
        ([["id", "clay"], ["a", 1]], SpectraError, "no column holds spectra"),
    ],
)
def test_sheets_that_are_no_table(book, rows, error, words: str) -> None:
    with pytest.raises(error, match=words):
        ds.read(book(S=rows), unit="nm")


def test_what_is_no_workbook_says_what_it_is(book, tmp_path: Path) -> None:
    other = tmp_path / "x.xlsx"
    with zipfile.ZipFile(other, "w") as container:
        container.writestr("photo.jpg", b"x")
    with pytest.raises(ProductError, match=r"a zip file that is no .xlsx workbook \(it holds photo.jpg\)"):
        ds.read(other)
    other.write_text("id,450\n")
    with pytest.raises(ProductError, match="no Excel workbook: it begins with b'id,450"):
        ds.read(other)
    old = tmp_path / "old.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(
        ProductError, match=r"older kind \(.xls\), or one with a password. Save it again as .xlsx"
    ):
        ds.read(old)
    with pytest.raises(ProductError, match="no sheet of the workbook holds anything"):
        ds.read(book(S=[]))


def test_ground_points_may_be_a_workbook(book) -> None:
    rows = [["id", "latitude", "longitude", "ece_ds_m"], ["a", 36.5, -120.1, 4.0]]
    assert read_points(book(Points=rows))["ec_ds_m"].tolist() == [4.0]
