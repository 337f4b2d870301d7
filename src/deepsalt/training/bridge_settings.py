"""Every hyperparameter of the preset `deepsalt`, and the switches that make its ablation rows.

Chosen on development worlds (seeds 100 to 104), never on the worlds that results are reported from.
This module needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from deepsalt.augment.settings import BridgeSettings
from deepsalt.errors import ConfigError
from deepsalt.training.device_names import DeviceName, check_device


@dataclass(frozen=True)
class DeepSaltSettings:
    """Settings of `train_deepsalt`."""

    # Switches: one code path a row of the ablation table.
    bridge: bool = True  # draw nuisances; off: laboratory spectra as the sensor would see them, clean
    # The teacher reads the mid infrared of a sample too. None: where samples with EC have no other spectra,
    # which is where it was found to help (docs/transfer.md).
    same_sample: bool | None = None
    distillation: bool = True  # the student hears the teacher, of samples without EC too
    adaptation: bool = True  # each scene is tuned to what the library knows of its land
    planar: bool = True  # a scene is read by the plane through its networks' answers
    # Library samples, by their places, speak for the ground near them. None: those that state an error of
    # their place of at most 100 m.
    places: bool | None = None
    gate: bool = True  # keep what helps on held-out groups, leave out what does not
    intervals: bool = True  # learn from held-out fields and scenes how wrong an answer is

    # Controls, which must lose. They exist to be compared with, never to be used.
    shuffled_pairs: bool = False  # a pixel is drawn of another sample than the one whose EC it is to have
    shuffled_teacher: bool = False  # the teacher is asked about another sample
    permuted_wavelengths: bool = False  # laboratory wavelengths in random order before the response
    untrained_teacher: bool = False

    draws: BridgeSettings = field(default_factory=BridgeSettings)

    # Student: principal directions of the drawn pixels, small networks side by side.
    channel_nm: float = 20.0
    directions: int = 40
    hidden: tuple[int, ...] = (128, 64)
    members: int = 3
    dropout: float = 0.2

    # Its training: one cosine cycle over so many steps. Longer ones learn the draws better, pixels worse.
    steps: int = 600
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    huber_delta: float = 1.0
    clip: float = 1.0

    # Terms of the loss beside that of the drawn pixels, which weighs 1.
    real_batch: int = 64
    real_weight: float = 0.5
    real_half: float = 100.0  # labelled pixels that have half of that weight: few are learned by heart
    real_noise: float = 0.003  # reflectance, on each band of a labelled pixel
    real_gain_sd: float = 0.05
    unit_weight: float = 0.5  # map units, where there are any
    response_weight: float = 0.5
    relation_weight: float = 0.05
    masked_weight: float = 0.0  # of hidden channels told from the others: 0 turns it off
    masked_most: float = 0.2  # of the channels, in the longest run that is hidden
    masked_runs: int = 2

    # A land has networks of its own: the general ones, trained on for so many steps with its samples drawn so
    # much oftener than others. Of more lands so many have them, those without ground points first.
    land_steps: int = 600
    land_learning_rate: float = 1e-3
    land_focus: float = 20.0
    most_lands: int = 16

    # Teacher.
    teacher_directions: int = 64
    teacher_hidden: tuple[int, ...] = (128, 64)
    teacher_members: int = 2
    teacher_steps: int = 400
    teacher_folds: int = 4

    ceiling_margin: float = 0.7  # about ln 2: room for twice the largest label
    retries: int = 2
    device: DeviceName = "auto"  # that networks train on: "auto", "cpu" or "cuda"

    def __post_init__(self) -> None:
        check_device(self.device)
        for key in _COUNTS:
            if getattr(self, key) < 1:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a whole number of at least 1.")
        for key in _WEIGHTS:
            if not getattr(self, key) >= 0:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a number of at least 0.")
        for key in ("learning_rate", "land_learning_rate", "huber_delta", "clip", "channel_nm"):
            if not getattr(self, key) > 0:
                raise ConfigError(f"{key} is {getattr(self, key)}", fix="Give a number above 0.")
        if not 0 < self.masked_most * self.masked_runs < 1:
            told = f"masked_runs x masked_most is {self.masked_runs} x {self.masked_most}"
            raise ConfigError(told, fix="Hide less than the whole spectrum.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}", fix="Give a share from 0 to below 1.")
        for key in ("hidden", "teacher_hidden"):
            if not getattr(self, key) or min(getattr(self, key)) < 1:
                raise ConfigError(f"{key} {getattr(self, key)} cannot be used")

    def weight_of(self, points: int) -> float:
        """Of so many labelled pixels in the loss."""
        return self.real_weight * points / (points + self.real_half) if points else 0.0


_COUNTS = (
    "directions",
    "members",
    "steps",
    "land_steps",
    "batch",
    "real_batch",
    "masked_runs",
    "teacher_directions",
    "teacher_members",
    "teacher_steps",
)
_WEIGHTS = (
    "weight_decay",
    "real_weight",
    "real_half",
    "real_noise",
    "real_gain_sd",
    "unit_weight",
    "response_weight",
    "relation_weight",
    "masked_weight",
    "land_focus",
    "most_lands",
    "ceiling_margin",
    "retries",
)


def switched(settings: DeepSaltSettings, **switches: bool) -> DeepSaltSettings:
    """The same settings with some switches set."""
    changes: dict[str, Any] = switches
    return replace(settings, **changes)
