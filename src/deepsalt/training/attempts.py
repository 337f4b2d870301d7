"""A supervised stage is tried again when it collapses, and fails loudly when it keeps doing so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from torch import Tensor

from deepsalt.errors import TrainingError
from deepsalt.training.checks import prediction_facts
from deepsalt.training.loop import StageHistory
from deepsalt.training.settings import Stage

Model = TypeVar("Model")

_SLOWER = 1 / 3  # learning rate of each further attempt over that of the one before

#: One attempt: attempt number and stage to the model, its history, and its validation predictions (n,).
Attempt = Callable[[int, Stage], tuple[Model, StageHistory, Tensor]]


def until_it_learns(
    name: str,
    attempt: Attempt[Model],
    stage: Stage,
    observed: Tensor,
    retries: int,
    learned_mean: float | None = None,
) -> tuple[Model, StageHistory, dict[str, Any]]:
    """The first attempt whose validation predictions vary and beat the mean, with its facts.

    name      of the stage, for the message
    observed  (n,) validation labels; where they do not vary, nothing can be checked
    learned_mean  mean of the training labels, which a result must beat
    Raises TrainingError after the last attempt, with what each one gave.
    """
    failed: list[dict[str, Any]] = []
    for number in range(retries + 1):
        model, history, predicted = attempt(number, stage)
        facts = prediction_facts(observed.cpu(), predicted.cpu(), learned_mean)
        if facts["collapse"] is None:
            facts.pop("collapse")
            return model, history, {**facts, "retries": failed}
        failed.append({"attempt": number + 1, "learning_rate": stage.learning_rate, **facts})
        stage = replace(stage, learning_rate=stage.learning_rate * _SLOWER)
    tries = "; ".join(
        f"attempt {t['attempt']} at rate {t['learning_rate']:.2g}: {t['collapse']}" for t in failed
    )
    raise TrainingError(
        f"collapsed in {len(failed)} attempts on the validation rows: {tries}",
        where=f"training stage {name}",
        fix="Check that labels belong to their spectra and vary, and that there are enough of them.",
    )
