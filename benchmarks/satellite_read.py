"""What it costs to read an EnMAP-sized scene, mask it and keep its bare-soil spectra.

    python benchmarks/satellite_read.py                # 1,200 x 1,000 x 224, int16, strips of three rows
    python benchmarks/satellite_read.py --rows 240 --columns 200 --rounds 1

Writes a simulated product in the real structure (a simulated scene repeated, with noise of its own in every
pixel, so that it is as hard to decompress as a real one), then in fresh processes, by turns:

    rasterio      the windows of the image by rasterio alone, in the file's own strips
    deepsalt      the same windows as reflectance, the quality layers, the surface rules, the spectra kept
    wrong shape   by rasterio alone again, in square windows that cut every strip

Aim: deepsalt in at most 1.5 times the time of rasterio, below 1 GiB beyond the interpreter and libraries.
Prints Markdown: the median over the rounds, and the ratio within each round.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

SQUARE = 128


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=1200)
    arguments.add_argument("--columns", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--measure", nargs=2, metavar=("WHAT", "PRODUCT"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.measure:
        what, product = chosen.measure
        print(json.dumps(measured(what, Path(product))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        product = write_product(Path(scratch), chosen.rows, chosen.columns, chosen.seed)
        names = ("rasterio", "deepsalt", "wrong shape")
        rounds = [{name: in_fresh_process(name, product) for name in names} for _ in range(chosen.rounds)]
    print(table(rounds, chosen))


def write_product(folder: Path, rows: int, columns: int, seed: int) -> Path:
    """An EnMAP product of any size: one simulated scene mirrored over and over, with noise anew."""
    from deepsalt.simulate import REGIONS, WorldSettings
    from deepsalt.simulate.acquisition import acquire
    from deepsalt.simulate.enmap_product import write_enmap
    from deepsalt.simulate.landscape import landscape
    from deepsalt.simulate.view import View

    settings = WorldSettings(seed=seed)
    taken = acquire(landscape(REGIONS["alluvial_basin"], settings), settings)

    def spread(values: np.ndarray) -> np.ndarray:
        y, x = (
            np.pad(np.arange(n), (0, max(0, wanted - n)), mode="symmetric")[:wanted]
            for n, wanted in zip(values.shape[-2:], (rows, columns), strict=True)
        )
        return values[..., y, :][..., x]

    reflectance = spread(taken.reflectance)
    rng = np.random.default_rng(seed)
    for number in range(len(reflectance)):
        reflectance[number] += rng.normal(0.0, 0.003, (rows, columns)).astype(np.float32)
    grid = replace(taken.grid, rows=rows, columns=columns)
    view = View((rows, columns), taken.view.latitude, taken.view.longitude, None, grid)
    flags = {name: spread(layer) for name, layer in taken.flags.items()}
    large = replace(
        taken,
        view=view,
        reflectance=reflectance,
        defective=spread(taken.defective),
        classes=spread(taken.classes),
        flags=flags,
    )
    return write_enmap(large, folder)


def in_fresh_process(what: str, product: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", what, str(product)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(what: str, product: Path) -> dict[str, float]:
    """Seconds, processor seconds, MiB beyond the libraries, and how many spectra were kept."""
    import rasterio
    from reading import read_scene

    from deepsalt.preprocessing.bare_soil import bare_soil

    scene = read_scene(product)
    image = next(product.glob("*SPECTRAL_IMAGE.TIF"))
    windows: list[tuple[int, int, int, int]] = list(scene.windows())
    if what == "wrong shape":
        windows = list(squares(scene.height, scene.width))
    before, began, used = peak_mib(), perf_counter(), process_time()
    kept = 0
    if what == "deepsalt":
        kept = sum(len(part.spectra) for part in bare_soil(scene))
    else:
        with rasterio.open(image) as data:
            for row, column, rows, columns in windows:
                data.read(window=rasterio.windows.Window(column, row, columns, rows))
    wall, processor = perf_counter() - began, process_time() - used
    return {"wall": wall, "processor": processor, "mib": peak_mib() - before, "kept": kept}


def squares(height: int, width: int) -> Iterable[tuple[int, int, int, int]]:
    for row in range(0, height, SQUARE):
        for column in range(0, width, SQUARE):
            yield row, column, min(SQUARE, height - row), min(SQUARE, width - column)


def peak_mib() -> float:
    """High-water mark of this process alone (Linux): getrusage would count what the parent held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def medians(rounds: list[dict[str, dict[str, Any]]], name: str) -> tuple[float, float, float, str]:
    """Wall and processor seconds, MiB, and in words the wall time over rasterio's in the same round."""
    wall, processor, mib = (
        float(np.median([r[name][key] for r in rounds])) for key in ("wall", "processor", "mib")
    )
    ratios = sorted(r[name]["wall"] / r["rasterio"]["wall"] for r in rounds)
    return wall, processor, mib, f"{np.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def table(rounds: list[dict[str, dict[str, float]]], chosen: argparse.Namespace) -> str:
    lines = [
        f"EnMAP product of {chosen.rows:,} x {chosen.columns:,} x 224, {len(rounds)} rounds, simulated.",
        "",
        "| what | wall, s | processor, s | MiB beyond the libraries | wall / rasterio |",
        "|---|---:|---:|---:|---|",
    ]
    for name in rounds[0]:
        wall, processor, mib, told = medians(rounds, name)
        lines.append(f"| {name} | {wall:.2f} | {processor:.2f} | {mib:.0f} | {told} |")
    kept = int(rounds[0]["deepsalt"]["kept"])
    return "\n".join([*lines, "", f"{kept:,} of {chosen.rows * chosen.columns:,} pixels were kept."])


if __name__ == "__main__":
    main()
