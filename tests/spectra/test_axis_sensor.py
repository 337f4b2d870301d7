"""Axis and Sensor: order, units, and the shipped band tables."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from deepsalt.errors import AxisError, BandError, UsageError
from deepsalt.spectra import Axis, Sensor


@pytest.mark.parametrize(
    ("values", "unit", "message"),
    [
        ([500, 500, 600], "nm", "500 nm stands there twice"),
        ([500, 700, 600], "nm", "not sorted: 700 is followed by 600 nm"),
        ([0.4, 1.0, 2.4], "nm", "look like micrometres: multiply by 1000"),
        ([600, 2000, 4000], "nm", "look like cm-1: say unit='cm-1'"),
        ([300, 400], "cm-1", "look like nm"),
        ([500, np.nan], "nm", "not a number"),
        ([], "nm", "needs one row of band centres"),
        ([500.0], "um", "unknown unit of the spectral axis 'um'"),
    ],
)
def test_an_impossible_axis_is_refused(values: list[float], unit: str, message: str) -> None:
    with pytest.raises(AxisError, match=message):
        Axis(np.array(values, float), unit)  # type: ignore[arg-type]


def test_an_axis_cannot_be_changed_and_does_not_change_its_argument() -> None:
    given = np.array([500.0, 600.0])
    axis = Axis(given, "nm")
    given[0] = 0
    assert axis.values[0] == 500
    with pytest.raises(ValueError, match="read-only"):
        axis.values[0] = 1


def test_widths_fall_back_to_the_spacing() -> None:
    assert Axis(np.array([500.0, 510, 530]), "nm").widths.tolist() == [10, 15, 20]
    assert Axis(np.array([500.0, 510]), "nm", np.array([6.0, 7])).widths.tolist() == [6, 7]


@pytest.mark.parametrize(
    ("name", "bands", "first", "last"),
    [
        ("enmap", 224, 418.24, 2445.53),
        ("prisma", 234, 406.993, 2497.116),
        ("emit", 285, 381.006, 2492.924),
        ("sentinel2", 13, 442.7, 2202.4),
        ("sentinel2b", 13, 442.2, 2185.7),
        ("landsat8", 7, 443.0, 2201.2),
    ],
)
def test_a_shipped_table(name: str, bands: int, first: float, last: float) -> None:
    sensor = Sensor.load(name)
    assert len(sensor) == bands
    assert sensor.axis.values[[0, -1]] == pytest.approx([first, last], abs=2e-3)
    assert sensor.axis.fwhm is not None
    assert {"source", "date", "sensor"} <= set(sensor.about)


def test_enmap_detectors_interleave_and_vapour_bands_are_not_good() -> None:
    sensor = Sensor.load("enmap")
    assert [sensor.detector[i - 1] for i in (79, 80, 81, 83)] == ["VNIR", "SWIR", "VNIR", "SWIR"]
    assert sensor.detector.count("VNIR") == 91
    assert np.flatnonzero(~sensor.good) + 1 == pytest.approx([*range(127, 142), *range(161, 168)])
    assert np.nanmax(sensor.noise) < 0.01


def test_an_unknown_sensor_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'enmap'"):
        Sensor.load("enmapp")


def test_a_sensor_survives_pickling() -> None:
    copy = pickle.loads(pickle.dumps(Sensor.load("emit")))
    assert copy.axis == Sensor.load("emit").axis


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(BandError, match="2 band centres but 1 entries"):
        Sensor("mine", Axis(np.array([500.0, 600]), "nm"), good=np.ones(1, bool))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "file", "column"),
    [
        ("enmap", "enmap_224.csv", "wavelength"),
        ("emit", "emit_l2a_285_precise.csv", "center_nm"),
        ("prisma", "prisma_L2D_20240402_snapjson.csv", "center_nm"),
    ],
)
def test_a_table_agrees_with_the_published_centres(shared_data, name: str, file: str, column: str) -> None:
    published = np.sort(pd.read_csv(shared_data / "srf" / file)[column].to_numpy())
    assert Sensor.load(name).axis.values == pytest.approx(published, abs=6e-4)


def centre_and_width(curve: pd.DataFrame) -> tuple[float, float]:
    """Mean wavelength weighted by the response, and the width at half of its highest value, nm."""
    nm, response = curve["wavelength_nm"].to_numpy(float), curve["response"].to_numpy(float)
    half = response.max() / 2
    inside = np.flatnonzero(response >= half)
    first, last = inside[0], inside[-1]
    rise = np.interp(half, response[first - 1 : first + 1], nm[first - 1 : first + 1])
    fall = np.interp(half, response[last : last + 2][::-1], nm[last : last + 2][::-1])
    return float(np.average(nm, weights=response)), float(fall - rise)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "file", "centre_nm", "width_nm"),
    [
        ("sentinel2", "sentinel2a_msi_srf.csv", 0.3, 1.0),  # ESA's own rounded widths
        ("sentinel2b", "sentinel2b_msi_srf.csv", 0.06, 0.06),
    ],
)
def test_sentinel2_agrees_with_its_response_curves(
    shared_data, name: str, file: str, centre_nm: float, width_nm: float
) -> None:
    curves = pd.read_csv(shared_data / "srf" / file)
    sensor = Sensor.load(name)
    assert sorted(sensor.detector) == sorted(curves["band"].unique())
    for band, curve in curves.groupby("band"):
        at = sensor.detector.index(band)
        centre, width = centre_and_width(curve)
        assert sensor.axis.values[at] == pytest.approx(centre, abs=centre_nm)
        assert sensor.axis.widths[at] == pytest.approx(width, abs=width_nm)


@pytest.mark.real_data
def test_landsat8_agrees_with_its_response_curves(shared_data) -> None:
    """The file has the first word of each name, so that both shortwave bands share one; it lacks B1."""
    curves = pd.read_csv(shared_data / "srf" / "landsat_oli_srf.csv")
    curves.loc[(curves["band"] == "Shortwave") & (curves["wavelength_nm"] > 1900), "band"] = "Shortwave 2"
    names = {"Blue": "B2", "Green": "B3", "Red": "B4", "Near": "B5", "Shortwave": "B6", "Shortwave 2": "B7"}
    assert set(curves["band"]) == set(names)
    sensor = Sensor.load("landsat8")
    for name, curve in curves.groupby("band"):
        at = sensor.detector.index(names[name])
        centre, width = centre_and_width(curve)
        assert sensor.axis.values[at] == pytest.approx(centre, abs=0.06)
        assert sensor.axis.widths[at] == pytest.approx(width, abs=0.06)
