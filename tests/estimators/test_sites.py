"""Which samples of a library speak for the ground near them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.estimators.toy_ground import DEGREE_M, at

from deepsalt.errors import UsageError
from deepsalt.estimators.sites import Sites, exactly_placed


def test_sites_are_the_samples_of_the_surface_with_ec_and_a_place() -> None:
    table = at([0, 0, 0, 100, 200, 300, 400], [0, 0, 0, 0, 0, 0, 0])
    table["depth_top_cm"] = [0, 0, 5, 0, np.nan, 0, 0]
    table.loc[3, "latitude"] = np.nan
    label = np.array([1.0, 2.0, 9.0, 9.0, 3.0, np.nan, 9.0])
    measured = np.zeros(7)
    found = Sites.of(table, label, measured, np.array([1, 1, 1, 1, 1, 1, 0], bool), stated=False)
    assert found.label.tolist() == [1.5, 3.0]
    np.testing.assert_allclose(found.latitude * DEGREE_M, [0, 200], atol=1e-6)
    with pytest.raises(UsageError, match="no places") as error:
        Sites.of(table.drop(columns="latitude"), label, measured, np.ones(7, bool), stated=False)
    assert "leave `places` off" in str(error.value)


def test_of_a_place_what_was_measured_counts_and_not_what_was_told_beside_it() -> None:
    table = at([0, 0, 200, 200, 400], [0] * 5)
    label, error = np.array([1.0, 9.0, 2.0, 4.0, 3.0]), np.array([0.0, 0.5, 0.4, 0.6, 0.0])
    found = Sites.of(table, label, error, np.ones(5, bool), stated=False)
    assert found.label.tolist() == [1.0, 3.0, 3.0]
    assert found.error.tolist() == [0.0, 0.5, 0.0]


@pytest.mark.parametrize(("stated", "kept"), [(True, [1.0, 2.0]), (False, [1.0, 2.0, 4.0, 5.0])])
def test_a_place_that_is_wrong_by_more_than_100_m_says_nothing_of_its_ground(
    stated: bool, kept: list[float]
) -> None:
    """Nor, unless asked for, one that does not say how wrong it is; OSSL writes -9999 for what is missing."""
    table = at(np.arange(5) * 200.0, np.zeros(5))
    table["position_error_m"] = [0.0, 100.0, 100.1, np.nan, -9999.0]
    found = Sites.of(table, np.arange(1.0, 6.0), np.zeros(5), np.ones(5, bool), stated=stated)
    assert found.label.tolist() == kept
    assert exactly_placed(table).tolist() == [True, True, False, False, False]
    table.loc[0, "longitude"] = np.nan
    assert exactly_placed(table).tolist() == [False, True, False, False, False]
    assert not exactly_placed(table.drop(columns="position_error_m")).any()
    assert not exactly_placed(table.drop(columns="latitude")).any()


def test_sites_of_older_files_were_measured() -> None:
    plain = {name: [1.0, 2.0] for name in ("latitude", "longitude", "label")}
    assert Sites.from_plain(plain).error.tolist() == [0.0, 0.0]


def test_plain_form_comes_back_and_damage_is_refused() -> None:
    one = Sites(*[np.array([1.0, 2.0])] * 4)
    plain = one.as_plain()
    assert Sites.from_plain(plain).as_plain() == plain
    for damage in ({"latitude": [1.0]}, {"longitude": [1.0, float("nan")]}):
        with pytest.raises(ValueError, match=r"latitude, longitude"):
            Sites.from_plain({**plain, **damage})
