"""The laboratory teacher: train a network, ask whether a simple model does as well, keep the better one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepsalt.models.lab_net import LabNet
from deepsalt.progress import Progress
from deepsalt.splits import grouped_folds
from deepsalt.training.checks import prediction_facts, r2
from deepsalt.training.cycle import cycle
from deepsalt.training.device import pick_device, seed_for, seeded
from deepsalt.training.lab_data import LabData, Readers, reader_of, windows_of
from deepsalt.training.lab_models import gaussian_process, inputs_of, line, new_model, support_vectors
from deepsalt.training.lab_settings import LabSettings
from deepsalt.training.losses import certainty_weights

Fit = Callable[[LabData, Readers, LabSettings, int], LabNet]

_FEWEST_ROWS = 30


@dataclass(frozen=True)
class LabResult:
    """model answers in the unit of its labels; checks are plain facts for the report."""

    model: LabNet
    checks: dict[str, Any]


def train_lab(data: LabData, settings: LabSettings, seed: int, progress: Progress | None = None) -> LabResult:
    """Train the teacher, or the simple model that is better on held-out groups of these samples.

    checks["gate"] tells the grouped RMSE of each candidate and which was kept.
    """
    chosen, gate = _NETWORK, {"asked": False, "why": "the gate is off", "kept": _NETWORK}
    if settings.gate:
        chosen, gate = _ask(data, settings, seed, progress)
    model = _FITS[chosen](data, _directions(data, settings), settings, seed)
    if progress:
        progress("teacher", 1, 1)
    answers = answers_of(model, data)
    return LabResult(model, {"gate": gate, "training rows": _on_training_rows(data.y, answers)})


def _on_training_rows(y: np.ndarray, answers: np.ndarray) -> dict[str, Any]:
    """Do the answers vary, and beat the mean, on what was learned from? It catches a collapse, no more."""
    facts = prediction_facts(y, answers)
    return {"r2": facts["validation_r2"], "spread": facts["spread"], "collapse": facts["collapse"]}


def answers_of(model: LabNet, data: LabData) -> np.ndarray:
    """(n,) what a model says of samples."""
    return model.predict_with_spread(*(domain.values for domain in data.domains))[0].numpy()


def _ask(
    data: LabData, settings: LabSettings, seed: int, progress: Progress | None
) -> tuple[str, dict[str, Any]]:
    """The best candidate on grouped folds, and what was found."""
    folds = min(settings.gate_folds, len(np.unique(data.groups)))
    if len(data.y) < _FEWEST_ROWS or folds < 2:
        why = f"{len(data.y)} samples in {len(np.unique(data.groups))} groups are too few to ask"
        return _LINE, {"asked": False, "why": why, "kept": _LINE}
    answers = {name: np.zeros(len(data.y)) for name in _FITS}
    parts = list(grouped_folds(data.groups, folds, seed_for(seed, "laboratory gate") % 2**31))
    for done, (train, test) in enumerate(parts):
        learned, asked = data.take(train), data.take(test)
        readers = _directions(learned, settings)
        for name, fit in _FITS.items():
            answers[name][test] = answers_of(fit(learned, readers, settings, seed), asked)
        if progress:
            progress("gate", done + 1, folds)
    rmse = {name: float(np.sqrt(np.mean((one - data.y) ** 2))) for name, one in answers.items()}
    kept = min(rmse, key=lambda name: rmse[name])
    score = {name: r2(data.y, one) for name, one in answers.items()}
    return kept, {"asked": True, "folds": folds, "rmse": rmse, "r2": score, "kept": kept}


def _directions(data: LabData, settings: LabSettings) -> Readers:
    """Readers of principal directions, which need no label; all candidates share them."""
    return [reader_of(domain, settings.directions) for domain in data.domains]


def _network(data: LabData, readers: Readers, settings: LabSettings, seed: int) -> LabNet:
    """The network of the settings, trained for a fixed number of steps."""
    if settings.network != "scores":
        readers = [windows_of(domain, settings.windows) for domain in data.domains]
    inputs = inputs_of(new_model(data, readers, "scores", settings), data)
    with seeded(seed, "laboratory network", pick_device(settings.device)) as generator:
        model = new_model(data, readers, settings.network, settings, members=settings.members)
        model.network.start_at(float(data.y.mean()))
        loss = _Loss(model, inputs, data, settings, generator)
        cycle(loss, loss.draw, settings.steps, settings, generator)
    return model.eval().cpu()


class _Loss(nn.Module):
    """The network with heads for the other properties, which are needed while it learns and then dropped."""

    def __init__(
        self,
        model: LabNet,
        inputs: np.ndarray,
        data: LabData,
        settings: LabSettings,
        generator: torch.Generator,
    ) -> None:
        """`inputs` (n, width) is what the model's readers make of the spectra."""
        super().__init__()
        self.network, self.settings, self.generator = model.network, settings, generator
        self.x = torch.as_tensor(inputs, dtype=torch.float32)
        self.domains = model.architecture.widths
        self.y = torch.as_tensor(data.y)
        self.scale = float(self.y.std(correction=0)) or 1.0
        self.weights = torch.ones(len(self.y))
        if data.label_sd is not None:
            self.weights = certainty_weights(torch.as_tensor(data.label_sd), settings.label_error)
        self.others, self.told = _standard_properties(data)
        if self.others.shape[1]:
            with torch.no_grad():
                units = self.network(self.x[:1])[1].shape[2]
            self.heads = nn.Parameter(0.1 * torch.randn(settings.members, units, self.others.shape[1]))

    def draw(self) -> Tensor:
        n = min(self.settings.batch, len(self.y))
        rows = torch.randint(len(self.y), (n,), generator=self.generator)
        answers, hidden = self.network(self._without_some(self.x[rows]))
        wanted = (self.y[rows] / self.scale).expand_as(answers)
        error = functional.huber_loss(
            answers / self.scale, wanted, delta=self.settings.huber_delta, reduction="none"
        )
        loss = (error * self.weights[rows]).mean()
        if self.others.shape[1]:
            off = (torch.matmul(hidden, self.heads) - self.others[rows]).square() * self.told[rows]
            loss = loss + self.settings.properties_weight * off.sum() / (
                self.told[rows].sum() * len(answers)
            ).clamp(min=1)
        return loss

    def _without_some(self, inputs: Tensor) -> Tensor:
        """The inputs where, now and then, a sample that has several domains loses one."""
        if len(self.domains) < 2:
            return inputs
        *blocks, flags = inputs.split([*self.domains, len(self.domains)], dim=1)
        draw = torch.rand(len(inputs), generator=self.generator) < self.settings.absent
        which = torch.randint(len(self.domains), (len(inputs),), generator=self.generator)
        lost = functional.one_hot(which, len(self.domains)) * (draw & (flags.sum(dim=1) > 1))[:, None]
        kept = (1 - lost).to(inputs.dtype)
        return torch.cat([*(one * kept[:, i : i + 1] for i, one in enumerate(blocks)), flags * kept], dim=1)


def _standard_properties(data: LabData) -> tuple[Tensor, Tensor]:
    """(n, p) properties of mean 0 and variance 1, 0 where not measured, and (n, p) where they are."""
    if data.properties is None:
        return torch.zeros(len(data.y), 0), torch.zeros(len(data.y), 0)
    values = data.properties.astype(np.float64)
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, values, 0.0).sum(axis=0) / count
    wide = np.where(there, values - mean, 0.0)
    wide /= np.maximum(np.sqrt((wide**2).sum(axis=0) / count), 1e-9)
    return torch.as_tensor(wide, dtype=torch.float32), torch.as_tensor(there, dtype=torch.float32)


_NETWORK, _LINE = "network", "partial least squares"
_FITS: dict[str, Fit] = {
    _NETWORK: _network,
    _LINE: line,
    "support vectors": support_vectors,
    "Gaussian process": gaussian_process,
}
