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


@pytest.mark.real_data
def test_sentinel2_agrees_with_its_response_curves(shared_data) -> None:
    curves = pd.read_csv(shared_data / "srf" / "sentinel2a_msi_srf.csv")
    sensor = Sensor.load("sentinel2")
    for band, curve in curves.groupby("band"):
        at = sensor.detector.index(band)
        mean = np.average(curve["wavelength_nm"], weights=curve["response"])
        high = curve.loc[curve["response"] >= curve["response"].max() / 2, "wavelength_nm"]
        assert sensor.axis.values[at] == pytest.approx(mean, abs=0.5)
        assert sensor.axis.widths[at] == pytest.approx(high.max() - high.min(), abs=2.0)
