"""Missing bands made up for from those around: what is there stays, and a line stays a line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepsalt.errors import BandError
from deepsalt.preprocessing.gaps import HOLD_NM, SPAN_NM, bridged, fill_gaps, gap_counts, without_gaps
from deepsalt.spectra import Axis, Sensor, Spectra

TEN = Axis(np.arange(1000.0, 1200, 10), "nm")
NAN = np.nan


def line(rows: int = 1) -> np.ndarray:
    return np.tile(TEN.values / 4000, (rows, 1)).astype(np.float32)


def table(values: np.ndarray) -> Spectra:
    samples = pd.DataFrame({"id": range(len(values))})
    return Spectra.of_table(values, TEN, "reflectance", samples=samples)


@given(arrays(np.float32, (4, 20), elements=st.floats(-1, 2, width=32)))
def test_where_nothing_is_missing_nothing_changes(values: np.ndarray) -> None:
    assert fill_gaps(values, TEN) is values
    assert without_gaps(table(values)).values.tobytes() == values.tobytes()


@given(
    arrays(np.float32, (5, 20), elements=st.floats(-1, 2, width=32)),
    arrays(np.bool_, (5, 20)),
    st.permutations(range(5)),
)
def test_what_is_there_stays_and_rows_know_nothing_of_each_other(
    values: np.ndarray, missing: np.ndarray, order: list[int]
) -> None:
    holed = np.where(missing, np.float32(NAN), values)
    filled = fill_gaps(holed, TEN)
    assert np.array_equal(filled[~missing], values[~missing])
    assert np.array_equal(fill_gaps(holed[order], TEN), filled[order], equal_nan=True)
    alone = np.concatenate([fill_gaps(holed[[row]], TEN) for row in range(5)])
    assert np.array_equal(alone, filled, equal_nan=True)
    low, high = np.nanmin(filled, axis=1, initial=np.inf), np.nanmax(filled, axis=1, initial=-np.inf)
    assert (low >= np.nanmin(holed, axis=1, initial=np.inf)).all()
    assert (high <= np.nanmax(holed, axis=1, initial=-np.inf)).all()


@given(st.sampled_from(["enmap", "prisma", "emit"]), st.integers(0, 2**32 - 1))
def test_a_line_with_short_gaps_inside_stays_a_line(name: str, seed: int) -> None:
    sensor = Sensor.load(name)
    axis = sensor.axis.take(np.asarray(sensor.good))
    values = (axis.values / 4000).astype(np.float32)[None]
    gaps = np.diff(axis.values)
    inside = 1 + np.flatnonzero(gaps[:-1] + gaps[1:] <= SPAN_NM)
    chosen = np.random.default_rng(seed).choice(inside, 8, replace=False)
    chosen = chosen[np.diff(np.sort(chosen), prepend=-9) > 1]
    holed = values.copy()
    holed[0, chosen] = NAN
    filled = fill_gaps(holed, axis)
    there = np.isfinite(filled)
    np.testing.assert_allclose(filled[there], values[there], atol=2e-3)  # 2e-3: held at an edge
    assert there[0, chosen].mean() == 1


@pytest.mark.parametrize(
    ("missing", "filled"),
    [
        (slice(5, 9), True),  # 50 nm between the bands around
        (slice(5, 10), False),
        (slice(18, 20), True),  # 20 nm beyond the last band
        (slice(0, 2), True),
    ],
)
def test_how_wide_a_gap_is_filled(missing: slice, filled: bool) -> None:
    values = line(2)
    values[1, missing] = NAN
    found = fill_gaps(values, TEN)
    assert np.array_equal(found[0], values[0])
    assert np.isfinite(found[1]).all() == filled
    if filled and missing.start == 5:
        np.testing.assert_allclose(found[1], line()[0], rtol=1e-6)


def test_of_a_wide_gap_only_the_edges_are_held() -> None:
    values = line()
    values[0, 5:12] = NAN
    found = fill_gaps(values, TEN)[0]
    held = int(HOLD_NM // 10)
    assert np.isnan(found[5 + held : 12 - held]).all()
    assert (found[5 : 5 + held] == values[0, 4]).all()
    assert (found[12 - held : 12] == values[0, 12]).all()


def test_a_row_without_any_value_and_the_mid_infrared_are_left_alone() -> None:
    empty = np.full((1, 20), NAN, np.float32)
    assert np.isnan(fill_gaps(empty, TEN)).all()
    assert fill_gaps(empty, Axis(TEN.values, "cm-1")) is empty


def test_the_argument_is_not_changed() -> None:
    values = line()
    values[0, 4] = NAN
    fill_gaps(values, TEN)
    assert np.isnan(values[0, 4])


@given(arrays(np.bool_, 20))
def test_bridged_bands_are_those_that_a_line_fills(present: np.ndarray) -> None:
    values = np.where(present, line()[0], NAN).astype(np.float32)[None]
    found = bridged(TEN, present)
    assert found[present].all()
    filled = fill_gaps(values, TEN)[0]
    np.testing.assert_allclose(filled[found], line()[0][found], rtol=1e-6)
    beyond = np.isfinite(filled) & ~found
    for band in np.flatnonzero(beyond):  # held: no line runs through it
        assert filled[band] in values[0]


def test_rows_that_cannot_be_filled_are_left_out_and_both_are_counted() -> None:
    values = line(4)
    values[1, 3], values[2, 4:12] = NAN, NAN
    found = without_gaps(table(values))
    assert found.samples["id"].tolist() == [0, 1, 3]
    np.testing.assert_allclose(found.values, line(3), rtol=1e-6)
    assert found.provenance[-1] == (
        "1 of 4 rows had missing bands filled from those around, 1 with a gap wider than 50 nm were left out"
    )
    assert gap_counts(table(values), found) == {"filled": 1, "left out": 1}
    assert gap_counts(None, None) == {"filled": 0, "left out": 0}


def test_where_no_row_stays_the_error_names_the_bands() -> None:
    values = line(3)
    values[:, 6:16] = NAN
    with pytest.raises(BandError, match=r"sites: each of 3 rows .* 50 nm \(1060-1150 nm\).*take_bands"):
        without_gaps(table(values), "sites")
