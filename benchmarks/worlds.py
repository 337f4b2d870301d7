"""A simulated world as benchmarks ask it: 150 ground points of four regions, the fifth unseen; its truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import rasterio
from reading import read_scene

from deepsalt.config import CompareConfig
from deepsalt.pipeline.cases import draw_points, world_frames
from deepsalt.pipeline.prepare import Prepared, prepare
from deepsalt.preprocessing.masks import surface_mask
from deepsalt.sampling import place
from deepsalt.simulate import World, simulate_world
from deepsalt.spectra import MaskReason, Spectra

POINTS = 150


class Learning(NamedTuple):
    """What a method may learn from, and the world that it lies in.

    sites   the ground points, drawn in whole fields of the split's training part
    unseen  name of the region without any
    seed    for the method
    """

    world: World
    data: Prepared
    sites: Spectra
    unseen: str
    seed: int


def learning(seed: int, scratch: Path, *, covered: bool, **world: Any) -> Learning:
    """The world of a seed as `deepsalt compare` makes it, in the folder `scratch`.

    covered  whether the library has samples of the unseen region
    world    settings of the world
    """
    frame = world_frames(CompareConfig(worlds=[seed], covered=[covered], world=world), None, scratch)[0]
    made = simulate_world(Path(frame.config.library.path).parent, frame.world)
    data = prepare(frame.config, lambda *_: None)
    train = data.split.train
    groups = data.sites.samples["group"].astype(str).to_numpy()[train]
    sites = data.sites.take(train[draw_points(groups, POINTS, frame.config.seed, 0)])
    return Learning(made, data, sites, str(frame.config.split.unseen_region), frame.config.seed)


def silent_fields(data: Prepared, sites: Spectra) -> Spectra:
    """Points of the test split and of the training split, in fields of which no point was learned from."""
    known = np.concatenate([data.split.train, data.split.test])
    learned = np.isin(data.sites.samples["group"].to_numpy()[known], sites.samples["group"].unique())
    return data.sites.take(np.sort(known[~learned]))


def scene_pixels(world: World, region: str) -> Spectra:
    """All valid pixels of a region's scene with their true ECe."""
    scene = read_scene(world.scene(region))
    image = scene.read()
    with rasterio.open(world.truth(region)) as truth:
        ece = truth.read(1)
    keep = (surface_mask(image, scene.mask()) == MaskReason.VALID) & np.isfinite(ece)
    keep &= np.isfinite(image.values[..., ~scene.empty]).all(axis=-1)
    rows, columns = np.nonzero(keep)
    latitude, longitude = place(scene, rows, columns)
    samples = pd.DataFrame(
        {
            "scene": scene.name,
            "row": rows,
            "column": columns,
            "latitude": latitude,
            "longitude": longitude,
            "ece_ds_m": ece[keep],
        }
    )
    return image.pixels(keep, samples)
