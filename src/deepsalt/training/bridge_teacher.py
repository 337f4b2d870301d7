"""The teacher of the preset `deepsalt`: what laboratory spectra say of each sample, seen by no model before.

Every answer comes from networks that did not learn from that sample or its profile, so the teacher's own
error is known, and a student cannot be handed its labels back by way of the teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepsalt.models.members import Members
from deepsalt.splits import grouped_folds
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_settings import DeepSaltSettings
from deepsalt.training.checks import r2
from deepsalt.training.cycle import cycle
from deepsalt.training.device import pick_device, seeded

_FLOOR = 1e-4  # variance taken for noise, over that of the first direction
_FARTHEST = 6.0


@dataclass(frozen=True, eq=False)
class Teacher:
    """What the teacher says of each laboratory sample.

    answer    (n,) ln(1+ECe), NaN where it has no spectrum
    error     (n,) its own standard error: out-of-fold error and the spread of its networks
    features  (n, units) its last hidden layer, standardised; 0 where it has no spectrum
    """

    answer: Tensor
    error: Tensor
    features: Tensor

    def here(self) -> Teacher:
        """The same on the device that new tensors are made on at present."""
        return Teacher(*(torch.as_tensor(part) for part in (self.answer, self.error, self.features)))


def teach(data: BridgeData, settings: DeepSaltSettings, seed: int) -> tuple[Teacher, dict[str, Any]]:
    """Cross-fitted answers for every sample, with their R2 on samples whose EC was measured."""
    spectra = torch.as_tensor(_read_by_teacher(data, settings))
    known = torch.isfinite(spectra).all(dim=1)
    rows = np.flatnonzero(known.numpy() & data.labelled)
    labels = torch.as_tensor(data.lab_y)
    answers = torch.full((len(spectra), 0), torch.nan)
    own = torch.full((len(spectra),), torch.nan)
    features: list[Tensor] = []
    folds = min(settings.teacher_folds, len(np.unique(data.lab_groups[rows])))
    for number, (train, test) in enumerate(grouped_folds(data.lab_groups[rows], folds, seed)):
        learned = torch.as_tensor(rows[train])
        network, inputs = _fit(spectra, known, labels, learned, settings, seed, number)
        with torch.no_grad():
            answer, hidden = network(inputs)
        answers = torch.cat([answers, answer.mean(dim=0)[:, None]], dim=1)
        held = torch.as_tensor(rows[test])
        own[held] = answer.mean(dim=0)[held]
        features.append(hidden.mean(dim=0))
    seen = torch.isfinite(own)
    error = float((own[seen] - labels[seen]).square().mean().sqrt())
    answer = torch.where(seen, own, answers.mean(dim=1)).clamp(min=0.0)
    answer[~known] = torch.nan
    spread = answers.std(dim=1, correction=0)
    facts = {
        "validation_r2": r2(labels[seen].numpy(), own[seen].numpy()),
        "rmse": error,
        "samples": len(rows),
    }
    feature = features[0]
    feature = (feature - feature[known].mean(dim=0)) / (feature[known].std(dim=0) + 1e-6)
    feature[~known] = 0.0
    return Teacher(answer, (error**2 + spread**2).sqrt(), feature), facts


def _read_by_teacher(data: BridgeData, settings: DeepSaltSettings) -> NDArray[np.float32]:
    """(n, k) the vis-NIR, and beside it the other spectra of the very sample; NaN where they are missing.

    Both domains have the same total variance: neither is louder for having more bands or larger numbers.
    """
    if data.teacher_x is None or not settings.same_sample:
        return data.lab_x
    parts = []
    for values in (data.lab_x, data.teacher_x):
        whole = values[np.isfinite(values).all(axis=1)]
        scale = np.maximum(whole.std(axis=0), 1e-6) * len(values[0]) ** 0.5
        parts.append((values - whole.mean(axis=0)) / scale)
    return np.concatenate(parts, axis=1)


def _fit(
    spectra: Tensor,
    known: Tensor,
    labels: Tensor,
    rows: Tensor,
    settings: DeepSaltSettings,
    seed: int,
    number: int,
) -> tuple[Members, Tensor]:
    inputs, device = _whitened(spectra, known, settings.teacher_directions), pick_device(settings.device)
    with seeded(seed, "laboratory teacher", device, number) as generator:
        network = Members(
            inputs.shape[1], settings.teacher_hidden, settings.teacher_members, settings.dropout
        )
        network.start_at(float(labels[rows].mean()))
        if settings.untrained_teacher:
            return network.eval().cpu(), inputs

        learned, wanted = inputs[rows].to(device), labels[rows].to(device)

        def loss() -> Tensor:
            batch = torch.randint(len(rows), (settings.real_batch,), generator=generator)
            answer = network(learned[batch])[0]
            return functional.huber_loss(answer, wanted[batch].expand_as(answer), delta=settings.huber_delta)

        cycle(network, loss, settings.teacher_steps, settings, generator)
    return network.eval().cpu(), inputs


def _whitened(spectra: Tensor, known: Tensor, directions: int) -> Tensor:
    """(n, directions) principal scores of like variance, noise damped; 0 for rows without a spectrum.

    The directions come from all spectra and no label.
    """
    there = spectra[known].double()
    centre = there.mean(dim=0)
    variance, vectors = torch.linalg.eigh((there - centre).T @ (there - centre) / len(there))
    kept = min(directions, spectra.shape[1])
    variance, vectors = variance.flip(0)[:kept].clamp(min=0), vectors.flip(1)[:, :kept]
    floor = _FLOOR * _FLOOR * float(variance[0]) + 1e-12
    scores = torch.zeros(len(spectra), kept)
    scores[known] = ((there - centre) @ (vectors / (variance + floor).sqrt())).float()
    return scores.clamp(-_FARTHEST, _FARTHEST)
