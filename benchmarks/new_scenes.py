"""Scenes on land without library samples: read by the networks, or by a plane through their answers.

    python benchmarks/new_scenes.py --seeds 0 1 2 3 4

Of each simulated world one region gives no ground point. 150 ground points of the others are learned from.

    new scene          neither points nor library know the region; its scene is met when the map is made
    scenes with points the library does not say where its samples come from

Asked are all valid pixels of these scenes, whose truth a world knows, and of scenes with points also the
points of fields that gave none. Prints Markdown: errors on ln(1+ECe) and rank correlation; of scenes with
points their mean in each world.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
from reading import read_scene
from scipy.stats import spearmanr
from worlds import learning, scene_pixels, silent_fields

from deepsalt.estimators import DeepSaltRegressor
from deepsalt.models import Tuning
from deepsalt.spectra import Scene, Spectra
from deepsalt.training import DeepSaltSettings
from deepsalt.units import log_ece

SETTINGS = DeepSaltSettings(gate=False, intervals=False)
ASKED = ("new scene", "scenes with points", "their fields without")
READERS = ("networks", "plane")
Scores = list[tuple[float, float]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    chosen = arguments.parse_args()
    print(f"| world | asked | {' | '.join(f'{name}: RMSE, ln | Spearman' for name in READERS)} |")
    print(f"|---|---|{'---:|' * 2 * len(READERS)}", flush=True)
    rows: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen.seeds:
            for asked, numbers in of_world(seed, Path(scratch)).items():
                rows.setdefault(asked, []).append(numbers)
                print(row(str(seed), asked, numbers), flush=True)
    for asked, found in rows.items():
        print(row("mean", asked, np.mean(found, axis=0).tolist()))


def row(world: str, asked: str, numbers: list[float]) -> str:
    return f"| {world} | {asked} | {' | '.join(f'{number:.3f}' for number in numbers)} |"


def of_world(seed: int, scratch: Path) -> dict[str, list[float]]:
    """RMSE and rank correlation by each reader, by what is asked; of several scenes the mean."""
    found: dict[str, list[Scores]] = {name: [] for name in ASKED}
    for covered in (False, True):
        case = learning(seed, scratch, covered=covered)
        library = case.data.libraries["visnir"]
        model = DeepSaltRegressor(SETTINGS, seed=case.seed)
        model.fit(placeless(library) if covered else library, case.sites, case.data.unlabelled)
        silent = silent_fields(case.data, case.sites)
        for region in (one["name"] for one in case.world.regions):
            scene = read_scene(case.world.scene(region))
            pixels = scene_pixels(case.world, region)
            if region == case.unseen and not covered:
                found[ASKED[0]].append(scores(model, scene, pixels))
            elif region != case.unseen and covered:
                fields = silent.take(np.flatnonzero(silent.samples["scene"].to_numpy() == scene.name))
                found[ASKED[1]].append(scores(model, scene, pixels))
                found[ASKED[2]].append(scores(model, scene, fields))
    return {name: np.mean(one, axis=0).ravel().tolist() for name, one in found.items()}


def placeless(library: Spectra) -> Spectra:
    return replace(library, samples=library.samples.drop(columns=["latitude", "longitude"]))


def scores(model: DeepSaltRegressor, scene: Scene, asked: Spectra) -> Scores:
    truth = log_ece(asked.samples["ece_ds_m"].to_numpy())
    answers = [log_ece(reader.predict(asked)) for reader in readers(model, scene)]
    return [(float(np.sqrt(np.mean((one - truth) ** 2))), float(spearmanr(one, truth)[0])) for one in answers]


def readers(model: DeepSaltRegressor, scene: Scene) -> Iterator[DeepSaltRegressor]:
    """The model reading the scene by its networks, then by the plane."""
    bound = model.for_scene(scene)
    for tuning in (Tuning(), bound.scenes_[scene.name]):
        reader = copy(bound)
        reader.scenes_ = {scene.name: tuning}
        yield reader


if __name__ == "__main__":
    main()
