"""Every hyperparameter of the laboratory teacher. This module needs no torch.

Chosen on the ICRAF-ISRIC vis-NIR library (docs/lab.md), one or two repetitions of five grouped folds: numbers
from the same library are therefore a little too good, and by how much is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deepsalt.errors import ConfigError
from deepsalt.training.device_names import DeviceName, check_device


@dataclass(frozen=True)
class LabSettings:
    """Settings of `train_lab`.

    network     "scores" reads principal directions, "convolutions" and "tokens" windows of the spectrum
    directions  principal directions of absorbance and its slope, of each domain
    windows     most stretches a spectrum is averaged to, for "convolutions" and "tokens"
    hidden      units of each hidden layer
    members     networks side by side; their spread is the teacher's own doubt
    absent      share of samples with several domains that lose one in a step: it learns to do without
    properties_weight   of the other properties in the loss, all of them together
    label_error  error every label is taken to have, ln scale, beside its own
    gate        compare with a line, support vectors and a Gaussian process on grouped folds, and be the best
    """

    network: Literal["scores", "convolutions", "tokens"] = "scores"
    directions: int = 120
    windows: int = 256
    hidden: tuple[int, ...] = (256, 64)
    members: int = 5
    dropout: float = 0.4
    steps: int = 600
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    huber_delta: float = 1.0  # standard deviations of the labels: a long tail does not rule
    clip: float = 1.0
    absent: float = 0.15
    properties_weight: float = 0.3
    label_error: float = 0.3
    ceiling_margin: float = 0.7  # about ln 2: room for twice the largest label
    gate: bool = True
    gate_folds: int = 3
    device: DeviceName = "auto"  # that networks train on: "auto", "cpu" or "cuda"

    def __post_init__(self) -> None:
        check_device(self.device)
        if self.network not in ("scores", "convolutions", "tokens"):
            raise ConfigError(
                f"unknown network {self.network!r}", fix="Known: scores, convolutions and tokens."
            )
        for key in ("directions", "windows", "members", "steps", "batch"):
            if getattr(self, key) < 1:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a whole number of at least 1.")
        for key in ("learning_rate", "huber_delta", "clip", "label_error"):
            if not getattr(self, key) > 0:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a number above 0.")
        for key in ("dropout", "absent"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a share from 0 to below 1.")
        for key in ("weight_decay", "properties_weight", "ceiling_margin"):
            if not getattr(self, key) >= 0:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a number of at least 0.")
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(f"hidden {self.hidden} cannot be used", fix="Give units of one or more layers.")
        if self.gate_folds < 2:
            raise ConfigError(f"gate_folds is {self.gate_folds}", fix="Give at least 2.")
