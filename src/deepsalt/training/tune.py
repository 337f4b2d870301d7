"""How each scene of the data is read when the networks are trained: from its pixels, then from its points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from deepsalt.models.bridge import BridgeStudent
from deepsalt.models.tuning import Tuning, corrected, correction_by
from deepsalt.training.bridge_data import BridgeData, Floats
from deepsalt.training.bridge_settings import DeepSaltSettings


def tune(model: BridgeStudent, data: BridgeData, settings: DeepSaltSettings) -> dict[int, Tuning]:
    """How each scene is read; sets the corrections that the ground points of a land ask for.

    Where the library has no samples of a scene's land, the plane through the general networks reads it: its
    points taught these networks, and to move the plane by them once more was no gain (docs/transfer.md).
    """
    where = data.where
    if not settings.adaptation:
        return {}
    found: dict[int, tuple[Tuning, float]] = {}
    plain: dict[int, Tuning] = {}
    for scene, land in enumerate(where.scene_land.tolist()):
        pixels, patches = torch.as_tensor(data.pixels_of(scene)), torch.as_tensor(data.patches_of(scene))
        if land >= 0:
            found[scene] = model.library_tuning(pixels, land, patches, planar=settings.planar)
        elif settings.planar and (one := model.plain_tuning(pixels, patches)).plane is not None:
            plain[scene] = one
    for land in np.unique(where.sat_land[where.sat_land >= 0]):
        model.corrections[land] = _correction(model, data, np.flatnonzero(where.sat_land == land), found)
    moved = {
        scene: corrected(tuning, level, *model.corrections[where.scene_land[scene]].tolist())
        for scene, (tuning, level) in found.items()
    }
    return plain | moved


def _correction(
    model: BridgeStudent, data: BridgeData, rows: np.ndarray, found: Mapping[int, tuple[Tuning, float]]
) -> torch.Tensor:
    """What the labelled pixels `rows` of one land ask for, each read as its scene is without them."""
    scenes = data.where.sat_scene[rows]
    answers = read_pixels(
        model, data.sat_x[rows], scenes, {scene: tuning for scene, (tuning, _) in found.items()}
    )
    levels = np.array([found[scene][1] for scene in scenes.tolist()])
    return correction_by(
        torch.as_tensor(answers - levels), torch.as_tensor(data.sat_y[rows] - answers), data.sat_groups[rows]
    )


def read_pixels(
    student: BridgeStudent, pixels: Floats, scenes: np.ndarray, tunings: Mapping[int, Tuning]
) -> np.ndarray:
    """(n,) ln(1+ECe) of pixels (n, band), each read as its scene (n,) is."""
    answers = np.empty(len(pixels), np.float32)
    for scene in np.unique(scenes):
        here = scenes == scene
        answers[here] = student.tuned(tunings.get(int(scene), Tuning())).predict(pixels[here]).numpy()
    return answers
