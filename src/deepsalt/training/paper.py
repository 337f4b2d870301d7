"""The preset `paper` from data to model: represent, adapt, teach, distil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deepsalt.errors import UsageError
from deepsalt.models.adaptation import SpectralAdaptationUnit
from deepsalt.models.architecture import PaperArchitecture
from deepsalt.models.autoencoder import SparseAutoencoder
from deepsalt.models.paper import PaperModel
from deepsalt.models.student import Student
from deepsalt.models.teacher import Teacher
from deepsalt.progress import Progress
from deepsalt.training.align import Pairs, align, split_pairs
from deepsalt.training.data import PaperData
from deepsalt.training.device import pick_device, seeded
from deepsalt.training.distil import StudentRows, teach_student
from deepsalt.training.loop import StageHistory
from deepsalt.training.represent import train_autoencoder
from deepsalt.training.settings import PaperSettings
from deepsalt.training.teach import LabRows, lab_model, lab_rows, teach


@dataclass(frozen=True)
class PaperResult:
    """model predicts ln(1+ECe); history one entry a stage; checks plain facts for the report."""

    model: PaperModel
    history: list[StageHistory]
    checks: dict[str, Any]


def train_paper(
    data: PaperData,
    settings: PaperSettings,
    seed: int,
    progress: Progress | None = None,
) -> PaperResult:
    """Train the preset `paper`, or with both switches off the student without adaptation.

    progress  called as progress(stage, done, total), stage by stage
    The model comes back on the CPU, in inference mode.
    Raises UsageError where a switch needs data that are not there, TrainingError after a collapse.
    """
    require_data(data, settings)
    return _Training(data, settings, seed, progress).run()


def require_data(data: PaperData, settings: PaperSettings) -> None:
    """Raise UsageError for a switch whose data are missing."""
    if settings.distillation and not data.has_lab:
        raise UsageError(
            "distillation needs laboratory spectra", fix="Give lab_x, or set distillation=False."
        )
    if settings.adaptation and not data.has_pairs:
        raise UsageError("adaptation needs pairs", fix="Give pair_lab and pair_x, or set adaptation=False.")


class _Training:
    """One run through the stages; collects history and checks on the way."""

    def __init__(
        self,
        data: PaperData,
        settings: PaperSettings,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.data, self.settings, self.seed = data, settings, seed
        self.progress, self.device = progress, pick_device(settings.device)
        self.history: list[StageHistory] = []
        self.checks: dict[str, Any] = {"device": self.device.type}

    def run(self) -> PaperResult:
        uses_lab = self.settings.adaptation or self.settings.distillation
        rows = self._lab_rows() if uses_lab else None
        spectra = self._satellite_spectra()
        lab = self._represent("lab", rows.x[rows.train], rows.x[rows.validation]) if rows else None
        satellite = self._represent(
            "satellite", spectra, self._tensor(self.data.sat_x)[self.data.sat_validation]
        )
        if self.settings.adaptation and lab is not None and rows is not None:
            self._adapt(lab, satellite, rows, spectra)
        teacher = None
        if lab is not None and rows is not None:
            teacher, history, facts = teach(lab, rows, self.settings, self.seed, self.progress)
            self._note("teacher", history, facts)
        student, sau = self._distil(satellite, teacher if self.settings.distillation else None)
        model = self._assemble(satellite, student, sau, lab, teacher)
        return PaperResult(model, self.history, self.checks)

    def _lab_rows(self) -> LabRows:
        data = self.data
        if data.lab_x is None or data.lab_y is None or data.lab_train is None or data.lab_validation is None:
            raise UsageError(
                "laboratory data are missing", fix="Give lab_x, lab_y, lab_train, lab_validation."
            )
        return lab_rows(
            data.lab_x, data.lab_y, data.lab_train, data.lab_validation, data.label_sd, self.device
        )

    def _satellite_spectra(self) -> Tensor:
        """Labelled training rows and all unlabelled rows, (n, bands)."""
        labelled = self._tensor(self.data.sat_x[self.data.sat_train])
        if self.data.unlabelled_x is None:
            return labelled
        return torch.cat([labelled, self._tensor(self.data.unlabelled_x)])

    def _represent(self, name: str, train: Tensor, validation: Tensor) -> SparseAutoencoder:
        autoencoder, history, facts = train_autoencoder(
            name, train, validation, self.settings, self.seed, self.progress
        )
        self._note(f"{name} autoencoder", history, facts)
        return autoencoder

    def _adapt(
        self, lab: SparseAutoencoder, satellite: SparseAutoencoder, rows: LabRows, spectra: Tensor
    ) -> None:
        data = self.data
        if data.pair_lab is None or data.pair_x is None:
            return
        chosen, watched = split_pairs(data.pair_lab, rows.validation.numpy(), self.seed)
        sample = torch.as_tensor(data.pair_lab)
        pairs = Pairs(rows.x[sample], self._tensor(data.pair_x), sample.to(self.device))
        history, facts = align(
            (lab, satellite),
            (pairs.take(torch.as_tensor(chosen)), pairs.take(torch.as_tensor(watched))),
            (rows.x[rows.train], spectra),
            self.settings,
            self.seed,
            self.progress,
        )
        self._note("alignment", history, facts)

    def _distil(
        self, satellite: SparseAutoencoder, teacher: Teacher | None
    ) -> tuple[Student, SpectralAdaptationUnit | None]:
        student, sau, history, facts = teach_student(
            self._student_rows(satellite, self.data.sat_train),
            self._student_rows(satellite, self.data.sat_validation),
            teacher,
            self.settings,
            self.seed,
            self.progress,
        )
        self._note("student", history, facts)
        return student, sau

    def _student_rows(self, satellite: SparseAutoencoder, rows: Any) -> StudentRows:
        data = self.data
        covariates = torch.empty((len(rows), 0))
        if data.sat_covariates is not None:
            covariates = torch.as_tensor(data.sat_covariates[rows])
        with torch.no_grad():
            latent = satellite.encode(self._tensor(data.sat_x[rows]))
        return StudentRows(latent, covariates.to(self.device), self._tensor(data.sat_y[rows]))

    def _assemble(
        self,
        satellite: SparseAutoencoder,
        student: Student,
        sau: SpectralAdaptationUnit | None,
        lab: SparseAutoencoder | None,
        teacher: Teacher | None,
    ) -> PaperModel:
        settings = self.settings
        half = lab_model(lab, teacher, settings) if lab is not None and teacher is not None else None
        architecture = PaperArchitecture(
            satellite=satellite.shape,
            tokens=settings.tokens,
            covariates=self.data.covariates,
            student=settings.student_shape,
            lab=half.architecture if half is not None else None,
        )
        # Projections that no distillation trained stay as they are born: from this run's seed.
        with seeded(self.seed, "assembly", torch.device("cpu")):
            model = PaperModel(architecture)
        model.satellite, model.student, model.lab = satellite, student, half
        if sau is not None:
            model.sau = sau
        return model.cpu().eval()

    def _note(self, stage: str, history: StageHistory, facts: dict[str, Any]) -> None:
        self.history.append(history)
        self.checks[stage] = facts

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32).to(self.device)
