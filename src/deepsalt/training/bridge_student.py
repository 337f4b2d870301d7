"""Stage two of the preset `deepsalt`: a student from drawn pixels, real ones, and ones without a label."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.augment import PhysicsBridge
from deepsalt.models.architecture import BridgeArchitecture
from deepsalt.models.bridge import BridgeStudent
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_losses import alignment_loss, heard, label_shift_weights, relation_loss
from deepsalt.training.bridge_settings import DeepSaltSettings
from deepsalt.training.bridge_teacher import Teacher
from deepsalt.training.cycle import cycle
from deepsalt.training.device import seeded
from deepsalt.training.loop import StageHistory

_NOISE_FLOOR = 0.003**2  # variance of reflectance below which a direction is taken for noise
_CLEAN_NOISE = 0.002  # reflectance, for spectra that no nuisance is drawn for
_CERTAIN = 0.3  # a teacher with this error, ln(1+ECe), counts half
_FIRST_DRAWS = 5_000


def train_student(
    data: BridgeData,
    teacher: Teacher | None,
    settings: DeepSaltSettings,
    seed: int,
    attempt: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[BridgeStudent, StageHistory]:
    """A student in inference mode, and the course of its loss.

    teacher  None where nothing is distilled: then only samples with EC are drawn from
    """
    with seeded(seed, "bridge student", torch.device("cpu"), attempt) as generator:
        return _Student(data, teacher, settings, generator).train(progress)


class _Student:
    """One training: tensors of the problem, and the loss that is drawn from them."""

    def __init__(
        self,
        data: BridgeData,
        teacher: Teacher | None,
        settings: DeepSaltSettings,
        generator: torch.Generator,
    ) -> None:
        self.data, self.teacher, self.settings, self.generator = data, teacher, settings, generator
        self.lab, self.labels = torch.as_tensor(data.lab_x), torch.as_tensor(data.lab_y)
        self.labelled = torch.isfinite(self.labels)
        if settings.permuted_wavelengths:
            self.lab = self.lab[:, torch.randperm(self.lab.shape[1], generator=generator)]
        self.sat, self.sat_y = torch.as_tensor(data.sat_x), torch.as_tensor(data.sat_y)
        self.loose = torch.as_tensor(data.unlabelled_x)
        self.bridge = PhysicsBridge.of(
            data.lab_nm, data.centres_nm, data.response, data.noise, settings.draws
        )
        self._set_targets()
        self.student = self._new_student()
        self.project = nn.Linear(settings.hidden[-1], self.features.shape[1])

    def _set_targets(self) -> None:
        """Which samples are drawn from, and what is known of each: label, teacher's word, its weight."""
        told = torch.zeros(len(self.lab))
        self.answer, self.features = self.labels, torch.zeros(len(self.lab), 1)
        if self.teacher is not None:
            self.answer, self.features = self.teacher.answer, self.teacher.features
            certain = _CERTAIN**2 / (_CERTAIN**2 + torch.nan_to_num(self.teacher.error).square())
            weight = torch.where(self.labelled, certain * self.settings.response_weight, certain)
            told = torch.where(torch.isfinite(self.answer), weight, torch.zeros(()))
        self.told = told
        self.rows = torch.nonzero(self.labelled | (told > 0)).squeeze(1)
        believed = torch.where(self.labelled, self.labels, self.answer)
        self.believed = torch.nan_to_num(believed)

    def _new_student(self) -> BridgeStudent:
        data, settings = self.data, self.settings
        channels = data.channels.shape[1]
        architecture = BridgeArchitecture(
            bands=len(data.centres_nm),
            channels=channels,
            directions=min(settings.directions, channels),
            hidden=settings.hidden,
            members=settings.members,
            rank=settings.rank,
            dropout=settings.dropout,
        )
        student = BridgeStudent(architecture)
        student.channels.copy_(torch.as_tensor(data.channels))
        first = self.rows[torch.randint(len(self.rows), (_FIRST_DRAWS,), generator=self.generator)]
        student.fit_inputs(self._drawn(first), _NOISE_FLOOR)
        known = torch.cat([self.believed[self.rows], self.sat_y])
        student.ceiling.fill_(float(known.max()) + settings.ceiling_margin)
        student.members.start_at(float(known.mean()))
        student.adapter.requires_grad_(settings.adaptation and len(self.sat) + len(self.loose) > 0)
        return student

    def train(self, progress: Callable[[str, int, int], None] | None) -> tuple[BridgeStudent, StageHistory]:
        # Nothing is held out here, so there is no validation curve; `epoch` counts steps.
        history = StageHistory("student", "Huber loss of ln(1+ECe), with the terms of adaptation and teacher")

        def tell(done: int, mean: float) -> None:
            history.epoch.append(done)
            history.train.append(mean)
            if progress:
                progress("student", done, self.settings.steps)

        both = nn.ModuleList([self.student, self.project])
        cycle(both, self._loss, self.settings.steps, self.settings, tell)
        return self.student.eval(), history

    def _loss(self) -> Tensor:
        settings = self.settings
        rows = self.rows[torch.randint(len(self.rows), (settings.batch,), generator=self.generator)]
        answers, hidden = self.student(self._drawn(rows), real=False)
        loss = heard(answers, self.labels[rows], self.labelled[rows].float(), settings.huber_delta)
        if self.teacher is not None:
            loss = loss + heard(answers, self.answer[rows], self.told[rows], settings.huber_delta)
            loss = loss + settings.relation_weight * self._likeness(hidden.mean(dim=0), rows)
        if len(self.sat):
            loss = loss + settings.real_weight * self._real()
        if settings.adaptation and len(self.loose):
            loss = loss + settings.alignment_weight * self._alignment(hidden, rows)
        if settings.adaptation:
            loss = loss + settings.identity_weight * self.student.adapter.size()
        return loss

    def _drawn(self, rows: Tensor) -> Tensor:
        """(n, band) one pixel of each of these samples."""
        if self.settings.bridge:
            return self.bridge.draw(self.lab[rows], self.believed[rows], self.generator)
        clean = self.bridge.clean(self.lab[rows])
        return clean + _CLEAN_NOISE * torch.randn(clean.shape, generator=self.generator)

    def _likeness(self, hidden: Tensor, rows: Tensor) -> Tensor:
        """Features and relations of the teacher, of samples it has seen."""
        there = self.told[rows] > 0
        theirs = self.features[rows][there]
        feature = functional.smooth_l1_loss(self.project(hidden[there]), theirs)
        return feature + relation_loss(hidden[there], theirs)

    def _real(self) -> Tensor:
        """Labelled pixels, each time under a little other light and noise."""
        settings, n = self.settings, self.settings.real_batch
        rows = torch.randint(len(self.sat), (n,), generator=self.generator)
        light = torch.exp(settings.real_gain_sd * torch.randn(n, 1, generator=self.generator))
        noise = settings.real_noise * torch.randn(n, self.sat.shape[1], generator=self.generator)
        answers = self.student(self.sat[rows] * light + noise)[0]
        return heard(answers, self.sat_y[rows], torch.ones(n), settings.huber_delta)

    def _alignment(self, drawn: Tensor, rows: Tensor) -> Tensor:
        picked = torch.randint(len(self.loose), (self.settings.batch,), generator=self.generator)
        answers, real = self.student(self.loose[picked])
        weights = label_shift_weights(self.believed[rows], answers.detach().mean(dim=0))
        return alignment_loss(drawn, real, self.student.members.weights[-1], weights)
