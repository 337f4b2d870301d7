"""Which files are an EMIT granule, and every way in which they can contradict each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.readers.emit_granule import FILL, KEY, LINES, SAMPLES, Granule

import deepsalt as ds
from deepsalt.errors import ProductError, UsageError
from deepsalt.readers.emit import READER
from deepsalt.spectra import Window

OTHER = {"time_coverage_start": "2024-06-02T10:11:12+0000", "flight_line": "emit20240602t101112_o15407_s000"}


@pytest.fixture
def granule(tmp_path: Path) -> Granule:
    return Granule(tmp_path / "granule")


def test_the_folder_and_the_file_are_one_scene(granule: Granule) -> None:
    folder = granule.write()
    for path in (folder, granule.file("RFL")):
        scene = ds.read(path)
        assert (scene.path, scene.notes) == (str(path), ())
        assert scene.uncertainty() is not None


def test_content_decides_not_names(granule: Granule) -> None:
    folder = granule.write()
    for kind, name in (("RFL", "a.h5"), ("MASK", "b.nc"), ("RFLUNCERT", "c")):
        granule.file(kind).rename(folder / name)
    scene = ds.read(folder)
    assert (scene.name, scene.notes) == ("a", ())
    assert scene.facts["mask file"] == "b.nc"
    assert ds.read(folder / "a.h5").facts["uncertainty file"] == "c"


def test_names_alone_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / f"EMIT_L2A_RFL_001_{KEY}.nc"
    path.write_text("no NetCDF")
    assert not READER.matches(path)
    other = tmp_path / f"EMIT_L2A_RFL_001_{KEY}.csv"
    other.write_text("no NetCDF either")
    assert not READER.matches(tmp_path)
    assert not READER.matches(tmp_path / "missing")


def test_other_hdf5_files_are_left_to_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "other.nc"
    with h5py.File(path, "w") as file:
        file["reflectance"] = np.zeros((2, 2, 2))
    assert not READER.matches(path)
    with pytest.raises(UsageError, match="no reader knows this file"):
        ds.read(path)


def test_other_products_beside_the_granule_are_passed_over(granule: Granule) -> None:
    folder = granule.write()
    for name, content in (("EMIT_L1B_OBS", "obs"), ("EMIT_L1B_RAD", "radiance"), ("EMIT_L2B_MIN", "mineral")):
        with h5py.File(folder / f"{name}_001_{KEY}.nc", "w") as file:
            file[content] = np.zeros((2, 2, 2))
            file.create_group("sensor_band_parameters")
    with h5py.File(folder / "another.nc", "w") as file:
        file.create_group("mask")
        file.create_group("sensor_band_parameters")
    (folder / f"EMIT_L2A_RFL_001_{KEY}.png").write_bytes(b"a browse image")
    for path in (folder, granule.file("RFL")):
        assert ds.read(path).notes == ()
    assert not READER.matches(folder / "another.nc")


def test_version_002_has_the_same_form_and_may_be_mixed(granule: Granule) -> None:
    granule.without = ("MASK",)
    granule.write()
    newer = Granule(granule.folder, version="002", without=("RFL", "RFLUNCERT"))
    newer.write()
    scene = ds.read(granule.file("RFL"))
    assert scene.notes == (f"{newer.file('MASK').name} is of version V002, the reflectance of V001",)
    whole = Granule(granule.folder.parent / "002", version="002")
    assert ds.read(whole.write()).notes == ()


@pytest.mark.parametrize("by", ["attributes", "name"])
def test_a_mask_of_another_granule_is_an_error(granule: Granule, by: str) -> None:
    granule.without = ("MASK",)
    folder = granule.write()
    if by == "name":
        Granule(folder, key=KEY.replace("_004", "_005"), without=("RFL", "RFLUNCERT")).write()
    else:
        Granule(folder, attributes=OTHER, without=("RFL", "RFLUNCERT")).write()
        with pytest.raises(ProductError, match="is of another granule"):
            ds.read(granule.file("RFL"))
    with pytest.raises(ProductError, match=r"EMIT_L2A_MASK_\S+ is of another granule .*folder of their own"):
        ds.read(folder)


def test_granules_in_one_folder_are_told_apart_by_the_file(granule: Granule) -> None:
    granule.mask[..., 0] = 1
    granule.write()
    other = Granule(
        granule.folder, key=KEY.replace("20240601", "20240602"), attributes=OTHER, without=("MASK",)
    )
    other.write()
    assert "no MASK file" in ds.read(other.file("RFL")).notes[0]
    assert ds.read(granule.file("RFL")).notes == ()
    with pytest.raises(ProductError, match="2 reflectance files lie in one folder"):
        ds.read(granule.folder)


def test_two_masks_of_one_granule_are_an_error(granule: Granule) -> None:
    granule.write()
    Granule(granule.folder, version="002", without=("RFL", "RFLUNCERT")).write()
    with pytest.raises(ProductError, match=r"are both the mask of one granule\. Keep one"):
        ds.read(granule.folder)


@pytest.mark.parametrize("what", ["swath", "table"])
def test_parts_of_other_sizes_are_an_error(granule: Granule, what: str) -> None:
    def change(file: h5py.File, kind: str) -> None:
        if kind == "RFLUNCERT":
            name = "reflectance_uncertainty" if what == "swath" else "location/glt_x"
            values = file[name][:-1]
            del file[name]
            file[name] = values

    granule.change = change
    with pytest.raises(ProductError, match=r"RFLUNCERT\S+ has .* pixels and a table of .*; EMIT_L2A_RFL_"):
        ds.read(granule.write())


@pytest.mark.parametrize("kind", ["MASK", "RFLUNCERT"])
def test_a_part_without_its_reflectance_is_told(granule: Granule, kind: str) -> None:
    granule.write()
    with pytest.raises(ProductError, match=r"of a granule, without its reflectance\. Give"):
        ds.read(granule.file(kind))
    granule.file("RFL").unlink()
    with pytest.raises(ProductError, match="without its reflectance"):
        ds.read(granule.folder)


def test_radiance_is_told(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "EMIT_L1B_RAD_001.nc", "w") as file:
        file["radiance"] = np.zeros((2, 2, 2))
        file.create_group("sensor_band_parameters")
    with pytest.raises(ProductError, match=r"at-sensor radiance .L1B.. Order surface reflectance"):
        ds.read(tmp_path / "EMIT_L1B_RAD_001.nc")


@pytest.mark.parametrize("keep", [0.001, 0.3, 0.7, 0.98])
@pytest.mark.parametrize("kind", ["RFL", "MASK"])
def test_a_truncated_file_is_one_clear_line(granule: Granule, kind: str, keep: float) -> None:
    granule.write()
    file = granule.file(kind)
    file.write_bytes(file.read_bytes()[: max(8, int(file.stat().st_size * keep))])
    with pytest.raises(ProductError, match=r"could not open it.*Copy or download the file again") as caught:
        ds.read(granule.file("RFL"))
    assert file.name in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ProductError, match=r"could not open it|without its reflectance"):
        ds.read(granule.folder)


@pytest.mark.parametrize("content", [b"", b"<html>log in</html>"])
@pytest.mark.parametrize("kind", ["RFL", "MASK"])
def test_a_part_that_is_no_file_of_the_product(granule: Granule, kind: str, content: bytes) -> None:
    granule.write()
    granule.file(kind).write_bytes(content)
    for path in (granule.folder, granule.file("RFL"))[: 2 if kind == "MASK" else 1]:
        with pytest.raises(ProductError, match=r"empty \(0 bytes\)|not NetCDF-4") as caught:
            ds.read(path)
        assert granule.file(kind).name in str(caught.value)


def test_damaged_data_name_the_file_and_the_window(granule: Granule) -> None:
    granule.chunks = (3, 5, 8)
    granule.write()
    with h5py.File(granule.file("RFL")) as file:
        chunk = file["reflectance"].id.get_chunk_info(0)
    with granule.file("RFL").open("r+b") as stream:
        stream.seek(chunk.byte_offset)
        stream.write(b"\xff" * chunk.size)
    scene = ds.read(granule.folder)
    with pytest.raises(ProductError, match=r"RFL_\S+: could not read rows 0-1, columns 0-7"):
        scene.read(Window(0, 0, 2, 8))
    assert np.isfinite(scene.read(Window(5, 0, 1, 8)).values).any(), "the other chunks are whole"


def removed(*names: str) -> Callable[[h5py.File, str], None]:
    def change(file: h5py.File, kind: str) -> None:
        for name in names if kind == "RFL" else ():
            del (file.attrs if name in file.attrs else file)[name]

    return change


def turned(file: h5py.File, kind: str) -> None:
    if kind == "RFL":
        values = np.moveaxis(file["reflectance"][:], 2, 0)
        del file["reflectance"]
        file["reflectance"] = values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed("sensor_band_parameters/wavelengths"), "the file has no sensor_band_parameters/wavelengths"),
        (removed("location"), "no lookup table .*Read the raw swath with geometry='swath'"),
        (removed("location/glt_y"), "no lookup table"),
        (removed("geotransform"), "geotransform is .*, not six numbers"),
        (turned, r"reflectance is 8 x 7 x 5, where 8 bands are described and 7 x 5 pixels located"),
    ],
)
def test_what_contradicts_itself_is_one_clear_line(
    granule: Granule, change: Callable[[h5py.File, str], None], message: str
) -> None:
    granule.change = change
    granule.without = ("MASK", "RFLUNCERT")
    with pytest.raises(ProductError, match=message) as caught:
        ds.read(granule.write())
    assert str(granule.file("RFL")) in str(caught.value)


def test_the_swath_needs_no_table(granule: Granule) -> None:
    granule.change = removed("location", "geotransform", "spatial_ref")
    scene = ds.read(granule.write(), geometry="swath")
    assert np.isfinite(scene.read().values[..., 0]).sum() == LINES * SAMPLES
    assert not scene.mask().any()
    with pytest.raises(ProductError, match="the file has no location/lat"):
        scene.places()


@pytest.mark.parametrize("wkt", ["", "no coordinate system"])
def test_without_a_coordinate_system_work_goes_on(granule: Granule, wkt: str) -> None:
    granule.attributes["spatial_ref"] = wkt
    scene = ds.read(granule.write())
    assert scene.crs == ""
    assert "spatial_ref" in scene.notes[0]
    assert np.isfinite(scene.read().values).any()


@pytest.mark.parametrize(("name", "size"), [("glt_x", SAMPLES), ("glt_y", LINES)])
def test_a_table_of_another_image_is_an_error(granule: Granule, name: str, size: int) -> None:
    getattr(granule, name)[3, 3] = size + 1
    scene = ds.read(granule.write())
    with pytest.raises(ProductError, match=f"{name} points at {size + 1}, beyond the {size}"):
        scene.read()


def test_every_band_bad_is_an_error(granule: Granule) -> None:
    granule.good = [0] * 8
    with pytest.raises(ProductError, match="good_wavelengths calls every band bad"):
        ds.read(granule.write())


def test_a_band_twice_is_an_error(granule: Granule) -> None:
    granule.wavelengths[1] = granule.wavelengths[0]
    with pytest.raises(ProductError, match="stands there twice"):
        ds.read(granule.write())


def test_another_fill_value_is_taken_from_the_file(granule: Granule) -> None:
    def change(file: h5py.File, kind: str) -> None:
        if kind == "RFL":
            file["reflectance"].attrs["_FillValue"] = np.float32([-1.0])

    granule.change = change
    granule.reflectance[0, 0] = -1.0
    granule.reflectance[0, 1, 0] = FILL
    values = ds.read(granule.write(), geometry="swath").read().values
    assert np.isnan(values[0, 0]).all()
    assert values[0, 1, 0] == FILL
