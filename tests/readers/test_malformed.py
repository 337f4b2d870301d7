"""Malformed files of every laboratory format: one error of ours with a message, or a repair that is told.

Each case is a file that exists in some laboratory's folder, or that somebody could send on purpose. Nothing
else than a DeepSaltError may come out, and nothing may be allocated on the word of a header.
"""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from tests.readers.test_asd import AsdFile
from tests.readers.test_envi_library import Library
from tests.readers.test_long_table import long
from tests.readers.test_opus import ABSORBANCE, A, opus
from tests.readers.test_spectral_text import ASD_UM, USGS, ecostress, splib, wavelengths

import deepsalt as ds
from deepsalt.errors import DeepSaltError

#: What a read may take beside the file itself: nothing near what the lying headers claim.
_MOST_BYTES = 200 << 20


def refused(path: Path, **options: object) -> str:
    """The message of the DeepSaltError that reading must end in."""
    with pytest.raises(DeepSaltError) as caught:
        ds.read(path, **options)
    told = str(caught.value)
    assert len(told) > 20
    assert "\n" not in told
    assert "Traceback" not in told
    return told


def told(path: Path, **options: object) -> str:
    """What reading says: the error of ours, or the provenance of spectra that could be saved."""
    try:
        found = ds.read(path, **options)
    except DeepSaltError as error:
        said = str(error)
    else:
        said = " | ".join(found.provenance)
        assert len(found) > 0
        assert not np.isinf(found.values).any()
    assert said.strip()
    return said


# --- binary scans, cut off and overwritten ------------------------------------------------------------------

ASD = AsdFile(channels=300).raw()
OPUS = opus({A: ABSORBANCE})


@pytest.mark.parametrize(
    "kept", [*range(1, 4), 100, 191, 204, 483, 484, 485, 900, 2883, 2884, 2900, 2917, 5000]
)
def test_an_asd_file_cut_off(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "scan.asd"
    path.write_bytes(ASD[:kept])
    refused(path, reader="asd")


@pytest.mark.parametrize("kept", [1, 4, 11, 23, 24, 36, 200, 503, 504, 505, 1000, 1700, 2103, 2104, 2250])
def test_an_opus_file_cut_off(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "soil.0"
    path.write_bytes(OPUS[:kept])
    refused(path, reader="opus")


def patched(raw: bytes, at: int, kind: str, value: float) -> bytes:
    made = bytearray(raw)
    struct.pack_into(kind, made, at, value)
    return bytes(made)


@pytest.mark.parametrize(
    ("at", "kind", "value"),
    [
        (191, "<f", float("nan")), (191, "<f", float("inf")), (191, "<f", -350.0), (191, "<f", 1e30),
        (195, "<f", float("nan")), (195, "<f", 0.0), (195, "<f", -1.0), (195, "<f", 1e9),
        (204, "<H", 0), (204, "<H", 1), (204, "<H", 301), (204, "<H", 65535), (199, "<B", 3),
        (199, "<B", 255), (186, "<B", 2), (186, "<B", 255), (2884, "<h", 0), (2902, "<h", -1),
        (2902, "<h", 32767),
    ],
)  # fmt: skip
def test_an_asd_header_that_lies(tmp_path: Path, at: int, kind: str, value: float) -> None:
    path = tmp_path / "scan.asd"
    path.write_bytes(patched(ASD, at, kind, value))
    refused(path, reader="asd")


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (12, -1),
        (12, 1 << 30),
        (16, 0),
        (16, -1),
        (16, 1 << 30),
        (28, -4),
        (28, 1 << 30),
        (32, 1 << 30),
        (40, -9),
    ],
)
def test_an_opus_directory_that_lies(tmp_path: Path, at: int, value: int) -> None:
    path = tmp_path / "soil.0"
    path.write_bytes(patched(OPUS, at, "<i", value))
    refused(path, reader="opus")


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


# --- ENVI libraries -----------------------------------------------------------------------------------------

