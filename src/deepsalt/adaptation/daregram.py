"""DARE-GRAM: the inverse Gram matrices, on which a regression rests, agree in angle and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepsalt.adaptation.deep import Deep

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The kept eigenvalues hold this share of the sum.
SHARE = 0.99
#: Weights of angle and scale.
ANGLE, SIZE = 1.0, 0.1


def gram_distance(lab: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """How far apart two batches of features, (n, width) and (k, width), are for a least-squares fit.

    returns  angle: mean of 1 - cosine over the columns of the two low-rank pseudo-inverse Gram matrices;
             scale: distance of their leading eigenvalues, a share of those of the laboratory.
             Both are 0 for equal batches.

    A column of ones stands for the intercept; the Gram matrices are divided by the number of rows, so
    that batches of unequal size compare.

    Source: Nejjar, Wang & Fink (2023). Ours: the division, and the scale as a share.
    """
    import torch
    from torch.nn import functional

    grams = _gram(lab), _gram(pixels)
    sizes = [torch.linalg.eigvalsh(gram).flip(0) for gram in grams]
    rank = max(_rank(values.detach()) for values in sizes)
    cosine = functional.cosine_similarity(_inverse(grams[0], rank), _inverse(grams[1], rank), dim=0)
    norm = sizes[0][:rank].detach().norm().clamp_min(1e-12)
    scale = (sizes[0][:rank] - sizes[1][:rank]).norm() / norm
    return (1 - cosine).mean().float(), scale.float()


def _gram(features: Tensor) -> Tensor:
    import torch

    ones = torch.ones(len(features), 1, dtype=torch.float64)
    rows = torch.cat([ones, features.double()], dim=1)
    return rows.T @ rows / len(rows)


def _rank(descending: Tensor) -> int:
    """How many leading eigenvalues hold SHARE of the sum."""
    held = descending.clamp_min(0).cumsum(0) / descending.clamp_min(0).sum()
    return int((held < SHARE).sum()) + 1


def _inverse(gram: Tensor, rank: int) -> Tensor:
    """Pseudo-inverse on the leading `rank` directions, which are held fixed for the gradient."""
    import torch

    _, vectors = torch.linalg.eigh(gram.detach())
    leading = vectors[:, -rank:]
    inside = leading.T @ gram @ leading
    faint = 1e-9 * torch.trace(inside).detach() * torch.eye(rank, dtype=gram.dtype)
    return leading @ torch.linalg.solve(inside + faint, leading.T)


def _penalty(lab: Tensor, pixels: Tensor, _helper: nn.Module) -> Tensor:
    angle, scale = gram_distance(lab, pixels)
    return ANGLE * angle + SIZE * scale


DAREGRAM = Deep(
    "daregram",
    "DARE-GRAM",
    "Nejjar, Wang & Fink (2023), arXiv:2303.13325",
    _penalty,
    weight=0.5,
)
