"""ENVI spectral libraries: written by an independent library, and header by header."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import deepsalt as ds
from deepsalt.errors import DeepSaltError, ProductError, SpectraError, UsageError
from deepsalt.readers import files_behind
from deepsalt.readers.envi_library import READER


@dataclass
class Library:
    """Three spectra of five channels; change a field (None leaves it out), then call `write`."""

    values: np.ndarray = field(
        default_factory=lambda: np.linspace(0.1, 0.6, 15, dtype=np.float32).reshape(3, 5)
    )
    fields: dict[str, str | None] = field(
        default_factory=lambda: {
            "description": "{\n  salty soils, 2021}",
            "samples": "5",
            "lines": "3",
            "bands": "1",
            "header offset": "0",
            "file type": "ENVI Spectral Library",
            "data type": "4",
            "interleave": "bsq",
            "byte order": "0",
            "wavelength units": "Micrometers",
            "spectra names": "{\n dune, field 2, playa}",
            "wavelength": "{\n 0.45, 0.55, 0.65,\n 1.65, 2.2}",
        }
    )

    def write(self, folder: Path, data: str = "lib.sli", header: str = "lib.hdr", **changes: object) -> Path:
        fields = {**self.fields, **{key.replace("_", " "): value for key, value in changes.items()}}
        lines = [f"{key} = {value}" for key, value in fields.items() if value is not None]
        (folder / header).write_text("\n".join(["ENVI", *lines, ""]))
        (folder / data).write_bytes(self.values.tobytes())
        return folder / data


@pytest.mark.parametrize(
    ("data", "header"),
    [("lib.sli", "lib.hdr"), ("lib.sli", "lib.sli.hdr"), ("lib.SLI", "lib.HDR"), ("lib", "lib.hdr")],
)
def test_the_spectra_or_their_header_may_be_named(tmp_path: Path, data: str, header: str) -> None:
    path = Library().write(tmp_path, data, header)
    for given in (path, tmp_path / header):
        found = ds.read(given)
        np.testing.assert_array_equal(found.values, Library().values)
        assert found.axis.values.tolist() == [450, 550, 650, 1650, 2200]
        assert found.samples["id"].tolist() == ["dune", "field 2", "playa"]
        assert set(files_behind(given)) == {path, tmp_path / header}
    assert "band centres in micrometres, turned into nm" in found.provenance
    assert any("look like reflectance" in note for note in found.provenance)


def test_a_library_written_by_spectral_python_reads_the_same(tmp_path: Path) -> None:
    from spectral.io import envi

    values = np.random.default_rng(3).random((4, 30)).astype(np.float32)
    header = {
        "wavelength": np.linspace(400, 2400, 30).tolist(),
        "wavelength units": "nanometers",
        "spectra names": ["a", "b", "c", "d"],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        envi.SpectralLibrary(values, header).save(str(tmp_path / "judge"), "by another hand")
    found = ds.read(tmp_path / "judge.sli")
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_allclose(found.axis.values, header["wavelength"])
    assert found.samples["id"].tolist() == header["spectra names"]
    ours = Library().write(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judge = envi.open(str(ours.with_suffix(".hdr")), str(ours))
    np.testing.assert_array_equal(judge.spectra, ds.read(ours).values)


@pytest.mark.parametrize(
    ("kind", "code", "order"), [(">f4", "4", "1"), ("<f8", "5", "0"), (">i2", "2", "1"), ("<u2", "12", "0")]
)
def test_every_type_in_both_orders_of_bytes(tmp_path: Path, kind: str, code: str, order: str) -> None:
    stored = (10_000 * Library().values).astype(kind)
    path = Library(stored).write(
        tmp_path, data_type=code, byte_order=order, reflectance_scale_factor="10000.000000"
    )
    found = ds.read(path)
    np.testing.assert_allclose(found.values, Library().values, atol=2e-4)
    assert "reflectance scale factor 10000: values multiplied by 0.0001" in found.provenance


def test_bad_bands_deleted_values_and_widths(tmp_path: Path) -> None:
    values = Library().values.copy()
    values[0, 0], values[2, 4] = -1.23e34, -9999
    path = Library(values).write(
        tmp_path, bbl="{1, 1, 0, 1, 1}", fwhm="{.01, .01, .01, .02, .03}", data_ignore_value="-9999",
        wavelength="{2.2, 1.65, .65, .55, .45}",
    )  # fmt: skip
    found = ds.read(path)
    assert found.axis.values.tolist() == [450, 550, 1650, 2200]
    np.testing.assert_allclose(found.axis.widths, [30, 20, 10, 10])
    assert np.isnan(found.values[0, 3])
    assert np.isnan(found.values[2, 0])
    told = " | ".join(found.provenance)
    for part in ("1 bands marked as bad", "1 values of -9999", "1 deleted values", "sorted by their centre"):
        assert part in told


def test_samples_are_joined_by_the_names_of_the_spectra(tmp_path: Path) -> None:
    table = tmp_path / "samples.csv"
    table.write_text("name,ec\nplaya,40\ndune,2\n")
    found = ds.read(Library().write(tmp_path), metadata=table, id="name", ec="ec1:5", ec_unit="dS/m")
    np.testing.assert_array_equal(found.samples["ec_ds_m"], [2, np.nan, 40])
    with pytest.raises(UsageError, match=r"ec= is about a table of samples, and none is given"):
        ds.read(tmp_path / "lib.sli", ec="ec1:5")


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"lines": "4"}, ProductError, r"4 spectra of 5 channels \(80 bytes\), the file has 60"),
        ({"lines": "900000000"}, ProductError, "the file has 60 bytes"),
        ({"samples": None}, ProductError, "no field 'samples'"),
        ({"lines": "-3"}, ProductError, "lines = -3"),
        ({"data_type": None}, ProductError, "no field 'data type'"),
        ({"data_type": "6"}, ProductError, "data type '6'"),
        ({"byte_order": None}, ProductError, "no field 'byte order'"),
        ({"bands": "5"}, ProductError, "has one band, this one 5"),
        ({"file_type": "ENVI Standard"}, ProductError, "'ENVI Standard' is no spectral library"),
        ({"wavelength": None}, ProductError, "no wavelengths"),
        ({"wavelength": "{.45, .55}"}, ProductError, "2 entries of 'wavelength' for 5"),
        ({"wavelength": "{.45, .55, x, 1, 2}"}, ProductError, "'wavelength' holds what is no number"),
        ({"wavelength": "{.45, .55, .65, 1.65, 2.2"}, ProductError, "braces do not match"),
        ({"spectra_names": "{a, b}"}, ProductError, "2 entries of 'spectra names' for 3"),
        ({"bbl": "{0,0,0,0,0}"}, ProductError, "every band as bad"),
        ({"reflectance_scale_factor": "0"}, ProductError, "scale factor = 0"),
        ({"reflectance_scale_factor": "10000"}, SpectraError, "is a fraction already"),
        ({"wavelength_units": "Nanometers"}, DeepSaltError, "look like micrometres"),
    ],
)
def test_headers_that_lie_or_lack(tmp_path: Path, changes: dict, error, words: str) -> None:
    with pytest.raises(error, match=words):
        ds.read(Library().write(tmp_path, **changes), reader="envi_library")


def test_unknown_units_follow_from_the_values_or_are_asked_for(tmp_path: Path) -> None:
    path = Library().write(tmp_path, wavelength_units="Unknown")
    assert "wavelengths from 0.45 to 2.2 can only be um" in ds.read(path).provenance
    path = Library().write(tmp_path, wavelength_units=None, wavelength="{450, 550, 650, 1650, 2200}")
    with pytest.raises(DeepSaltError, match=r"may be nm or cm-1. Say unit='nm'"):
        ds.read(path)
    assert ds.read(path, unit="nm").axis.unit == "nm"


def test_half_a_pair_says_what_is_missing(tmp_path: Path) -> None:
    path = Library().write(tmp_path)
    (tmp_path / "lib.hdr").rename(tmp_path / "away.hdr")
    assert READER.matches(path)
    with pytest.raises(UsageError, match=r"no header beside it. Copy lib.hdr"):
        ds.read(path)
    with pytest.raises(UsageError, match=r"no file of spectra beside it. Copy away.sli"):
        ds.read(tmp_path / "away.hdr")
    (tmp_path / "away.hdr").rename(tmp_path / "bare")
    with pytest.raises(UsageError, match=r"bare: the header has no file of spectra beside it. Copy bare.sli"):
        ds.read(tmp_path / "bare", reader="envi_library")  # and does not take itself for it


@pytest.mark.real_data
def test_a_real_image_and_a_real_library_in_this_format(shared_data: Path, tmp_path: Path) -> None:
    image = shared_data / "emit" / "emit20250324t221005_jpl_unmix_ex"
    assert not READER.matches(image)
    assert not READER.matches(image.with_name(f"{image.name}.hdr"))
    real = ds.read(shared_data / "lab" / "icraf_isric_visnir.parquet", ec="ec1:2.5").take(np.arange(50))
    path = Library(real.values).write(
        tmp_path,
        samples=str(len(real.axis)),
        lines="50",
        wavelength_units="Nanometers",
        wavelength="{" + ", ".join(f"{centre:g}" for centre in real.axis.values) + "}",
        spectra_names="{" + ", ".join(real.samples["id"]) + "}",
    )
    found = ds.read(path)
    np.testing.assert_array_equal(found.values, real.values)
    assert found.samples["id"].tolist() == real.samples["id"].tolist()
    assert "look like reflectance" in " | ".join(found.provenance)
