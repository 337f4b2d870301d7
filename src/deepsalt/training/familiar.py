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
CENTRES, REST, MOST_POINTS = 64, 8, 512
#: Directions that distances are measured along: those of the largest variance. On development worlds pixels
#: called dissimilar had 1.58 times the error of others so, 1.52 with all 40 directions, 1.40 with 20 or 16.
_COMPARED = 24
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
    readers = _readers_of_known(student, data, tunings)
    met = torch.cat([reader.seen(pixels) for reader, pixels in readers]) if readers else drawn[:0]
    enough = len(met) >= _FEWEST_PIXELS
    with torch.no_grad():
        known.importance.copy_(importance(student, inputs))
        known.importance[_COMPARED:] = 0.0
        unread = (met if enough else student.seen(drawn)) - student.centre
        known.rest.copy_(_at_right_angles(student.directions, unread, known.rest.shape[1]))
        weighted = inputs * known.importance
        known.centres.copy_(torch.as_tensor(_centres(weighted.numpy(), len(known.centres), seed)))
        half = min(_PAIRS, len(weighted) // 2)
        known.unit.copy_((weighted[:half] - weighted[half : 2 * half]).norm(dim=1).mean().clamp(min=1e-6))
        known.points.copy_(_points(student, data, tunings, len(known.points), seed) * known.importance)
    asked = readers if enough else [(student, drawn)]
    both = torch.cat([torch.stack(reader.strangeness(pixels), dim=1) for reader, pixels in asked])
    known.limits.copy_(torch.quantile(both, _FAMILIAR, dim=0).clamp(min=1e-9))
    with torch.no_grad():
        those = torch.cat([reader.inputs(pixels) for reader, pixels in asked]) * known.importance
        near = torch.cdist(those, known.centres) <= known.limits[0] * known.unit
    known.centres.copy_(known.centres[_widest_first(near)])


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
    rows = torch.as_tensor(np.flatnonzero(data.labelled & data.drawable))
    rows = rows[torch.randint(len(rows), (_DRAWN,), generator=generator)]
    spectra, labels = torch.as_tensor(data.lab_x)[rows], torch.as_tensor(data.lab_y)[rows]
    return drawn_pixels(bridge, spectra, labels, generator, nuisance=settings.bridge).pixels


def _centres(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.cluster import MiniBatchKMeans

    fitted = MiniBatchKMeans(count, random_state=seed_for(seed, "centres") % 2**31, n_init=1).fit(rows)
    return np.asarray(fitted.cluster_centers_, np.float32)


def _widest_first(near: Tensor) -> Tensor:
    """(centre,) their order, given which rows are near which (n, centre): each next one is near the most rows
    that are near none before it."""
    left = near.clone()
    order: list[int] = []
    for _ in range(near.shape[1]):
        counts = left.sum(dim=0)
        counts[order] = -1
        order.append(int(counts.argmax()))
        left &= ~near[:, order[-1], None]
    return torch.tensor(order)


def _at_right_angles(directions: Tensor, rows: Tensor, count: int) -> Tensor:
    """(channel, count) the directions in which rows (n, channel) vary most at right angles to those given.

    Each is divided by the spread of the rows along it. To their variance the mean over all such directions is
    added, so that the noise of another sensor is no strangeness by itself.
    """
    kept = directions.shape[1]
    basis = torch.linalg.qr(directions.double(), mode="complete")[0][:, kept:]
    left = rows.double() @ basis
    variance, vectors = torch.linalg.eigh(left.T @ left / len(left))  # ascending
    variance, vectors = variance.flip(0).clamp(min=0), vectors.flip(1)
    spread = (variance + variance.mean().clamp(min=1e-12)).sqrt()
    return (basis @ vectors / spread)[:, :count].float()


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


def _readers_of_known(
    student: BridgeStudent, data: BridgeData, tunings: Mapping[int, Tuning]
) -> list[tuple[BridgeStudent, Tensor]]:
    """Of each scene on known land the student that reads it, and its pixels without a label (n, band)."""
    pointed = set(data.where.sat_scene.tolist())
    found = []
    for scene in np.unique(data.where.unlabelled_scene):
        tuning = tunings.get(int(scene), Tuning())
        if scene >= 0 and (tuning.land is not None or scene in pointed):
            pixels = data.unlabelled_x[data.where.unlabelled_scene == scene]
            found.append((student.tuned(tuning), torch.as_tensor(pixels)))
    return found
