"""Malformed tables, wide and long: text, Parquet, Excel; and what is joined to a folder of scans."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook
from tests.readers.malformed import refused, told
from tests.readers.test_asd import AsdFile
from tests.readers.test_long_table import long

import deepsalt as ds

# --- wide tables in text ------------------------------------------------------------------------------------

H = "id,450nm,550nm,650nm"
TABLES: dict[str, str | bytes] = {
    "only a newline": "\n",
    "only separators": ",,,",
    "no separator": "a letter to the laboratory",
    "a header alone": H,
    "a short row": f"{H}\na,.1,.2\n",
    "a long row": f"{H}\na,.1,.2,.3,.4\n",
    "ragged in the middle": f"{H}\na,.1,.2,.3\nb,.1\nc,.1,.2,.3\n",
    "an open quote": f'{H}\n"a,.1,.2,.3\n',
    "text in a band": f"{H}\na,.1,dark,.3\n",
    "a unit in a cell": f"{H}\na,10 %,.2,.3\n",
    "a decimal comma in quotes": f'{H}\na,"0,1",.2,.3\n',
    "a thousands comma": f'{H}\na,"1,200",.2,.3\n',
    "a date in a band": f"{H}\na,2021-06-07,.2,.3\n",
    "true in a band": f"{H}\na,true,.2,.3\n",
    "an empty spectrum": f"{H}\na,,,\n",
    "missing words only": f"{H}\na,NA,nan,NULL\n",
    "infinite": f"{H}\na,inf,.2,.3\n",
    "minus infinite": f"{H}\na,.1,-inf,.3\n",
    "beyond float32": f"{H}\na,1e300,.2,.3\n",
    "hexadecimal": f"{H}\na,0x1F,.2,.3\n",
    "percent": f"{H}\na,12,23,34\n",
    "scaled integers": f"{H}\na,1200,2250,3400\n",
    "raw counts": f"{H}\na,31200,42250,53400\n",
    "absorbance without a word": f"{H}\na,1.4,1.3,1.2\n",
    "a band twice": "id,450nm,450nm,650nm\na,.1,.2,.3\n",
    "a band twice in other words": "id,450nm,450.0nm,650nm\na,.1,.2,.3\n",
    "the id twice": "id,id,450nm,550nm,650nm\na,a,.1,.2,.3\n",
    "units mixed": "id,450nm,550nm,1000cm-1,1002cm-1\na,.1,.2,.3,.4\n",
    "nm named as micrometres": "id,450um,550um,650um\na,.1,.2,.3\n",
    "micrometres named as nm": "id,0.45nm,0.55nm,0.65nm\na,.1,.2,.3\n",
    "wavenumbers named as nm": "id,3998nm,4000nm,4002nm\na,.1,.2,.3\n",
    "unit left open": "id,450,550,650\na,.1,.2,.3\n",
    "bands by number": "id,1,2,3,4,5\na,.1,.2,.3,.4,.5\n",
    "band zero": "id,0,1,2\na,.1,.2,.3\n",
    "bands out of this world": "id,99999,100000,100001\na,.1,.2,.3\n",
    "a centre of 400 digits": f"id,{'9' * 400},550,650\na,.1,.2,.3\n",
    "OSSL abs and ref mixed": "scan_mir.600_abs,scan_mir.602_ref\n.1,.2\n",
    "two domains": "scan_mir.600_abs,scan_visnir.400_ref\n.1,.2\n",
    "two bands only": "id,450nm,550nm\na,.1,.2\n",
    "no bands": "id,clay,sand\na,1,2\n",
    "negative EC": f"{H},ece_ds_m\na,.1,.2,.3,-4\n",
    "EC as text": f"{H},ece_ds_m\na,.1,.2,.3,high\n",
    "EC beyond any soil": f"{H},ece_ds_m\na,.1,.2,.3,4000\n",
    "EC by two methods": f"{H},ece_ds_m,ec_1to5_ds_m\na,.1,.2,.3,4,1\n",
    "EC by an unknown method": f"{H},ec_ds_m,ec_method\na,.1,.2,.3,4,by taste\n",
    "latitude of 136": f"{H},latitude,longitude\na,.1,.2,.3,136,-120\n",
    "latitude as text": f"{H},latitude,longitude\na,.1,.2,.3,N36,-120\n",
    "depth as text": f"{H},depth_top_cm\na,.1,.2,.3,shallow\n",
    "NUL in the header": b"id,450nm\x00,550nm,650nm\na,.1,.2,.3\n",
    "NUL in a cell": b"id,450nm,550nm,650nm\na,.1,\x00,.3\n",
    "all NUL": bytes(4096),
    "UTF-16": f"{H}\na,.1,.2,.3\n".encode("utf-16"),
    "UTF-32": f"{H}\na,.1,.2,.3\n".encode("utf-32"),
    "Latin-1 in the header": f"größe,{H}\n1,a,.1,.2,.3\n".encode("latin-1"),
    "Latin-1 in a cell": f"{H},note\na,.1,.2,.3,größer\n".encode("latin-1"),
    "an invalid byte after a thousand rows": (H + "\na,.1,.2,.3" * 1000).encode() + b"\n\xff,.1,.2,.3\n",
    "HTML of a login page": "<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n",
    "JSON": '{"id": "a", "450nm": 0.1, "550nm": 0.2}',
    "a pointer of Git LFS": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "a PNG called csv": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40),
    "a PDF called csv": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
    "a pickle called csv": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94.",
}
#: Of these a part can be used, and the provenance says which.
SAVED = {"EC by two methods", "wavenumbers named as nm", "units mixed", "an open quote", "NUL in the header"}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_in_text(tmp_path: Path, kind: str) -> None:
    content = TABLES[kind]
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    told(path, reader="table") if kind in SAVED else refused(path, reader="table")


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


BAD_GZIP: dict[str, bytes] = {
    "a magic number alone": b"\x1f\x8b",
    "cut in the header": zipped(b"id,450nm\n")[:8],
    "cut in the body": zipped((H + "\na,.1,.2,.3" * 5000).encode())[:60],
    "cut before its sum": zipped((H + "\na,.1,.2,.3").encode())[:-6],
    "a wrong sum": zipped((H + "\na,.1,.2,.3").encode())[:-8] + b"\x00\x00\x00\x00\x00\x00\x00\x00",
    "noise in the body": zipped((H + "\na,.1,.2,.3").encode())[:14] + b"\xff" * 30,
    "zipped twice": zipped(zipped((H + "\na,.1,.2,.3").encode())),
    "a binary inside": zipped(bytes(5000)),
    "nothing inside": zipped(b""),
    "a line that does not end": zipped(b"x" * (8 << 20)),
}


@pytest.mark.parametrize("kind", BAD_GZIP)
def test_a_gzip(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(BAD_GZIP[kind])
    refused(path)


# --- Parquet ------------------------------------------------------------------------------------------------


def parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pd.DataFrame(columns).to_parquet(out)
    return out.getvalue()


GOOD = parquet(**{"id": ["a", "b"], "450nm": [0.1, 0.2], "550nm": [0.2, 0.3], "650nm": [0.3, 0.4]})
BAD_PARQUET: dict[str, bytes] = {
    "its magic number alone": b"PAR1",
    "both magic numbers alone": b"PAR1PAR1",
    "a footer of no length": GOOD[:-8] + struct.pack("<i", 0) + b"PAR1",
    "a footer longer than the file": GOOD[:-8] + struct.pack("<i", 1 << 30) + b"PAR1",
    "a negative footer": GOOD[:-8] + struct.pack("<i", -5) + b"PAR1",
    "an encrypted footer": GOOD[:-4] + b"PARE",
    "no magic number at the end": GOOD[:-4] + b"XXXX",
    "half of it": GOOD[: len(GOOD) // 2],
    "without its last byte": GOOD[:-1],
    "noise in the footer": GOOD[:-200] + b"\xff" * 192 + GOOD[-8:],
    "noise in the pages": GOOD[:4] + b"\xff" * 60 + GOOD[64:],
    "text in a band": parquet(**{"450nm": ["a"], "550nm": [0.1], "650nm": [0.1]}),
    "lists in a band": parquet(**{"450nm": [[0.1]], "550nm": [0.1], "650nm": [0.1]}),
    "dates in a band": parquet(**{"450nm": [pd.Timestamp("2021-01-01")], "550nm": [0.1], "650nm": [0.1]}),
    "truths in a band": parquet(**{"450nm": [True], "550nm": [0.1], "650nm": [0.1]}),
    "no rows": parquet(**{"450nm": [], "550nm": [], "650nm": []}),
    "no columns": parquet(),
    "no bands": parquet(id=["a"], clay=[1.0]),
    "all missing": parquet(**{"450nm": [np.nan], "550nm": [np.nan], "650nm": [np.nan]}),
    "infinite": parquet(**{"450nm": [np.inf], "550nm": [0.1], "650nm": [0.1]}),
}


@pytest.mark.parametrize("kind", BAD_PARQUET)
def test_a_parquet_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(BAD_PARQUET[kind])
    refused(path)


# --- Excel --------------------------------------------------------------------------------------------------


def workbook(rows: list[list[object]]) -> bytes:
    out, made = io.BytesIO(), Workbook()
    for row in rows:
        made.active.append(row)
    made.save(out)
    return out.getvalue()


SHEET = workbook([["id", "450nm", "550nm", "650nm"], ["a", 0.1, 0.2, 0.3]])


def rezipped(change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The workbook with its parts changed; None leaves one out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(SHEET)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)
    return out.getvalue()


def sheet_as(content: bytes) -> bytes:
    return rezipped(lambda name, old: content if name.endswith("sheet1.xml") else old)


def bomb() -> bytes:
    """A workbook whose one sheet says that it unpacks to 4 GB."""
    made = bytearray(SHEET)
    at = 0
    while (at := made.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<I", made, at + 24, 0xF0000000)
        at += 4
    return bytes(made)


BAD_XLSX: dict[str, bytes] = {
    "text": b"id,450nm,550nm,650nm\na,.1,.2,.3\n",
    "an older workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "its magic number alone": b"PK\x03\x04",
    "an empty zip": b"PK\x05\x06" + bytes(18),
    "half of it": SHEET[: len(SHEET) // 2],
    "without its directory": SHEET[:-100],
    "no workbook inside": rezipped(lambda name, old: None if name == "xl/workbook.xml" else old),
    "no sheet inside": rezipped(lambda name, old: None if "sheet1" in name else old),
    "no types inside": rezipped(lambda name, old: None if "Content_Types" in name else old),
    "a sheet that is no XML": sheet_as(b"\x00\x01\x02"),
    "a sheet of another XML": sheet_as(b"<html><body>Sign in</body></html>"),
    "a sheet that ends early": sheet_as(b'<?xml version="1.0"?><worksheet><sheetData><row r="1">'),
    "entities in entities": sheet_as(
        b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
        + b"]><worksheet><sheetData>&j;</sheetData></worksheet>"
    ),
    "a bomb": bomb(),
    "no cells": workbook([]),
    "one cell": workbook([["id"]]),
    "a header alone": workbook([["id", "450nm", "550nm", "650nm"]]),
    "text in a band": workbook([["id", "450nm", "550nm", "650nm"], ["a", "dark", 0.2, 0.3]]),
    "an error in a band": workbook([["id", "450nm", "550nm", "650nm"], ["a", "#DIV/0!", 0.2, 0.3]]),
    "a formula nobody has computed": workbook([["id", "450nm", "550nm", "650nm"], ["a", "=1/3", "=1", "=1"]]),
    "a band twice": workbook([["id", "450nm", "450nm", "650nm"], ["a", 0.1, 0.2, 0.3]]),
    "cells beside the table": workbook([["id", "450nm", "550nm", "650nm"], ["a", 0.1, 0.2, 0.3, "see mail"]]),
    "no bands": workbook([["id", "clay"], ["a", 3]]),
    "percent": workbook([["id", "450nm", "550nm", "650nm"], ["a", 10, 20, 30]]),
}


@pytest.mark.parametrize("kind", BAD_XLSX)
def test_a_workbook(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lab.xlsx"
    path.write_bytes(BAD_XLSX[kind])
    refused(path)


def test_a_sheet_that_claims_to_be_huge_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "lab.xlsx"
    grown = rezipped(lambda _name, old: old.replace(b'ref="A1:D2"', b'ref="A1:XFD1048576"'))
    path.write_bytes(grown)
    assert ds.read(path).data.shape == (1, 3)


# --- long tables --------------------------------------------------------------------------------------------

LONG: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "no rows": lambda t: t.iloc[:0],
    "one reading": lambda t: t.iloc[:1],
    "a reading missing": lambda t: t.drop(index=7),
    "a sample with one reading": lambda t: t.drop(index=[1, 2, 3]),
    "a reading twice": lambda t: pd.concat([t, t.iloc[[3]]]),
    "all readings twice": lambda t: pd.concat([t, t]),
    "a wavelength a little off": lambda t: t.assign(wavelength_nm=t["wavelength_nm"] + (t.index == 5) * 1e-3),
    "a wavelength missing": lambda t: t.assign(wavelength_nm=t["wavelength_nm"].where(t.index != 5)),
    "a wavelength in words": lambda t: t.assign(wavelength_nm=t["wavelength_nm"].astype(str) + " nm"),
    "an infinite wavelength": lambda t: t.assign(wavelength_nm=t["wavelength_nm"].where(t.index > 0, np.inf)),
    "a wavelength of zero": lambda t: t.assign(wavelength_nm=t["wavelength_nm"].replace(450.0, 0.0)),
    "micrometres as nm": lambda t: t.assign(wavelength_nm=t["wavelength_nm"] / 1000),
    "an id missing": lambda t: t.assign(id=t["id"].where(t.index != 5)),
    "ids by row": lambda t: t.assign(id=np.arange(len(t))),
    "no ids": lambda t: t.drop(columns="id"),
    "a value in words": lambda t: t.assign(reflectance=["dark"] + ["0.1"] * 11),
    "a value of infinity": lambda t: t.assign(reflectance=t["reflectance"].where(t.index > 0, np.inf)),
    "a sample without values": lambda t: t.assign(reflectance=t["reflectance"].where(t.index > 3)),
    "percent": lambda t: t.assign(reflectance=100 * t["reflectance"]),
    "two axes": lambda t: t.assign(wavenumber=1.0),
    "two values": lambda t: t.assign(absorbance=1.0),
    "an EC for each reading": lambda t: t.assign(ece_ds_m=np.arange(12.0)),
    "negative EC": lambda t: t.assign(ece_ds_m=-1.0),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_long_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "long.csv"
    LONG[kind](long()).to_csv(path, index=False)
    refused(path, reader="long_table")


# --- folders and metadata -----------------------------------------------------------------------------------

METADATA: dict[str, bytes] = {
    "empty": b"",
    "no table": b"soil0 has EC 4\n",
    "no ids": b"name,clay\nsoil0,3\n",
    "an id twice": b"id,clay\nsoil0,3\nsoil0,4\n",
    "other samples": b"id,clay\na,3\nb,4\n",
    "ids with endings": b"id,clay\nsoil0.asd,3\nsoil1.asd,4\n",
    "ragged": b"id,clay\nsoil0\n",
    "Latin-1": "id,größe\nsoil0,3\n".encode("latin-1"),
    "a workbook that is none": b"PK\x03\x04 not a workbook",
    "EC in words": b"id,ece_ds_m\nsoil0,salty\n",
    "EC below zero": b"id,ece_ds_m\nsoil0,-4\n",
    "a place in the sea of numbers": b"id,latitude,longitude\nsoil0,4000,3\n",
}


@pytest.mark.parametrize("kind", METADATA)
def test_metadata_of_a_folder(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(2):
        AsdFile(channels=60).write(folder, f"soil{number}.asd")
    (tmp_path / "samples.csv").write_bytes(METADATA[kind])
    refused(folder, metadata=tmp_path / "samples.csv")


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<2sHI", b"II", 42, 0),
        struct.pack("<2sHI", b"II", 42, 0xFFFFFFFF),
        struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 1 << 60),  # BigTIFF: 10^18 tags
        struct.pack("<2sHHHQ", b"II", 43, 8, 0, (1 << 64) - 1),
    ],
)
def test_a_tiff_whose_directory_lies(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "scan.asd"
    path.write_bytes(head)
    refused(path)
