"""Malformed scans and libraries of scans: binary files, ENVI pairs, text of one spectrum."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.readers.malformed import MOST_BYTES, refused, told
from tests.readers.test_asd import AsdFile
from tests.readers.test_envi_library import Library
from tests.readers.test_opus import ABSORBANCE, A, opus
from tests.readers.test_spectral_text import ASD_UM, USGS, ecostress, splib, wavelengths

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
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
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
