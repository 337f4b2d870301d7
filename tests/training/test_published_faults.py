"""One test for each fault of the published code that training could repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch import nn

from deepsalt.errors import TrainingError
from deepsalt.models import SparseAutoencoder
from deepsalt.models.transformer import SelfAttention
from deepsalt.training import (
    PaperData,
    PaperResult,
    PaperSettings,
    load_model,
    model_from_file,
    model_to_file,
    train_paper,
    train_teacher,
)
from deepsalt.training.checks import against_untrained, r2
from deepsalt.training.distil import StudentRows, distillation_terms, new_student, prepare_lesson
from deepsalt.training.losses import kl_sparsity
from deepsalt.training.teach import lab_rows, new_teacher, teach, untrained_scores

SameWeights = Callable[[nn.Module, nn.Module], bool]


def test_aligned_encoder_is_the_one_that_predicts(problem, trained: PaperResult, student_alone) -> None:
    """Fault: aligned encoders were written but never loaded."""
    model = trained.model
    before = model.predict(problem.test_x)
    with torch.no_grad():
        kept = model.satellite.encoder[-1].weight.clone()
        model.satellite.encoder[-1].weight.neg_()
        after = model.predict(problem.test_x)
        model.satellite.encoder[-1].weight.copy_(kept)
    assert float((before - after).abs().mean()) > 0.01
    # Same seed, same spectra: without adaptation the encoder is the one before alignment.
    moved = trained.model.satellite.encoder[-1].weight - student_alone.model.satellite.encoder[-1].weight
    assert float(moved.detach().abs().max()) > 1e-3


def test_encoder_in_the_model_file_is_the_aligned_one(
    problem, trained: PaperResult, student_alone, tmp_path
) -> None:
    """Fault: aligned encoders were written but never loaded."""
    model_to_file(tmp_path / "m.safetensors", trained.model, {})
    tensors, _ = load_model(tmp_path / "m.safetensors")
    for name, value in trained.model.satellite.state_dict().items():
        assert torch.equal(tensors[f"satellite.{name}"], value)
    unaligned = student_alone.model.satellite.encoder[-1].weight
    assert not torch.equal(tensors["satellite.encoder.2.weight"], unaligned)


def test_student_and_teacher_learned_from_the_aligned_latents(problem, trained: PaperResult) -> None:
    """Fault: aligned encoders were never used: held-out pairs must come closer, and closer than strangers."""
    facts = trained.checks["alignment"]
    assert facts["cosine_after"] > facts["cosine_before"]
    assert facts["cosine_after"] - facts["shuffled_after"] > facts["cosine_before"] - facts["shuffled_before"]


def test_attention_has_several_tokens_and_looks_at_their_content(problem, trained: PaperResult) -> None:
    """Fault: attention over a sequence of length 1, a transformer that is an MLP."""
    student = trained.model.student
    with torch.no_grad():
        latent = trained.model.satellite.encode(torch.as_tensor(problem.test_x[:6], dtype=torch.float32))
        tokens = student.tokens(latent)
        attention: SelfAttention = student.encoder.layers[0].attention
        weights = attention.weights(student.encoder.layers[0].norm_attention(tokens))
        shuffled = latent.reshape(6, student.tokens.tokens, -1).flip(1).reshape(6, -1)
        nothing = torch.full((6, 2), torch.nan)
        difference = student(latent, nothing)[0] - student(shuffled, nothing)[0]
    assert tokens.shape[1] == 1 + student.tokens.tokens > 2
    assert float((weights - 1 / tokens.shape[1]).abs().max()) > 0.01  # not a plain mean
    assert float((weights[0] - weights[1]).abs().max()) > 0.01  # depends on the sample
    assert float(difference.abs().max()) > 1e-3


def test_one_token_reaches_another_through_attention_only(trained: PaperResult) -> None:
    """Fault: attention over a sequence of length 1: switching attention off must change the answer."""
    model = trained.model
    latent = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.student(latent, torch.zeros(4, 2))[1][0]
        changed = latent.clone()
        changed[:, -1] += 3.0  # the last token's content
        after = model.student(changed, torch.zeros(4, 2))[1][0]
    assert float((before[:, 1] - after[:, 1]).abs().max()) > 1e-4  # seen by the first latent token


def test_training_has_no_place_for_test_rows() -> None:
    """Fault: early stopping on the test split."""
    assert not [f.name for f in fields(PaperData) if "test" in f.name]


def test_rows_outside_training_and_validation_change_nothing(
    problem, trained: PaperResult, settings: PaperSettings, same_weights: SameWeights
) -> None:
    """Fault: early stopping on the test split: poisoned rows that are in no list are never read."""
    data = problem.data
    sat_x, sat_y, lab_x, lab_y = data.sat_x.copy(), data.sat_y.copy(), data.lab_x.copy(), data.lab_y.copy()
    covariates = data.sat_covariates.copy()
    for table in (sat_x, sat_y, lab_x, lab_y):
        table[110:] = np.nan
    covariates[110:] = np.inf
    poisoned = replace(data, sat_x=sat_x, sat_y=sat_y, lab_x=lab_x, lab_y=lab_y, sat_covariates=covariates)
    again = train_paper(poisoned, settings, 0)
    assert same_weights(again.model, trained.model)
    assert again.checks == trained.checks


def test_distillation_terms_are_positive_and_reach_every_student_layer(
    problem, settings: PaperSettings
) -> None:
    """Faults: a distillation term that is identically zero; a 4th student layer without supervision."""
    student, sau, terms = one_lesson(settings)
    assert float(terms["response"].detach()) > 0
    assert float(terms["features"].detach()) > 0
    (gradient,) = torch.autograd.grad(terms["response"], [student.head.out.weight], retain_graph=True)
    assert float(gradient.abs().max()) > 0
    terms["features"].backward()
    assert len(sau.projections) == len(student.encoder.layers) == 4
    for projection, layer in zip(sau.projections, student.encoder.layers, strict=True):
        assert float(projection.weight.grad.abs().max()) > 0
        assert float(layer.attention.to_qkv.weight.grad.abs().max()) > 0


def one_lesson(settings: PaperSettings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        rows = StudentRows(torch.randn(12, 16), torch.randn(12, 2), torch.rand(12) * 3)
        student, teacher = new_student(rows, settings), new_teacher(settings, rows.y)
        from deepsalt.models import SpectralAdaptationUnit

        sau = SpectralAdaptationUnit(24, 4, 16, 3)
    lesson = prepare_lesson(teacher, rows.latent, sau, float(student.head.ceiling))
    answer, features = student(rows.latent, rows.covariates)
    return student, sau, distillation_terms(answer, features, sau, lesson, torch.arange(12))


def test_distillation_changes_the_student(problem, trained: PaperResult, same_weights: SameWeights) -> None:
    """Fault: a distillation term that is identically zero."""
    weightless = PaperSettings.fast(response_weight=0.0, feature_weight=0.0)
    without = train_paper(problem.data, weightless, 0)
    assert same_weights(without.model.satellite, trained.model.satellite)
    assert not same_weights(without.model.student, trained.model.student)


def test_distillation_was_used_in_training(trained: PaperResult) -> None:
    """Fault: a distillation term that is identically zero, epoch after epoch."""
    terms = trained.history[-1].terms
    assert min(terms["response"]) > 0
    assert min(terms["features"]) > 0


def test_kl_sparsity_is_not_zero_and_has_a_gradient(problem) -> None:
    """Fault: the KL term is identically 0."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        from deepsalt.models import AutoencoderShape

        autoencoder = SparseAutoencoder(AutoencoderShape(20, 20, (16, 12), 8))
    spectra = torch.as_tensor(problem.data.sat_x[:50])
    autoencoder.fit_scaler(spectra)
    firing = autoencoder(spectra)[2]
    assert all(float(layer.detach().min()) > 0 and float(layer.detach().max()) < 1 for layer in firing)
    loss = kl_sparsity(firing, 0.05)
    loss.backward()
    assert float(loss.detach()) > 0.1
    assert float(autoencoder.encoder[0].weight.grad.abs().max()) > 0