HEADERS: dict[str, dict[str, str | None]] = {
    "10 GB of spectra": {"lines": "500000000"},
    "10 GB of channels": {"samples": "900000000"},
    "lines beyond 64 bits": {"lines": "99999999999999999999999"},
    "lines and samples swapped": {"lines": "5", "samples": "3"},
    "no lines": {"lines": "0"},
    "half a line": {"lines": "1.5"},
    "lines in words": {"lines": "three"},
    "lines missing": {"lines": None},
    "samples missing": {"samples": None},
    "an offset beyond the file": {"header offset": "4096"},
    "a negative offset": {"header offset": "-4"},
    "an offset within": {"header offset": "4"},
    "bands of an image": {"bands": "224"},
    "complex numbers": {"data type": "6"},
    "another type": {"data type": "5"},
    "integers": {"data type": "2"},
    "type in words": {"data type": "float"},
    "byte order 2": {"byte order": "2"},
    "byte order missing": {"byte order": None},
    "no file type": {"file type": None},
    "an image": {"file type": "ENVI Standard"},
    "no wavelengths": {"wavelength": None},
    "empty wavelengths": {"wavelength": "{}"},
    "too few wavelengths": {"wavelength": "{0.45}"},
    "too many wavelengths": {"wavelength": "{" + ",".join(["0.45"] * 9) + "}"},
    "a wavelength in words": {"wavelength": "{blue, .55, .65, 1.65, 2.2}"},
    "a wavelength twice": {"wavelength": "{.45, .45, .65, 1.65, 2.2}"},
    "a wavelength that is none": {"wavelength": "{nan, .45, .65, 1.65, 2.2}"},
    "a wavelength of infinity": {"wavelength": "{inf, .45, .65, 1.65, 2.2}"},
    "a wavelength of zero": {"wavelength": "{0, .45, .65, 1.65, 2.2}"},
    "a list without its end": {"wavelength": "{.45, .55, .65"},
    "a list without its start": {"wavelength": ".45, .55}"},
    "nm as micrometres": {"wavelength": "{450, 550, 650, 1650, 2200}"},
    "micrometres as nm": {"wavelength units": "Nanometers"},
    "names that are too few": {"spectra names": "{a}"},
    "names with commas": {"spectra names": "{a, b, c, d}"},
    "bbl too short": {"bbl": "{1, 1}"},
    "bbl in words": {"bbl": "{good, good, good, bad, good}"},
    "bbl of zeros": {"bbl": "{0, 0, 0, 0, 0}"},
    "fwhm too short": {"fwhm": "{10}"},
    "fwhm in words": {"fwhm": "{a, b, c, d, e}"},
    "a scale of zero": {"reflectance scale factor": "0"},
    "a negative scale": {"reflectance scale factor": "-1"},
    "a scale of nothing": {"reflectance scale factor": "nan"},
    "a scale in words": {"reflectance scale factor": "percent"},
    "a scale that was applied already": {"reflectance scale factor": "10000"},
    "an ignore value in words": {"data ignore value": "none"},
}


@pytest.mark.parametrize("kind", HEADERS)
def test_an_envi_header(tmp_path: Path, kind: str) -> None:
    path = Library().write(tmp_path, **{key.replace(" ", "_"): value for key, value in HEADERS[kind].items()})
    tracemalloc.start()
    try:
        refused(path, reader="envi_library")
        assert tracemalloc.get_traced_memory()[1] < _MOST_BYTES
    finally:
        tracemalloc.stop()


ENVI_FILES: dict[str, tuple[bytes | None, bytes | None]] = {
    "no spectra": (b"", None),
    "half the spectra": (Library().values.tobytes()[:30], None),
    "a byte too many": (Library().values.tobytes() + b"x", None),
    "infinite spectra": (np.full((3, 5), np.inf, np.float32).tobytes(), None),
    "empty spectra": (np.full((3, 5), np.nan, np.float32).tobytes(), None),
    "bytes in the other order": (Library().values.astype(">f4").tobytes(), None),
    "percent": ((100 * Library().values).tobytes(), None),
    "an empty header": (None, b""),
    "a header of one word": (None, b"ENVI"),
    "a header of another program": (None, b"BYTEORDER M\nLAYOUT BIL\n"),
    "a binary header": (None, b"ENVI\x00\x01\x02"),
    "a header with equal signs only": (None, b"ENVI\n====\n= =\n"),
    "a header with open braces": (None, b"ENVI\n" + b"{" * 5000),
    "a header with two numbers of lines": (None, b"ENVI\nlines = 3\nlines = 4\n"),
}


@pytest.mark.parametrize("kind", ENVI_FILES)
def test_an_envi_pair(tmp_path: Path, kind: str) -> None:
    data, header = ENVI_FILES[kind]
    path = Library().write(tmp_path)
    if data is not None:
        path.write_bytes(data)
    if header is not None:
        path.with_suffix(".hdr").write_bytes(header)
    refused(path, reader="envi_library")


# --- text of one spectrum -----------------------------------------------------------------------------------


