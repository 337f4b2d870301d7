"""A fixed number of steps with one rise and fall of the learning rate: for losses that are drawn anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from deepsalt.errors import TrainingError

_WARM_UP = 0.1
_TOLD = 50  # steps between two words about progress


class CycleSettings(Protocol):
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def clip(self) -> float: ...


def cycle(
    module: nn.Module,
    loss: Callable[[], Tensor],
    steps: int,
    settings: CycleSettings,
    tell: Callable[[int, float], None] | None = None,
) -> None:
    """Train `module` in place for so many steps and leave it in inference mode.

    loss  one draw of the loss
    tell  called now and then as tell(steps done, mean loss since the last call)
    Raises TrainingError when the loss stops being a number.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    module.train()
    since = torch.zeros(())
    for step in range(steps):
        _set_rate(optimiser, settings.learning_rate, step / steps)
        optimiser.zero_grad(set_to_none=True)
        now = loss()
        now.backward()
        nn.utils.clip_grad_norm_(parameters, settings.clip)
        optimiser.step()
        since = since + now.detach()
        if (step + 1) % _TOLD == 0 or step + 1 == steps:
            mean = float(since) / ((step % _TOLD) + 1)
            if not math.isfinite(mean):
                raise TrainingError(
                    f"the loss became {mean} by step {step + 1}",
                    fix="Lower the learning rate, and look for extreme spectra.",
                )
            if tell:
                tell(step + 1, mean)
            since = torch.zeros(())
    module.eval()


def _set_rate(optimiser: torch.optim.Optimizer, peak: float, done: float) -> None:
    warm = min(1.0, (done + 1e-3) / _WARM_UP)
    falling = 0.5 * (1 + math.cos(math.pi * max(0.0, done - _WARM_UP) / (1 - _WARM_UP)))
    for group in optimiser.param_groups:
        group["lr"] = peak * min(warm, max(falling, 1e-3))
