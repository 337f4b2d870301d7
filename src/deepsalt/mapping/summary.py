"""What a map says in numbers: pixels and hectares per class, reasons for the masked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.files import written_whole
from deepsalt.mapping.cog import Grid
from deepsalt.mapping.folder import SUMMARY
from deepsalt.mapping.questions import DEFAULT_QUESTIONS, Questions
from deepsalt.mapping.tally import SceneTally
from deepsalt.mapping.truth import TRUTH, compare_with_truth
from deepsalt.mapping.window import Job
from deepsalt.readers.raster import open_raster
from deepsalt.salinity.classes import ClassScheme

#: Of the valid pixels' ECe, told in map.json.
PERCENTILES = (5, 50, 95)


def summarise(
    folder: Path,
    job: Job,
    tally: SceneTally,
    *,
    layers: Mapping[str, str],
    provenance: Mapping[str, str],
    notes: list[str],
) -> dict[str, Any]:
    """The content of map.json of a scene's map.

    layers  the files in `folder` by the names of their layers
    """
    counts = tally.counts(job.level, _distribution(tally.ece))
    if (
        counts["valid"]
        and "interval" not in counts
        and Questions(job.level, job.thresholds) != DEFAULT_QUESTIONS
    ):
        notes = [
            *notes,
            "The model does not know its errors: no interval and no probability, though asked for.",
        ]
    return map_facts(
        folder,
        job.scene.name,
        Grid.of(job.scene),
        job.scheme,
        counts,
        model=job.predictor.name,
        layers=layers,
        provenance=provenance,
        notes=notes,
    )


def map_facts(
    folder: Path,
    name: str,
    grid: Grid,
    scheme: ClassScheme,
    counts: Mapping[str, Any],
    *,
    model: str,
    layers: Mapping[str, str],
    provenance: Mapping[str, str],
    notes: list[str],
) -> dict[str, Any]:
    """What map.json tells of any map whose layers are in `folder`.

    name    of the scene, or of what was made of several
    counts  `valid` pixels, `reasons` of the masked, `classes`, percentiles of `ece`, what is known of errors
    layers  the files in `folder` by the names of their layers
    """
    with open_raster(folder / "ece.tif") as dataset:
        bounds = [float(edge) for edge in dataset.bounds]
    if not counts["valid"]:
        most = max(counts["reasons"], key=lambda reason: counts["reasons"][reason]).replace("_", " ")
        notes = [*notes, f"No pixel has a value; most are masked because of: {most}."]
    facts: dict[str, Any] = {
        "scene": name,
        "model": model,
        "bounds": bounds,
        "crs": grid.crs,
        "unit": "dS/m",
        "scheme": {"name": scheme.name, "source": scheme.source},
        "pixels": grid.height * grid.width,
        **counts,
        "layers": dict(layers),
        "provenance": dict(provenance),
        "notes": notes,
    }
    if (folder / TRUTH).is_file():
        facts["layers"]["truth"] = TRUTH
        facts["truth"] = compare_with_truth(folder / "ece.tif", folder / TRUTH)
    return facts


def percentiles_told(found: Iterable[float] | None) -> dict[str, float | None]:
    """`PERCENTILES` of the valid pixels' ECe in dS/m, by name; None for a map without any."""
    names = ("p5", "median", "p95")
    if found is None:
        return dict.fromkeys(names)
    return {name: round(float(value), 4) for name, value in zip(names, found, strict=True)}


def write_summary(folder: Path, facts: Mapping[str, Any]) -> Path:
    with written_whole(folder / SUMMARY) as aside:
        aside.write_text(json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return folder / SUMMARY


def _distribution(ece: NDArray[np.float32]) -> dict[str, float | None]:
    return percentiles_told(np.percentile(ece.astype(np.float64), PERCENTILES) if len(ece) else None)