def of_text(*lines: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "soil.spectrum.txt"
        path.write_text("\n".join(lines))
        return path

    return make


X, Y = "X Units: Wavelength (micrometers)", "Y Units: Reflectance (percent)"
TEXTS: dict[str, Callable[[Path], Path]] = {
    "a header alone": of_text("Name: a", X, Y),
    "no unit of X": of_text("Name: a", "X Units:", Y, "", "0.4 10"),
    "no unit of Y": of_text("Name: a", X, "Y Units:", "", "0.4 10"),
    "Y missing": of_text("Name: a", X, "", "0.4 10"),
    "emissivity": of_text("Name: a", X, "Y Units: Emissivity", "", "0.4 10"),
    "unknown X": of_text("Name: a", "X Units: Energy (eV)", Y, "", "0.4 10"),
    "unknown Y": of_text("Name: a", X, "Y Units: Reflectance (dB)", "", "0.4 10"),
    "one column": of_text("Name: a", X, Y, "", "0.4", "0.5"),
    "three columns": of_text("Name: a", X, Y, "", "0.4 10 1", "0.5 11 1"),
    "a row cut off": of_text("Name: a", X, Y, "", "0.4 10", "0.5"),
    "no number": of_text("Name: a", X, Y, "", "0.4 10", "0.5 dark"),
    "a decimal comma": of_text("Name: a", X, Y, "", "0,4 10,5", "0,5 11,5"),
    "a wavelength that is none": of_text("Name: a", X, Y, "", "nan 10", "0.5 11"),
    "a wavelength below zero": of_text("Name: a", X, Y, "", "-0.4 10", "0.5 11"),
    "nm as micrometres": of_text("Name: a", X, Y, "", "400 10", "500 11"),
    "infinite": of_text("Name: a", X, Y, "", "0.4 inf", "0.5 11"),
    "missing everywhere": of_text("Name: a", X, Y, "", "0.4 nan", "0.5 nan"),
    "deleted everywhere": of_text("Name: a", X, Y, "", "0.4 -1.23e34", "0.5 -1.23e34"),
    "fraction as percent of scaled": of_text("Name: a", X, Y, "", "0.4 4000", "0.5 5000"),
    "percent as fraction": of_text("Name: a", X, "Y Units: Reflectance", "", "0.4 40", "0.5 50"),
    "another count": lambda folder: ecostress(folder, number_of_x_values="7"),
    "both infrareds": lambda folder: ecostress(folder, um=np.array([15.0, 0.4]), y=np.array([1.0, 2])),
    "NUL": of_text("Name: a", X, Y, "", "0.4 1\x000"),
    "USGS without wavelengths": lambda folder: splib(folder, USGS),
    "USGS without channels": lambda folder: splib(folder, USGS[:0]),
    "USGS with text": of_text(" splib07a Record=1: Halite ASDFRa AREF", "0.1", "dark"),
    "USGS with two columns": of_text(" splib07a Record=1: Halite ASDFRa AREF", "0.4 0.1", "0.5 0.1"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_spectrum_in_text(tmp_path: Path, kind: str) -> None:
    refused(TEXTS[kind](tmp_path), reader="spectral_text")


@pytest.mark.parametrize(
    "axis", [ASD_UM[:5], ASD_UM * 1000, np.zeros(2151), np.full(2151, np.nan), np.full(2151, 0.5), -ASD_UM]
)
def test_usgs_wavelengths(tmp_path: Path, axis: np.ndarray) -> None:
    file = wavelengths(tmp_path, axis)
    said = told(splib(tmp_path, USGS), wavelengths=file)
    assert "averaged" in said or "wavelength" in said or "micrometres" in said or "band centres" in said


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


# --- damage at random, the same every time ------------------------------------------------------------------


def _envi(folder: Path) -> tuple[Path, Path]:
    path = Library().write(folder)
    return path.with_suffix(".hdr"), path


def _file(name: str, content: bytes) -> Callable[[Path], tuple[Path, Path]]:
    def make(folder: Path) -> tuple[Path, Path]:
        path = folder / name
        path.write_bytes(content)
        return path, path

    return make


def _ecostress(folder: Path) -> tuple[Path, Path]:
    path = ecostress(folder)
    return path, path


#: How a good file is made: the file to be damaged and the path to be read.
WHOLE: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "table": _file("t.csv", f"{H},ece_ds_m\na,.1,.2,.3,4\nb,.2,.3,.4,8\n".encode()),
    "gzip": _file("t.csv.gz", zipped(f"{H}\na,.1,.2,.3\nb,.2,.3,.4\n".encode())),
    "parquet": _file("t.parquet", GOOD),
    "workbook": _file("t.xlsx", SHEET),
    "long": _file("long.csv", long().to_csv(index=False).encode()),
    "asd": _file("scan.asd", AsdFile(channels=60).raw()),
    "opus": _file("soil.0", OPUS),
    "header": _envi,
    "ecostress": _ecostress,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_damage_anywhere(tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    folder = tmp_path_factory.mktemp("damage")

    @seed(7)
    @settings(max_examples=25, database=None, deadline=None)
    @given(where=st.floats(0, 1), noise=st.binary(min_size=1, max_size=24), how=st.sampled_from("ocid"))
    def damaged(where: float, noise: bytes, how: str) -> None:
        file, path = WHOLE[kind](folder)
        raw = file.read_bytes()
        at = int(where * (len(raw) - 1))
        changed = {
            "o": raw[:at] + noise + raw[at + len(noise) :],  # overwritten
            "c": raw[:at],  # cut off
            "i": raw[:at] + noise + raw[at:],  # inserted
            "d": raw[:at] + raw[at + len(noise) :],  # taken out
        }[how]
        file.write_bytes(changed)
        told(path)

    damaged()
