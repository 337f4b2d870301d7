"""The preset deepsalt on a toy land whose physics is known: darker means saltier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.estimators.toy_land import ENMAP, FAST, LAB, pixels, r2, soils
from tests.training.forged import change_card

from deepsalt.errors import BandError, ModelFileError, UsageError
from deepsalt.estimators import DeepSaltRegressor, load_regressor
from deepsalt.estimators.bridge_inputs import channel_axis, channel_weights
from deepsalt.estimators.bridge_library import BridgeLibrary
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.spectra import Sensor, Spectra
from deepsalt.units import log_ece


def test_it_learns_and_the_same_seed_learns_the_same(fitted: DeepSaltRegressor) -> None:
    asked = pixels(100, 9)
    assert r2(fitted, asked) > 0.8
    assert fitted.history_[0].validation == []  # nothing is held out, so nothing may be called validation
    assert "validation_r2" not in fitted.checks_["student"]
    again = DeepSaltRegressor(FAST, seed=3).fit(soils(300, 0), pixels(60, 1), pixels(80, 2))
    np.testing.assert_array_equal(again.predict(asked), fitted.predict(asked))


def test_it_learns_without_a_single_ground_point() -> None:
    model = DeepSaltRegressor(FAST, sensor=ENMAP).fit(soils(300, 0))
    assert r2(model, pixels(100, 9)) > 0.7
    assert model.card_["training"]["satellite samples"] == 0


def test_a_student_of_one_sensor_reads_another(fitted: DeepSaltRegressor) -> None:
    for name in ("prisma", "emit"):
        assert r2(fitted, pixels(100, 9, Sensor.load(name))) > 0.75
    with pytest.raises(BandError, match="missing or without data"):
        fitted.predict(pixels(5, 9, Sensor.load("sentinel2")))


def test_a_prediction_does_not_depend_on_its_neighbours(fitted: DeepSaltRegressor) -> None:
    asked = pixels(40, 9)
    order = np.random.default_rng(0).permutation(40)
    whole = fitted.predict(asked)
    np.testing.assert_allclose(fitted.predict(asked.take(order)), whole[order], rtol=1e-5)
    np.testing.assert_allclose(fitted.predict(asked.take(np.array([7]))), whole[[7]], rtol=1e-5)


def test_folding_changes_nothing(fitted: DeepSaltRegressor) -> None:
    x = torch.as_tensor(np.array(pixels(50, 9).values))
    with torch.no_grad():
        plain = fitted.model_(x)[0].mean(dim=0).clamp(min=0)
    np.testing.assert_allclose(fitted.model_.predict(x).numpy(), plain.numpy(), atol=1e-4)


def holed(spectra: Spectra, holes: dict[int, np.ndarray | slice | int]) -> Spectra:
    """The table with these bands missing in these rows."""
    values = np.array(spectra.values)
    for row, bands in holes.items():
        values[row, bands] = np.nan
    return Spectra.of_table(
        values, spectra.axis, "reflectance", samples=spectra.samples, sensor=spectra.sensor
    )


@pytest.mark.parametrize("sensor", ["enmap", "prisma", "emit"])
def test_a_missing_band_is_made_up_for_from_those_around(fitted: DeepSaltRegressor, sensor: str) -> None:
    asked = pixels(60, 9, Sensor.load(sensor))
    bands = np.random.default_rng(0).integers(len(asked.axis), size=60)
    one_missing = holed(asked, {row: int(band) for row, band in enumerate(bands) if row % 2})
    before, after = log_ece(fitted.predict(asked)), log_ece(fitted.predict(one_missing))
    assert np.array_equal(after[::2], before[::2])
    assert np.abs(after - before).max() < 0.02


def test_a_wide_gap_has_no_answer_and_rows_know_nothing_of_each_other(
    fitted: DeepSaltRegressor,
) -> None:
    asked = pixels(6, 9)
    at = asked.axis.values
    gaps = holed(asked, {1: (at > 1000) & (at < 1030), 2: (at > 1000) & (at < 1100), 4: 30})
    found = fitted.predict(gaps)
    assert list(np.isnan(found)) == [False, False, True, False, False, False]
    assert log_ece(found[1]) == pytest.approx(log_ece(fitted.predict(asked)[1]), abs=0.02)
    for row in (0, 1, 4):
        np.testing.assert_allclose(fitted.predict(gaps.take(np.array([row]))), found[[row]], rtol=1e-5)


def test_a_band_missing_in_every_pixel_is_made_up_for_too(fitted: DeepSaltRegressor) -> None:
    """A dead detector line: the answers are those of pixels that miss it alone."""
    asked = pixels(8, 9)
    dead, single = holed(asked, dict.fromkeys(range(8), 60)), holed(asked, {3: 60})
    np.testing.assert_allclose(fitted.predict(dead)[3], fitted.predict(single)[3], rtol=1e-5)


def test_training_rows_with_gaps_are_filled_or_left_out_and_counted() -> None:
    short = replace(FAST, steps=60, distillation=False)  # the same answers are asked for, not good ones
    sites, loose = pixels(60, 1), pixels(80, 2)
    at = sites.axis.values
    wide = (at > 1000) & (at < 1100)
    holes = holed(sites, {5: wide, 6: 30}), holed(loose, {0: wide})
    gaps = DeepSaltRegressor(short, seed=3).fit(soils(300, 0), *holes)
    filled = fill_gaps(holes[0].values, sites.axis)
    mended = Spectra.of_table(filled, sites.axis, "reflectance", samples=sites.samples, sensor=ENMAP)
    without = mended.take(np.arange(60) != 5), loose.take(np.arange(80) != 0)
    expected = DeepSaltRegressor(short, seed=3).fit(soils(300, 0), *without)
    asked = pixels(30, 9)
    np.testing.assert_array_equal(gaps.predict(asked), expected.predict(asked))
    assert gaps.checks_["missing bands"]["sites"] == {"filled": 1, "left out": 1}
    assert gaps.card_["training"]["satellite samples"] == 59
    assert gaps.card_["training"]["missing bands"]["unlabelled"] == {"filled": 0, "left out": 1}
    with pytest.raises(BandError, match=r"sites: each of 60 rows misses bands .*\(1004-1094 nm\)"):
        DeepSaltRegressor(short).fit(soils(300, 0), holed(sites, dict.fromkeys(range(60), wide)), loose)


def test_bands_that_no_channel_reads_may_be_empty(fitted: DeepSaltRegressor) -> None:
    """As a scene delivers them: all bands of the sensor, those in water vapour without data."""
    asked = pixels(6, 9)
    cube = np.full((6, len(ENMAP)), np.nan, np.float32)
    cube[:, np.asarray(ENMAP.good)] = asked.values
    delivered = Spectra.of_table(cube, ENMAP.axis, "reflectance", sensor=ENMAP)
    np.testing.assert_allclose(fitted.predict(delivered), fitted.predict(asked), rtol=1e-4)


def test_samples_without_ec_help_by_the_teacher() -> None:
    """60 labels of noisy vis-NIR say little; the mid infrared says of the other 340 what was not measured."""
    library = soils(400, 0, measured=0.15)
    rng = np.random.default_rng(5)
    loud = library["visnir"].values * rng.uniform(0.5, 1.5, (400, 1)) + rng.normal(0, 0.05, (400, len(LAB)))
    table = library["visnir"].samples
    library["visnir"] = Spectra.of_table(loud, LAB, "reflectance", samples=table)
    settings = replace(FAST, teacher_directions=3, teacher_steps=300)
    with_teacher = DeepSaltRegressor(settings).fit(library, None, pixels(60, 2))
    alone = DeepSaltRegressor(replace(settings, distillation=False)).fit(library, None, pixels(60, 2))
    asked = pixels(150, 9)
    assert with_teacher.checks_["teacher"]["heard"]
    assert r2(with_teacher, asked) > r2(alone, asked)


def test_a_teacher_that_knows_nothing_is_not_heard() -> None:
    library = soils(200, 0, measured=0.3)
    nonsense = np.random.default_rng(0).normal(size=(200, 1)) * np.ones(len(LAB)) * 0.01 + 0.3
    table = library["visnir"].samples
    flat = {"visnir": Spectra.of_table(nonsense, LAB, "reflectance", samples=table)}
    model = DeepSaltRegressor(FAST).fit(flat, pixels(60, 1), pixels(60, 2))
    assert not model.checks_["teacher"]["heard"]


def test_the_gate_says_which_way_it_went() -> None:
    quick = replace(FAST, gate=True, steps=100, land_steps=50, teacher_steps=60)
    model = DeepSaltRegressor(quick).fit(soils(200, 0), pixels(80, 1), pixels(80, 2))
    gate = model.checks_["gate"]
    assert gate["asked"]
    assert set(gate["rmse"]) == {
        "as set",
        *(f"without {one}" for one in ("adaptation", "distillation", "bridge")),
    }
    assert gate["left out"] == [k[8:] for k, v in gate["harm in standard errors"].items() if v > 1.645]
    for name in gate["left out"]:
        assert gate["rmse"][f"without {name}"] < gate["rmse"]["as set"]
    few = DeepSaltRegressor(quick).fit(soils(200, 0), pixels(8, 1), pixels(80, 2))
    assert not few.checks_["gate"]["asked"]
    assert few.checks_["gate"]["left out"] == []


def test_a_file_gives_the_same_model(fitted: DeepSaltRegressor, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    loaded = load_regressor(path)
    asked = pixels(20, 9)
    np.testing.assert_array_equal(loaded.predict(asked), fitted.predict(asked))
    prisma = pixels(20, 9, Sensor.load("prisma"))
    np.testing.assert_array_equal(loaded.predict(prisma), fitted.predict(prisma))
    change_card(path, lambda card: card.update(channels={"centres": [500.0], "width": 20.0}))
    with pytest.raises(ModelFileError, match="names 1 channels"):
        load_regressor(path)


def test_a_library_without_vis_nir_is_refused() -> None:
    with pytest.raises(UsageError, match="vis-NIR reflectance"):
        DeepSaltRegressor(FAST).fit(soils(50, 0)["mir"], pixels(60, 1))
    with pytest.raises(UsageError, match="which sensor"):
        DeepSaltRegressor(FAST).fit(soils(50, 0))


def test_channels_are_means_of_the_bands_they_hold() -> None:
    axis = pixels(1, 0).axis
    channels = channel_axis(axis, 20.0)
    weights = channel_weights(axis, channels)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, atol=1e-5)
    assert np.abs(axis.values @ weights - channels.values).max() < 13  # a channel at an edge leans inwards


def test_gypsum_is_taken_off_before_the_line_and_put_back_after_it() -> None:
    at = LAB.values
    plain, gypsic = np.full(len(LAB), 0.4), 0.4 * (1 - 0.2 * np.exp(-0.5 * ((at - 1750) / 20) ** 2))
    table = pd.DataFrame({"ec_ds_m": [3.0, 3.0, np.nan], "ec_method": "EC1:2"})
    spectra = Spectra.of_table(np.stack([plain, gypsic, plain]), LAB, "reflectance", samples=table)
    labels = BridgeLibrary.of({"visnir": spectra}).labels
    assert labels[0] == pytest.approx(np.log1p(2.5808 * 3.0 - 0.026), abs=1e-4)
    assert labels[1] == pytest.approx(np.log1p(2.5808 * 0.8 - 0.026 + 2.2), abs=1e-4)
    assert np.isnan(labels[2])
