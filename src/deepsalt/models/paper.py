"""The whole model of the preset `paper`: both encoders, the adaptation unit, teacher and student."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepsalt.errors import BandError, UsageError
from deepsalt.models.adaptation import SpectralAdaptationUnit
from deepsalt.models.architecture import PaperArchitecture
from deepsalt.models.autoencoder import SparseAutoencoder
from deepsalt.models.inference import Rows, in_batches
from deepsalt.models.lab import LabModel
from deepsalt.models.student import Student


class PaperModel(nn.Module):
    """Satellite spectrum and covariates to ln(1+ECe).

    lab        autoencoder and teacher, None for a student trained on its own
    satellite  the satellite autoencoder; after adaptation this is the aligned one, and the only one kept
    sau        projections of the student's layers into the teacher's features; None without a lab half
    """

    def __init__(self, architecture: PaperArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.satellite = SparseAutoencoder(architecture.satellite)
        self.student = Student(
            architecture.student,
            latent=architecture.satellite.latent,
            tokens=architecture.tokens,
            covariates=architecture.covariates,
        )
        self.lab = LabModel(architecture.lab) if architecture.lab else None
        self.sau = _adaptation_unit(architecture)

    def forward(self, spectra: Tensor, covariates: Tensor) -> Tensor:
        return self.student(self.satellite.encode(spectra), covariates)[0]

    def predict(self, sat_x: Rows, covariates: Rows | None = None) -> Tensor:
        """ln(1+ECe) (n,) on the CPU, in batches of 2,048.

        sat_x       (n, bands) in the unit the model was trained in; a NaN band makes that row's answer NaN
        covariates  (n, k), NaN = missing; None = all missing
        Raises BandError for a wrong number of bands, UsageError for a wrong number of covariates.
        """
        expected = self.architecture.covariates
        if covariates is None:
            covariates = torch.full((len(sat_x), expected), torch.nan)
        if tuple(covariates.shape) != (len(sat_x), expected):
            raise UsageError(
                f"covariates of shape {tuple(covariates.shape)} for {len(sat_x)} spectra "
                f"and {expected} covariates",
                fix="Give one column per covariate in the model's card, NaN where unknown.",
            )
        return in_batches(self, self, sat_x, covariates)

    def teacher_predict(self, lab_x: Rows) -> Tensor:
        """ln(1+ECe) (n,) of laboratory spectra (n, bands). UsageError if the model has no teacher."""
        return self._lab_half().predict(lab_x)

    def ask_teacher(self, sat_x: Rows) -> Tensor:
        """What the teacher says, ln(1+ECe) (n,), about the satellite latents of `sat_x` (n, bands)."""
        teacher = self._lab_half().teacher
        return in_batches(self, lambda rows: teacher(self.satellite.encode(rows))[0], sat_x)

    def _lab_half(self) -> LabModel:
        if self.lab is None:
            raise UsageError(
                "this model has no teacher", fix="Train with adaptation or distillation switched on."
            )
        return self.lab


def _adaptation_unit(architecture: PaperArchitecture) -> SpectralAdaptationUnit | None:
    if architecture.lab is None:
        return None
    if architecture.lab.autoencoder.latent != architecture.satellite.latent:
        raise BandError(
            f"laboratory latent of {architecture.lab.autoencoder.latent} values, "
            f"satellite latent of {architecture.satellite.latent}",
            fix="Both encoders must share one latent.",
        )
    student, teacher = architecture.student, architecture.lab.teacher
    return SpectralAdaptationUnit(student.width, student.layers, teacher.width, teacher.layers)
