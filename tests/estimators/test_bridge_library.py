"""Samples of two domains as the preset `deepsalt` learns from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deepsalt.estimators.bridge_library import BridgeLibrary
from deepsalt.spectra import Axis, Spectra

NM, CM1 = Axis(np.arange(1600.0, 1901, 10), "nm"), Axis(np.arange(1000.0, 1401, 20), "cm-1")


def of_nm(gypsum: np.ndarray, **columns: object) -> Spectra:
    depth = 0.3 * gypsum[:, None] * np.exp(-0.5 * ((NM.values - 1750) / 20) ** 2)
    return Spectra.of_table(0.4 * (1 - depth), NM, "reflectance", samples=pd.DataFrame(columns))


def of_cm1(gypsum: np.ndarray, **columns: object) -> Spectra:
    peak = np.sqrt(gypsum)[:, None] * np.exp(-0.5 * ((CM1.values - 1140) / 30) ** 2)
    rest = np.random.default_rng(0).normal(0, 0.01, (len(gypsum), len(CM1)))
    return Spectra.of_table(1.0 + peak + rest, CM1, "absorbance", samples=pd.DataFrame(columns))


def described(ids: list[str], ec: list[float] | np.ndarray, **more: object) -> dict[str, object]:
    return {"id": ids, "ec_ds_m": ec, "ec_method": "EC1:2", **more}


def test_samples_with_vis_nir_come_first_then_those_with_ec_alone() -> None:
    none = np.zeros
    visnir = of_nm(none(3), **described(["a", "b", "c"], [1.0, np.nan, 2.0], group=["p", "p", "q"]))
    ids = ["x", "c", "a", "y", "z", "x"]
    mir = of_cm1(none(6), **described(ids, [3.0, 2.0, 1.0, np.nan, 0.5, 9.0], group=list("rqpsuv")))
    found = BridgeLibrary.of({"mir": mir, "visnir": visnir})
    assert list(found.samples["id"]) == ["a", "b", "c", "x", "z"]
    assert list(found.groups) == ["p", "p", "q", "r", "u"]
    assert list(found.with_visnir) == [True, True, True, False, False]
    assert list(found.with_ec) == [True, False, True, True, True]
    ece = np.array([1.0, np.nan, 2.0, 3.0, 0.5]) * 2.5808 - 0.026
    np.testing.assert_allclose(found.labels, np.log1p(ece), rtol=1e-5)
    np.testing.assert_array_equal(found.mir[[0, 2, 3, 4]], mir.values[[2, 1, 0, 4]])
    assert np.isnan(found.mir[1]).all()
    assert np.isnan(found.visnir[3:]).all()


def test_a_sample_with_mid_infrared_alone_and_no_ec_is_kept_for_its_exact_place() -> None:
    visnir = of_nm(np.zeros(2), **described(["a", "b"], [1.0, 2.0]))
    place = {
        "latitude": [1.0, 2, 3, np.nan],
        "longitude": 5.0,
        "position_error_m": [30.0, 1000.0, 30.0, 30.0],
    }
    mir = of_cm1(np.zeros(4), **described(list("xyzw"), [np.nan, np.nan, 3.0, np.nan], **place))
    found = BridgeLibrary.of({"visnir": visnir, "mir": mir})
    assert list(found.samples["id"]) == ["a", "b", "x", "z"]
    assert list(found.with_ec) == [True, True, False, True]
    np.testing.assert_array_equal(found.mir[2], mir.values[0])


def test_profiles_that_only_one_table_tells_are_not_mixed_up() -> None:
    visnir, mir = of_nm(np.zeros(2), **described(["a", "b"], [1.0, 2.0])), np.zeros(2)
    found = BridgeLibrary.of({"visnir": visnir, "mir": of_cm1(mir, **described(["x", "y"], [1.0, 2.0]))})
    assert len(set(found.groups)) == 4


@pytest.mark.parametrize(
    "columns", [{"id": ["x", "a"]}, {"name": ["x", "a"]}, described(["a", "b"], [7.0, 8.0])]
)
def test_a_table_that_adds_no_sample_changes_nothing(columns: dict[str, object]) -> None:
    visnir = of_nm(np.zeros(2), **described(["a", "b"], [1.0, 2.0]))
    found = BridgeLibrary.of({"visnir": visnir, "mir": of_cm1(np.zeros(2), **columns)})
    plain = BridgeLibrary.of({"visnir": visnir})
    np.testing.assert_array_equal(found.labels, plain.labels)
    assert list(found.groups) == list(plain.groups)
    assert (found.mir is None) == ("id" not in columns)


def test_gypsum_is_told_from_the_mid_infrared_by_samples_that_have_both() -> None:
    rng = np.random.default_rng(2)
    share = np.where(rng.random(120) < 0.5, 0.0, rng.uniform(0.01, 1.0, 120))
    ids, ec = [str(number) for number in range(120)], np.full(120, 3.0)
    mir = of_cm1(share, **described(ids, ec))

    def labels(both: int) -> np.ndarray:
        visnir = of_nm(share[:both], **described(ids[:both], ec[:both]))
        return BridgeLibrary.of({"visnir": visnir, "mir": mir}).labels

    measured, told, untold = (labels(both)[60:] for both in (120, 60, 30))
    np.testing.assert_allclose(untold, np.log1p(2.5808 * 3.0 - 0.026), rtol=1e-5)
    assert (measured < untold - 0.4).sum() > 20
    assert np.abs(told - measured).mean() < 0.1 * np.abs(untold - measured).mean()
