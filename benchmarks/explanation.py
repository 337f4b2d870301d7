"""What trained models read: the figures and tables of docs/explain.md.

    python benchmarks/explanation.py demo --out docs/images
    python benchmarks/explanation.py icraf_isric_visnir.parquet --ec ec1:2.5 --out docs/images

Of a demo folder: the student over random valid pixels of every scene, and its answer for the saltiest of
them. Of a library: a teacher that learned from four fifths of the profiles, over the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from reading import read_spectra

import deepsalt as ds
from deepsalt.estimators.loading import load_any
from deepsalt.evaluation.explanation import model_explanation, sample_explanation
from deepsalt.pipeline.explain import pixels_of
from deepsalt.pipeline.prepare import open_scenes
from deepsalt.pipeline.run import plain
from deepsalt.report.explanation import check_lines, way
from deepsalt.report.explanation_figures import explanation_figure
from deepsalt.report.figures import png
from deepsalt.splits import grouped_holdout

PIXELS, SAMPLES = 1_000, 400


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, help="a demo folder, or a library")
    parser.add_argument("--ec", help="method of the library's EC")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="", help="put into the names of the figures")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    start = perf_counter()
    made = of_library(given.path, given.ec) if given.ec else of_demo(given.path)
    for name, document in made.items():
        (given.out / f"explain-{given.name}{name}.png").write_bytes(png(explanation_figure(document)))
        print(f"\n{name}")
        for line in [*table(document), *check_lines(document)]:
            print(line)
    print(f"{perf_counter() - start:.0f} s")


def of_demo(demo: Path) -> dict[str, dict[str, Any]]:
    """The demo's student over pixels of all scenes, and the saltiest of these pixels."""
    world = json.loads((demo / "world" / "world.json").read_text(encoding="utf-8"))
    scenes = open_scenes([str(demo / "world" / "scenes" / "*")])
    model = load_any(demo / "run" / "model.safetensors")
    pixels = pixels_of(scenes, PIXELS, int(world.get("seed", 0)))
    saltiest = int(np.nanargmax(model.predict(pixels)))
    sample = pixels.take(np.array([saltiest]))
    return {
        "student": plain(model_explanation(model, pixels)),
        "pixel": plain(sample_explanation(model, sample, pixels)),
    }


def of_library(path: Path, ec: str) -> dict[str, dict[str, Any]]:
    """A teacher of EC as measured, over profiles that it did not learn from."""
    library = read_spectra(path, ec=ec)
    measured = library.take(np.isfinite(library.samples["ec_ds_m"].to_numpy(float)))
    target = measured.samples["ec_ds_m"].to_numpy(float)
    train, held = grouped_holdout(measured.samples["group"].to_numpy(), 0.2, 0, target)
    model = ds.LabRegressor().fit(measured.take(train), "ec_ds_m")
    asked = measured.take(held[:SAMPLES])
    return {"library": plain(model_explanation(model, asked, measured.take(held)))}


def table(document: Mapping[str, Any], most: int = 8) -> list[str]:
    """The windows whose loss moves the answer most, and the known features, as Markdown."""
    of_model = document["of"] == "model"
    lines = ["| window | when hidden | shared out | |", "|---|---:|---:|---|"]
    for name, count in (("windows", most), ("features", len(document["features"]))):
        for one in sorted(document[name], key=lambda one: -size(one, of_model))[:count]:
            lines.append(
                f"| {one['name']} | {cell(one, 'hidden')} | {cell(one, 'gradients')} | {what(one)} |"
            )
    return lines


def size(one: Mapping[str, Any], of_model: bool) -> float:
    return float(one["hidden"]["importance"] if of_model else abs(one["hidden"]))


def cell(one: Mapping[str, Any], key: str) -> str:
    found = one[key]
    if not isinstance(found, Mapping):
        return f"{found:+.3f}"
    interval = found["interval"]
    return f"{found['importance']:.3f}" + (f" ({interval[0]:.3f}-{interval[1]:.3f})" if interval else "")


def what(one: Mapping[str, Any]) -> str:
    return way(one["hidden"]) if isinstance(one["hidden"], Mapping) else str(one.get("material", ""))


if __name__ == "__main__":
    main()
