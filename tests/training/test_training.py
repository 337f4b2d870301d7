"""Data, settings, loop and the stages beyond the published faults."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from deepsalt.errors import ConfigError, SpectraError, TrainingError, UsageError
from deepsalt.training import PaperData, PaperResult, PaperSettings, Stage, train_paper, train_teacher
from deepsalt.training.align import split_pairs
from deepsalt.training.checks import prediction_facts, r2
from deepsalt.training.device import seed_for, seeded
from deepsalt.training.distil import hide_covariates
from deepsalt.training.loop import Objective, fit
from deepsalt.training.losses import certainty_weights, feature_distance, huber

ALONE = {"adaptation": False, "distillation": False}
CPU = torch.device("cpu")


def test_student_learns_the_problem(problem, student_alone: PaperResult) -> None:
    predicted = student_alone.model.predict(problem.test_x, problem.test_covariates).numpy()
    assert r2(problem.test_y, predicted) > 0.5


def test_whole_preset_learns_the_problem(problem, trained: PaperResult) -> None:
    predicted = trained.model.predict(problem.test_x, problem.test_covariates).numpy()
    assert r2(problem.test_y, predicted) > 0.35
    assert trained.checks["teacher"]["validation_r2"] > 0.5


def test_same_seed_same_weights_bit_for_bit(problem, trained, settings, same_weights) -> None:
    again = train_paper(problem.data, settings, 0)
    assert same_weights(again.model, trained.model)
    assert [h.as_dict() for h in again.history] == [h.as_dict() for h in trained.history]


def test_other_seed_other_weights(problem, student_alone, same_weights) -> None:
    other = train_paper(problem.data, PaperSettings.fast(**ALONE), 1)
    assert not same_weights(other.model, student_alone.model)


def test_training_leaves_the_global_state_alone(problem) -> None:
    torch.manual_seed(17)
    np.random.seed(17)  # noqa: NPY002
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(17)
    np.random.seed(17)  # noqa: NPY002
    train_paper(problem.data, PaperSettings.fast(**ALONE, student=Stage(3, 3, 32, 5e-3), retries=0), 0)
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()


def test_global_state_does_not_change_training(problem, student_alone, same_weights) -> None:
    torch.manual_seed(12345)
    again = train_paper(problem.data, PaperSettings.fast(**ALONE), 0)
    assert same_weights(again.model, student_alone.model)


def test_student_alone_needs_no_lab_data(problem, student_alone, same_weights) -> None:
    bare = problem.with_changes(
        lab_x=None, lab_y=None, lab_train=None, lab_validation=None, pair_lab=None, pair_x=None
    )
    result = train_paper(bare, PaperSettings.fast(**ALONE), 0)
    assert same_weights(result.model, student_alone.model)
    assert [h.stage for h in result.history] == ["satellite autoencoder", "student"]


@pytest.mark.parametrize(
    ("switches", "stages"),
    [
        ({}, ["lab autoencoder", "satellite autoencoder", "alignment", "teacher", "student"]),
        ({"adaptation": False}, ["lab autoencoder", "satellite autoencoder", "teacher", "student"]),
        (
            {"distillation": False},
            ["lab autoencoder", "satellite autoencoder", "alignment", "teacher", "student"],
        ),
    ],
)
def test_switches_choose_the_stages(problem, switches: dict, stages: list[str]) -> None:
    few = Stage(6, 6, 32, 5e-3)
    result = train_paper(problem.data, PaperSettings.fast(**switches, student=few), 0)
    assert [h.stage for h in result.history] == stages
    assert ("response" in result.history[-1].terms) is ("distillation" not in switches)


def test_map_without_covariates_is_a_legitimate_input(problem, student_alone: PaperResult) -> None:
    predicted = student_alone.model.predict(problem.test_x).numpy()
    assert r2(problem.test_y, predicted) > 0.3


def test_progress_names_stages_and_ends_at_the_total(problem) -> None:
    seen: list[tuple[str, int, int]] = []
    settings = PaperSettings.fast(**ALONE, student=Stage(30, 2, 32, 5e-3))
    train_paper(problem.data, settings, 0, lambda *call: seen.append(call))
    assert list(dict.fromkeys(stage for stage, _, _ in seen)) == ["satellite autoencoder", "student"]
    for stage in ("satellite autoencoder", "student"):
        done = [(d, t) for name, d, t in seen if name == stage]
        assert done[-1][0] == done[-1][1]
        assert done == sorted(done)


def test_checks_and_history_are_plain_json(trained: PaperResult) -> None:
    assert json.loads(json.dumps(trained.checks, allow_nan=False)) == trained.checks
    for history in trained.history:
        assert json.loads(json.dumps(history.as_dict(), allow_nan=False))["stage"] == history.stage
        assert len(history.epoch) == len(history.train) == len(history.validation)
        assert history.validation[history.best_epoch - 1] == min(history.validation)


def test_ceiling_leaves_room_above_the_training_labels_only(problem, settings) -> None:
    labels = problem.data.sat_y.copy()
    labels[problem.data.sat_validation[0]] = labels.max() + 1.5  # saltier than anything in training
    result = train_paper(
        problem.with_changes(sat_y=labels), PaperSettings.fast(**ALONE, retries=0, huber_delta=0.5), 0
    )
    expected = labels[problem.data.sat_train].max() + settings.ceiling_margin
    assert result.checks["student"]["ceiling"] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("bands", [3, 216])
def test_teacher_works_for_any_band_count(bands: int, settings: PaperSettings) -> None:
    rng = np.random.default_rng(2)
    y = rng.gamma(2.0, 0.5, 90)
    x = np.outer(y, rng.normal(size=bands)) + 0.05 * rng.normal(size=(90, bands))
    result = train_teacher(x, y, np.arange(60), np.arange(60, 90), settings, 0)
    assert result.checks["teacher"]["validation_r2"] > 0.5
    assert result.model.predict(x).shape == (90,)


def test_surer_labels_weigh_more(problem, settings, same_weights) -> None:
    data = problem.data
    sd = np.where(np.arange(len(data.lab_y)) < 40, 0.05, 2.0)
    args = data.lab_x, data.lab_y, data.lab_train, data.lab_validation, settings, 0
    assert not same_weights(
        train_teacher(*args, label_sd=sd).model.teacher, train_teacher(*args).model.teacher
    )
    weights = certainty_weights(torch.tensor([0.0, 0.3]))
    assert (weights[0] / weights[1]).item() == pytest.approx(2.0)
    assert weights.mean().item() == pytest.approx(1.0)


def test_pairs_of_one_sample_stay_on_one_side() -> None:
    pair_lab = np.repeat(np.arange(20), 3)
    train, watched = split_pairs(pair_lab, np.array([100]), seed=0)
    assert not set(pair_lab[train]) & set(pair_lab[watched])
    assert len(watched) == 12
    assert sorted([*train, *watched]) == list(range(60))


def test_pairs_of_validation_samples_are_watched() -> None:
    pair_lab = np.arange(20)
    train, watched = split_pairs(pair_lab, np.arange(10, 20), seed=0)
    assert watched.tolist() == list(range(10, 20))
    assert train.tolist() == list(range(10))


def test_hidden_covariates_come_in_whole_rows_and_single_values() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.isnan(hide_covariates(torch.zeros(4000, 3), 0.2, generator))
    assert float(hidden.all(dim=1).float().mean()) == pytest.approx(0.2 + 0.8 * 0.2**3, abs=0.02)
    assert float(hidden.float().mean()) == pytest.approx(1 - 0.8**2, abs=0.02)
    assert not torch.isnan(hide_covariates(torch.zeros(50, 3), 0.0, generator)).any()


def test_early_stopping_restores_the_best_weights() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    scores: list[float] = []

    def validate() -> float:
        scores.append(abs(float(module.weight.detach()) - 0.3))
        return scores[-1]

    objective = Objective(
        "x", "y", module, lambda rows: {"total": (module.weight - 2.0).square().sum()}, validate
    )
    history = fit(objective, torch.arange(4), Stage(60, 3, 4, 0.1), torch.Generator().manual_seed(0))
    assert abs(float(module.weight.detach()) - 0.3) == min(scores)
    assert len(history.epoch) == history.best_epoch + 3 < 60


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [(4, 9), (8, 8), (17, 3), (40, 2)],  # 1, 2, 5 and 10 steps an epoch, of 15
)
def test_steps_shorten_the_schedule_of_long_epochs_to_its_end(rows: int, epochs: int) -> None:
    module, rates, told = nn.Linear(1, 1, bias=False), [], []

    def terms(_: torch.Tensor) -> dict[str, torch.Tensor]:
        rates.append(float(module.weight.detach()))
        return {"total": module.weight.sum()}  # Adam: each step is as long as the rate

    objective = Objective("x", "y", module, terms, lambda: float(module.weight))
    stage = Stage(9, 9, 4, 0.1, steps=15, weight_decay=0.0)
    history = fit(
        objective,
        torch.arange(rows),
        stage,
        torch.Generator().manual_seed(0),
        progress=lambda *step: told.append(step),
    )
    assert len(history.epoch) == stage.epochs_on(rows) == epochs
    assert told[-1] == ("x", epochs, epochs)
    falls = -np.diff([*rates, float(module.weight.detach())])
    assert falls.max() > 0.07
    assert falls[-1] < 0.35 * falls.max()


def test_loss_that_is_not_a_number_stops_training() -> None:
    module = nn.Linear(1, 1)
    objective = Objective(
        "x", "y", module, lambda rows: {"total": module.weight.sum() * float("nan")}, lambda: 1.0
    )
    with pytest.raises(TrainingError, match="became nan in epoch 1"):
        fit(objective, torch.arange(4), Stage(3, 3, 4, 0.1), torch.Generator().manual_seed(0))


def test_every_training_row_is_drawn_once_an_epoch() -> None:
    module, seen = nn.Linear(1, 1), []

    def terms(rows: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.append(rows)
        return {"total": module.weight.square().sum()}

    rows = torch.arange(10, 43)
    fit(
        Objective("x", "y", module, terms, lambda: 1.0),
        rows,
        Stage(1, 1, 16, 0.1),
        torch.Generator().manual_seed(0),
    )
    assert torch.cat(seen).sort().values.tolist() == rows.tolist()
    assert max(map(len, seen)) - min(map(len, seen)) <= 1


def test_seeds_differ_between_stages_and_attempts() -> None:
    keys = [(s, stage, a) for s in (0, 1) for stage in ("teacher", "student") for a in (0, 1)]
    assert len({seed_for(*key) for key in keys}) == len(keys)


def test_seeded_block_gives_the_same_numbers_again() -> None:
    drawn = []
    for _ in range(2):
        with seeded(3, "teacher", CPU) as generator:
            drawn.append((float(torch.rand(1)), float(torch.rand(1, generator=generator))))
    assert drawn[0] == drawn[1]


def test_huber_is_squared_near_zero_and_straight_far_away() -> None:
    zero = torch.zeros(1)
    assert float(huber(zero, zero + 0.5, 1.0)) == pytest.approx(0.125)
    assert float(huber(zero, zero + 3.0, 1.0)) == pytest.approx(2.5)


def test_feature_distance_does_not_see_the_size_of_features() -> None:
    layer = torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(0))
    assert float(feature_distance([layer * 5], [layer])) == pytest.approx(0.0, abs=1e-4)
    assert float(feature_distance([layer.flip(0)], [layer])) > 0.1


def test_constant_or_useless_predictions_are_named() -> None:
    y = np.linspace(0, 3, 30)
    assert prediction_facts(y, y * 0.9)["collapse"] is None
    assert "hardly vary" in prediction_facts(y, np.full(30, 1.5))["collapse"]
    assert "no better than the mean" in prediction_facts(y, y[::-1])["collapse"]
    assert prediction_facts(np.ones(30), np.ones(30))["validation_r2"] is None


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"sat_y": np.ones(3)}, SpectraError, r"sat_y: shape \(3,\)"),
        ({"pair_x": np.ones((60, 3))}, SpectraError, r"pair_x: shape \(60, 3\), expected \(60, 20\)"),
        ({"unlabelled_x": np.full((4, 20), np.nan)}, SpectraError, "unlabelled_x: 4 of 4 rows hold NaN"),
        ({"sat_covariates": np.full((140, 2), np.inf)}, SpectraError, "infinite covariates"),
        ({"sat_train": np.arange(90)}, UsageError, "10 rows are both training and validation"),
        ({"sat_train": np.array([1, 1, 2])}, UsageError, "row numbers repeat"),
        ({"sat_train": np.array([0.5, 1.5])}, UsageError, "row numbers of type float64"),
        ({"lab_validation": np.arange(100, 500)}, UsageError, "outside 0 to 119"),
        ({"lab_validation": np.array([], dtype=int)}, UsageError, "lab_validation: 0 rows"),
        ({"sat_y": np.full(140, -1.0)}, UsageError, "labels below zero"),
        ({"pair_lab": np.full(60, 115)}, UsageError, "neither training nor validation"),
        ({"lab_y": None}, UsageError, "without lab_y"),
        ({"lab_x": None}, UsageError, "pairs need lab_x"),
        ({"label_sd": np.full(120, -1.0)}, UsageError, "below zero"),
    ],
)
def test_data_that_cannot_be_used_are_refused(problem, changes: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        problem.with_changes(**changes)


def test_data_are_copied_to_float32_and_left_alone(problem) -> None:
    mine = np.ones((6, 4))
    data = PaperData(sat_x=mine, sat_y=np.ones(6), sat_train=np.arange(3), sat_validation=np.arange(3, 6))
    assert data.sat_x.dtype == np.float32
    assert mine.dtype == np.float64
    assert data.covariates == 0


@pytest.mark.parametrize("switch", ["adaptation", "distillation"])
def test_switch_without_its_data_says_what_is_missing(problem, switch: str) -> None:
    bare = problem.with_changes(
        lab_x=None, lab_y=None, lab_train=None, lab_validation=None, pair_lab=None, pair_x=None
    )
    with pytest.raises(UsageError, match=switch):
        train_paper(bare, PaperSettings.fast(**{**ALONE, switch: True}), 0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"tokens": 5}, "5 tokens cannot be cut"),
        ({"tokens": 1}, "at least 2 tokens"),
        ({"temperature": 0.0}, "temperature is 0"),
        ({"covariate_dropout": 1.0}, "share"),
        ({"response_weight": -1.0}, "response_weight is -1"),
        ({"hidden": ()}, "hidden"),
        ({"aligned_layers": 0}, "aligned_layers is 0"),
        ({"epochs": 5}, "unknown setting 'epochs'"),
    ],
)
def test_impossible_settings_are_refused(changes: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        PaperSettings.fast(**changes)


@pytest.mark.parametrize(
    "stage",
    [(0, 1, 1, 0.1), (1, 0, 1, 0.1), (1, 1, 0, 0.1), (1, 1, 1, 0.0), (1, 1, 1, 0.1, 0.0, 0, -1)],
)
def test_impossible_stage_is_refused(stage: tuple) -> None:
    with pytest.raises(ConfigError):
        Stage(*stage)


def test_published_sizes_are_the_default() -> None:
    settings = PaperSettings()
    assert (*settings.hidden, settings.latent) == (1024, 512, 256, 64)
    assert (settings.sparsity_target, settings.sparsity_weight, settings.temperature) == (0.05, 0.1, 0.07)
    teacher, student = settings.teacher_shape, settings.student_shape
    assert (teacher.width, teacher.heads, teacher.layers, teacher.feedforward) == (64, 4, 3, 128)
    assert (student.width, student.heads, student.layers, student.feedforward) == (72, 8, 4, 256)
