"""Every hyperparameter of the preset `paper`, with its source.

"paper" in a comment: the value in the authors' published code. "ours": chosen here, with the reason.
This module needs no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace

from deepsalt.errors import ConfigError
from deepsalt.models.architecture import TransformerShape
from deepsalt.training.device_names import DeviceName, check_device


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    epochs         at most this many passes over the training rows
    patience       stop after this many epochs without a better validation loss
    batch          rows in a mini-batch
    learning_rate  at its peak; it warms up over the first 5 % of the steps and falls along a cosine
    weight_decay   L2 penalty, as Adam has it
    rows           at most this many rows, drawn anew, make one epoch; 0 = all
    steps          stop after the epoch that ends this many steps, or more, and let the rate fall to its end
                   by then; 0 = only epochs count
    """

    epochs: int
    patience: int
    batch: int
    learning_rate: float
    weight_decay: float = 1e-5
    rows: int = 0
    steps: int = 0

    def __post_init__(self) -> None:
        for key in ("epochs", "patience", "batch"):
            _at_least(key, getattr(self, key), 1)
        _at_least("rows", self.rows, 0)
        _at_least("steps", self.steps, 0)
        _above_zero("learning_rate", self.learning_rate)
        _at_least("weight_decay", self.weight_decay, 0)

    def batches_of(self, rows: int) -> int:
        """Steps of an epoch on so many training rows."""
        return math.ceil((min(rows, self.rows) if self.rows else rows) / self.batch)

    def epochs_on(self, rows: int) -> int:
        """At most how many epochs are run on so many training rows."""
        return min(self.epochs, math.ceil(self.steps / self.batches_of(rows))) if self.steps else self.epochs


@dataclass(frozen=True)
class PaperSettings:
    """Settings of `train_paper` and `train_teacher`."""

    # Switches. Both off gives "the student without adaptation", which needs no laboratory data.
    adaptation: bool = True
    distillation: bool = True

    # Autoencoders. Sizes, rho and beta: paper. The published KL was identically 0; ours is not.
    directions: int = 128  # ours: principal directions the scaler keeps, see models/autoencoder.py
    hidden: tuple[int, ...] = (1024, 512, 256)
    latent: int = 64
    sparsity_target: float = 0.05
    sparsity_weight: float = 0.1
    autoencoder: Stage = field(default_factory=lambda: Stage(30, 8, 128, 1e-3, rows=2048))

    # Adaptation. Temperature and reconstruction weight: paper. The published cosine weight of 48, without
    # contrast, makes every latent the same (cosine of shuffled pairs 0.99, like that of true pairs); with
    # 1 and 1 held-out pairs stand out. Ours too: only the last layers move, because a few hundred pairs
    # cannot hold the weights of a whole encoder (all layers: half the gap, a third less transfer).
    temperature: float = 0.07
    reconstruction_weight: float = 1.0
    cosine_weight: float = 1.0
    contrast_weight: float = 1.0
    aligned_layers: int = 2
    alignment: Stage = field(default_factory=lambda: Stage(40, 10, 64, 1e-3))

    # Transformers. Widths, heads, layers, feed-forward: paper. Dropout: ours, sets are small.
    tokens: int = 16  # ours: the published sequence had one token, and attention had nothing to attend to
    teacher_shape: TransformerShape = field(default_factory=lambda: TransformerShape(64, 4, 3, 128, 0.1))
    student_shape: TransformerShape = field(default_factory=lambda: TransformerShape(72, 8, 4, 256, 0.1))
    # Steps: ours. On thousands of rows the rate is still high when 80 epochs are stopped early, and waiting
    # took more time than learning (docs/paper_speed.md); up to 320 and 448 training rows it changes nothing.
    teacher: Stage = field(default_factory=lambda: Stage(80, 20, 64, 1e-3, steps=400))
    student: Stage = field(default_factory=lambda: Stage(80, 20, 64, 1e-3, steps=600))

    # Losses of the student.
    task_weight: float = 1.0
    response_weight: float = 0.3
    feature_weight: float = 0.1
    huber_delta: float = 1.0  # ln(1+ECe)

    ceiling_margin: float = 0.7  # ours: about ln 2, room for twice the largest training label
    covariate_dropout: float = 0.15  # ours: a map without covariates must be a legitimate input
    clip: float = 1.0  # paper, norm of the gradient
    # Ours: further attempts after a collapse, each with another seed and a third of the rate.
    retries: int = 2
    device: DeviceName = "auto"  # that networks train on: "auto", "cpu" or "cuda"

    def __post_init__(self) -> None:
        check_device(self.device)
        for key in _SHARES:
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a share from 0 to below 1.")
        for key in _WEIGHTS:
            _at_least(key, getattr(self, key), 0)
        for key in ("temperature", "huber_delta", "clip", "ceiling_margin", "sparsity_target", "task_weight"):
            _above_zero(key, getattr(self, key))
        _at_least("aligned_layers", self.aligned_layers, 1)
        if not self.hidden or min(self.hidden) < 1 or self.latent < 1:
            raise ConfigError(f"hidden {self.hidden} and latent {self.latent} cannot be used")
        if self.tokens < 2 or self.latent % self.tokens:
            raise ConfigError(
                f"{self.tokens} tokens cannot be cut from a latent of {self.latent}",
                fix="Choose at least 2 tokens, a divisor of the latent.",
            )

    @classmethod
    def fast(cls, **changes: object) -> PaperSettings:
        """Small networks and few epochs, for tests and first trials; not for results."""
        small = cls(
            directions=32,
            hidden=(64, 32),
            latent=16,
            tokens=4,
            teacher_shape=TransformerShape(16, 2, 3, 32, 0.0),
            student_shape=TransformerShape(24, 2, 4, 32, 0.0),
            autoencoder=Stage(15, 15, 32, 3e-3),
            alignment=Stage(10, 10, 32, 1e-3),
            teacher=Stage(25, 25, 32, 5e-3),
            student=Stage(25, 25, 32, 5e-3),
        )
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ConfigError(f"unknown setting {unknown[0]!r}", fix=f"Known: {', '.join(sorted(known))}.")
        return replace(small, **changes)  # type: ignore[arg-type]


_SHARES = ("covariate_dropout", "sparsity_target")
_WEIGHTS = (
    "sparsity_weight",
    "reconstruction_weight",
    "cosine_weight",
    "contrast_weight",
    "response_weight",
    "feature_weight",
    "retries",
)


def _at_least(key: str, value: float, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{key} is {value}", fix=f"Give a number of at least {least}.")


def _above_zero(key: str, value: float) -> None:
    if not value > 0:
        raise ConfigError(f"{key} is {value}", fix="Give a number above 0.")
