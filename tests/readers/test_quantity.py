"""What values look like, and how units of an axis are settled: the pieces that every reader shares."""

from __future__ import annotations

import numpy as np
import pytest

from deepsalt.errors import AxisError, SpectraError, UsageError
from deepsalt.readers.axis_unit import bands_of
from deepsalt.readers.quantity import Told, as_told, looks_like
from deepsalt.spectra import Axis

NM = Axis(np.linspace(400, 2400, 21), "nm")
RISING = np.linspace(0.1, 0.5, 21, dtype=np.float32)[None]


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        (RISING, "reflectance"),
        (-np.log10(RISING), "absorbance"),
        (RISING + 2, "absorbance"),
        (100 * RISING, "percent"),
        (10_000 * RISING, "scaled integers"),
        (np.concatenate([RISING, RISING[:, ::-1]]), "reflectance or absorbance"),
        (np.full((2, 21), np.nan, np.float32), "nothing"),
    ],
)
def test_values_alone_look_like(values: np.ndarray, seen: str) -> None:
    assert looks_like(values, NM) == seen


def test_the_users_factor_takes_the_place_of_the_files() -> None:
    told = Told("reflectance", True, 0.01, "the header says percent")
    found, notes = as_told(100 * RISING, NM, told, None, "f")
    np.testing.assert_allclose(found, RISING, rtol=1e-6)
    assert notes == ["the header says percent: values multiplied by 0.01"]
    found, notes = as_told(RISING, NM, told, 1.0, "f")
    np.testing.assert_array_equal(found, RISING)
    with pytest.raises(UsageError, match=r"scale=0 is no factor"):
        as_told(RISING, NM, told, 0.0, "f")


def test_a_factor_for_what_is_a_fraction_already_is_refused() -> None:
    told = Told("reflectance", True, 1e-4, "reflectance scale factor 10000")
    with pytest.raises(SpectraError, match=r"scale factor 10000, but a median of 0.3 is a fraction already"):
        as_told(RISING, NM, told, None, "f")


@pytest.mark.parametrize(
    ("centres", "told", "options", "unit", "first", "last"),
    [
        ([0.4, 0.5, 2.5], "um", {}, "nm", 400, 2500),
        ([2.5, 0.5, 0.4], None, {}, "nm", 400, 2500),
        ([310, 320, 330], None, {}, "nm", 310, 330),
        ([600, 3000, 4000], None, {}, "cm-1", 600, 4000),
        ([2.0, 5.0, 10.0], "um", {}, "cm-1", 1000, 5000),
        ([0.2, 0.5, 2.5, 3.0], "um", {}, "nm", 500, 2500),
        ([0.4, 2.5, 10.0, 50.0], "um", {"domain": "mir"}, "cm-1", 1000, 4000),
        ([0.4, 2.5, 10.0], "um", {"domain": "visnir"}, "nm", 400, 2500),
        ([500, 600, 700], None, {"stated": "nm"}, "nm", 500, 700),
    ],
)
def test_axes_of_any_unit_become_ours(centres, told, options, unit, first, last) -> None:
    bands = bands_of(np.array(centres, float), told=told, where="f", **options)
    assert bands.axis.unit == unit
    np.testing.assert_allclose(bands.axis.values[[0, -1]], [first, last])
    if told != unit and unit == "cm-1" and told:
        assert "wavelengths turned into wavenumbers (cm-1)" in bands.notes


@pytest.mark.parametrize(
    ("centres", "told", "options", "error", "words"),
    [
        ([0.4, 2.5, 10.0], "um", {}, UsageError, r"span 400-10000 nm.*domain='visnir' or domain='mir'"),
        ([400, 500, 600], None, {}, AxisError, "may be nm or cm-1"),
        ([400, 500, 600], "um", {}, AxisError, "declared as micrometres"),
        ([400, 500, 600], "nm", {"stated": "cm-1"}, AxisError, "the file says nm"),
        ([400, 500, 500], "nm", {}, AxisError, "500 nm stands there twice"),
        ([1, 2, 3], None, {}, AxisError, "They look like micrometres"),
        ([0, 1, 2], None, {}, AxisError, "not all positive"),
        ([np.nan, 1, 2], "nm", {}, AxisError, "not all positive"),
        ([1000, 2000], "cm-1", {"domain": "visnir"}, UsageError, "domain='visnir', but"),
        ([1000, 2000], "cm-1", {"domain": "uv"}, UsageError, "unknown domain 'uv'"),
    ],
)
def test_axes_that_are_none_say_why(centres, told, options, error, words) -> None:
    with pytest.raises(error, match=words):
        bands_of(np.array(centres, float), told=told, where="f", **options)


def test_widths_follow_their_centres() -> None:
    bands = bands_of(np.array([2.2, 0.5]), told="um", fwhm=np.array([0.02, 0.01]), where="f")
    np.testing.assert_allclose(bands.axis.widths, [10, 20])
    mir = bands_of(np.array([5.0, 10.0]), told="um", fwhm=np.array([0.1, 0.1]), where="f")
    np.testing.assert_allclose(mir.axis.widths, [10, 40])  # 1e7 * width / centre^2
