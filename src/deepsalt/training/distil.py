"""Stage 4: the student, taught by labels and by the teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepsalt.models.adaptation import SpectralAdaptationUnit
from deepsalt.models.student import Student
from deepsalt.models.teacher import Teacher
from deepsalt.progress import Progress
from deepsalt.training.attempts import until_it_learns
from deepsalt.training.device import seeded
from deepsalt.training.loop import Objective, StageHistory, Terms, fit
from deepsalt.training.losses import feature_distance, huber
from deepsalt.training.settings import PaperSettings, Stage


@dataclass(frozen=True)
class StudentRows:
    """Satellite latents (n, latent), covariates (n, k) and labels (n,) of one set of rows."""

    latent: Tensor
    covariates: Tensor
    y: Tensor


@dataclass(frozen=True)
class Lesson:
    """The teacher's answers about satellite latents.

    response  (n,) ln(1+ECe)
    features  for each student layer the features of its teacher layer, (n, 1 + tokens, width)
    """

    response: Tensor
    features: list[Tensor]


def prepare_lesson(teacher: Teacher, latent: Tensor, sau: SpectralAdaptationUnit, ceiling: float) -> Lesson:
    """Ask the teacher about satellite latents (n, latent), once: encoder and teacher are both frozen.

    An answer above the student's own ceiling is one that it could never give; it is cut there.
    """
    with torch.no_grad():
        response, layers = teacher.eval()(latent)
    return Lesson(response.clamp(max=ceiling), [layers[match] for match in sau.matches])


def teach_student(
    train: StudentRows,
    validation: StudentRows,
    teacher: Teacher | None,
    settings: PaperSettings,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Student, SpectralAdaptationUnit | None, StageHistory, dict[str, Any]]:
    """The student and, where a teacher is given, the projections that its layers were matched through.

    Early stopping looks at the task loss of the validation rows alone: the teacher may be wrong.
    """

    def attempt(number: int, stage: Stage) -> tuple[_Class, StageHistory, Tensor]:
        return _fit_student(train, validation, teacher, settings, stage, (seed, number), progress)

    trained, history, facts = until_it_learns(
        "student", attempt, settings.student, validation.y, settings.retries, float(train.y.mean())
    )
    facts["ceiling"] = float(trained.student.head.ceiling)
    return trained.student, trained.sau, history, facts


class _Class(nn.Module):
    """Student and adaptation unit, trained together."""

    def __init__(self, student: Student, sau: SpectralAdaptationUnit | None) -> None:
        super().__init__()
        self.student, self.sau = student, sau


def distillation_terms(
    answer: Tensor, features: list[Tensor], sau: SpectralAdaptationUnit, lesson: Lesson, rows: Tensor
) -> Terms:
    """Response and feature distillation of the rows whose answer (n,) and layer features are given."""
    tokens = lesson.features[0].shape[1]
    theirs = [layer[rows] for layer in lesson.features]
    return {
        "response": (answer - lesson.response[rows]).square().mean(),
        "features": feature_distance(sau(features, tokens), theirs),
    }


def hide_covariates(covariates: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Covariates (n, k) with a share of whole rows, and the same share of single values, made missing.

    Whole rows teach the map without covariates; single values the map with some of them.
    """
    draw = torch.rand((len(covariates), covariates.shape[1] + 1), generator=generator)
    hidden = (draw[:, 1:] < share) | (draw[:, :1] < share)
    return covariates.masked_fill(hidden, float("nan"))


def new_student(train: StudentRows, settings: PaperSettings) -> Student:
    """An untrained student with the covariate scaler and the ceiling of the training rows."""
    student = Student(
        settings.student_shape,
        latent=settings.latent,
        tokens=settings.tokens,
        covariates=train.covariates.shape[1],
    )
    student.head.fit(train.y, settings.ceiling_margin)
    if student.covariates is not None:
        student.covariates.fit_scaler(train.covariates.cpu())
    return student.to(train.y.device)


def _fit_student(
    train: StudentRows,
    validation: StudentRows,
    teacher: Teacher | None,
    settings: PaperSettings,
    stage: Stage,
    key: tuple[int, int],
    progress: Progress | None,
) -> tuple[_Class, StageHistory, Tensor]:
    seed, number = key
    with seeded(seed, "student", train.y.device, number) as generator:
        student = new_student(train, settings)
        sau, lesson = None, None
        if teacher is not None:
            ours, theirs = settings.student_shape, settings.teacher_shape
            sau = SpectralAdaptationUnit(ours.width, ours.layers, theirs.width, theirs.layers)
            sau = sau.to(train.y.device)
            lesson = prepare_lesson(teacher, train.latent, sau, float(student.head.ceiling))

        def terms(rows: Tensor) -> Terms:
            covariates = hide_covariates(train.covariates[rows], settings.covariate_dropout, generator)
            answer, features = student(train.latent[rows], covariates)
            parts = {"task": huber(answer, train.y[rows], settings.huber_delta)}
            if sau is not None and lesson is not None:
                parts |= distillation_terms(answer, features, sau, lesson, rows)
            weights = {
                "task": settings.task_weight,
                "response": settings.response_weight,
                "features": settings.feature_weight,
            }
            return {"total": torch.stack([weights[k] * v for k, v in parts.items()]).sum(), **parts}

        def error() -> float:
            answer = student(validation.latent, validation.covariates)[0]
            return float(huber(answer, validation.y, settings.huber_delta))

        both = _Class(student, sau)
        objective = Objective("student", "Huber loss of ln(1+ECe) (+ distillation)", both, terms, error)
        rows = torch.arange(len(train.y))
        history = fit(objective, rows, stage, generator, clip=settings.clip, progress=progress)
        with torch.no_grad():
            return both, history, student(validation.latent, validation.covariates)[0]