def test_kl_sparsity_has_the_value_of_its_formula() -> None:
    """Fault: the KL term is identically 0: 0.05 ln(0.05/0.5) + 0.95 ln(0.95/0.5) = 0.4946 a unit."""
    assert float(kl_sparsity([torch.full((4, 3), 0.5)], 0.05)) == pytest.approx(3 * 0.4946, abs=1e-3)
    assert float(kl_sparsity([torch.full((4, 3), 0.05)], 0.05)) == pytest.approx(0.0, abs=1e-6)


def test_stronger_sparsity_makes_units_fire_less(problem) -> None:
    """Fault: the KL term is identically 0, so that its weight changes nothing."""
    rates = []
    for weight in (0.0, 1.0):
        settings = PaperSettings.fast(adaptation=False, distillation=False, sparsity_weight=weight)
        model = train_paper(problem.data, settings, 0).model
        with torch.no_grad():
            firing = model.satellite(torch.as_tensor(problem.data.sat_x[:80]))[2]
        rates.append(float(torch.cat(firing, dim=1).mean()))
    assert rates[1] < rates[0] - 0.05


def test_labels_that_say_nothing_are_no_result(problem) -> None:
    """Fault: training that collapses to a constant is reported as a result."""
    noise = np.random.default_rng(5).gamma(2.0, 0.6, len(problem.data.sat_y))
    settings = PaperSettings.fast(adaptation=False, distillation=False, retries=1)
    with pytest.raises(TrainingError, match=r"student.*2 attempts.*attempt 1 .*attempt 2 at rate 0\.0017"):
        train_paper(problem.with_changes(sat_y=noise), settings, 0)


