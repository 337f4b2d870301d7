"""What many scenes cost: time by their number, memory, and what a second worker brings.

    python benchmarks/archive.py                       # 1, 4 and 16 scenes; one worker and two
    python benchmarks/archive.py --side 200 --rounds 1

Simulated scenes of random bare soil, and a model that is bound by the processor: layers of random weights on
one thread. Each measurement is a fresh process that has mapped one scene before the clock starts: imports
do not count; with workers the clock starts when each of them has mapped its first scene.

Aims: 1, 4 and 16 scenes in 1, 4 and 16 times the time within 15 %, at the same peak of memory; two workers at
least 1.7 times the throughput of one, on two cores. Prints Markdown; ratios are those within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

COUNTS = (1, 4, 16)
BANDS = 32
WIDTH = 256


class Network:
    """ECe from layers of random weights: worth nothing, and as slow as it was asked to be."""

    name = "random layers"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = False

    def __init__(self, layers: int) -> None:
        rng = np.random.default_rng(0)
        self.first = rng.normal(0, 0.1, (BANDS, WIDTH)).astype(np.float32)
        self.others = [rng.normal(0, 0.06, (WIDTH, WIDTH)).astype(np.float32) for _ in range(layers)]

    def predict(self, spectra: Any) -> np.ndarray:
        answers = []
        for rows in np.array_split(spectra.values, max(1, len(spectra) // 2048)):
            hidden = np.tanh(rows @ self.first)
            for weights in self.others:
                hidden = np.tanh(hidden @ weights)
            answers.append(10 + hidden.mean(axis=1))
        return np.concatenate(answers).astype(np.float64)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--side", type=int, default=300, help="rows and columns of a scene")
    arguments.add_argument("--layers", type=int, default=12)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument(
        "--measure", nargs=3, metavar=("FOLDER", "SCENES", "WORKERS"), help=argparse.SUPPRESS
    )
    chosen = arguments.parse_args()
    if chosen.measure:
        folder, scenes, workers = chosen.measure
        print(json.dumps(measured(Path(folder), int(scenes), int(workers), chosen.layers)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in range(max(COUNTS) + 1):
            write_scene(folder / "in" / f"scene_{number:02}.tif", number, chosen.side)
        rounds = [one_round(folder, chosen.layers) for _ in range(chosen.rounds)]
    print(table(rounds, chosen.side))


def write_scene(path: Path, seed: int, side: int) -> None:
    import rasterio

    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    profile = {
        "driver": "GTiff", "dtype": "int16", "count": BANDS, "height": side, "width": side,
        "crs": "EPSG:32632", "transform": rasterio.Affine(30, 0, 5e5, 0, -30, 5e6 - 1e5 * seed),
        "compress": "deflate", "blockysize": 4, "nodata": -32768,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as data:
        data.write(rng.integers(2000, 2400, (BANDS, side, side)).astype(np.int16))
        data.scales = [1e-4] * BANDS
        for band, centre in enumerate(np.linspace(450, 2400, BANDS), 1):
            data.update_tags(band, wavelength=f"{centre:.1f}", wavelength_units="nm", fwhm="20")


def one_round(folder: Path, layers: int) -> dict[str, dict[str, float]]:
    asked = {f"{count} scenes": (count, 0) for count in COUNTS}
    asked |= {f"{workers} workers": (max(COUNTS), workers) for workers in (1, 2)}
    return {name: in_fresh_process(folder, *what, layers) for name, what in asked.items()}


def in_fresh_process(folder: Path, scenes: int, workers: int, layers: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--layers", str(layers), "--measure", str(folder)]
    threads = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command += [str(scenes), str(workers)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=threads)
    return json.loads(done.stdout)


def measured(folder: Path, scenes: int, workers: int, layers: int) -> dict[str, float]:
    """Seconds for so many scenes, scenes a second, and the peak of this process in MiB."""
    from deepsalt.archive import Recipe, map_archive, plan_maps

    paths = sorted(map(str, (folder / "in").glob("*.tif")))
    with tempfile.TemporaryDirectory(dir=folder) as out:
        recipe = Recipe(partial(Network, layers), f"random {layers}", Path(out))
        warm = 0 if workers else 1
        plan = plan_maps(recipe, paths[: scenes + warm])
        ended: list[float] = []

        def clock(what: str, done: int, of: int) -> None:
            if done == of or what == "mapping scenes":
                ended.append(perf_counter())

        outcome = map_archive(plan, recipe, clock, workers=workers)
    if outcome.failed:
        sys.exit(outcome.failed[0].said)
    first = workers if workers else 0
    counted = len(ended) - 1 - first
    seconds = ended[-1] - ended[first]
    return {"seconds": seconds, "rate": counted / seconds, "mib": peak_mib()}


def peak_mib() -> float:
    """High-water mark of this process alone (Linux): getrusage would count what the parent held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def table(rounds: list[dict[str, dict[str, float]]], side: int) -> str:
    def spread(values: list[float]) -> str:
        return f"{np.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"

    lines = [
        f"Scenes of {side} x {side} x {BANDS}, simulated; {len(rounds)} rounds.",
        "",
        "| what | wall, s | time / (scenes x time of one) | peak, MiB |",
        "|---|---:|---|---:|",
    ]
    for count in COUNTS:
        name = f"{count} scenes"
        ratio = [r[name]["seconds"] / (count * r["1 scenes"]["seconds"]) for r in rounds]
        wall, mib = (np.median([r[name][key] for r in rounds]) for key in ("seconds", "mib"))
        lines.append(f"| {name} | {wall:.1f} | {spread(ratio)} | {mib:.0f} |")
    gain = [r["2 workers"]["rate"] / r["1 workers"]["rate"] for r in rounds]
    return "\n".join([*lines, "", f"Two workers: {spread(gain)} times the throughput of one."])


if __name__ == "__main__":
    main()
