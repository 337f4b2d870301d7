"""What a whole map costs beside the mere reading of its bands.

    python benchmarks/map_speed.py                     # 1,200 x 1,000 x 224, int16, as delivered
    python benchmarks/map_speed.py --rows 240 --columns 200 --rounds 1

Writes a simulated EnMAP product (as benchmarks/satellite_read.py does) and trains two small models of the
default shape, with intervals: one reads a scene by a plane through its networks' answers, as by default; of
the other (`planar = false`) the networks answer each pixel. Then in fresh processes, each of which maps a
small scene first (that loads libraries, which a scene of its own should not be charged for), by turns:

    rasterio   the windows of the image by rasterio alone, in the file's own strips
    networks   the whole map by the networks: ECe, 90 % interval, P(ECe > 4), class, mask, their styles
    plane      the same by the plane, its scene tuned first (new to the model, as most are)

Aim: a map in at most 1.5 times the time of rasterio, below 1.5 GiB in all; interval and probability at most
20 % on top of the bare prediction; answers as those of the plain float32 path within 1e-4 on ln(1+ECe).
Prints Markdown: medians over the rounds, the ratio within each round, and processor seconds of each stage.
Accuracy is not asked here: the models are trained for a few steps. On a machine that others use, compare
processor seconds; wall times say little there.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time, thread_time
from typing import Any

import numpy as np
from satellite_read import medians, peak_mib, write_product

QUICK: dict[str, Any] = {"steps": 60, "land_steps": 20, "teacher_steps": 60}
MODELS = ("networks", "plane")
REGION = "alluvial_basin"  # that `write_product` shows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=1200)
    arguments.add_argument("--columns", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--keep", type=Path, help="folder for product and models, used again if there")
    arguments.add_argument("--measure", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.measure:
        what, folder = chosen.measure
        print(json.dumps(measured(what, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        prepare(folder, chosen)
        names = ("rasterio", *MODELS)
        rounds = [{name: in_fresh_process(name, folder) for name in names} for _ in range(chosen.rounds)]
        shares, parts = (in_fresh_process(what, folder) for what in ("answers", "stages"))
    print(table(rounds, shares, parts, chosen))


def prepare(folder: Path, chosen: argparse.Namespace) -> None:
    """The product and the models in `folder`, unless they are there."""
    if not (folder / "product").is_dir():
        (folder / "product").mkdir(parents=True)
        write_product(folder / "product", chosen.rows, chosen.columns, chosen.seed)
    if not (folder / "plane.safetensors").is_file():
        write_models(folder, chosen.seed)


def write_models(folder: Path, seed: int) -> None:
    from deepsalt.estimators import DeepSaltRegressor
    from deepsalt.pipeline.demo import demo_config
    from deepsalt.pipeline.prepare import prepare as prepared
    from deepsalt.simulate import WorldSettings, simulate_world
    from deepsalt.training import DeepSaltSettings

    world = WorldSettings(seed=seed, rows=64, columns=64)
    root = simulate_world(folder / "world", world).root
    data = prepared(demo_config(root, world, {}), lambda *_: None)
    settings = replace(DeepSaltSettings(), **QUICK)
    library = data.libraries["visnir"]
    placeless = replace(library, samples=library.samples.drop(columns=["latitude", "longitude"]))
    for name, lab in (("plane", library), ("networks", placeless)):
        model = DeepSaltRegressor(replace(settings, planar=name == "plane"), seed=seed)
        model.fit(lab, data.part("train"), data.unlabelled)
        model.save(folder / f"{name}.safetensors")


def on_known_land(scene: Any, folder: Path) -> Any:
    """The scene with pixels so small that it lies where the world's own scene of that region does: one that
    reaches beyond what the library has samples of is not tuned."""
    from reading import read_scene

    from deepsalt.simulate import World

    own = read_scene(World.open(folder / "world").scene(REGION))
    a, b, c, d, e, f = own.transform
    across, down = own.width / scene.width, own.height / scene.height
    return replace(scene, crs=own.crs, transform=(a * across, b * down, c, d * across, e * down, f))


def product_of(folder: Path) -> Path:
    return next((folder / "product").iterdir())


def in_fresh_process(what: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", what, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(what: str, folder: Path) -> dict[str, Any]:
    """Seconds, processor seconds and the peak of the whole process in MiB; of a map also its valid pixels."""
    if what == "answers":
        return {name: cost_of_answers(name, folder) for name in MODELS}
    if what == "stages":
        return stages(folder)
    import rasterio
    from reading import read_scene

    from deepsalt.estimators import load_regressor
    from deepsalt.mapping import map_scene

    scene = on_known_land(read_scene(product_of(folder)), folder)
    image = next(product_of(folder).glob("*SPECTRAL_IMAGE.TIF"))
    windows = list(scene.windows())
    facts: dict[str, Any] = {}
    model = None if what == "rasterio" else load_regressor(folder / f"{what}.safetensors")
    if model is not None:
        began = perf_counter()
        with tempfile.TemporaryDirectory(dir=folder) as out:
            map_scene(model, read_scene(next((folder / "world" / "scenes").iterdir())), out)
        facts["libraries"] = perf_counter() - began
    began, used = perf_counter(), process_time()
    if model is None:
        with rasterio.open(image) as data:
            for row, column, rows, columns in windows:
                data.read(window=rasterio.windows.Window(column, row, columns, rows))
    else:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            made = map_scene(model, scene, out)
            facts |= {
                "valid": made.summary["valid"],
                "layers": list(made.summary["layers"]),
                "notes": made.summary["notes"],
            }
    wall, processor = perf_counter() - began, process_time() - used
    return {"wall": wall, "processor": processor, "mib": peak_mib(), **facts}


def cost_of_answers(name: str, folder: Path) -> dict[str, float]:
    """Processor seconds of the bare prediction and of all answers for 262,144 pixels; and how far the
    fast path is from the plain one, ln(1+ECe)."""
    from reading import read_scene

    from deepsalt.estimators import DeepSaltRegressor
    from deepsalt.preprocessing.bare_soil import bare_soil
    from deepsalt.units import log_ece

    scene = on_known_land(read_scene(product_of(folder)), folder)
    model = DeepSaltRegressor.load(folder / f"{name}.safetensors").for_scene(scene)
    spectra = next(part.spectra for part in bare_soil(scene) if len(part.spectra) > 100)
    rows = np.random.default_rng(0).integers(len(spectra), size=262_144)
    spectra = spectra.take(rows)
    bare, everything = best_of_two(lambda: model.predict(spectra), lambda: model.answers(spectra))
    student, values = model._readable(spectra)
    import torch

    from deepsalt.models import Tuning

    student = student.tuned(model.scenes_.get(scene.name, Tuning())).eval()
    with torch.inference_mode():
        plain = student(torch.as_tensor(values))[0] * student.line[0] + student.line[1]
        plain = torch.minimum(plain.mean(dim=0).clamp(min=0.0), student.ceiling).numpy()
    off = float(np.abs(log_ece(model.predict(spectra)) - plain).max())
    return {"bare": bare, "all": everything, "off": off}


def best_of_two(
    one: Callable[[], object], other: Callable[[], object], times: int = 21
) -> tuple[float, float]:
    """Fewest processor seconds of each of two, by turns: so they compare on a machine that others use."""
    found: dict[Callable[[], object], list[float]] = {one: [], other: []}
    for _ in range(times):
        for work, seconds in found.items():
            began = process_time()
            work()
            seconds.append(process_time() - began)
    return min(found[one]), min(found[other])


#: Stages of the thread that predicts, by the function that does them.
STAGES = {
    "all answers": ("regressor.py", "answers"),
    "answers placed in layers": ("window.py", "_layers"),
    "windows written": ("layer_files.py", "write"),
    "numbers of map.json counted": ("tally.py", "add"),
    "quicklook": ("quicklook.py", "write_quicklook"),
    "styles, map.json and STAC item": ("engine.py", "_write_beside"),
}


def stages(folder: Path) -> dict[str, float]:
    """Processor seconds of each stage of a map by the networks."""
    from reading import read_scene

    from deepsalt.estimators import load_regressor
    from deepsalt.mapping import map_scene
    from deepsalt.preprocessing.masks import DEFAULT_RULES
    from deepsalt.preprocessing.read_ahead import read_part
    from deepsalt.spectra import MaskReason

    scene = on_known_land(read_scene(product_of(folder)), folder)
    model = load_regressor(folder / "networks.safetensors")

    def bare(window: Any) -> None:
        part = read_part(scene, window)
        reasons = part.reasons(scene.sensor.axis, DEFAULT_RULES)
        part.loaded.pixels(np.flatnonzero(reasons == MaskReason.VALID))

    with tempfile.TemporaryDirectory(dir=folder) as out:
        map_scene(model, read_scene(next((folder / "world" / "scenes").iterdir())), out)
    found = {"windows read as they are stored (threads)": thread_seconds(scene, scene.load)}
    found["quality layers (threads)"] = thread_seconds(scene, scene.mask)
    found["both, surface rules, valid pixels taken (threads)"] = thread_seconds(scene, bare)
    profile = cProfile.Profile(thread_time)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        profile.runcall(map_scene, model, scene, out)
    return found | {stage: seconds_in(profile, *where) for stage, where in STAGES.items()}


def thread_seconds(scene: Any, work: Callable[[Any], object]) -> float:
    began = thread_time()
    for window in scene.windows():
        work(window)
    return thread_time() - began


def seconds_in(profile: cProfile.Profile, file: str, function: str) -> float:
    profile.create_stats()
    entries: dict[tuple[str, int, str], Any] = profile.stats
    return sum(e[3] for key, e in entries.items() if key[0].endswith(f"/{file}") and key[2] == function)


def table(
    rounds: list[dict[str, dict[str, Any]]],
    answers: dict[str, Any],
    parts: dict[str, float],
    chosen: argparse.Namespace,
) -> str:
    pixels = chosen.rows * chosen.columns
    lines = [
        f"EnMAP product of {chosen.rows:,} x {chosen.columns:,} x 224, {len(rounds)} rounds, simulated.",
        "",
        "| what | wall, s | processor, s | peak, MiB | pixels a second | wall / rasterio |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name in rounds[0]:
        wall, processor, mib, told = medians(rounds, name)
        lines.append(f"| {name} | {wall:.2f} | {processor:.2f} | {mib:.0f} | {pixels / wall:,.0f} | {told} |")
    lines += [
        "",
        "| 262,144 pixels in memory | bare prediction, s | all answers, s | on top | off, ln(1+ECe) |",
    ]
    lines.append("|---|---:|---:|---:|---:|")
    for name, cost in answers.items():
        extra = cost["all"] / cost["bare"] - 1
        lines.append(f"| {name} | {cost['bare']:.3f} | {cost['all']:.3f} | {extra:.0%} | {cost['off']:.1e} |")
    lines += ["", "| stage, networks | seconds |", "|---|---:|"]
    lines += [f"| {stage} | {seconds:.2f} |" for stage, seconds in parts.items()]
    valid, layers = rounds[0]["networks"]["valid"], ", ".join(rounds[0]["networks"]["layers"])
    return "\n".join([*lines, "", f"{valid:,} of {pixels:,} pixels are valid; layers: {layers}."])


if __name__ == "__main__":
    main()
