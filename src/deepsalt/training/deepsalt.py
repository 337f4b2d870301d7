"""The preset `deepsalt` from data to model: teach, ask the gate, train the student, check it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from deepsalt.errors import TrainingError
from deepsalt.models.bridge import BridgeStudent
from deepsalt.splits import grouped_folds
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_settings import DeepSaltSettings, switched
from deepsalt.training.bridge_student import train_student
from deepsalt.training.bridge_teacher import Teacher, teach
from deepsalt.training.checks import prediction_facts
from deepsalt.training.device import seed_for
from deepsalt.training.loop import Progress, StageHistory

_GATE_FOLDS = 2
_FEWEST_POINTS, _FEWEST_GROUPS = 40, 6
_SLOWER = 1 / 3


@dataclass(frozen=True)
class DeepSaltResult:
    """model predicts ln(1+ECe); history one entry a stage; checks plain facts for the report."""

    model: BridgeStudent
    history: list[StageHistory]
    checks: dict[str, Any]


def train_deepsalt(
    data: BridgeData, settings: DeepSaltSettings, seed: int, progress: Progress | None = None
) -> DeepSaltResult:
    """Train the preset `deepsalt`, or any of its ablations.

    Raises TrainingError when the student ends no better than the mean in every attempt.
    """
    if settings.shuffled_pairs:
        data = _shuffled(data, seed)
    checks: dict[str, Any] = {"device": "cpu"}
    teacher = None
    if settings.distillation:
        teacher, checks["teacher"] = teach(data, settings, seed)
    if settings.gate:
        settings, checks["gate"] = ask_gate(data, teacher, settings, seed, progress)
        teacher = teacher if settings.distillation else None
    model, history, checks["student"] = _until_it_learns(data, teacher, settings, seed, progress)
    return DeepSaltResult(model, [history], checks)


def _shuffled(data: BridgeData, seed: int) -> BridgeData:
    """A control: each sample's teacher spectrum is another sample's."""
    if data.teacher_x is None:
        return data
    order = np.random.default_rng(seed_for(seed, "shuffled pairs")).permutation(len(data.teacher_x))
    return replace(data, teacher_x=data.teacher_x[order])


def ask_gate(
    data: BridgeData,
    teacher: Teacher | None,
    settings: DeepSaltSettings,
    seed: int,
    progress: Progress | None = None,
) -> tuple[DeepSaltSettings, dict[str, Any]]:
    """Switches that lower the error on labelled pixels of held-out groups, the others turned off.

    Each candidate is a shorter training of one network a fold. Without enough points nothing can be
    asked, and the adapter for real pixels, which nothing then speaks for, is left out; the facts say so.
    """
    groups = len(np.unique(data.sat_groups))
    if len(data.sat_x) < _FEWEST_POINTS or groups < _FEWEST_GROUPS:
        why = f"{len(data.sat_x)} labelled pixels in {groups} groups are too few to ask"
        return replace(settings, adaptation=False), {"asked": False, "why": why, "left out": ["adaptation"]}
    quick = replace(settings, members=1, steps=max(1, settings.steps // 2), gate=False)
    candidates: dict[str, DeepSaltSettings] = {"as set": quick}
    for switch in ("adaptation", "distillation"):
        if getattr(settings, switch):
            candidates[f"without {switch}"] = switched(quick, **{switch: False})
    folds = list(grouped_folds(data.sat_groups, _GATE_FOLDS, seed))
    rmse: dict[str, float] = {}
    for done, (name, candidate) in enumerate(candidates.items()):
        rmse[name] = _held_out_rmse(data, teacher, candidate, folds, seed)
        if progress:
            progress("gate", done + 1, len(candidates))
    lost = [
        name.removeprefix("without ") for name in rmse if name != "as set" and rmse[name] < rmse["as set"]
    ]
    return switched(settings, **dict.fromkeys(lost, False)), {"asked": True, "rmse": rmse, "left out": lost}


def _held_out_rmse(
    data: BridgeData,
    teacher: Teacher | None,
    settings: DeepSaltSettings,
    folds: list[tuple[np.ndarray, np.ndarray]],
    seed: int,
) -> float:
    errors = []
    for train, test in folds:
        heard = teacher if settings.distillation else None
        student, _ = train_student(data.with_points(train), heard, settings, seed)
        errors.append(student.predict(data.sat_x[test]).numpy() - data.sat_y[test])
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def _until_it_learns(
    data: BridgeData,
    teacher: Teacher | None,
    settings: DeepSaltSettings,
    seed: int,
    progress: Progress | None,
) -> tuple[BridgeStudent, StageHistory, dict[str, Any]]:
    failed: list[dict[str, Any]] = []
    for attempt in range(settings.retries + 1):
        student, history = train_student(data, teacher, settings, seed, attempt, progress)
        facts = _answers_on_training_rows(student, data)
        if facts["collapse"] is None:
            told = {"r2_on_training_rows": facts["validation_r2"], "spread": facts["spread"]}
            return student, history, {**told, "retries": failed}
        failed.append({"attempt": attempt + 1, "learning_rate": settings.learning_rate, **facts})
        settings = replace(settings, learning_rate=settings.learning_rate * _SLOWER)
    raise TrainingError(
        f"collapsed in {len(failed)} attempts: {failed[-1]['collapse']}",
        where="training stage student",
        fix="Check that labels belong to their spectra and vary, and that there are enough of them.",
    )


def _answers_on_training_rows(student: BridgeStudent, data: BridgeData) -> dict[str, Any]:
    """Do the answers vary, and beat the mean, on the labelled pixels, or else on the bare library?

    These rows were learned from: this catches a collapse, and says nothing of accuracy.
    """
    if len(data.sat_x) >= _FEWEST_POINTS:
        return prediction_facts(data.sat_y, student.predict(data.sat_x).numpy())
    rows = data.labelled
    with torch.no_grad():
        seen = torch.as_tensor(data.lab_x[rows]) @ torch.as_tensor(data.response).T
        answers = student(seen, real=False)[0].mean(dim=0)
    return prediction_facts(data.lab_y[rows], answers.numpy())
