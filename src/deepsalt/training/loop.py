"""One loop for every stage: Adam, seeded mini-batches, clipped gradients, early stopping on validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from deepsalt.errors import TrainingError
from deepsalt.progress import Progress
from deepsalt.training.settings import Stage
from deepsalt.training.step import Step, Terms

_WARM_UP = 0.05  # share of the steps
_LAST_RATE = 0.02  # share of the peak rate


@dataclass(frozen=True)
class StageHistory:
    """What happened in one stage, epoch by epoch.

    stage       name of the stage
    loss        what `train` and `validation` hold
    epoch       1, 2, ...
    train       mean training loss of the epoch
    validation  validation loss after the epoch; what early stopping looked at
    terms       mean of each term of the training loss
    best_epoch  the epoch whose weights were kept
    """

    stage: str
    loss: str
    epoch: list[int] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {key: getattr(self, key) for key in self.__dataclass_fields__}


@dataclass(frozen=True)
class Objective:
    """What a stage minimises.

    name      of the stage
    loss      in words
    module    whose parameters are trained, and that is switched between training and inference
    terms     rows (n,) of this stage to the terms of the loss; "total" is minimised
    validate  the number that early stopping looks at; smaller is better
    """

    name: str
    loss: str
    module: nn.Module
    terms: Callable[[Tensor], Terms]
    validate: Callable[[], float]


def fit(
    objective: Objective,
    rows: Tensor,
    stage: Stage,
    generator: torch.Generator,
    *,
    clip: float = 1.0,
    progress: Progress | None = None,
) -> StageHistory:
    """Train `objective.module` in place and leave it, in inference mode, with its best weights.

    rows  (n,) row numbers of the training set; nothing else is drawn from
    Raises TrainingError when the loss stops being a number.
    """
    module = objective.module
    take = Step(module, torch.optim.Adam, stage, clip, objective.terms, generator)
    history = StageHistory(objective.name, objective.loss)
    best, best_weights, kept = math.inf, _copy(module), 0
    epochs = stage.epochs_on(len(rows))
    for epoch in range(epochs):
        batches = _batches(rows, stage, generator)
        module.train()
        totals: dict[str, Tensor] = {}
        for step, batch in enumerate(batches):
            done = (epoch + step / len(batches)) / epochs
            for key, value in take(stage.learning_rate * _share_of_rate(done), batch).items():
                totals[key] = totals.get(key, 0.0) + value.double()
        sums = {key: float(value) / len(batches) for key, value in totals.items()}
        module.eval()
        with torch.no_grad():
            score = objective.validate()
        _record(history, epoch + 1, sums, score)
        if not math.isfinite(score) or not math.isfinite(sums["total"]):
            raise TrainingError(
                f"the loss became {sums['total']} in epoch {epoch + 1}",
                where=f"training stage {objective.name}",
                fix="Lower the learning rate of this stage, and look for extreme spectra.",
            )
        if score < best:
            best, best_weights, kept = score, _copy(module), epoch + 1
        if progress:
            progress(objective.name, epoch + 1, epochs)
        if epoch + 1 - kept >= stage.patience:
            break
    module.load_state_dict(best_weights)
    if progress and len(history.epoch) < epochs:
        progress(objective.name, epochs, epochs)
    return _with_best(history, kept)


def _batches(rows: Tensor, stage: Stage, generator: torch.Generator) -> Sequence[Tensor]:
    """Shuffled rows in batches of nearly equal size: no last batch of one or two rows."""
    order = rows[torch.randperm(len(rows), generator=generator)]
    if stage.rows:
        order = order[: stage.rows]
    return torch.tensor_split(order, stage.batches_of(len(rows)))


def _share_of_rate(done: float) -> float:
    """Of the peak rate, after this share of all steps."""
    warm = min(1.0, (done + 1e-3) / _WARM_UP)
    return warm * (_LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))


def _record(history: StageHistory, epoch: int, sums: dict[str, float], score: float) -> None:
    history.epoch.append(epoch)
    history.train.append(sums["total"])
    history.validation.append(score)
    for key, value in sums.items():
        if key != "total":
            history.terms.setdefault(key, []).append(value)


def _with_best(history: StageHistory, best_epoch: int) -> StageHistory:
    return StageHistory(**{**history.as_dict(), "best_epoch": best_epoch})


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in module.state_dict().items()}
