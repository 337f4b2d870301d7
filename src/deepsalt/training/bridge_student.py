"""Stage two of the preset `deepsalt`: a student from drawn pixels and real ones, then one for each land."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.augment import BridgeSettings, Drawn, PhysicsBridge
from deepsalt.models.architecture import BridgeArchitecture
from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.members import Members
from deepsalt.models.tuning import mean_log
from deepsalt.progress import Progress
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_losses import heard, relation_loss
from deepsalt.training.bridge_settings import DeepSaltSettings
from deepsalt.training.bridge_teacher import Teacher
from deepsalt.training.cycle import cycle
from deepsalt.training.device import pick_device, seeded
from deepsalt.training.drawn import drawn_pixels
from deepsalt.training.familiar import CENTRES, MOST_POINTS, REST
from deepsalt.training.loop import StageHistory
from deepsalt.training.masked import MaskedBands
from deepsalt.training.unit_loss import UnitLoss

_NOISE_FLOOR = 0.003**2  # variance of reflectance below which a direction is taken for noise
_CERTAIN = 0.3  # a teacher with this error, ln(1+ECe), counts half
_FIRST_DRAWS = 5_000
_FEWEST_SHOWN = 10
_LAND_DRAWS = 4_000  # of each land's samples together, for the mean of its pixels


def train_student(
    data: BridgeData,
    teacher: Teacher | None,
    settings: DeepSaltSettings,
    seed: int,
    attempt: int = 0,
    progress: Progress | None = None,
    lands: Collection[int] | None = None,
) -> tuple[BridgeStudent, StageHistory]:
    """A student in inference mode, on the CPU, and the course of its loss.

    teacher  None where nothing is distilled: then only samples with EC are drawn from
    lands    those that networks of their own are wanted for; None = all
    """
    with seeded(seed, "bridge student", pick_device(settings.device), attempt) as generator:
        student, history = _Student(data, teacher, settings, generator).train(progress, lands)
    return student.cpu(), history


class _Student:
    """One training: tensors of the problem, and the loss that is drawn from them."""

    def __init__(
        self,
        data: BridgeData,
        teacher: Teacher | None,
        settings: DeepSaltSettings,
        generator: torch.Generator,
    ) -> None:
        self.data, self.settings, self.generator = data, settings, generator
        self.teacher = None if teacher is None else teacher.here()
        self.lab, self.labels = torch.as_tensor(data.lab_x), torch.as_tensor(data.lab_y)
        self.labelled, self.drawable = torch.isfinite(self.labels), torch.as_tensor(data.drawable)
        if settings.permuted_wavelengths:
            self.lab = self.lab[:, torch.randperm(self.lab.shape[1], generator=generator)]
        self.sat, self.sat_y = torch.as_tensor(data.sat_x), torch.as_tensor(data.sat_y)
        self.bridge = self._bridge(settings.draws)
        self._set_targets()
        self.lands = torch.as_tensor(data.where.samples[:, self.rows.cpu().numpy()])
        self.student = self._new_student()
        self.sat_gain = self._gains(self.sat, data.where.sat_scene)
        self.project = nn.Linear(settings.hidden[-1], self.features.shape[1])
        self.masked = self._masked() if settings.masked_weight else None
        self.units = self._units() if data.units is not None and settings.unit_weight else None

    def _bridge(self, draws: BridgeSettings) -> PhysicsBridge:
        data = self.data
        return PhysicsBridge.of(data.lab_nm, data.centres_nm, data.response, data.noise, draws)

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
        self.known = self.labelled | (told > 0)
        self.rows = torch.nonzero(self.known & self.drawable).squeeze(1)
        self.drawn_of = self._pairs()
        believed = torch.where(self.labelled, self.labels, self.answer)
        self.believed = torch.where(self.known, believed, believed[self.known].mean())

    def _pairs(self) -> Tensor:
        """(n,) the sample whose pixels are drawn where one is told of: itself, but for the control."""
        paired = torch.arange(len(self.lab))
        if self.settings.shuffled_pairs:
            order = torch.randperm(len(self.rows), generator=self.generator)
            paired[self.rows] = self.rows[order]
        return paired

    def _new_student(self) -> BridgeStudent:
        data, settings = self.data, self.settings
        channels = data.channels.shape[1]
        architecture = BridgeArchitecture(
            bands=len(data.centres_nm),
            channels=channels,
            directions=min(settings.directions, channels),
            hidden=settings.hidden,
            members=settings.members,
            lands=len(self.lands) if settings.adaptation else 0,
            dropout=settings.dropout,
            centres=CENTRES,
            rest=min(REST, channels - min(settings.directions, channels)),
            points=min(MOST_POINTS, len(data.sat_x)),
        )
        student = BridgeStudent(architecture)
        student.channels.copy_(torch.as_tensor(data.channels))
        first = self.rows[torch.randint(len(self.rows), (_FIRST_DRAWS,), generator=self.generator)]
        drawn = self._drawn(first)
        student.fit_inputs(drawn.pixels, _NOISE_FLOOR)
        student.fit_plants(*drawn)
        known = torch.cat([self.believed[self.known], self.sat_y])
        student.ceiling.fill_(float(known.max()) + settings.ceiling_margin)
        student.members.start_at(float(known.mean()))
        for land in range(architecture.lands):
            rows = self._shown_by(land)
            drawn = self._drawn(rows.repeat(-(-_LAND_DRAWS // len(rows))))
            student.references[land] = mean_log(drawn.pixels @ student.channels)
            seen = torch.as_tensor(data.where.seen[land]) & self.known
            student.labels[land] = self._labels_of(torch.nonzero(seen).squeeze(1))
        return student

    def _shown_by(self, land: int) -> Tensor:
        """Samples whose drawn pixels stand for a land: of its surface and known, else known, else all."""
        samples = torch.as_tensor(self.data.where.samples[land]) & self.drawable
        seen = torch.as_tensor(self.data.where.seen[land])
        for chosen in (samples & seen & self.known, samples & self.known):
            if int(chosen.sum()) >= _FEWEST_SHOWN:
                return torch.nonzero(chosen).squeeze(1)
        return torch.nonzero(samples).squeeze(1)

    def _labels_of(self, rows: Tensor) -> Tensor:
        """(3,) mean and standard deviation of ln(1+ECe) of these samples, and their number.

        What a teacher says varies less than what it speaks of, by the square of its error.
        """
        known = self.believed[rows]
        variance = known.var(correction=0)
        if self.teacher is not None:
            unsure = torch.nan_to_num(self.teacher.error[rows]) * ~self.labelled[rows]
            variance = variance + unsure.square().mean()
        return torch.tensor([float(known.mean()), float(variance.sqrt()), float(len(rows))])

    def _gains(self, pixels: Tensor, scenes: NDArray[np.intp]) -> Tensor:
        """(m, channel) what the channels of each of these pixels (m, band) of scenes are multiplied by."""
        gains = torch.ones(len(pixels), self.data.channels.shape[1])
        if self.settings.adaptation:
            for scene, land in enumerate(self.data.where.scene_land):
                here = torch.as_tensor(scenes == scene)
                if land >= 0 and bool(here.any()):
                    whole = torch.as_tensor(self.data.pixels_of(scene))
                    gains[here] = self.student.gain_for(whole, int(land))
        return gains

    def _masked(self) -> MaskedBands:
        """What tells hidden channels of drawn pixels and of all pixels without a label."""
        rows = self.rows[torch.randint(len(self.rows), (_FIRST_DRAWS,), generator=self.generator)]
        loose, scenes = torch.as_tensor(self.data.unlabelled_x), self.data.where.unlabelled_scene
        seen = self.student.seen(loose, self._gains(loose, scenes))
        return MaskedBands(self.student, self._drawn(rows).pixels, seen, self.settings)

    def _units(self) -> UnitLoss:
        units = self.data.units
        assert units is not None
        return UnitLoss(units, self._gains(torch.as_tensor(units.x), units.scene))

    def train(
        self, progress: Progress | None, lands: Collection[int] | None
    ) -> tuple[BridgeStudent, StageHistory]:
        # Nothing is held out here, so there is no validation curve; `epoch` counts steps.
        history = StageHistory("student", "Huber loss of ln(1+ECe), with the terms of the teacher")

        def tell(done: int, mean: float) -> None:
            history.epoch.append(done)
            history.train.append(mean)
            if progress:
                progress("student", done, self.settings.steps)

        members, settings = self.student.members, self.settings
        both = _together(members, self.project, self.masked)
        cycle(
            both,
            lambda: self._loss(members, self._evenly(), self.masked, features=True, points=True),
            settings.steps,
            settings,
            self.generator,
            tell,
            steady=self.steady,
        )
        self.bridge = self._bridge(settings.draws.within_scene())
        for special in self.student.specialists:
            special.load_state_dict(members.state_dict())
        chosen = self._lands_to_train(lands)
        for done, land in enumerate(chosen):
            self._specialise(self.student.specialists[land], land)
            if progress:
                progress("students of lands", done + 1, len(chosen))
        return self.student.eval(), history

    def _lands_to_train(self, wanted: Collection[int] | None) -> list[int]:
        """Lands that get networks of their own: first those that nothing but the library tells of."""
        lands = sorted(range(len(self.student.specialists)), key=self._has_points)
        chosen = [land for land in lands if wanted is None or land in wanted]
        return chosen[: self.settings.most_lands]

    def _has_points(self, land: int) -> bool:
        return bool((self.data.where.sat_land == land).any())

    def _specialise(self, special: nn.Module, land: int) -> None:
        """Train a land's networks on, mostly on its own samples, under one sky.

        Ground points of other lands say little of one that has none, and are left out there.
        """
        settings = replace(self.settings, learning_rate=self.settings.land_learning_rate)
        weights = torch.where(self.lands[land], settings.land_focus, 1.0)
        assert isinstance(special, Members)
        masked = self.masked and self.masked.on(torch.as_tensor(self.data.where.unlabelled_land == land))
        both = _together(special, masked)
        cycle(
            both,
            lambda: self._loss(special, weights, masked, features=False, points=self._has_points(land)),
            settings.land_steps,
            settings,
            self.generator,
            steady=self.steady,
        )

    @property
    def steady(self) -> bool:
        """Whether each draw of the loss does the same: units differ in their pixels."""
        return self.units is None

    def _evenly(self) -> Tensor:
        return torch.ones(len(self.rows))

    def _loss(
        self, members: Members, weights: Tensor, masked: MaskedBands | None, *, features: bool, points: bool
    ) -> Tensor:
        """One draw of the loss of `members`, samples drawn by `weights` (row of self.rows,).

        features, points   whether features of the teacher, and labelled pixels, are learned from
        """
        settings = self.settings
        rows = self.rows[torch.multinomial(weights, settings.batch, True, generator=self.generator)]
        seen = self.student.seen(self._drawn(self.drawn_of[rows]).pixels)
        answers, hidden = members(self.student.inputs_of(seen))
        loss = heard(answers, self.labels[rows], self.labelled[rows].float(), settings.huber_delta)
        if self.teacher is not None:
            loss = loss + heard(answers, self.answer[rows], self.told[rows], settings.huber_delta)
            if features:
                loss = loss + settings.relation_weight * self._likeness(hidden.mean(dim=0), rows)
        if points and len(self.sat):
            loss = loss + settings.weight_of(len(self.sat)) * self._real(members)
        if self.units is not None:
            loss = loss + settings.unit_weight * self.units.loss(self.student, members, self.generator)
        if masked is not None:
            told = masked.loss(self.student, members, seen, self.generator)
            loss = loss + settings.masked_weight * told
        return loss

    def _drawn(self, rows: Tensor) -> Drawn:
        """One pixel of each of these samples."""
        soils, believed, nuisance = self.lab[rows], self.believed[rows], self.settings.bridge
        return drawn_pixels(self.bridge, soils, believed, self.generator, nuisance=nuisance)

    def _likeness(self, hidden: Tensor, rows: Tensor) -> Tensor:
        """Features and relations of the teacher, of samples it has seen."""
        there, theirs = (self.told[rows] > 0).to(hidden), self.features[rows]
        apart = functional.smooth_l1_loss(self.project(hidden), theirs, reduction="none").mean(dim=1)
        feature = (apart * there).sum() / there.sum().clamp(min=1)
        return feature + relation_loss(hidden, theirs, there)

    def _real(self, members: Members) -> Tensor:
        """Labelled pixels, each time under a little other light and noise."""
        settings, n = self.settings, self.settings.real_batch
        rows = torch.randint(len(self.sat), (n,), generator=self.generator)
        light = torch.exp(settings.real_gain_sd * torch.randn(n, 1, generator=self.generator))
        noise = settings.real_noise * torch.randn(n, self.sat.shape[1], generator=self.generator)
        answers = members(self.student.inputs(self.sat[rows] * light + noise, self.sat_gain[rows]))[0]
        return heard(answers, self.sat_y[rows], torch.ones(n), settings.huber_delta)


def _together(*parts: nn.Module | None) -> nn.Module:
    return nn.ModuleList([part for part in parts if part is not None])
