"""The teacher of the preset `deepsalt`: what laboratory spectra say of each sample, seen by no model before.

Every answer comes from networks that did not learn from that sample or its profile, so the teacher's own
error is known, and a student cannot be handed its labels back by way of the teacher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deepsalt.models.members import Members
from deepsalt.splits import grouped_folds
from deepsalt.training.bridge_data import FEWEST_LABELS, BridgeData
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
    """Cross-fitted answers for every sample, with their R2 on samples whose EC was measured.

    Each kind of spectra has networks of its own, which learn from every sample that has them and EC.
    """
    parts = [_of_one(what, spectra, data, settings, seed) for what, spectra in _read(data, settings).items()]
    teacher, own = _joined(parts) if len(parts) > 1 else parts[0]
    seen = torch.isfinite(own)
    known = torch.as_tensor(data.lab_y)[seen]
    facts = {
        "validation_r2": r2(known.numpy(), own[seen].numpy()),
        "rmse": float((own[seen] - known).square().mean().sqrt()),
        "samples": int(seen.sum()),
    }
    return teacher, facts


def _read(data: BridgeData, settings: DeepSaltSettings) -> dict[str, NDArray[np.float32]]:
    """The spectra (n, k) that a teacher reads, by name; NaN rows where they are missing."""
    read = {"laboratory teacher": data.lab_x}
    more = data.teacher_x
    if more is None or settings.same_sample is False:
        return read
    with_ec = np.isfinite(more).all(axis=1) & data.labelled
    needed = settings.same_sample or bool((with_ec & ~data.drawable).any())
    return {**read, "teacher of other spectra": more} if needed and with_ec.sum() >= FEWEST_LABELS else read


def _of_one(
    what: str, values: NDArray[np.float32], data: BridgeData, settings: DeepSaltSettings, seed: int
) -> tuple[Teacher, Tensor]:
    """What one kind of spectra says of each sample; and (n,) its answers where they can be held to an EC."""
    spectra = torch.as_tensor(values)
    known = torch.isfinite(spectra).all(dim=1)
    rows = np.flatnonzero(known.numpy() & data.labelled)
    labels = torch.as_tensor(data.lab_y)
    answers = torch.full((len(spectra), 0), torch.nan)
    own = torch.full((len(spectra),), torch.nan)
    features: list[Tensor] = []
    folds = min(settings.teacher_folds, len(np.unique(data.lab_groups[rows])))
    inputs = _whitened(spectra, known, settings.teacher_directions)
    for number, (train, test) in enumerate(grouped_folds(data.lab_groups[rows], folds, seed)):
        network = _fit(what, inputs, labels, torch.as_tensor(rows[train]), settings, seed, number)
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
    feature = features[0]
    feature = (feature - feature[known].mean(dim=0)) / (feature[known].std(dim=0) + 1e-6)
    feature[~known] = 0.0
    return Teacher(answer, (error**2 + spread**2).sqrt(), feature), own


def _joined(parts: Sequence[tuple[Teacher, Tensor]]) -> tuple[Teacher, Tensor]:
    """The mean of what several say of a sample, by the inverse squares of their errors.

    It is believed no better than its parts are in that mean: what is wrong with one is often wrong with all.
    """
    answers, errors = (torch.stack([getattr(one, key) for one, _ in parts]) for key in ("answer", "error"))
    weights = torch.where(torch.isfinite(answers), errors.square().reciprocal(), torch.zeros(()))
    shares = weights / weights.sum(dim=0)  # NaN where none says anything
    own = torch.stack([one for _, one in parts])
    teacher = Teacher(
        answer=(shares * torch.nan_to_num(answers)).sum(dim=0),
        error=(shares * torch.nan_to_num(errors).square()).sum(dim=0).sqrt(),
        features=torch.cat([one.features for one, _ in parts], dim=1),
    )
    told = torch.isfinite(own).any(dim=0)
    return teacher, torch.where(told, (shares * torch.nan_to_num(own)).sum(dim=0), torch.nan)


def _fit(
    what: str,
    inputs: Tensor,
    labels: Tensor,
    rows: Tensor,
    settings: DeepSaltSettings,
    seed: int,
    number: int,
) -> Members:
    device = pick_device(settings.device)
    with seeded(seed, what, device, number) as generator:
        network = Members(
            inputs.shape[1], settings.teacher_hidden, settings.teacher_members, settings.dropout
        )
        network.start_at(float(labels[rows].mean()))
        if settings.untrained_teacher:
            return network.eval().cpu()

        learned, wanted = inputs[rows].to(device), labels[rows].to(device)

        def loss() -> Tensor:
            batch = torch.randint(len(rows), (settings.real_batch,), generator=generator)
            answer = network(learned[batch])[0]
            return functional.huber_loss(answer, wanted[batch].expand_as(answer), delta=settings.huber_delta)

        cycle(network, loss, settings.teacher_steps, settings, generator)
    return network.eval().cpu()


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
