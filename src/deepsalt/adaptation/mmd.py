"""Maximum mean discrepancy: the features of both domains come from one distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepsalt.adaptation.deep import Deep

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Widths of the Gaussian kernels, as multiples of the mean squared distance.
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


def squared_mmd(lab: Tensor, pixels: Tensor) -> Tensor:
    """Squared discrepancy of (n, width) and (k, width) under a mean of Gaussian kernels, at least 0.

    The kernels follow the mean squared distance of the batch, through which no gradient runs.

    Source: Gretton et al. (2012), the biased estimate; several widths as in Long et al. (2015).
    """
    import torch

    both = torch.cat([lab, pixels])
    distance = (both[:, None] - both[None]).square().sum(dim=2)
    scale = distance.detach().mean().clamp_min(1e-12)
    kernel = torch.stack([torch.exp(-distance / (width * scale)) for width in WIDTHS]).mean(dim=0)
    n = len(lab)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def _penalty(lab: Tensor, pixels: Tensor, _helper: nn.Module) -> Tensor:
    return squared_mmd(lab, pixels)


MMD = Deep(
    "mmd",
    "Maximum mean discrepancy of network features",
    "Long et al. (2015), arXiv:1502.02791",
    _penalty,
    weight=1.0,
)
