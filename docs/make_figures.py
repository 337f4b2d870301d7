"""The picture of README.md, drawn from a demo folder.

python docs/make_figures.py demo docs/images
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from deepsalt.mapping.quicklook import compare_figure, png_bytes, read_small
from deepsalt.units import log_ece


def main(demo: Path, out: Path) -> None:
    """The map of the unseen region beside its truth."""
    world = json.loads((demo / "world" / "world.json").read_text(encoding="utf-8"))
    unseen = json.loads((demo / "run" / "config.json").read_text(encoding="utf-8"))["split"]["unseen_region"]
    scene = next(region["scene"] for region in world["regions"] if region["name"] == unseen)
    folder = demo / "run" / "maps" / scene
    mapped, extent, unit = read_small(folder / "ece.tif")
    truth, _, _ = read_small(folder / "truth.tif")
    truth = np.where(np.isnan(mapped), np.nan, truth)
    figure = compare_figure(mapped, truth, log_ece(mapped) - log_ece(truth), extent=extent, unit=unit)
    out.mkdir(parents=True, exist_ok=True)
    (out / "demo-unseen-region.png").write_bytes(png_bytes(figure))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
