"""What the preset `deepsalt` costs: time and memory of training, pixels a second, and the error of folding.

    python benchmarks/deepsalt_speed.py --seed 0

Trains on 5,000 laboratory samples, 50,000 pixels without a label and 500 labelled points, drawn with
replacement from one simulated world and changed by a little noise: sizes are honest, accuracy is not asked.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch

from deepsalt.estimators import DeepSaltRegressor
from deepsalt.pipeline.demo import demo_config
from deepsalt.pipeline.prepare import prepare
from deepsalt.simulate import WorldSettings, simulate_world
from deepsalt.spectra import Spectra

LAB, UNLABELLED, POINTS, PIXELS = 5_000, 50_000, 500, 200_000
NOISE = 0.001


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--workers", type=int, default=2, help="processes of the training")
    chosen = arguments.parse_args()
    libraries, sites, unlabelled = problem(chosen.seed)
    before = peak_mib()
    torch.set_num_threads(1)
    start = perf_counter(), processor_seconds()
    model = DeepSaltRegressor(seed=chosen.seed, workers=chosen.workers).fit(libraries, sites, unlabelled)
    trained = perf_counter() - start[0], processor_seconds() - start[1]
    peak, worker = peak_mib(), peak_mib(resource.RUSAGE_CHILDREN)
    wall, processor = pixel_rate(model, unlabelled, chosen.seed)
    rows = [
        ("training, wall", f"{trained[0]:.1f} s"),
        ("training, processor, all processes", f"{trained[1]:.1f} s"),
        ("peak memory of the process after training", f"{peak:.0f} MiB (before it {before:.0f} MiB)"),
        ("peak memory of the largest of its workers", f"{worker:.0f} MiB"),
        ("all of them together, at most", f"{peak + chosen.workers * worker:.0f} MiB"),
        ("pixels a second, one thread, wall", f"{wall:,.0f}"),
        ("pixels a second, one thread, processor", f"{processor:,.0f}"),
        ("largest difference of folded and unfolded, ln(1+ECe)", f"{folding_error(model, unlabelled):.1e}"),
        ("bands", str(len(model.inputs_.axis))),
    ]
    print("| what | measured |\n|---|---|")
    print("\n".join(f"| {what} | {value} |" for what, value in rows))


def problem(seed: int) -> tuple[dict[str, Spectra], Spectra, Spectra]:
    """Libraries, labelled points and pixels of the stated sizes."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = WorldSettings(seed=seed, rows=64, columns=64)
        world = simulate_world(Path(scratch) / "world", settings)
        found = prepare(demo_config(world.root, settings, {}), lambda *_: None)
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(next(iter(found.libraries.values()))), size=LAB)
    libraries = {name: grown(one, rows, rng, new_ids=True) for name, one in found.libraries.items()}
    train, pool = found.part("train"), found.unlabelled
    sites = grown(train, rng.integers(len(train), size=POINTS), rng)
    return libraries, sites, grown(pool, rng.integers(len(pool), size=UNLABELLED), rng)


def grown(table: Spectra, rows: np.ndarray, rng: np.random.Generator, new_ids: bool = False) -> Spectra:
    """These rows, each with noise of its own; new ids keep the rows of two domains together."""
    taken = table.take(rows)
    values = taken.values + rng.normal(0.0, NOISE, taken.values.shape)
    told = taken.with_values(values, taken.axis, sensor=taken.sensor, step="drawn with replacement")
    return told.with_samples(id=np.arange(len(rows)).astype(str)) if new_ids else told


def peak_mib(who: int = resource.RUSAGE_SELF) -> float:
    """Largest resident memory of this process so far, or of one that it started (Linux tells it in KiB)."""
    return resource.getrusage(who).ru_maxrss / 2**10


def processor_seconds() -> float:
    """Of this process and of those it started that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def pixel_rate(model: DeepSaltRegressor, pool: Spectra, seed: int) -> tuple[float, float]:
    """Pixels a second of the bare model, by wall clock and by processor time; best of three."""
    rows = np.random.default_rng(seed).integers(len(pool), size=PIXELS)
    pixels = np.ascontiguousarray(pool.values[rows])
    model.model_.predict(pixels[:4_096])
    times = []
    for _ in range(3):
        start = perf_counter(), process_time()
        model.model_.predict(pixels)
        times.append((perf_counter() - start[0], process_time() - start[1]))
    wall, processor = np.min(times, axis=0)
    return PIXELS / float(wall), PIXELS / float(processor)


def folding_error(model: DeepSaltRegressor, pool: Spectra) -> float:
    """Largest difference of the answer with one folded matrix from that with all steps, ln(1+ECe)."""
    student = model.model_.eval()
    pixels = torch.tensor(np.array(pool.values))
    with torch.inference_mode():
        unfolded = student(pixels)[0].mean(dim=0).clamp(min=0.0)
    unfolded = torch.minimum(unfolded, student.ceiling)
    return float((student.predict(pixels) - unfolded).abs().max())


if __name__ == "__main__":
    main()
