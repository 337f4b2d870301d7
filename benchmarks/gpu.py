"""What a GPU gives: training time and answers of both presets on a GPU beside those on a CPU.

    python benchmarks/gpu.py prepare problems.pkl
    python benchmarks/gpu.py train problems.pkl --device cpu --out cpu.npz
    python benchmarks/gpu.py train problems.pkl --device cuda --out cuda.npz
    python benchmarks/gpu.py compare cpu.npz cuda.npz

`train` needs numpy, scipy, pandas, pyarrow, xarray and torch alone: a machine with a GPU often has no more.
Three simulated problems. "deepsalt": world 0 with 150 ground points, asked on fields that gave none and on an
unseen region that the library covers. "deepsalt-large": its rows drawn with replacement, to 5,000 samples,
50,000 pixels and 500 points, for time alone. "paper": that of paper_speed.py. A pickle runs code when it is
opened: open those alone that you wrote yourself.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
import torch

from deepsalt.training import BridgeData, DeepSaltSettings, PaperSettings, train_deepsalt, train_paper
from deepsalt.training.device_names import DeviceName
from deepsalt.training.tune import read_pixels

LARGE, LAB, UNLABELLED, POINTS, NOISE = "deepsalt-large", 5_000, 50_000, 500, 0.001


class Asked(NamedTuple):
    """A held-out part: what is asked about, and ln(1+ECe)."""

    inputs: tuple[Any, ...]
    y: np.ndarray


class Problem(NamedTuple):
    """What is learned from, a BridgeData or a PaperData, and the parts that are asked about."""

    data: Any
    parts: dict[str, Asked]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = arguments.add_subparsers(dest="step", required=True)
    prepare = steps.add_parser("prepare")
    prepare.add_argument("problems", type=Path)
    train = steps.add_parser("train")
    train.add_argument("problems", type=Path)
    train.add_argument("--device", choices=("cpu", "cuda"), required=True)
    train.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--only", nargs="+", choices=("deepsalt", LARGE, "paper"))
    train.add_argument("--out", type=Path, required=True)
    compare = steps.add_parser("compare")
    compare.add_argument("answers", type=Path, nargs=2)
    chosen = arguments.parse_args()
    if chosen.step == "prepare":
        chosen.problems.write_bytes(pickle.dumps(problems()))
    elif chosen.step == "train":
        found = pickle.loads(chosen.problems.read_bytes())
        torch.set_num_threads(chosen.threads)
        found[LARGE] = Problem(enlarged(found["deepsalt"].data), {})
        wanted = {name: found[name] for name in chosen.only or found}
        answers: dict[str, Any] = dict(trained(wanted, chosen.device, chosen.seeds))
        np.savez(chosen.out, **answers)
    else:
        print(compared(*(np.load(path) for path in chosen.answers)))


def problems() -> dict[str, Problem]:
    import paper_speed
    import worlds

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        task = worlds.learning(0, folder / "world", covered=True, ec_measured=0.4)
        parts = {
            "silent fields": worlds.silent_fields(task.data, task.sites),
            "unseen": task.data.part("unseen"),
        }
        paper = paper_speed.make_problem(0, folder)
        return {
            "deepsalt": bridge_problem(task.data.libraries, task.sites, task.data.unlabelled, parts),
            "paper": Problem(
                paper.data,
                {part: Asked((x, covariates), y) for part, (x, covariates, y, _) in paper.parts.items()},
            ),
        }


def bridge_problem(libraries: Any, sites: Any, unlabelled: Any, parts: Mapping[str, Any]) -> Problem:
    from deepsalt.estimators.bridge_inputs import bridge_data, channel_axis
    from deepsalt.units import log_ece

    channels = channel_axis(sites.axis, DeepSaltSettings().channel_nm)
    data, found, _ = bridge_data(libraries, sites, unlabelled, sites.axis, sites.sensor, channels)
    number = {name: scene for scene, name in enumerate(found.scenes)}
    asked = {}
    for name, part in parts.items():
        scenes = np.array([number[scene] for scene in part.samples["scene"]])
        asked[name] = Asked((part.values, scenes), log_ece(part.samples["ece_ds_m"]))
    return Problem(data, asked)


def enlarged(data: BridgeData) -> BridgeData:
    """Rows drawn with replacement, each spectrum with noise of its own."""
    rng = np.random.default_rng(0)
    asked = {"lab_x": LAB, "sat_x": POINTS, "unlabelled_x": UNLABELLED}
    rows = {name: rng.integers(len(getattr(data, name)), size=count) for name, count in asked.items()}
    lab, sat, loose = rows.values()
    where = data.where
    ground = replace(
        where,
        samples=where.samples[:, lab],
        seen=where.seen[:, lab],
        sat_scene=where.sat_scene[sat],
        unlabelled_scene=where.unlabelled_scene[loose],
        unlabelled_patch=where.unlabelled_patch[loose],
    )
    changes: dict[str, Any] = {
        name: getattr(data, name)[chosen]
        + rng.normal(0.0, NOISE, (len(chosen), getattr(data, name).shape[1]))
        for name, chosen in rows.items()
    }
    changes |= {"lab_y": data.lab_y[lab], "lab_groups": data.lab_groups[lab]}
    changes |= {"sat_y": data.sat_y[sat], "sat_groups": data.sat_groups[sat]}
    return replace(data, teacher_x=None, ground=ground, **changes)


def trained(found: Mapping[str, Problem], device: DeviceName, seeds: list[int]) -> dict[str, np.ndarray]:
    """Seconds (wall, processor), errors of each part, for each problem and seed."""
    kept: dict[str, np.ndarray] = {}
    print(
        f"{device}: {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}, torch {torch.__version__}"
    )
    for name, problem in found.items():
        for seed in seeds:
            start = perf_counter(), process_time()
            ask = (
                deepsalt(problem.data, device, seed)
                if "deepsalt" in name
                else paper(problem.data, device, seed)
            )
            seconds = np.array([perf_counter() - start[0], process_time() - start[1]])
            kept[f"{name}/{seed}/seconds"] = seconds
            told = f"{name}, seed {seed}: {seconds[0]:.1f} s wall, {seconds[1]:.1f} s processor"
            for part, asked in problem.parts.items():
                errors = ask(*asked.inputs) - asked.y
                kept[f"{name}/{seed}/{part}"] = errors
                told += f"; {part} {rms(errors):.3f}"
            print(told, flush=True)
    return kept


def deepsalt(data: BridgeData, device: DeviceName, seed: int) -> Callable[..., np.ndarray]:
    result = train_deepsalt(data, DeepSaltSettings(device=device), seed)
    return lambda pixels, scenes: read_pixels(result.model, pixels, scenes, result.tunings)


def paper(data: Any, device: DeviceName, seed: int) -> Callable[..., np.ndarray]:
    model = train_paper(data, PaperSettings(device=device), seed).model
    return lambda spectra, covariates: model.predict(spectra, covariates).numpy()


def compared(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> str:
    """A table: RMSE with each device, how far their answers differ, and how far those of two seeds do."""
    lines = ["| problem | first: s | second: s | RMSE, first | second | differ by | seeds differ by |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|")
    keys = [key.split("/") for key in one if key in other]
    for name, part in dict.fromkeys((name, part) for name, _, part in keys):
        seeds = [seed for its, seed, what in keys if (its, what) == (name, part)]
        first, second = (np.array([side[f"{name}/{seed}/{part}"] for seed in seeds]) for side in (one, other))
        if part == "seconds":
            lines.append(f"| {name} | {first.mean(axis=0)[0]:.1f} | {second.mean(axis=0)[0]:.1f} | | | | |")
            continue
        apart = f"{rms(first - second):.3f}"
        own = f"{rms(first[0] - first[1]):.3f}" if len(seeds) > 1 else ""
        errors = " | ".join(f"{np.mean([rms(row) for row in side]):.3f}" for side in (first, second))
        lines.append(f"| {name}, {part} | | | {errors} | {apart} | {own} |")
    return "\n".join(lines)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


if __name__ == "__main__":
    main()
