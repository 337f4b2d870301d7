"""Units, errors, and files that are whole or not there."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepsalt import units
from deepsalt.errors import DeepSaltError, LabelError, OutputError
from deepsalt.files import fingerprint, written_whole


@given(st.floats(300, 20_000))
def test_wavenumber_and_wavelength_are_inverse(nm: float) -> None:
    assert units.nm_from_wavenumber(units.wavenumber_from_nm(nm)) == pytest.approx(nm)


@given(st.floats(1e-4, 1.5))
def test_absorbance_and_reflectance_are_inverse(reflectance: float) -> None:
    back = units.reflectance_from_absorbance(units.absorbance_from_reflectance(reflectance))
    assert back == pytest.approx(reflectance)


def test_no_absorbance_for_dark_or_negative_reflectance() -> None:
    assert np.isnan(units.absorbance_from_reflectance([0.0, -0.1])).all()


@given(st.floats(0, 1000))
def test_the_target_transform_is_inverse(ece: float) -> None:
    assert units.ece_from_log(units.log_ece(ece)) == pytest.approx(ece, abs=1e-9)


def test_ece_is_never_below_zero() -> None:
    assert units.ece_from_log(-0.5) == 0


@pytest.mark.parametrize(("unit", "value"), [("mS/m", 100), ("µS/cm", 1000), ("mmho/cm", 1), ("dS/m", 1)])
def test_units_of_ec(unit: str, value: float) -> None:
    assert units.ds_per_m(value, unit) == pytest.approx(1.0)


def test_an_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(LabelError, match=r"unknown unit of EC 'S/m'.*us/cm"):
        units.ds_per_m(1, "S/m")


def test_an_error_is_one_line_of_found_where_and_fix() -> None:
    error = DeepSaltError("found\n this.", where="file.csv", fix="Do that.")
    assert str(error) == "file.csv: found this. Do that."


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "result.txt"
    with written_whole(target) as aside:
        aside.write_text("whole")
        assert not target.exists()
        assert aside.suffix == ".txt"
    assert target.read_text() == "whole"
    assert [p.name for p in target.parent.iterdir()] == ["result.txt"]


def write_half_then_raise(target: Path, error: Exception) -> None:
    with written_whole(target) as aside:
        aside.write_text("half")
        raise error


def test_a_failure_leaves_nothing_and_keeps_the_earlier_file(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    target.write_text("earlier")
    with pytest.raises(ZeroDivisionError):
        write_half_then_raise(target, ZeroDivisionError())
    assert target.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["result.txt"]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "no space left.*Free some space"),
        (errno.EACCES, "not allowed"),
        (errno.EIO, "could not be written"),
    ],
)
def test_a_disk_that_refuses_gives_one_clear_error(tmp_path: Path, number: int, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        write_half_then_raise(tmp_path / "result.txt", OSError(number, "the disk says no"))
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_follows_names_and_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    second = fingerprint(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, fingerprint(tmp_path)}) == 3
