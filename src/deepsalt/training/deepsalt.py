"""The preset `deepsalt` from data to model: teach, ask the gate, train the student, check it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from deepsalt.errors import TrainingError
from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.tuning import Tuning
from deepsalt.progress import Progress
from deepsalt.splits import grouped_folds
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_settings import DeepSaltSettings, switched
from deepsalt.training.bridge_student import train_student
from deepsalt.training.bridge_teacher import Teacher, teach
from deepsalt.training.checks import prediction_facts
from deepsalt.training.device import pick_device, seed_for
from deepsalt.training.familiar import learn_familiar
from deepsalt.training.held_out import HeldOut, answers_to, quick
from deepsalt.training.loop import StageHistory
from deepsalt.training.tune import tune

_GATE_FOLDS = 2
_INTERVAL_FOLDS = 8  # of fields; with four a model knew three quarters of the points, and erred more
_FEWEST_POINTS, _FEWEST_GROUPS, _FEWEST_SCENES = 40, 6, 3
_CLEARLY = 1.645  # standard errors: one-sided 95 %
_SLOWER = 1 / 3
_KNOWS = 0.2  # R2 on samples it did not learn from, below which a teacher is not heard


@dataclass(frozen=True)
class DeepSaltResult:
    """model predicts ln(1+ECe); history one entry a stage; checks plain facts for the report.

    tunings   how each scene of the data is read, by its number
    held_out  (m,) answers to the labelled pixels while their "fields", or their "scenes", were held out; what
              cannot be asked is not there
    teacher   what it says of the laboratory samples; None where it was not heard
    """

    model: BridgeStudent
    tunings: dict[int, Tuning]
    history: list[StageHistory]
    checks: dict[str, Any]
    held_out: dict[str, np.ndarray] = field(default_factory=dict)
    teacher: Teacher | None = None


def train_deepsalt(
    data: BridgeData,
    settings: DeepSaltSettings,
    seed: int,
    progress: Progress | None = None,
    *,
    workers: int = 1,
) -> DeepSaltResult:
    """Train the preset `deepsalt`, or any of its ablations.

    workers  processes for the trainings with something held out, which are most of them; the result is the
             same. On a GPU there is one
    Raises TrainingError when the student ends no better than the mean in every attempt.
    """
    device = pick_device(settings.device).type
    checks: dict[str, Any] = {"device": device}
    teacher = None
    if settings.distillation:
        teacher, checks["teacher"] = _teacher(data, settings, seed)
    held_out = HeldOut(data, teacher, seed, workers if device == "cpu" else 1, progress)
    if settings.gate:
        settings, checks["gate"] = ask_gate(held_out, settings)
        teacher = teacher if settings.distillation else None
    model, history, checks["student"] = _until_it_learns(data, teacher, settings, seed, progress)
    tunings = tune(model, data, settings)
    learn_familiar(model, data, tunings, settings, seed)
    answers = held_out_answers(held_out, settings) if settings.intervals else {}
    return DeepSaltResult(model, tunings, [history], checks, answers, teacher)


def _teacher(
    data: BridgeData, settings: DeepSaltSettings, seed: int
) -> tuple[Teacher | None, dict[str, Any]]:
    """A teacher and what is known of it; None where it knows too little to be heard.

    Controls are heard, and believed as the trained teacher is: they differ from it in what they know alone.
    """
    teacher, facts = teach(data, settings, seed)
    if settings.shuffled_teacher:
        return _shuffled(teacher, seed), {**facts, "heard": True}
    if settings.untrained_teacher:
        trained, _ = teach(data, switched(settings, untrained_teacher=False), seed)
        return _disguised(teacher, trained), {**facts, "heard": True}
    heard = facts["validation_r2"] is not None and facts["validation_r2"] >= _KNOWS
    return teacher if heard else None, {**facts, "heard": heard}


def _shuffled(teacher: Teacher, seed: int) -> Teacher:
    """A control: of each sample, what the teacher says of another one."""
    drawn = np.random.default_rng(seed_for(seed, "shuffled teacher")).permutation(len(teacher.answer))
    order = torch.as_tensor(drawn)
    return Teacher(teacher.answer[order], teacher.error[order], teacher.features[order])


def _disguised(untrained: Teacher, trained: Teacher) -> Teacher:
    """A control: what random weights say, as spread out and as sure of itself as a trained teacher.

    By itself it says the mean of the labels of nearly every sample, and owns to its error: it is hardly
    believed, and does little harm.
    """
    told, like = (one.answer[torch.isfinite(one.answer)] for one in (untrained, trained))
    scale = like.std(correction=0) / told.std(correction=0).clamp(min=1e-9)
    answer = ((untrained.answer - told.mean()) * scale + like.mean()).clamp(min=0.0)
    return Teacher(answer, trained.error, untrained.features)


def ask_gate(held_out: HeldOut, settings: DeepSaltSettings) -> tuple[DeepSaltSettings, dict[str, Any]]:
    """The settings without what does harm on labelled pixels of held-out scenes, and what was found.

    Scenes are held out where three or more have points, else fields: a scene that is held out is one without
    ground points, as those will be that are mapped. Each candidate is a shorter training a fold. What is left
    out must have done harm beyond chance: two folds of few points say little, and what they do not contradict
    stays on. Without enough points nothing can be asked.
    """
    data = held_out.data
    groups = _held_together(data)
    if len(data.sat_x) < _FEWEST_POINTS or len(np.unique(groups)) < _FEWEST_SCENES:
        why = f"{len(data.sat_x)} points in {len(np.unique(groups))} scenes or fields are too few to ask"
        return settings, {"asked": False, "why": why, "left out": []}
    candidates = {"as set": quick(settings)}
    switches = {
        "adaptation": settings.adaptation,
        "distillation": held_out.teacher is not None,
        "bridge": settings.bridge,
    }
    for switch, on in switches.items():
        if on:
            candidates[f"without {switch}"] = switched(quick(settings), **{switch: False})
    folds = list(grouped_folds(groups, _GATE_FOLDS, held_out.seed))
    answers = held_out.answers("gate", {name: (one, folds) for name, one in candidates.items()})
    errors = {name: one - data.sat_y for name, one in answers.items()}
    whole = errors.pop("as set")
    harm = {name: _standard_errors(whole**2 - one**2, data.sat_groups) for name, one in errors.items()}
    lost = [name.removeprefix("without ") for name, found in harm.items() if found > _CLEARLY]
    rmse = {name: _rmse(one) for name, one in {"as set": whole, **errors}.items()}
    facts = {"asked": True, "rmse": rmse, "harm in standard errors": harm, "left out": lost}
    return switched(settings, **dict.fromkeys(lost, False)), facts


def _rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _standard_errors(values: np.ndarray, groups: np.ndarray) -> float:
    """Sum of (row,) values in units of its standard error, fields being drawn as wholes."""
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=values)
    return float(sums.sum() / max(np.sqrt((sums**2).sum()), 1e-12))


def _held_together(data: BridgeData) -> np.ndarray:
    """(m,) what is held out as one: the scene, or the field where there are not three scenes."""
    scenes = data.where.sat_scene
    if len(np.unique(scenes[scenes >= 0])) >= _FEWEST_SCENES and (scenes >= 0).all():
        return scenes.astype(str)
    few = len(np.unique(data.sat_groups)) < _FEWEST_GROUPS
    return np.zeros(len(data.sat_groups), str) if few else data.sat_groups


def held_out_answers(held_out: HeldOut, settings: DeepSaltSettings) -> dict[str, np.ndarray]:
    """(m,) answers to the labelled pixels while their "fields", or their whole "scenes", were held out.

    Empty where there are too few points or fields; without "scenes" where fewer than three have points.
    """
    data = held_out.data
    groups, scenes = data.sat_groups, _held_together(data)
    if len(data.sat_x) < _FEWEST_POINTS or len(np.unique(groups)) < _FEWEST_GROUPS:
        return {}
    together = {"fields": groups}
    if (data.where.sat_scene >= 0).all() and len(np.unique(scenes)) >= _FEWEST_SCENES:
        together["scenes"] = scenes
    asked = {}
    for name, one in together.items():
        folds = min(_INTERVAL_FOLDS, len(np.unique(one)))
        asked[name] = quick(settings), list(grouped_folds(one, folds, held_out.seed))
    return held_out.answers("held-out fields and scenes", asked)


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
        facts = _answers_on_training_rows(student, data, settings)
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


def _answers_on_training_rows(
    student: BridgeStudent, data: BridgeData, settings: DeepSaltSettings
) -> dict[str, Any]:
    """Do the answers vary, and beat the mean, on the labelled pixels, or else on the bare library?

    These rows were learned from: this catches a collapse, and says nothing of accuracy.
    """
    if len(data.sat_x) >= _FEWEST_POINTS:
        everything = np.arange(len(data.sat_x))
        return prediction_facts(data.sat_y, answers_to(student, data, settings, data, everything))
    rows = data.labelled & data.drawable
    with torch.no_grad():
        seen = torch.as_tensor(data.lab_x[rows]) @ torch.as_tensor(data.response).T
        answers = student(seen)[0].mean(dim=0)
    return prediction_facts(data.lab_y[rows], answers.numpy())
