"""What the teacher of the preset `deepsalt` reads, and what it tells of samples with one kind of spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.training.bridge_problem import BANDS, SAMPLES, SCENES, bridge_problem

from deepsalt.errors import SpectraError, UsageError
from deepsalt.training import DeepSaltSettings
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_settings import switched
from deepsalt.training.bridge_student import train_student
from deepsalt.training.bridge_teacher import Teacher, _joined, teach
from deepsalt.training.deepsalt import _teacher

QUICK = DeepSaltSettings(
    steps=8, land_steps=4, members=2, hidden=(8,), directions=6, teacher_steps=200, gate=False, device="cpu"
)
N = SCENES * SAMPLES
#: Of each land every third sample has vis-NIR spectra, and half of these have EC.
VISNIR = np.arange(N) % 3 == 0
EC = ~VISNIR | (np.arange(N) % 2 == 0)


def sparse(noise: float = 0.02) -> tuple[BridgeData, np.ndarray]:
    """The problem with few vis-NIR spectra, mid infrared of all; and the true ln(1+ECe)."""
    data = bridge_problem().data
    truth = data.lab_y
    rng = np.random.default_rng(1)
    mir = np.column_stack([truth, rng.normal(0, 1, (N, 5))]) + rng.normal(0, noise, (N, 6))
    visnir = np.where(VISNIR[:, None], data.lab_x, np.nan)
    return replace(data, lab_x=visnir, lab_y=np.where(EC, truth, np.nan), teacher_x=mir), truth


def r2(teacher: Teacher, truth: np.ndarray, rows: np.ndarray) -> float:
    told = teacher.answer.numpy()[rows]
    return float(1 - ((told - truth[rows]) ** 2).mean() / truth[rows].var())


def test_samples_without_vis_nir_teach_of_those_without_ec() -> None:
    data, truth = sparse()
    teacher, facts = teach(data, QUICK, 0)
    alone, facts_alone = teach(data, replace(QUICK, same_sample=False), 0)
    asked = VISNIR & ~EC
    assert r2(teacher, truth, asked) > max(0.9, r2(alone, truth, asked))
    assert (facts["samples"], facts_alone["samples"]) == (int(EC.sum()), int((EC & VISNIR).sum()))
    assert facts["validation_r2"] > facts_alone["validation_r2"]
    assert torch.isnan(alone.answer[torch.as_tensor(~VISNIR)]).all()
    assert torch.isfinite(teacher.answer).all()
    assert teacher.features.shape == (N, 2 * alone.features.shape[1])


@pytest.mark.parametrize("control", ["untrained_teacher", "shuffled_teacher"])
def test_a_control_is_as_sure_of_itself_as_the_teacher_and_knows_nothing(control: str) -> None:
    """It differs in what it knows alone: answers vary as much about the same mean, errors are the same."""
    data, truth = sparse()
    trained, _ = _teacher(data, QUICK, 0)
    found, facts = _teacher(data, switched(QUICK, **{control: True}), 0)
    assert trained is not None
    assert found is not None
    assert facts["heard"]
    np.testing.assert_allclose(np.sort(found.error), np.sort(trained.error))
    assert found.answer.mean() == pytest.approx(float(trained.answer.mean()), abs=0.1)
    assert found.answer.std() == pytest.approx(float(trained.answer.std()), rel=0.2)
    everything = np.ones(N, bool)
    assert r2(trained, truth, everything) > 0.9
    assert r2(found, truth, everything) < 0.2
    assert (found.answer >= 0).all()


def test_no_sample_speaks_of_itself() -> None:
    """Another label of one sample changes what is said of others, not what is said of it."""
    data, _ = sparse()
    row = int(np.flatnonzero(~VISNIR)[0])
    labels = data.lab_y.copy()
    labels[row] += 2.0
    before, after = (teach(one, QUICK, 0)[0].answer for one in (data, replace(data, lab_y=labels)))
    assert before[row] == after[row]
    assert not torch.equal(before, after)


def test_the_mid_infrared_is_read_unasked_only_where_it_knows_more() -> None:
    data, _ = sparse()
    whole = replace(bridge_problem().data, lab_y=data.lab_y, teacher_x=data.teacher_x)
    unasked, never, always = (
        teach(whole, replace(QUICK, same_sample=asked), 0)[0].answer for asked in (None, False, True)
    )
    assert torch.equal(unasked, never)
    assert not torch.equal(unasked, always)
    few = np.where(VISNIR | (np.arange(N) < 10), data.lab_y, np.nan)
    scarce = replace(data, lab_y=few, teacher_x=np.where(np.isfinite(few)[:, None] & ~VISNIR[:, None],
                                                         data.teacher_x, np.nan))  # fmt: skip
    read, _ = teach(scarce, QUICK, 0)  # seven samples with both EC and mid infrared teach nothing
    assert torch.isnan(read.answer[torch.as_tensor(~VISNIR)]).all()


def test_two_answers_join_by_their_errors_and_are_believed_no_better_than_their_mean() -> None:
    nan = torch.nan
    one = Teacher(torch.tensor([1.0, 1.0, nan, nan]), torch.tensor([0.1, 0.2, 0.3, 0.3]), torch.zeros(4, 2))
    two = Teacher(torch.tensor([2.0, nan, 3.0, nan]), torch.tensor([0.2, 0.2, 0.4, 0.4]), torch.ones(4, 3))
    own = torch.tensor([1.0, nan, nan, nan]), torch.tensor([2.0, nan, 2.5, nan])
    joined, held = _joined([(one, own[0]), (two, own[1])])
    assert torch.allclose(joined.answer, torch.tensor([1.2, 1.0, 3.0, nan]), equal_nan=True)
    expected = torch.tensor([(0.8 * 0.01 + 0.2 * 0.04) ** 0.5, 0.2, 0.4, nan])
    assert torch.allclose(joined.error, expected, equal_nan=True)
    assert torch.allclose(held, torch.tensor([1.2, nan, 2.5, nan]), equal_nan=True)
    assert joined.features.shape == (4, 5)


@pytest.mark.parametrize("distillation", [True, False])
def test_a_land_is_labelled_by_every_sample_and_drawn_from_those_with_vis_nir(distillation: bool) -> None:
    data, truth = sparse()
    teacher = teach(data, QUICK, 0)[0] if distillation else None
    student, _ = train_student(data, teacher, QUICK, 0)
    assert all(torch.isfinite(value).all() for value in student.state_dict().values())
    for land in range(SCENES):
        rows = data.where.samples[land]
        known = rows if distillation else rows & EC
        assert int(student.labels[land, 2]) == known.sum()
        assert float(student.labels[land, 0]) == pytest.approx(truth[known].mean(), abs=0.05)
    dark = data.lab_x.copy()
    dark[VISNIR & (np.arange(N) < SAMPLES)] *= 0.5
    darker, _ = train_student(replace(data, lab_x=dark), teacher, QUICK, 0)
    apart = (student.references - darker.references).mean(dim=1)
    assert float(apart[0]) > 0.4  # half as bright, but for the crust over it
    assert float(apart[1:].abs().max()) < 0.1


def test_a_land_none_of_whose_spectra_have_ec_is_drawn_from_all_of_them() -> None:
    data, _ = sparse()
    first = np.arange(N) < SAMPLES
    unlabelled = replace(data, lab_y=np.where(first & VISNIR, np.nan, data.lab_y))
    student, _ = train_student(unlabelled, None, QUICK, 0)
    plain, _ = train_student(data, None, QUICK, 0)
    assert float((student.references[0] - plain.references[0]).abs().mean()) < 0.1
    assert int(student.labels[0, 2]) == (first & ~VISNIR).sum()


def test_too_few_samples_to_draw_from_are_refused_and_half_a_spectrum_too() -> None:
    data, _ = sparse()
    with pytest.raises(UsageError, match="15 laboratory samples with vis-NIR spectra and EC, 20 are needed"):
        replace(data, lab_y=np.where(VISNIR & (np.arange(N) >= 90), np.nan, data.lab_y))
    holed = data.lab_x.copy()
    holed[np.flatnonzero(VISNIR)[0], BANDS // 2] = np.nan
    with pytest.raises(SpectraError, match="lab_x"):
        replace(data, lab_x=holed)


def test_without_a_teacher_samples_without_ec_do_not_stand_for_their_land() -> None:
    data, _ = sparse()
    dark = data.lab_x.copy()
    dark[VISNIR & ~EC & (np.arange(N) < SAMPLES)] *= 0.5
    plain, darker = (train_student(one, None, QUICK, 0)[0] for one in (data, replace(data, lab_x=dark)))
    assert float((plain.references[0] - darker.references[0]).abs().max()) < 0.02
