"""Stage 3: the teacher, a bounded transformer on laboratory latents. Also the laboratory-only use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from deepsalt.models.architecture import LabArchitecture
from deepsalt.models.autoencoder import SparseAutoencoder
from deepsalt.models.lab import LabModel
from deepsalt.models.teacher import Teacher
from deepsalt.progress import Progress
from deepsalt.training.attempts import until_it_learns
from deepsalt.training.checks import against_untrained, r2
from deepsalt.training.data import check_table
from deepsalt.training.device import pick_device, seeded
from deepsalt.training.loop import Objective, StageHistory, Terms, fit
from deepsalt.training.losses import certainty_weights, huber
from deepsalt.training.represent import train_autoencoder
from deepsalt.training.settings import PaperSettings, Stage

_UNTRAINED = 3  # random teachers that the trained one is compared with


@dataclass(frozen=True)
class TeacherResult:
    """model predicts ln(1+ECe); history one entry a stage; checks plain facts for the report."""

    model: LabModel
    history: list[StageHistory]
    checks: dict[str, Any]


@dataclass(frozen=True)
class LabRows:
    """Spectra (n, bands), labels (n,), weights (n,) or None; row numbers to train on and to watch."""

    x: Tensor
    y: Tensor
    weights: Tensor | None
    train: Tensor
    validation: Tensor


def train_teacher(
    x: ArrayLike,
    y: ArrayLike,
    train: ArrayLike,
    validation: ArrayLike,
    settings: PaperSettings,
    seed: int,
    progress: Progress | None = None,
    *,
    label_sd: ArrayLike | None = None,
) -> TeacherResult:
    """Autoencoder and teacher for one laboratory domain, MIR or vis-NIR, any band count.

    x           (n, bands) spectra
    y           (n,) ln(1+ECe)
    train, validation  row numbers, disjoint; rows in neither are never read
    label_sd    (n,) standard error of y, ln scale; None = all alike
    progress    called as progress(stage, done, total)
    Raises SpectraError or UsageError for data that cannot be used, TrainingError after a collapse.
    """
    rows = lab_rows(x, y, train, validation, label_sd, pick_device(settings.device))
    autoencoder, represented, rebuilt = train_autoencoder(
        "lab", rows.x[rows.train], rows.x[rows.validation], settings, seed, progress
    )
    teacher, taught, facts = teach(autoencoder, rows, settings, seed, progress)
    model = lab_model(autoencoder, teacher, settings).cpu()
    return TeacherResult(model, [represented, taught], {"lab autoencoder": rebuilt, "teacher": facts})


def lab_rows(
    x: ArrayLike,
    y: ArrayLike,
    train: ArrayLike,
    validation: ArrayLike,
    label_sd: ArrayLike | None,
    device: torch.device,
) -> LabRows:
    """Checked tensors on the device."""
    spectra, labels = np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)
    chosen, watched = np.asarray(train, dtype=np.int64), np.asarray(validation, dtype=np.int64)
    check_table("lab", spectra, labels, chosen, watched)
    weights = None
    if label_sd is not None:
        errors = torch.as_tensor(np.asarray(label_sd, dtype=np.float32)).to(device)
        weights = torch.ones_like(errors)
        weights[chosen] = certainty_weights(errors[chosen])
    return LabRows(
        torch.as_tensor(spectra).to(device),
        torch.as_tensor(labels).to(device),
        weights,
        torch.as_tensor(chosen),
        torch.as_tensor(watched),
    )


def teach(
    autoencoder: SparseAutoencoder,
    rows: LabRows,
    settings: PaperSettings,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Teacher, StageHistory, dict[str, Any]]:
    """A teacher on the latents of a frozen autoencoder, with its facts.

    The encoder stays frozen: the satellite's latents were aligned to exactly these latents, and an
    encoder that moved on would undo the alignment.
    """
    with torch.no_grad():
        latents = autoencoder.encode(rows.x[rows.train]), autoencoder.encode(rows.x[rows.validation])
    labels = rows.y[rows.train], rows.y[rows.validation]
    weights = None if rows.weights is None else rows.weights[rows.train]

    def attempt(number: int, stage: Stage) -> tuple[Teacher, StageHistory, Tensor]:
        return _fit_teacher(latents, labels, weights, settings, stage, (seed, number), progress)

    teacher, history, facts = until_it_learns(
        "teacher", attempt, settings.teacher, labels[1], settings.retries, float(labels[0].mean())
    )
    untrained = untrained_scores(latents[1], labels, settings, seed)
    facts |= against_untrained(facts["validation_r2"], untrained)
    return teacher, history, facts | {"ceiling": float(teacher.head.ceiling)}


def untrained_scores(
    latents: Tensor, labels: tuple[Tensor, Tensor], settings: PaperSettings, seed: int
) -> list[float | None]:
    """Validation R2 of teachers with random weights on the same latents (n, latent)."""
    scores = []
    for number in range(_UNTRAINED):
        with seeded(seed, "untrained teacher", latents.device, number), torch.no_grad():
            answers = new_teacher(settings, labels[0]).eval()(latents)[0]
        scores.append(r2(labels[1].cpu(), answers.cpu()))
    return scores


def new_teacher(settings: PaperSettings, train_labels: Tensor) -> Teacher:
    """An untrained teacher whose ceiling comes from the training labels (n,)."""
    teacher = Teacher(settings.teacher_shape, latent=settings.latent, tokens=settings.tokens)
    teacher.head.fit(train_labels, settings.ceiling_margin)
    return teacher.to(train_labels.device)


def lab_model(autoencoder: SparseAutoencoder, teacher: Teacher, settings: PaperSettings) -> LabModel:
    """Both halves in one module."""
    with torch.device("meta"):  # both halves are replaced: nothing to draw, no memory
        model = LabModel(LabArchitecture(autoencoder.shape, settings.tokens, settings.teacher_shape))
    model.autoencoder, model.teacher = autoencoder, teacher
    return model.eval()


def _fit_teacher(
    latents: tuple[Tensor, Tensor],
    labels: tuple[Tensor, Tensor],
    weights: Tensor | None,
    settings: PaperSettings,
    stage: Stage,
    key: tuple[int, int],
    progress: Progress | None,
) -> tuple[Teacher, StageHistory, Tensor]:
    seed, number = key
    with seeded(seed, "teacher", latents[0].device, number) as generator:
        teacher = new_teacher(settings, labels[0])

        def terms(rows: Tensor) -> Terms:
            weight = None if weights is None else weights[rows]
            loss = huber(teacher(latents[0][rows])[0], labels[0][rows], settings.huber_delta, weight)
            return {"total": loss}

        objective = Objective(
            "teacher",
            "Huber loss of ln(1+ECe)",
            teacher,
            terms,
            lambda: float(huber(teacher(latents[1])[0], labels[1], settings.huber_delta)),
        )
        history = fit(
            objective,
            torch.arange(len(latents[0])),
            stage,
            generator,
            clip=settings.clip,
            progress=progress,
        )
        with torch.no_grad():
            return teacher, history, teacher(latents[1])[0]