def test_spectra_that_say_nothing_are_no_result(problem) -> None:
    """Fault: a dead network, constant for every input, is reported as a result."""
    flat = np.full_like(problem.data.sat_x, 0.3)
    settings = PaperSettings.fast(adaptation=False, distillation=False, retries=0)
    data = problem.with_changes(sat_x=flat, unlabelled_x=None, sat_covariates=None)
    with pytest.raises(TrainingError, match="hardly vary"):
        train_paper(data, settings, 0)


def test_retries_are_recorded(problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: a collapse that nobody hears of: the first attempt is made to fail, the second is kept."""
    from deepsalt.training import attempts

    real, calls = attempts.prediction_facts, []

    def fail_once(*arguments: object):
        calls.append(1)
        return {**real(*arguments), "collapse": "made up"} if len(calls) == 1 else real(*arguments)

    monkeypatch.setattr(attempts, "prediction_facts", fail_once)
    result = train_paper(problem.data, PaperSettings.fast(adaptation=False, distillation=False), 0)
    (retry,) = result.checks["student"]["retries"]
    assert retry["attempt"] == 1
    assert retry["collapse"] == "made up"
    assert retry["learning_rate"] == pytest.approx(5e-3)


def test_trained_teacher_beats_random_teachers_by_far(trained: PaperResult) -> None:
    """Fault: a teacher that random weights could replace without loss."""
    facts = trained.checks["teacher"]
    assert facts["validation_r2"] - facts["untrained_r2"] > 0.3
    assert facts["replaceable_by_random"] is False


def test_teacher_that_is_no_better_than_random_is_flagged(problem, settings: PaperSettings) -> None:
    """Fault: a teacher that random weights could replace without loss: the flag must turn on."""
    y = torch.as_tensor(problem.data.lab_y)
    latent = torch.randn(30, 16, generator=torch.Generator().manual_seed(1))
    scores = untrained_scores(latent, (y[:80], y[80:110]), settings, seed=0)
    assert len(set(scores)) == 3
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(99)
        untrained = new_teacher(settings, y[:80])(latent)[0]
    assert against_untrained(r2(y[80:110], untrained), scores)["replaceable_by_random"] is True
    assert against_untrained(0.8, scores)["replaceable_by_random"] is False


def test_there_is_one_scaler_per_encoder_and_it_never_moves(
    problem, trained: PaperResult, student_alone
) -> None:
    """Fault: several scalers for one encoder."""
    scaled = [m for m in trained.model.modules() if hasattr(m, "centre")]
    assert [type(m).__name__ for m in scaled].count("SparseAutoencoder") == 2
    for model in (trained.model, student_alone.model):  # before and after alignment and distillation
        fresh = SparseAutoencoder(model.satellite.shape)
        fresh.fit_scaler(
            torch.cat([torch.as_tensor(problem.data.sat_x[:80]), torch.as_tensor(problem.data.unlabelled_x)])
        )
        for name in ("centre", "scale", "directions"):
            assert torch.equal(getattr(fresh, name), getattr(model.satellite, name))
    lab = SparseAutoencoder(trained.model.lab.autoencoder.shape)
    lab.fit_scaler(torch.as_tensor(problem.data.lab_x[:80]))
    assert torch.equal(lab.directions, trained.model.lab.autoencoder.directions)


def test_prediction_does_not_depend_on_place_or_size_of_the_batch(problem, trained: PaperResult) -> None:
    """Fault: a prediction that depends on the row's place in its batch."""
    x, covariates = problem.test_x, problem.test_covariates
    whole = trained.model.predict(x, covariates)
    order = np.random.default_rng(0).permutation(len(x))
    assert torch.allclose(trained.model.predict(x[order], covariates[order]), whole[order], rtol=0, atol=1e-6)
    alone = torch.cat([trained.model.predict(x[i : i + 1], covariates[i : i + 1]) for i in range(20)])
    assert torch.allclose(alone, whole[:20], rtol=0, atol=1e-6)
    many = trained.model.predict(np.tile(x, (8, 1)), np.tile(covariates, (8, 1)))  # beyond 2,048 rows
    assert torch.allclose(many[-len(x) :], whole, rtol=0, atol=1e-6)


def test_lowest_possible_answer_is_zero(trained: PaperResult) -> None:
    """Fault: 0.05 is the lowest output while most labels are 0."""
    for head in (trained.model.student.head, trained.model.lab.teacher.head):
        width = head.norm.normalized_shape[0]
        features = torch.randn(50, width, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            kept = head.out.bias.clone()
            head.out.bias.fill_(-200.0)
            lowest = head(features)
            head.out.bias.fill_(200.0)
            highest = head(features)
            head.out.bias.copy_(kept)
        assert float(lowest.max()) == 0.0
        assert torch.allclose(highest, head.ceiling)


@pytest.mark.parametrize("value", [0.3, 1.2, 3.5])
def test_prediction_is_in_the_unit_of_the_labels(problem, value: float) -> None:
    """Fault: ECe multiplied by an unexplained factor: one label for all must come back as it was."""
    labels = np.full_like(problem.data.sat_y, value)
    settings = PaperSettings.fast(adaptation=False, distillation=False)
    result = train_paper(problem.with_changes(sat_y=labels), settings, 0)
    predicted = result.model.predict(problem.test_x, problem.test_covariates)
    assert float(predicted.median()) == pytest.approx(value, rel=0.03)
    assert result.checks["student"]["validation_r2"] is None


def test_teacher_answers_in_the_unit_of_the_labels(problem, settings: PaperSettings) -> None:
    """Fault: teacher R2 on min-max scaled targets, answers in another unit than the labels."""
    data = problem.data
    result = train_teacher(data.lab_x, data.lab_y, data.lab_train, data.lab_validation, settings, 0)
    answers = result.model.predict(data.lab_x[:80]).numpy()
    assert answers.mean() == pytest.approx(data.lab_y[:80].mean(), rel=0.1)
    pooled = r2(
        data.lab_y[data.lab_validation], result.model.predict(data.lab_x[data.lab_validation]).numpy()
    )
    assert result.checks["teacher"]["validation_r2"] == pytest.approx(pooled, abs=1e-5)


def test_teacher_learns_from_the_latents_it_will_be_asked_about(
    problem, settings: PaperSettings, trained
) -> None:
    """Fault: the teacher got spectra in another scaling than the encoder's."""
    data = problem.data
    rows = lab_rows(data.lab_x, data.lab_y, data.lab_train, data.lab_validation, None, torch.device("cpu"))
    teacher, _, _ = teach(trained.model.lab.autoencoder, rows, settings, 0)
    with torch.no_grad():
        expected = teacher(trained.model.lab.autoencoder.encode(rows.x[:10]))[0]
    assert torch.allclose(trained.model.teacher_predict(data.lab_x[:10]), expected, atol=1e-6)


def test_saved_model_keeps_every_switch_of_the_faults(problem, trained: PaperResult, tmp_path) -> None:
    """Fault: what is stored is not what was trained."""
    model_to_file(tmp_path / "m.safetensors", trained.model, {})
    again, _ = model_from_file(tmp_path / "m.safetensors")
    x = torch.as_tensor(problem.test_x, dtype=torch.float32)
    assert torch.equal(
        again.predict(x, problem.test_covariates), trained.model.predict(x, problem.test_covariates)
    )
    assert torch.equal(again.ask_teacher(x), trained.model.ask_teacher(x))
