"""What learned numbers begin as: drawn at random, or left out where only their shapes are asked for.

A network is built without memory (torch's device "meta") to compare a file with it. Arithmetic and drawing
give nothing there, and their first use alone costs seconds, so there is none.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def normal(*shape: int, deviation: float) -> nn.Parameter:
    """Normal numbers with mean 0."""
    return nn.Parameter(torch.empty(shape) if _shapes_alone() else torch.randn(shape) * deviation)


def uniform(*shape: int, fan_in: int) -> nn.Parameter:
    """Even numbers up to 1 / sqrt(fan_in) to either side of 0."""
    return nn.Parameter(torch.empty(shape) if _shapes_alone() else (torch.rand(shape) * 2 - 1) / fan_in**0.5)


def identity(rows: int, columns: int) -> Tensor:
    """(rows, columns) that changes nothing where both are alike."""
    return torch.empty(rows, columns) if _shapes_alone() else torch.eye(rows, columns)


def _shapes_alone() -> bool:
    return torch.get_default_device().type == "meta"
