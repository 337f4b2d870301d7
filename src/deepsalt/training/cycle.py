"""A fixed number of steps with one rise and fall of the learning rate: for losses that are drawn anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from deepsalt.errors import TrainingError
from deepsalt.models.inference import one_thread
from deepsalt.training.step import Pace, Step

_WARM_UP = 0.1
_TOLD = 50  # steps between two words about progress


class CycleSettings(Pace, Protocol):
    @property
    def clip(self) -> float: ...


@one_thread()
def cycle(
    module: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    settings: CycleSettings,
    generator: torch.Generator,
    tell: Callable[[int, float], None] | None = None,
    *,
    steady: bool = True,
) -> None:
    """Train `module` in place for so many steps and leave it in inference mode.

    On a CPU in one thread: products are so small that two took 6 % less time and twice the processor.

    loss    one draw of the loss, from the generator
    tell    called now and then as tell(steps done, mean loss since the last call)
    steady  whether each draw does the same, see `Step`
    Raises TrainingError when the loss stops being a number.
    """
    step = Step(
        module,
        torch.optim.AdamW,
        settings,
        settings.clip,
        lambda: {"total": loss()},
        generator,
        steady=steady,
    )
    module.train()
    since = torch.zeros(())
    for done in range(steps):
        since = since + step(settings.learning_rate * _share_of_rate(done / steps))["total"]
        if (done + 1) % _TOLD == 0 or done + 1 == steps:
            mean = float(since) / ((done % _TOLD) + 1)
            if not math.isfinite(mean):
                raise TrainingError(
                    f"the loss became {mean} by step {done + 1}",
                    fix="Lower the learning rate, and look for extreme spectra.",
                )
            if tell:
                tell(done + 1, mean)
            since = torch.zeros(())
    module.eval()


def _share_of_rate(done: float) -> float:
    """Of the peak rate, after this share of the steps."""
    warm = min(1.0, (done + 1e-3) / _WARM_UP)
    falling = 0.5 * (1 + math.cos(math.pi * max(0.0, done - _WARM_UP) / (1 - _WARM_UP)))
    return min(warm, max(falling, 1e-3))
