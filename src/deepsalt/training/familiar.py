"""What a trained student knows of its own training pixels, learned once at the end; see `models.familiar`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from deepsalt.augment import PhysicsBridge
from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.tuning import Tuning
from deepsalt.training.bridge_data import BridgeData
from deepsalt.training.bridge_settings import DeepSaltSettings
from deepsalt.training.device import seed_for
from deepsalt.training.drawn import drawn_pixels

#: Sizes of what is kept in the model's file. 64 centres told bad pixels as well as all drawn ones did.
CENTRES, REST, MOST_POINTS = 64, 16, 512
_DRAWN = 8_000
_PAIRS = 4_000
#: Share of the pixels it was trained on that a student calls familiar.
_FAMILIAR = 0.99
_FEWEST_PIXELS = 500


def learn_familiar(
    student: BridgeStudent,
    data: BridgeData,
    tunings: Mapping[int, Tuning],
    settings: DeepSaltSettings,
    seed: int,
) -> None:
    """Set `student.familiar` from drawn pixels, labelled ones, and the scenes it was tuned to.

    The limits are those that 99 of 100 pixels without a label keep, of scenes whose land is known; of drawn
    pixels where there are fewer than 500 such.
    """
    known = student.familiar
    drawn = _drawn(data, settings, seed)
    inputs = student.inputs(drawn).detach()
    with torch.no_grad():
        known.importance.copy_(importance(student, inputs))
        known.rest.copy_(_at_right_angles(student.directions, known.rest.shape[1], seed))
        weighted = inputs * known.importance
        known.centres.copy_(torch.as_tensor(_centres(weighted.numpy(), len(known.centres), seed)))
        half = min(_PAIRS, len(weighted) // 2)
        known.unit.copy_((weighted[:half] - weighted[half : 2 * half]).norm(dim=1).mean().clamp(min=1e-6))
        known.points.copy_(_points(student, data, tunings, len(known.points), seed) * known.importance)
    seen = _known_pixels(student, data, tunings)
    both = seen if len(seen) >= _FEWEST_PIXELS else torch.stack(student.strangeness(drawn), dim=1)
    known.limits.copy_(torch.quantile(both, _FAMILIAR, dim=0).clamp(min=1e-9))


def importance(student: BridgeStudent, inputs: Tensor) -> Tensor:
    """(direction,) mean absolute slope of the mean answer at `inputs` (n, direction); the largest is 1."""
    asked = inputs.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        answer = student.members(asked)[0].mean(dim=0).sum()
        slope = torch.autograd.grad(answer, asked)[0].abs().mean(dim=0)
    return slope / slope.max().clamp(min=1e-12)


def _drawn(data: BridgeData, settings: DeepSaltSettings, seed: int) -> Tensor:
    """(8000, band) pixels of samples whose EC was measured, drawn as in training."""
    generator = torch.Generator().manual_seed(seed_for(seed, "familiar") % 2**31)
    bridge = PhysicsBridge.of(data.lab_nm, data.centres_nm, data.response, data.noise, settings.draws)
    rows = torch.as_tensor(np.flatnonzero(data.labelled))
    rows = rows[torch.randint(len(rows), (_DRAWN,), generator=generator)]
    spectra, labels = torch.as_tensor(data.lab_x)[rows], torch.as_tensor(data.lab_y)[rows]
    return drawn_pixels(bridge, spectra, labels, generator, nuisance=settings.bridge)


def _centres(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.cluster import MiniBatchKMeans

    fitted = MiniBatchKMeans(count, random_state=seed_for(seed, "centres") % 2**31, n_init=1).fit(rows)
    return np.asarray(fitted.cluster_centers_, np.float32)


def _at_right_angles(directions: Tensor, count: int, seed: int) -> Tensor:
    """(channel, count) orthonormal, at right angles to the directions, turned at random."""
    channels, kept = directions.shape
    basis = torch.linalg.qr(directions.double(), mode="complete")[0][:, kept:]
    generator = torch.Generator().manual_seed(seed_for(seed, "rest") % 2**31)
    turned = torch.linalg.qr(torch.randn(channels - kept, channels - kept, generator=generator).double())[0]
    return (basis @ turned)[:, :count].float()


def _points(
    student: BridgeStudent, data: BridgeData, tunings: Mapping[int, Tuning], count: int, seed: int
) -> Tensor:
    """(count, direction) inputs of labelled pixels, each read as its scene is."""
    chosen = np.sort(np.random.default_rng(seed_for(seed, "points")).permutation(len(data.sat_x))[:count])
    scenes, pixels = data.where.sat_scene[chosen], torch.as_tensor(data.sat_x[chosen])
    inputs = torch.zeros(count, student.directions.shape[1])
    for scene in np.unique(scenes):
        here = torch.as_tensor(scenes == scene)
        inputs[here] = student.tuned(tunings.get(int(scene), Tuning())).inputs(pixels[here])
    return inputs


def _known_pixels(student: BridgeStudent, data: BridgeData, tunings: Mapping[int, Tuning]) -> Tensor:
    """(n, 2) dissimilarity and residual of the pixels without a label of scenes on known land."""
    pointed = set(data.where.sat_scene.tolist())
    found = [torch.zeros(0, 2)]
    for scene in np.unique(data.where.unlabelled_scene):
        tuning = tunings.get(int(scene), Tuning())
        if scene >= 0 and (tuning.land is not None or scene in pointed):
            pixels = data.unlabelled_x[data.where.unlabelled_scene == scene]
            found.append(torch.stack(student.tuned(tuning).strangeness(pixels), dim=1))
    return torch.cat(found)
