"""The MASK file of EMIT: flags by name, packed bits, and the fill value of bytes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.readers.emit_granule import FILL, LINES, NAMES, SAMPLES, Granule

import deepsalt as ds
from deepsalt.errors import ProductError
from deepsalt.readers.emit_mask import too_many_interpolated
from deepsalt.spectra import MaskReason

V002 = [*NAMES, "SpecTf-Cloud Probability", "SpecTf-Cloud Flag", "SpecTf-Buffer Distance"]


@pytest.fixture
def granule(tmp_path: Path) -> Granule:
    return Granule(tmp_path)


def mask_of(granule: Granule, **options: float) -> np.ndarray:
    return ds.read(granule.write(), geometry="swath", **options).mask()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Cloud Flag", 1, MaskReason.CLOUD),
        ("SpecTf-Cloud Flag", 1, MaskReason.CLOUD),
        ("Cirrus Flag", 1, MaskReason.CIRRUS),
        ("Dilated Cloud Flag", 1, MaskReason.CLOUD_SHADOW),
        ("AOD550", 0.51, MaskReason.HAZE),
        ("AOD550", 0.5, MaskReason.VALID),
        ("Water Flag", 1, MaskReason.WATER),
        ("Spacecraft Flag", 1, MaskReason.DEFECTIVE),
        ("H2O (g cm-2)", 1, MaskReason.VALID),
        ("Aggregate Flag", 1, MaskReason.VALID),
        ("SpecTf-Cloud Probability", 1, MaskReason.VALID),
        ("SpecTf-Buffer Distance", 1, MaskReason.VALID),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "reversed and in capitals"])
def test_flags_are_found_by_name(
    tmp_path: Path, name: str, value: float, reason: MaskReason, turned: bool
) -> None:
    names = V002[::-1] if turned else V002
    granule = Granule(tmp_path, names=[one.upper() if turned else one for one in names])
    granule.mask[3, 2, names.index(name)] = value
    expected = np.zeros((LINES, SAMPLES), np.uint8)
    expected[3, 2] = reason
    np.testing.assert_array_equal(mask_of(granule), expected)
    assert ds.read(granule.folder).notes == ()


def test_the_first_reason_is_kept(granule: Granule) -> None:
    granule.mask[0, 0] = 1
    granule.mask[0, 1, [1, 4]] = 1
    granule.mask[0, 2, [2, 3]] = 1
    granule.mask[0, 3, [2, 4]] = 1
    granule.reflectance[0, 4], granule.mask[0, 4] = FILL, 1
    assert mask_of(granule)[0].tolist() == [
        MaskReason.CLOUD,
        MaskReason.CIRRUS,  # the buffer holds the cirrus itself
        MaskReason.WATER,
        MaskReason.CLOUD_SHADOW,
        MaskReason.BACKGROUND,
    ]


def test_fill_is_no_flag(granule: Granule) -> None:
    granule.mask[:] = FILL
    assert not mask_of(granule).any()


def test_the_limit_of_aerosol_is_an_option(granule: Granule) -> None:
    granule.mask[0, :3, NAMES.index("AOD550")] = 0.3, 0.6, 0.9
    hazy = mask_of(granule, aerosol_above=0.7)[0] == MaskReason.HAZE
    assert np.flatnonzero(hazy).tolist() == [2]


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["Cloud Flag", "Cirrus Flag", "Water Flag", "Fog Flag"],
         "mask bands missing, not masked by them: dilated cloud flag, spacecraft flag, aod550"),
        ([*NAMES, "Fog Flag"], "mask bands that are not known, not used: Fog Flag"),
        (None, "the bands of the MASK file have no names: not masked by them"),
    ],
)  # fmt: skip
def test_what_is_missing_or_unknown_is_noted(tmp_path: Path, names: list[str] | None, note: str) -> None:
    granule = Granule(tmp_path, names=names)
    granule.mask[..., -1] = 1
    assert not mask_of(granule).any()
    assert note in ds.read(granule.folder).notes


def test_names_that_are_too_few_are_an_error(granule: Granule) -> None:
    granule.names = NAMES[:5]
    with pytest.raises(ProductError, match="mask has 8 bands, mask_bands names 5"):
        ds.read(granule.write())


def test_without_a_mask_file_only_background_is_known(granule: Granule) -> None:
    granule.without = ("MASK",)
    granule.reflectance[0, 0] = FILL
    mask = mask_of(granule)
    assert mask[0, 0] == MaskReason.BACKGROUND
    assert mask.sum() == MaskReason.BACKGROUND
    assert "no MASK file beside the reflectance: cloud, cirrus" in ds.read(granule.folder).notes[0]


def test_interpolated_bands_make_a_pixel_defective(granule: Granule) -> None:
    granule.band_mask[1, 2] = 0b0000_0001  # band 8: good
    granule.band_mask[1, 3] = 0b0001_1010  # bands 4, 5 and 7: bad anyway
    assert np.argwhere(mask_of(granule) == MaskReason.DEFECTIVE).tolist() == [[1, 2]]


def test_bytes_of_fill_are_no_bits(granule: Granule) -> None:
    granule.band_mask[2, 2] = 241
    assert not mask_of(granule).any()


@pytest.mark.parametrize("kind", ["missing", "other size", "64 bits"])
def test_a_band_mask_of_another_form(granule: Granule, kind: str) -> None:
    """Early converters wrote it as 64-bit numbers, whose fill value ends in the same byte."""

    def change(file: h5py.File, part: str) -> None:
        if part != "MASK":
            return
        del file["band_mask"]
        if kind == "other size":
            file["band_mask"] = np.ones((LINES, SAMPLES, 2), np.uint8)
        elif kind == "64 bits":
            file["band_mask"] = np.full((LINES, SAMPLES, 1), -9999, np.int64).astype(np.uint64)

    granule.change = change
    assert not mask_of(granule).any()
    noted = any("interpolated bands are not counted" in note for note in ds.read(granule.folder).notes)
    assert noted == (kind != "64 bits")


def test_bits_of_285_bands() -> None:
    """The first band is the highest bit of the first byte; three bits of the last byte belong to no band."""
    good = np.ones(285, bool)
    good[:41] = False
    marked = np.zeros((5, 1, 285), bool)
    marked[0, 0, 41:66] = True  # 25 of 244 good bands
    marked[1, 0, 41:65] = True  # 24 are not more than a tenth
    marked[2, 0, :65] = True  # 41 bad bands beside them do not count
    packed = np.packbits(marked, axis=-1)
    packed[3, 0, -1] |= 0b111
    packed[4] = 241
    assert packed.shape == (5, 1, 36)
    assert too_many_interpolated(packed, good).ravel().tolist() == [True, False, False, False, False]
