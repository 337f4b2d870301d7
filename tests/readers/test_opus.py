"""Bruker OPUS files, written block by block in the real layout."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deepsalt.errors import DeepSaltError, ProductError, UsageError
from deepsalt.readers import read
from deepsalt.readers.opus import READER

POINTS = 400
WAVENUMBER = np.linspace(4000.0, 600.0, POINTS)
ABSORBANCE = (1.0 + 0.5 * np.sin(WAVENUMBER / 200)).astype(np.float32)
A, T, R, SINGLE = 4, 5, 12, 1  # what a block holds, in the third-last field of its type


def kind(result: int, status: bool = False) -> int:
    """A block's type as packed in the directory: of a sample's result, or the parameters that describe it."""
    of = 1 if result == SINGLE else 3
    return 3 | of << 2 | int(status) << 4 | result << 10


def parameters(**values: float | int | str) -> bytes:
    """Name, type (0 integer, 1 real, 2 text), size in two-byte words, value; then END."""
    block = b""
    for name, value in values.items():
        code, packed = {
            int: (0, struct.pack("<i", value) if isinstance(value, int) else b""),
            float: (1, struct.pack("<d", value) if isinstance(value, float) else b""),
            str: (2, str(value).encode("latin-1") + b"\0"),
        }[type(value)]
        packed += b"\0" * (len(packed) % 2)
        block += name.encode() + b"\0" + struct.pack("<hh", code, len(packed) // 2) + packed
    return block + b"END\0" + b"\0" * 4


def opus(results: dict[int, np.ndarray], **status: float | int | str) -> bytes:
    """A file with these spectra, each with the parameters of its axis."""
    blocks: list[tuple[int, bytes]] = []
    for result, y in results.items():
        facts = {
            "DPF": 1, "NPT": len(y), "FXV": 4000.0, "LXV": 600.0, "CSF": 1.0,
            "MXY": float(y.max()), "MNY": float(y.min()), "DXU": "WN",
            "DAT": "07/06/2021", "TIM": "10:15:30.000 (GMT+2)", **status,
        }  # fmt: skip
        blocks += [(kind(result), y.astype("<f4").tobytes()), (kind(result, True), parameters(**facts))]
    start = 24 + 12 * 40
    directory, body = b"", b""
    for code, content in blocks:
        whole = content + b"\0" * (-len(content) % 4)
        directory += struct.pack("<iii", code, len(whole) // 4, start + len(body))
        body += whole
    head = b"\n\n\xfe\xfe" + struct.pack("<diii", 920622.0, 24, 40, len(blocks))
    return head + directory.ljust(12 * 40, b"\0") + body


def write(folder: Path, raw: bytes, name: str = "soil_17.0") -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


def test_the_only_result_is_read_and_named(tmp_path: Path) -> None:
    found = read(write(tmp_path, opus({A: ABSORBANCE, SINGLE: 30 * ABSORBANCE})))
    assert (found.quantity, found.axis.unit, len(found.axis)) == ("absorbance", "cm-1", POINTS)
    np.testing.assert_allclose(found.axis.values, WAVENUMBER[::-1])
    np.testing.assert_allclose(found.values[0], ABSORBANCE[::-1])
    assert found.samples.to_dict("records") == [{"id": "soil_17", "date": "2021-06-07"}]
    assert found.provenance == ("read from soil_17.0, block 'a': absorbance",)


def test_of_several_results_one_must_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, opus({A: ABSORBANCE, R: 10**-ABSORBANCE}))
    with pytest.raises(UsageError, match=r"2 results: .*'r' \(reflectance\)"):
        read(path)
    found = read(path, block="r")
    assert found.quantity == "reflectance"
    np.testing.assert_allclose(found.values[0], 10 ** -ABSORBANCE[::-1], rtol=1e-6)
    with pytest.raises(UsageError, match="no block 't'"):
        read(path, block="t")


def test_transmittance_becomes_absorbance_and_scales_count(tmp_path: Path) -> None:
    found = read(write(tmp_path, opus({T: 5 * 10**-ABSORBANCE}, CSF=0.2)))
    np.testing.assert_allclose(found.values[0], ABSORBANCE[::-1], rtol=1e-5)
    assert "turned into absorbance" in found.provenance[0]


def test_a_scan_without_its_result_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match=r"no absorbance or reflectance \(its spectra: sm\)"):
        read(write(tmp_path, opus({SINGLE: ABSORBANCE})))


def test_it_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    assert READER.matches(write(tmp_path, opus({A: ABSORBANCE}), "anything"))
    assert not READER.matches(write(tmp_path, b"\n\ntext\n", "text.0"))


def test_a_size_that_no_parser_would_leave_is_refused(tmp_path: Path) -> None:
    raw = bytearray(opus({A: ABSORBANCE}))
    at = raw.index(b"NPT\0")
    struct.pack_into("<h", raw, at + 6, -4)
    with pytest.raises(ProductError, match="has size -4"):
        read(write(tmp_path, bytes(raw)))


@given(st.integers(4, len(opus({A: ABSORBANCE})) - 1))
def test_a_file_that_is_cut_off_says_so(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    with pytest.raises(ProductError, match=r"cut off|damaged"):
        read(write(tmp_path_factory.mktemp("opus"), opus({A: ABSORBANCE})[:kept]))


@given(st.integers(4, 2300), st.binary(min_size=1, max_size=12))
@example(2157, bytes(2))  # the last wavenumber becomes 2
def test_damage_is_an_error_or_a_spectrum_but_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes
) -> None:
    raw = bytearray(opus({A: ABSORBANCE}))
    raw[at : at + len(noise)] = noise
    try:
        found = read(write(tmp_path_factory.mktemp("opus"), bytes(raw)), reader="opus")
    except DeepSaltError as error:
        told = str(error)
    else:
        told = found.provenance[0]
    assert "soil_17.0" in told
