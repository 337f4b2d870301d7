"""A scene on land that nothing told of: read by the networks as it is, or by a plane through their answers.

    python benchmarks/new_scenes.py --seeds 0 1 2 3 4

Of each simulated world one region gives no ground point, and the library has no sample of it. 150 ground
points of the other regions are learned from. Asked are all valid pixels of that region's scene, whose truth a
world knows. Prints Markdown: errors on ln(1+ECe) and rank correlation, pixel by pixel.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from intervals import POINTS, scene_pixels
from scipy.stats import spearmanr

import deepsalt
from deepsalt.config import CompareConfig
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.pipeline.cases import draw_points, world_frames
from deepsalt.pipeline.prepare import prepare
from deepsalt.simulate import simulate_world
from deepsalt.spectra import Scene
from deepsalt.units import log_ece


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    chosen = arguments.parse_args()
    print("| world | region | networks: RMSE, ln | Spearman | plane: RMSE, ln | Spearman |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        found = [of_world(seed, Path(scratch)) for seed in chosen.seeds]
    print(f"| mean | | {' | '.join(f'{value:.3f}' for value in np.mean(found, axis=0))} |")


def of_world(seed: int, scratch: Path) -> list[float]:
    """RMSE and rank correlation of the networks, then of the plane."""
    frame = world_frames(CompareConfig(worlds=[seed], covered=[False]), None, scratch)[0]
    world = simulate_world(Path(frame.config.library.path).parent, frame.world)
    data = prepare(frame.config, lambda *_: None)
    train = data.split.train
    groups = data.sites.samples["group"].astype(str).to_numpy()[train]
    sites = data.sites.take(train[draw_points(groups, POINTS, frame.config.seed, 0)])
    model = DeepSaltRegressor(seed=frame.config.seed).fit(data.libraries, sites, data.unlabelled)
    region = str(frame.config.split.unseen_region)
    scene, pixels = deepsalt.read(world.scene(region)), scene_pixels(world, region)
    assert isinstance(scene, Scene)
    assert scene.name not in model.scenes_
    truth = log_ece(pixels.samples["ece_ds_m"].to_numpy())
    found: list[float] = []
    for reader in (model, model.for_scene(scene)):
        answer = log_ece(reader.predict(pixels))
        found += [float(np.sqrt(np.mean((answer - truth) ** 2))), float(spearmanr(answer, truth)[0])]
    print(f"| {seed} | {region} | {' | '.join(f'{value:.3f}' for value in found)} |", flush=True)
    return found


if __name__ == "__main__":
    main()
