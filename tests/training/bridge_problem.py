"""A small learnable problem of the preset `deepsalt`: three scenes on three lands of a library."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepsalt.training.bridge_data import BridgeData, Ground, Units

SCENES, SAMPLES, PIXELS, POINTS, BANDS = 3, 60, 200, 20, 12


class BridgeProblem(NamedTuple):
    """What is learned from; all pixels, their scenes and ln(1+ECe); which of them are the labelled ones."""

    data: BridgeData
    pixels: np.ndarray
    scene: np.ndarray
    y: np.ndarray
    rows: np.ndarray


def bridge_problem(mapped: bool = False) -> BridgeProblem:
    """Salt is one bump of the spectrum, among two others; each scene has a gain of its own.

    mapped  whether each scene is a map unit too, whose survey tells mean and spread
    """
    rng = np.random.default_rng(0)
    nm = np.linspace(500, 2400, BANDS)
    shapes = np.exp(-(((nm - np.array([[800.0], [1400.0], [2100.0]])) / 250) ** 2))

    def spectra(y: np.ndarray) -> np.ndarray:
        soils = np.column_stack([y, rng.uniform(0, 2, (len(y), 2))])
        return 0.5 - 0.1 * soils @ shapes + rng.normal(0, 0.002, (len(y), BANDS))

    lab_y = rng.gamma(2.0, 0.5, SCENES * SAMPLES).clip(0, 3)
    scene = np.repeat(np.arange(SCENES), PIXELS)
    y = rng.gamma(2.0, 0.5, len(scene)).clip(0, 3)
    pixels = spectra(y) * np.array([0.9, 1.0, 1.1])[scene, None]
    rows = np.concatenate([np.flatnonzero(scene == one)[:POINTS] for one in range(SCENES)])
    samples = np.repeat(np.eye(SCENES, dtype=bool), SAMPLES, axis=1)
    ground = Ground(
        samples=samples,
        seen=samples,
        scene_land=np.arange(SCENES),
        sat_scene=scene[rows],
        unlabelled_scene=scene,
        unlabelled_patch=np.arange(len(scene)),
    )
    told = [[fact(y[scene == one]) for one in range(SCENES)] for fact in (np.mean, np.std)]
    units = Units(pixels, scene, np.ones(len(scene)), *map(np.array, told), scene) if mapped else None
    data = BridgeData(
        lab_nm=nm, lab_x=spectra(lab_y), lab_y=lab_y, lab_groups=np.arange(len(lab_y)).astype(str),
        centres_nm=nm, response=np.eye(BANDS), channels=np.eye(BANDS), sat_x=pixels[rows], sat_y=y[rows],
        sat_groups=np.arange(len(rows)).astype(str), unlabelled_x=pixels, ground=ground, units=units,
    )  # fmt: skip
    return BridgeProblem(data, pixels, scene, y, rows)
