"""What rules for bare soil delete: the saltiest pixels, with and without the salt-crust guard.

    python benchmarks/masks.py --seeds 0 1 2

Simulated land of all five regions, photographed by three sensors, under the usual laws of water, crust and
plants and under the others. The truth of each clear land pixel is known. Prints one Markdown table: the
share of pixels that a rule masks, of those that are bare in truth (under 15 % green and 15 % dry plants) with
ECe above 8 and above 16 dS/m, of bare gypsum soil (over 10 %), and of those with over 40 % dry plants.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepsalt.preprocessing.masks import SurfaceRules, judge
from deepsalt.simulate import WorldSettings
from deepsalt.simulate.acquisition import LAND, acquire
from deepsalt.simulate.landscape import landscape
from deepsalt.simulate.regions import REGIONS
from deepsalt.spectra import MaskReason, Sensor, Spectra

SENSORS, LAWS = ("enmap", "emit", "sentinel2"), ("usual", "other")
NO_NDVI = SurfaceRules(max_ndvi=1.0)
RULES = {
    "NBR2 > 0.075": replace(NO_NDVI, nbr2=0.075, salt_crust_guard=False),
    "NBR2 > 0.075, guarded": replace(NO_NDVI, nbr2=0.075),
    "NBR2 > 0.125": replace(NO_NDVI, nbr2=0.125, salt_crust_guard=False),
    "NBR2 > 0.125, guarded": replace(NO_NDVI, nbr2=0.125),
    "dry plants": replace(NO_NDVI, dry_vegetation=0.0, salt_crust_guard=False),
    "dry plants, guarded": replace(NO_NDVI, dry_vegetation=0.0),
    "dry plants and NBR2 > 0.075, guarded": replace(NO_NDVI, dry_vegetation=0.0, nbr2=0.075),
}


@dataclass(frozen=True)
class Seen:
    """Clear land pixels of one image: their spectra (1, n, band) and what is true of them, (n,)."""

    spectra: Spectra
    truth: dict[str, NDArray[np.bool_]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments.add_argument("--size", type=int, default=96, help="rows and columns of a scene")
    chosen = arguments.parse_args()
    print("| laws | sensor | rule | bare, ECe > 8 | ECe > 16 | gypsum > 10 % | dry plants > 40 % |")
    print("|---|---|---|---|---|---|---|")
    for laws in LAWS:
        for sensor in SENSORS:
            settings = [
                WorldSettings(seed=seed, rows=chosen.size, columns=chosen.size, laws=laws)
                for seed in chosen.seeds
            ]
            images = [seen(one, name, sensor) for one in settings for name in REGIONS]
            for words, rules in RULES.items():
                cells = " | ".join(f"{share:.1%}" for share in masked(images, rules))
                print(f"| {laws} | {sensor} | {words} | {cells} |", flush=True)


def seen(settings: WorldSettings, region: str, sensor: str) -> Seen:
    """One region as one sensor sees it, with the truth."""
    land = landscape(REGIONS[region], settings)
    taken = acquire(land, settings, sensor=Sensor.load(sensor))
    hidden = sum(taken.flags[name] for name in ("CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE"))
    clear = (taken.classes == LAND) & (hidden == 0)
    values = np.moveaxis(taken.reflectance, 0, -1)[clear][None]
    surface, rows = land.surface, clear.ravel()
    dry, green, ece, gypsum = surface.dry[rows], surface.green[rows], land.ece[rows], land.soil.gypsum[rows]
    bare = (dry < 0.15) & (green < 0.15)
    truth = {
        "ECe > 8": bare & (ece > 8),
        "ECe > 16": bare & (ece > 16),
        "gypsum": bare & (gypsum > 10),
        "dry": dry > 0.4,
    }
    return Seen(Spectra.of_image(values, taken.sensor.axis, sensor=taken.sensor), truth)


def masked(images: list[Seen], rules: SurfaceRules) -> list[float]:
    """Share of the pixels of each truth that the rules mask, over all images."""
    reasons = [judge(one.spectra, np.zeros(one.spectra.values.shape[:2], np.uint8), rules) for one in images]
    return [
        float(
            np.concatenate(
                [
                    (judged.reasons[0] != MaskReason.VALID)[one.truth[which]]
                    for one, judged in zip(images, reasons, strict=True)
                ]
            ).mean()
        )
        for which in images[0].truth
    ]


if __name__ == "__main__":
    main()
