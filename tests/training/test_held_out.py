"""Trainings with something held out: each pixel asked without its fold, in any number of processes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.training.bridge_problem import POINTS, SCENES, bridge_problem

from deepsalt.training import DeepSaltSettings
from deepsalt.training.bridge_teacher import teach
from deepsalt.training.deepsalt import DeepSaltResult, held_out_answers, train_deepsalt
from deepsalt.training.held_out import HeldOut, quick

FEW = DeepSaltSettings(
    steps=8, land_steps=4, members=2, hidden=(8,), directions=6, teacher_steps=8, gate=False, device="cpu"
)
FOLDS = [
    (
        np.flatnonzero(np.arange(SCENES * POINTS) % 2 != part),
        np.flatnonzero(np.arange(SCENES * POINTS) % 2 == part),
    )
    for part in (0, 1)
]


def test_a_pixel_is_asked_of_a_training_that_has_not_seen_its_label() -> None:
    data, said = bridge_problem().data, []
    for label in (0.0, 3.0):
        labels = data.sat_y.copy()
        labels[0] = label
        trial = HeldOut(replace(data, sat_y=labels), None, 0, progress=lambda *told: said.append(told))
        said.append(trial.answers("asked", {"one": (quick(FEW), FOLDS)})["one"])
    first, second = (answers for answers in said if isinstance(answers, np.ndarray))
    other = FOLDS[1][1]
    assert first[0] == second[0]
    assert not np.array_equal(first[other], second[other])
    assert [told for told in said if isinstance(told, tuple)] == 2 * [("asked", done, 2) for done in range(3)]


def test_fields_are_held_out_in_eight_folds_and_scenes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data, asked = bridge_problem().data, {}
    monkeypatch.setattr(HeldOut, "answers", lambda _, what, trials: asked.update({what: trials}))
    held_out_answers(HeldOut(data, None, 0), FEW)
    folds = {name: one for name, (_, one) in asked["held-out fields and scenes"].items()}
    assert {name: len(one) for name, one in folds.items()} == {"fields": 8, "scenes": SCENES}
    for name, groups in {"fields": data.sat_groups, "scenes": data.where.sat_scene}.items():
        assert sorted(np.concatenate([test for _, test in folds[name]])) == list(range(len(groups)))
        for train, test in folds[name]:
            assert sorted([*train, *test]) == list(range(len(groups)))
            assert not set(groups[train]) & set(groups[test])


def test_without_distillation_no_teacher_is_heard() -> None:
    data = bridge_problem().data
    teacher, _ = teach(data, FEW, 0)
    deaf = {"one": (replace(quick(FEW), distillation=False), FOLDS)}
    without = HeldOut(data, None, 0).answers("asked", deaf)["one"]
    np.testing.assert_array_equal(HeldOut(data, teacher, 0).answers("asked", deaf)["one"], without)
    heard = {"one": (quick(FEW), FOLDS)}
    assert not np.array_equal(HeldOut(data, teacher, 0).answers("asked", heard)["one"], without)


def test_distances_hang_on_the_widest_directions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepsalt.training.familiar._COMPARED", 2)
    known = train_deepsalt(bridge_problem().data, replace(FEW, intervals=False), 0).model.familiar
    assert known.learned
    assert (known.importance > 0).tolist() == [True, True, False, False, False, False]
    assert not known.centres[:, 2:].any()


def test_the_result_is_the_same_with_two_processes() -> None:
    data = bridge_problem().data
    here, there = (train_deepsalt(data, FEW, 0, workers=workers) for workers in (1, 2))

    def numbers(result: DeepSaltResult) -> list[torch.Tensor]:
        return [*result.model.state_dict().values(), *map(torch.as_tensor, result.held_out.values())]

    assert here.held_out.keys() == {"fields", "scenes"}
    assert all(torch.equal(*pair) for pair in zip(numbers(here), numbers(there), strict=True))
