"""The Spectral Adaptation Unit: where laboratory and satellite meet.

Two things, as published: the two encoders are trained so that paired samples get the same latent
(`pair_cosine`, `alignment_loss`), and each student layer is projected into the teacher's feature
space (`SpectralAdaptationUnit`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def pair_cosine(lab: Tensor, satellite: Tensor) -> Tensor:
    """Cosine of each pair of latents, (n, latent) and (n, latent) to (n,)."""
    return functional.cosine_similarity(lab, satellite, dim=-1)


def alignment_loss(
    lab: Tensor, satellite: Tensor, same_lab: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """(1 - cosine) and symmetric InfoNCE of paired latents, both scalars.

    lab, satellite  (n, latent), row i of one belongs to row i of the other
    same_lab        (n, n) true where two rows share one laboratory sample: those are not opposites
    temperature     0.07 as published

    Source of InfoNCE: van den Oord et al. (2018), symmetric form as in Radford et al. (2021).
    """
    apart = (1.0 - pair_cosine(lab, satellite)).mean()
    likeness = functional.normalize(lab, dim=-1) @ functional.normalize(satellite, dim=-1).T / temperature
    diagonal = torch.eye(len(lab), dtype=torch.bool, device=lab.device)
    likeness = likeness.masked_fill(same_lab & ~diagonal, float("-inf"))
    target = torch.arange(len(lab), device=lab.device)
    contrast = (functional.cross_entropy(likeness, target) + functional.cross_entropy(likeness.T, target)) / 2
    return apart, contrast


def matched_layers(student_layers: int, teacher_layers: int) -> list[int]:
    """For each student layer the teacher layer at the same relative depth; none is left out.

    >>> matched_layers(4, 3)
    [0, 1, 1, 2]
    """
    if student_layers == 1:
        return [teacher_layers - 1]
    return [round(i * (teacher_layers - 1) / (student_layers - 1)) for i in range(student_layers)]


class SpectralAdaptationUnit(nn.Module):
    """One projection per student layer into the teacher's feature space."""

    def __init__(
        self, student_width: int, student_layers: int, teacher_width: int, teacher_layers: int
    ) -> None:
        super().__init__()
        self.matches = matched_layers(student_layers, teacher_layers)
        self.projections = nn.ModuleList(
            [nn.Linear(student_width, teacher_width) for _ in range(student_layers)]
        )

    def forward(self, features: list[Tensor], tokens: int) -> list[Tensor]:
        """The first `tokens` tokens of each student layer, (n, tokens, teacher width) each."""
        return [project(layer[:, :tokens]) for project, layer in zip(self.projections, features, strict=True)]
