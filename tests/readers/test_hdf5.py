"""What HDF5 says becomes one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from deepsalt.errors import ProductError
from deepsalt.readers.hdf5 import is_hdf5, opened, text_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.he5"
    with h5py.File(path, "w") as out:
        out["cube"] = np.arange(60_000.0).reshape(3, -1)
    return path


def test_a_file_is_known_by_its_first_bytes(file: Path) -> None:
    other = file.with_name("text.nc")
    other.write_text("not HDF5 at all")
    assert is_hdf5(file)
    assert not is_hdf5(other)
    assert not is_hdf5(file.parent)


def test_a_truncated_file_is_one_clear_error(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with (
        pytest.raises(ProductError, match=r"some\.he5: could not open it .*truncated.*download"),
        opened(file),
    ):
        pass


def test_what_is_not_there_is_named(file: Path) -> None:
    with (
        pytest.raises(ProductError, match=r"could not read it: .*VNIR_Cube"),
        opened(file, "read it") as data,
    ):
        data["VNIR_Cube"]


@pytest.mark.parametrize("value", ["L2D", b"L2D", np.array([b"L2D\x00"]), np.array("L2D"), np.bytes_("L2D ")])
def test_text_of_attributes(value: object) -> None:
    assert text_of(value) == "L2D"
    assert text_of(np.array([], dtype="S3")) == ""
