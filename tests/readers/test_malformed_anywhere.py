"""Damage at random, the same every time, in a whole file of each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from tests.readers.malformed import told
from tests.readers.test_asd import AsdFile
from tests.readers.test_envi_library import Library
from tests.readers.test_long_table import long
from tests.readers.test_malformed_scans import OPUS
from tests.readers.test_malformed_tables import GOOD, SHEET, H, zipped
from tests.readers.test_spectral_text import ecostress


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
