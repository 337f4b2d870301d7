"""Baselines: tuned without leaks, and honest about their inputs."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from deepsalt.config import DEFAULT_BASELINES, BaselineName
from deepsalt.errors import BandError, LabelError, UsageError
from deepsalt.estimators import baselines
from deepsalt.estimators.baselines import RECIPES, Baseline, baseline
from deepsalt.estimators.controls import covariates_only
from deepsalt.evaluation.metrics import regression_metrics
from deepsalt.pipeline.methods import methods_named
from deepsalt.spectra import Axis, Sensor, Spectra
from deepsalt.units import log_ece

AXIS = Axis(np.linspace(500, 2400, 40), "nm")
SENSOR = Sensor("toy", AXIS)


def soils(rows: int = 120, seed: int = 0) -> Spectra:
    """Salt makes a band at 1900 nm deeper and everything brighter; covariate `sand_pct` adds to it."""
    rng = np.random.default_rng(seed)
    sand, salt = rng.uniform(0, 1, rows), rng.gamma(1.2, 1.0, rows)
    band = np.exp(-(((AXIS.values - 1900) / 80) ** 2))
    values = 0.3 + 0.02 * salt[:, None] - 0.03 * salt[:, None] * band + rng.normal(0, 0.002, (rows, 40))
    samples = pd.DataFrame({"ece_ds_m": salt * (1 + sand), "sand_pct": sand, "group": np.arange(rows) // 4})
    return Spectra.of_table(values, AXIS, "reflectance", samples=samples, sensor=SENSOR)


LEARNED = [("plsr", 0.8), ("boosting", 0.6), ("svr", 0.3), ("svr-wide", 0.3), ("ridge", 0.8), ("forest", 0.5)]


@pytest.mark.parametrize(("name", "least"), LEARNED)
def test_a_baseline_learns_what_can_be_learned(name: str, least: float) -> None:
    fitted = baseline(name, ("sand_pct",), seed=1).fit(soils())
    fresh = soils(seed=9)
    assert regression_metrics(fresh.samples["ece_ds_m"], fitted.predict(fresh))["r2"] > least
    assert len(fitted.tuning_) > 1
    assert fitted.chosen_ in [candidate for candidate, _ in fitted.tuning_]


def test_the_covariate_is_used_where_it_helps() -> None:
    assert baseline("plsr", ("sand_pct",)).fit(soils()).chosen_["covariates"]
    shuffled = soils().with_samples(sand_pct=np.random.default_rng(3).uniform(0, 1, 120))
    assert not baseline("plsr", ("sand_pct",)).fit(shuffled).chosen_["covariates"]


def test_the_mean_is_the_mean_of_the_log_target() -> None:
    train = soils()
    predicted = baseline("mean").fit(train).predict(soils(5, seed=2))
    expected = np.expm1(np.log1p(train.samples["ece_ds_m"]).mean())
    assert predicted == pytest.approx(np.full(5, expected))


def test_a_missing_covariate_counts_as_the_mean_and_an_absent_one_is_an_error() -> None:
    fitted = baseline("plsr", ("sand_pct",)).fit(soils())
    fresh = soils(6, seed=4)
    missing = fresh.with_samples(sand_pct=np.nan)
    at_mean = fresh.with_samples(sand_pct=float(soils().samples["sand_pct"].mean()))
    assert fitted.predict(missing) == pytest.approx(fitted.predict(at_mean), rel=1e-5)
    bare = Spectra.of_table(fresh.values, AXIS, "reflectance", sensor=SENSOR)
    with pytest.raises(UsageError, match=r"needs the covariates sand_pct.*--covariates none"):
        fitted.predict(bare)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    fitted = baseline(name, seed=0).fit(soils())
    fresh = soils(10, seed=5)
    turned = fresh.take(np.arange(10)[::-1])
    assert fitted.predict(turned) == pytest.approx(fitted.predict(fresh)[::-1], rel=1e-6)


@pytest.mark.parametrize("form", ["plain", "derivative"])
@pytest.mark.parametrize("name", ["plsr", "svr", "ridge", "local"])
def test_an_answer_does_not_depend_on_which_others_are_asked(name: str, form: str) -> None:
    """The slopes were once scaled by the spread of whatever table was asked about."""
    fitted = Baseline(name, replace(RECIPES[name], forms=(form,)), seed=0).fit(soils(80))
    fresh = soils(60, seed=5)
    few = np.array([3, 17])
    assert fitted.predict(fresh.take(few)) == pytest.approx(fitted.predict(fresh)[few], rel=1e-9)


def test_predictions_stay_in_a_believable_range() -> None:
    fitted = baseline("plsr").fit(soils())
    wild = Spectra.of_table(np.full((1, 40), 2.5), AXIS, "reflectance", sensor=SENSOR)
    limit = np.expm1(1.25 * np.log1p(soils().samples["ece_ds_m"].max()))
    assert 0 <= fitted.predict(wild)[0] <= limit * (1 + 1e-9)


def test_another_sensor_is_refused() -> None:
    fitted = baseline("plsr").fit(soils())
    other = Spectra.of_table(soils(3).values, AXIS, "reflectance", sensor=Sensor("other", AXIS))
    with pytest.raises(BandError, match="trained for toy, these are other spectra"):
        fitted.predict(other)


def test_labels_must_be_there_and_not_negative() -> None:
    with pytest.raises(LabelError, match="no column 'ece_ds_m'"):
        baseline("mean").fit(Spectra.of_table(np.ones((3, 40)) * 0.3, AXIS, "reflectance"))
    ece = soils().samples["ece_ds_m"].to_numpy(copy=True)
    ece[2] = -1
    negative = soils().with_samples(ece_ds_m=ece)
    with pytest.raises(LabelError, match=r"1 of 120 samples .*row 3"):
        baseline("mean").fit(negative)


def test_the_stated_number_of_candidates_is_true() -> None:
    text = inspect.getdoc(baselines) or ""
    stated = {name: int(count) for name, count in re.findall(r"\b([a-z-]+) (\d+)(?=,|$)", text, re.M)}
    tried = {name: len(list(baseline(name)._candidates())) for name in RECIPES}
    assert stated == tried


def test_every_baseline_can_be_named_in_a_config_and_four_run_unless_asked() -> None:
    assert set(get_args(BaselineName)) == set(RECIPES)
    assert DEFAULT_BASELINES == ("mean", "plsr", "boosting", "svr")
    assert [m.name for m in methods_named() if m.kind == "baseline"] == list(DEFAULT_BASELINES)


def test_an_unknown_baseline_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown baseline 'magic'.*plsr"):
        baseline("magic")


FINE = Axis(np.arange(500.0, 2400, 10), "nm")


def fine_soils(rows: int, seed: int) -> Spectra:
    """Like `soils`, on bands of 10 nm that a missing one can be made up for from."""
    coarse = soils(rows, seed)
    values = np.stack([np.interp(FINE.values, AXIS.values, one) for one in coarse.values])
    sensor = Sensor("fine", FINE)
    return Spectra.of_table(values, FINE, "reflectance", samples=coarse.samples, sensor=sensor)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_missing_band_is_made_up_for_and_a_wide_gap_has_no_answer(name: str) -> None:
    train, fresh = fine_soils(120, 0), fine_soils(10, 5)
    values = np.array(fresh.values)
    values[1, 40] = np.nan
    values[2, 40:60] = np.nan
    holed = Spectra.of_table(values, FINE, "reflectance", samples=fresh.samples, sensor=fresh.sensor)
    fitted = baseline(name, seed=0).fit(train)
    whole, found = fitted.predict(fresh), fitted.predict(holed)
    assert list(np.flatnonzero(np.isnan(found))) == [2]
    assert log_ece(found[1]) == pytest.approx(log_ece(whole[1]), abs=0.05)


@pytest.mark.parametrize("name", ["plsr", "boosting"])
def test_a_training_row_with_a_wide_gap_is_left_out(name: str) -> None:
    train, fresh = fine_soils(80, 0), fine_soils(10, 5)
    values = np.array(train.values)
    values[7, 40:60] = np.nan
    holed = Spectra.of_table(values, FINE, "reflectance", samples=train.samples, sensor=train.sensor)
    kept = train.take(np.arange(80) != 7)
    fitted, expected = (baseline(name, seed=0).fit(one) for one in (holed, kept))
    assert np.array_equal(fitted.predict(fresh), expected.predict(fresh))


def test_the_control_without_spectra_answers_where_bands_are_missing() -> None:
    train = soils()
    values = np.array(train.values)
    values[3, 10] = np.nan
    holed = Spectra.of_table(values, AXIS, "reflectance", samples=train.samples, sensor=SENSOR)
    fitted = covariates_only(("sand_pct",)).fit(holed)
    assert np.array_equal(fitted.predict(holed), covariates_only(("sand_pct",)).fit(train).predict(train))
