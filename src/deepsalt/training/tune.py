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

    Points correct all scenes of their land, or, where the library has no samples, their own scene.
    """
    if not settings.adaptation:
        return {}
    land_of = data.where.scene_land
    found = {scene: _by_pixels(model, data, scene, settings) for scene in range(len(land_of))}
    told = {scene: one for scene, one in found.items() if one is not None}
    together: dict[object, list[int]] = {}
    for scene in told:
        land = int(land_of[scene])
        together.setdefault(land if land >= 0 else f"scene {scene}", []).append(scene)
    tunings: dict[int, Tuning] = {}
    for scenes in together.values():
        asked = _correction(model, data, np.flatnonzero(np.isin(data.where.sat_scene, scenes)), told)
        if land_of[scenes[0]] >= 0:
            model.corrections[land_of[scenes[0]]] = asked
        tunings |= {scene: corrected(*told[scene], *asked.tolist()) for scene in scenes}
    return tunings


def _by_pixels(
    model: BridgeStudent, data: BridgeData, scene: int, settings: DeepSaltSettings
) -> tuple[Tuning, float] | None:
    """How a scene is read before its points are asked, and the mean of its answers; None for as it is."""
    land = int(data.where.scene_land[scene])
    pixels, patches = torch.as_tensor(data.pixels_of(scene)), torch.as_tensor(data.patches_of(scene))
    if land >= 0:
        return model.library_tuning(pixels, land, patches, planar=settings.planar)
    found = model.plain_tuning(pixels, patches) if settings.planar else None
    return found if found is not None and found[0].plane is not None else None


def _correction(
    model: BridgeStudent, data: BridgeData, rows: np.ndarray, found: Mapping[int, tuple[Tuning, float]]
) -> torch.Tensor:
    """What the labelled pixels `rows` of one land ask for, each read as its scene is without them."""
    if not len(rows):
        return torch.zeros(2)
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
