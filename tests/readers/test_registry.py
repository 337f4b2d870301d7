"""Which reader opens what; readers of third parties, whole and broken."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deepsalt as ds
from deepsalt.errors import ProductError, UsageError
from deepsalt.readers import Reader, readers, registry
from deepsalt.spectra import Axis, Spectra


class AsciiReader:
    """A third party's format: a line `ASC` followed by numbers."""

    name = "ascii"
    description = "our own ASCII format"
    specificity = 10

    def matches(self, path: Path) -> bool:
        return path.is_file() and path.read_bytes().startswith(b"ASC,")

    def open(self, path: Path, *, brightness: float = 1.0) -> Spectra:
        values = [float(text) * brightness for text in path.read_text().split(",")[1:]]
        return Spectra.of_table([values], Axis(np.array([400.0, 500.0]), "nm"), "reflectance")


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch):
    """Register objects as readers of other packages, by an entry point each."""
    points: list[EntryPoint] = []
    shipped = registry.entry_points

    def fake(*, group: str) -> list[EntryPoint]:
        return [*shipped(group=group), *points]

    def register(name: str, reader: Any, package: str) -> None:
        module = types.ModuleType(package)
        if reader is not None:
            reader.__class__.__module__ = package
            module.READER = reader  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, package, module)
        points.append(EntryPoint(name, f"{package}:READER", "deepsalt.readers"))

    monkeypatch.setattr(registry, "entry_points", fake)
    return register


@pytest.fixture
def ascii_file(tmp_path: Path) -> Path:
    path = tmp_path / "one.csv"
    path.write_text("ASC,0.25,0.5\n")
    return path


def test_the_shipped_readers_follow_the_protocol() -> None:
    assert list(readers()) == [
        "table",
        "long_table",
        "asd",
        "opus",
        "envi_library",
        "spectral_text",
        "folder",
        "enmap",
        "sentinel2",
        "landsat",
        "prisma",
        "geotiff",
        "emit",
        "desis",
        "envi_cube",
    ]
    for name, reader in readers().items():
        assert isinstance(reader, Reader)
        assert reader.name == name


def test_a_third_party_reader_is_found_by_its_entry_point(plug_in, ascii_file: Path) -> None:
    plug_in("ascii", AsciiReader(), "soilpackage")
    spectra = ds.read(ascii_file)  # the table reader matches .csv as well: the plug-in wins
    np.testing.assert_array_equal(spectra.values, [[0.25, 0.5]])
    assert ds.read(ascii_file, brightness=2.0).values[0, 1] == 1.0
    with pytest.raises(UsageError, match=r"'ascii' has no option 'brightnes'. Did you mean 'brightness'"):
        ds.read(ascii_file, brightnes=2.0)


def test_the_most_specific_reader_wins(plug_in, ascii_file: Path) -> None:
    class Vague(AsciiReader):
        name, specificity = "vague", 5

    plug_in("ascii", AsciiReader(), "soilpackage")
    plug_in("vague", Vague(), "otherpackage")
    assert registry._recognise(ascii_file, readers(), []).name == "ascii"


def test_equal_strangers_must_be_chosen(plug_in, ascii_file: Path) -> None:
    class Twin(AsciiReader):
        name = "twin"

    plug_in("ascii", AsciiReader(), "soilpackage")
    plug_in("twin", Twin(), "otherpackage")
    with pytest.raises(
        UsageError, match=r"equally well: ascii, twin. Choose one, for example reader='ascii'"
    ):
        ds.read(ascii_file)
    assert ds.read(ascii_file, reader="twin").values[0, 0] == 0.25


def test_a_broken_plug_in_breaks_nothing_else(plug_in, write_csv, tmp_path: Path) -> None:
    class Raising(AsciiReader):
        name = "raising"

        def matches(self, path: Path) -> bool:
            raise RuntimeError("no licence")

    plug_in("broken", None, "missingpackage")
    plug_in("raising", Raising(), "raisingpackage")
    assert ds.read(write_csv("450nm,550nm,650nm", ".1,.2,.3")).data.shape == (1, 3)
    unknown = tmp_path / "unknown.bin"
    unknown.write_bytes(b"\x01\x02\x03")
    with pytest.raises(UsageError) as caught:
        ds.read(unknown)
    assert "reader 'broken' of package missingpackage is broken (ModuleNotFoundError" in str(caught.value)
    assert "reader 'raising' of package raisingpackage is broken (RuntimeError: no licence)" in str(
        caught.value
    )
    with pytest.raises(UsageError, match=r"missingpackage is broken .*uninstall missingpackage"):
        ds.read(unknown, reader="broken")


def test_an_object_that_is_no_reader_is_reported(plug_in, tmp_path: Path) -> None:
    class NotOne:
        name = "notone"

    plug_in("notone", NotOne(), "notonepackage")
    assert "notone" not in readers()
    with pytest.raises(
        UsageError, match=r"notonepackage is broken .it has no name, description, matches or open"
    ):
        ds.read(tmp_path, reader="notone")


def test_no_reader_lists_the_formats_and_what_was_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x89PNG....")
    with pytest.raises(UsageError) as caught:
        ds.read(tmp_path / "a.bin")
    text = str(caught.value)
    assert "looked at its first bytes, b'\\x89PNG....'" in text
    assert all(f"{name}: {reader.description}" in text for name, reader in readers().items())
    with pytest.raises(UsageError, match=r"no reader knows this folder .looked at its 1 entries: a.bin"):
        ds.read(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="its entries: there are none"):
        ds.read(tmp_path / "none")


def test_wrong_calls_name_the_nearest(write_csv, tmp_path: Path) -> None:
    path = write_csv("450nm,550nm,650nm", ".1,.2,.3", name="library.csv")
    with pytest.raises(UsageError, match=r"no such file or folder. Did you mean 'library.csv'") as caught:
        ds.read(tmp_path / "libary.csv")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match=r"no such file or folder. Check the path"):
        ds.read(tmp_path / "nowhere" / "x")
    with pytest.raises(
        UsageError, match=r"reader 'table' has no option 'drop_emty'. Did you mean 'drop_empty'"
    ):
        ds.read(path, drop_emty=True)
    with pytest.raises(UsageError, match=r"has no option 'zzz'. Its options: domain, unit"):
        ds.read(path, zzz=True)
    with pytest.raises(UsageError, match=r"unknown reader 'tabel'. Did you mean 'table'"):
        ds.read(path, reader="tabel")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    with pytest.raises(ProductError, match="the file is empty"):
        ds.read(tmp_path / "a.tif")


def test_text_with_band_headers_is_a_table_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "spectra.dat"
    path.write_text("id,450nm,550nm,650nm\na,.1,.2,.3\n")
    assert ds.read(path).data.shape == (1, 3)
    path.write_text("a text, with commas\n")
    with pytest.raises(UsageError, match="no reader knows this file"):
        ds.read(path)
