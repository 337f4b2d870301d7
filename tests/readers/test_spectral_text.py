"""ECOSTRESS and USGS splib07 text files in their real layouts, one by one and as folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import deepsalt as ds
from deepsalt.errors import DeepSaltError, ProductError, SpectraError, UsageError
from deepsalt.readers import files_behind
from deepsalt.readers.spectral_text import READER

UM = np.linspace(2.4, 0.4, 41)
PERCENT = 20 + 10 * UM
HEAD = (
    "Name: Halite",
    "Type: Mineral",
    "Class: Halide",
    "Subclass: none",
    "Particle Size: Medium",
    "Sample No.: H-1A",
    "Owner: JPL",
    "Wavelength Range: VSWIR",
    "Origin: Searles Lake, California: a playa",
    "Description: Halite, NaCl. XRD analysis indicates: pure.",
    "Geologic Age: N/A",
    "Measurement: Directional (10 Degree) Hemispherical Reflectance",
    "First Column: X",
    "Second Column: Y",
    "X Units: Wavelength (micrometers)",
    "Y Units: Reflectance (percent)",
    "First X Value: 2.4000",
    "Last X Value: 0.4000",
    "Number of X Values: 41",
    "Additional Information: mineral.halide.none.medium.vswir.h1a.jpl.perkin.ancillary.txt",
    "",
)
NAME = "mineral.halide.none.medium.vswir.h1a.jpl.perkin.spectrum.txt"


def ecostress(
    folder: Path, name: str = NAME, um: np.ndarray = UM, y: np.ndarray = PERCENT, **lines: str | None
) -> Path:
    """A file in the layout of the ECOSTRESS library; `x_units=...` changes a line, None drops it."""
    head = []
    for line in HEAD:
        key = line.partition(":")[0]
        change = lines.get(key.lower().replace(" ", "_").replace(".", ""), "")
        if key == "Number of X Values" and change == "":
            change = str(len(um))
        if change is not None:
            head.append(f"{key}: {change}" if change else line)
    rows = [f" {x:.4f}\t{value:.4f}" for x, value in zip(um, y, strict=True)]
    path = folder / name
    path.write_bytes("\r\n".join([*head, *rows, ""]).encode("latin-1"))
    return path


def splib(folder: Path, values: np.ndarray, name: str = "Halite HS433.3B           ASDFRc AREF") -> Path:
    path = folder / f"splib07a_{'_'.join(name.split())}.txt"
    path.write_text("\n".join([f" splib07a Record=8213: {name}", *(f" {v: .7E}" for v in values), ""]))
    return path


def wavelengths(folder: Path, um: np.ndarray, code: str = "ASD", words: str = "0.35-2.5 microns") -> Path:
    path = folder / f"splib07a_Wavelengths_{code}_{words.replace(' ', '_')}_{len(um)}_ch.txt"
    title = f" splib07a Record=13: Wavelengths {code} {words} {len(um)} ch"
    path.write_text("\n".join([title, *(f" {value: .7E}" for value in um), ""]))
    return path


ASD_UM = np.round(np.linspace(0.35, 2.5, 2151), 4)
USGS = np.linspace(0.2, 0.5, 2151)


def test_an_ecostress_file_is_sorted_and_percent_is_said(tmp_path: Path) -> None:
    found = ds.read(ecostress(tmp_path))
    np.testing.assert_allclose(found.axis.values, 1000 * UM[::-1], atol=1e-6)
    np.testing.assert_allclose(found.values[0], PERCENT[::-1] / 100, rtol=1e-5)
    row = found.samples.iloc[0]
    assert row["id"] == NAME.removesuffix(".spectrum.txt")
    assert (row["name"], row["particle_size"], row["sample_no"]) == ("Halite", "Medium", "H-1A")
    assert row["origin"] == "Searles Lake, California: a playa"
    told = " | ".join(found.provenance)
    for part in ("ECOSTRESS library", "percent: values multiplied by 0.01", "turned into nm", "sorted by"):
        assert part in told


def test_the_mid_infrared_becomes_wavenumbers_and_both_must_be_chosen(tmp_path: Path) -> None:
    found = ds.read(ecostress(tmp_path, um=np.linspace(2.0, 15.0, 60), y=np.full(60, 30.0)))
    assert (found.axis.unit, found.quantity) == ("cm-1", "reflectance")
    np.testing.assert_allclose(found.axis.values[[0, -1]], [666.666667, 5000])
    both = ecostress(tmp_path, um=np.linspace(15.0, 0.4, 60), y=np.full(60, 30.0))
    with pytest.raises(UsageError, match="domain='visnir' or domain='mir'"):
        ds.read(both)
    assert ds.read(both, domain="visnir").axis.unit == "nm"
    assert ds.read(both, domain="mir").axis.unit == "cm-1"


def test_readings_where_two_instruments_meet_are_averaged(tmp_path: Path) -> None:
    found = ds.read(ecostress(tmp_path, um=np.array([0.5, 0.6, 0.6, 0.7]), y=np.array([10, 20, 40, 50.0])))
    np.testing.assert_allclose(found.values, [[0.1, 0.3, 0.5]], rtol=1e-6)
    assert "1 wavelengths stand there more than once: averaged" in found.provenance


def test_text_of_old_systems_is_read_and_said(tmp_path: Path) -> None:
    path = ecostress(tmp_path, origin="Großer Salzsee")
    found = ds.read(path)
    assert found.samples["origin"].tolist() == ["Großer Salzsee"]
    assert "the text is not UTF-8: read as Latin-1" in found.provenance


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"y_units": "Transmittance (percent)"}, "holds transmittance, which is no reflectance"),
        ({"y_units": None}, "no line 'Y Units'"),
        ({"y_units": "Reflectance (furlongs)"}, "unknown unit of reflectance 'furlongs'"),
        ({"x_units": "Wavelength (parsec)"}, "unknown X Units"),
        ({"number_of_x_values": "2151"}, "speaks of 2151 readings, there are 41"),
    ],
)
def test_headers_that_make_no_spectrum(tmp_path: Path, lines: dict, words: str) -> None:
    with pytest.raises(ProductError, match=words):
        ds.read(ecostress(tmp_path, **lines))


def test_a_usgs_file_finds_its_wavelengths(tmp_path: Path) -> None:
    chapter = tmp_path / "ChapterM_Minerals"
    chapter.mkdir()
    values = USGS.copy()
    values[:3] = -1.23e34
    path = splib(chapter, values)
    axis = wavelengths(tmp_path, ASD_UM)
    wavelengths(tmp_path, np.linspace(0.2, 3, 480), "BECK", "Beckman 0.2-3.0 microns")
    found = ds.read(path)
    np.testing.assert_allclose(found.axis.values, np.arange(350, 2501))
    assert np.isnan(found.values[0, :3]).all()
    np.testing.assert_allclose(found.values[0, 3:], USGS[3:], rtol=1e-6)
    assert found.samples["id"].tolist() == ["splib07a_Halite_HS433.3B_ASDFRc_AREF"]
    told = " | ".join(found.provenance)
    assert "3 deleted values (-1.23e34) are missing" in told
    assert f"wavelengths from {axis.name}" in told
    assert files_behind(path) == [path, axis]


def test_usgs_wavelengths_that_are_not_clear_must_be_named(tmp_path: Path) -> None:
    path = splib(tmp_path, USGS[:480], "Halite HS433.3B BECKb AREF")
    with pytest.raises(UsageError, match=r"there is none beside it.*wavelengths=FILE"):
        ds.read(path)
    right = wavelengths(tmp_path, np.linspace(0.3, 2.7, 480), "BECK", "a")
    wavelengths(tmp_path, np.linspace(0.3, 2.6, 480), "BECK", "b")
    assert not READER.matches(right)
    with pytest.raises(UsageError, match="several fit"):
        ds.read(path)
    assert ds.read(path, wavelengths=right).axis.values[-1] == pytest.approx(2700)
    with pytest.raises(ProductError, match="480 channels, but 2151 wavelengths"):
        ds.read(path, wavelengths=wavelengths(tmp_path, ASD_UM))
    with pytest.raises(UsageError, match="no such file"):
        ds.read(path, wavelengths=tmp_path / "nowhere.txt")


def test_a_usgs_spectrum_of_deleted_channels_only(tmp_path: Path) -> None:
    wavelengths(tmp_path, ASD_UM)
    with pytest.raises(SpectraError, match="no value in any band"):
        ds.read(splib(tmp_path, np.full(2151, -1.23e34)))


def test_folders_of_either_kind_are_read_whole(tmp_path: Path) -> None:
    minerals = tmp_path / "ecostress"
    minerals.mkdir()
    for number in range(3):
        ecostress(minerals, f"soil.{number}.spectrum.txt", y=PERCENT + number)
    (minerals / "soil.0.ancillary.txt").write_text("XRD\n")
    (tmp_path / "samples.csv").write_text("id,ece_ds_m\nsoil.0,4\nsoil.2,8\n")
    found = ds.read(minerals, metadata=tmp_path / "samples.csv")
    assert found.data.shape == (3, 41)
    assert found.samples["ec_ds_m"].tolist()[::2] == [4, 8]
    assert "1 other files left aside (soil.0.ancillary.txt)" in found.provenance
    with pytest.raises(UsageError, match="spectral_text files have no blocks"):
        ds.read(minerals, block="a")
    usgs = tmp_path / "usgs"
    usgs.mkdir()
    wavelengths(usgs, ASD_UM)
    for number in range(2):
        splib(usgs, USGS, f"Gypsum{number} HS333.3B ASDFRb AREF")
    assert ds.read(usgs).data.shape == (2, 2151)


@pytest.mark.parametrize("kept", [0, 30, 300, 640, 700, 760, 900])
def test_a_text_that_is_cut_off_is_an_error_of_ours(tmp_path: Path, kept: int) -> None:
    path = ecostress(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DeepSaltError):
        ds.read(path)
