"""ASD binary files, written byte by byte as the format's description has them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt.errors import DeepSaltError, ProductError
from deepsalt.readers import read
from deepsalt.readers.asd import READER


@dataclass(frozen=True)
class AsdFile:
    """A FieldSpec scan of 2,151 channels; change a field, then call `raw` or `write`."""

    version: bytes = b"as8"
    recorded: int = 1
    numbers: int = 2
    first: float = 350.0
    step: float = 1.0
    channels: int = 2151
    when: tuple[int, ...] = (30, 15, 10, 7, 5, 121, 1, 157, 0)  # 7 June 2021
    dark: int = 1
    referenced: int = 1
    described: bytes = b"Spectralon 99"
    level: float = 1.0

    def reflectance(self) -> np.ndarray:
        return self.level * (0.2 + 0.3 * np.linspace(0, 1, self.channels))

    def white(self) -> np.ndarray:
        return 20_000 + 5_000 * np.sin(np.arange(self.channels) / 300)

    def raw(self) -> bytes:
        head = bytearray(484)
        head[:3] = self.version
        head[3:13] = b"plot 7, dry"[:10]
        struct.pack_into("<9h", head, 160, *self.when)
        head[181], head[186], head[199] = self.dark, self.recorded, self.numbers
        struct.pack_into("<ff", head, 191, self.first, self.step)
        struct.pack_into("<H", head, 204, self.channels)
        struct.pack_into("<H", head, 400, 16_123)
        struct.pack_into("<ff", head, 444, 1000.0, 1830.0)
        kind = {0: "<f4", 1: "<i4", 2: "<f8"}[self.numbers]
        target = (self.reflectance() * self.white()).astype(kind).tobytes()
        between = struct.pack("<h8s8sh", self.referenced, b"", b"", len(self.described)) + self.described
        return bytes(head) + target + between + self.white().astype(kind).tobytes()

    def write(self, folder: Path, name: str = "scan00001.asd") -> Path:
        path = folder / name
        path.write_bytes(self.raw())
        return path


@pytest.mark.parametrize("numbers", [0, 1, 2])
def test_reflectance_is_the_target_by_its_white_reference(tmp_path: Path, numbers: int) -> None:
    file = AsdFile(numbers=numbers)
    found = read(file.write(tmp_path))
    assert found.quantity == "reflectance"
    assert (found.axis.values[0], found.axis.values[-1], found.axis.unit) == (350.0, 2500.0, "nm")
    np.testing.assert_allclose(found.values[0], file.reflectance(), atol=1e-4)
    assert found.samples.to_dict("records") == [{"id": "scan00001", "date": "2021-06-07"}]
    assert "instrument 16123, detectors joined at 1000 and 1830 nm" in found.provenance[1]


def test_it_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    assert len(read(AsdFile().write(tmp_path, "scan.001"))) == 1
    text = tmp_path / "notes.txt"
    text.write_text("as8 is the version of these files,\n" * 30)
    assert not READER.matches(text)
    assert not READER.matches(tmp_path)


def test_what_an_old_or_unsure_instrument_leaves_out_is_said(tmp_path: Path) -> None:
    found = read(AsdFile(dark=0, when=(0,) * 9, version=b"as2").write(tmp_path))
    assert "date" not in found.samples
    assert "dark current was not taken off" in found.provenance


def test_a_channel_without_light_is_missing(tmp_path: Path) -> None:
    file = AsdFile()
    raw = bytearray(file.raw())
    struct.pack_into("<d", raw, len(raw) - 8, 0.0)
    path = tmp_path / "dim.asd"
    path.write_bytes(raw)
    found = read(path)
    assert np.isnan(found.values[0, -1])
    assert not np.isnan(found.values[0, :-1]).any()
    assert "1 bands without light" in found.provenance[-1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recorded": 2}, "recorded as radiance, which is no reflectance"),
        ({"recorded": 200}, "recorded as unknown"),
        ({"referenced": 0}, "no white reference"),
        ({"version": b"ASD"}, "no white reference"),
        ({"step": 0.0}, "2151 channels from 350 nm by 0 nm"),
        ({"step": 1e-15}, "scan00001.asd: 350 nm stands there twice"),
        ({"first": 35.0}, "from 35 nm"),
        ({"channels": 0}, "0 channels"),
        ({"level": 2e-5}, "no counts of one instrument"),
    ],
)
def test_what_is_no_reflectance_is_refused(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(ProductError, match=words):
        read(replace(AsdFile(), **changes).write(tmp_path), reader="asd")


@given(st.integers(0, len(AsdFile().raw()) - 1))
def test_a_file_that_is_cut_off_says_so(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    path = tmp_path_factory.mktemp("asd") / "cut.asd"
    path.write_bytes(AsdFile().raw()[:kept])
    with pytest.raises(DeepSaltError, match=r"cut off|no white reference|empty"):
        read(path, reader="asd")


@given(st.integers(3, 483), st.binary(min_size=1, max_size=40))
def test_a_damaged_header_is_an_error_or_a_spectrum_but_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes
) -> None:
    raw = bytearray(AsdFile(channels=60).raw())
    raw[at : at + len(noise)] = noise
    path = tmp_path_factory.mktemp("asd") / "damaged.asd"
    path.write_bytes(raw)
    try:
        found = read(path, reader="asd")
    except DeepSaltError as error:
        told = str(error)
    else:
        told = found.provenance[0]
    assert "damaged.asd" in told
