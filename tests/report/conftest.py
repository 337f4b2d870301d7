"""A run folder made of known numbers, without training anything."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepsalt.evaluation.protocol import CROSS_VALIDATION, TEST, UNSEEN, metrics_document
from deepsalt.salinity import USDA

REGIONS = ("delta", "steppe", "fan")


def predictions(noise: dict[str, float], parts: dict[str, int], seed: int = 1) -> pd.DataFrame:
    """Each method errs by its own noise on ln(1 + ECe); samples and groups are shared by the methods."""
    rng = np.random.default_rng(seed)
    tables = []
    for part, count in parts.items():
        truth = rng.gamma(1.2, 1.1, count)
        for method, spread in noise.items():
            guess = np.full(count, truth.mean()) if method == "mean" else truth + rng.normal(0, spread, count)
            tables.append(
                pd.DataFrame(
                    {
                        "method": method,
                        "part": part,
                        "id": [f"{part}-{i}" for i in range(count)],
                        "group": [f"field-{i // 5}" for i in range(count)],
                        "region": [REGIONS[i % len(REGIONS)] for i in range(count)],
                        "observed": np.expm1(truth),
                        "predicted": np.expm1(np.maximum(guess, 0)),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def write(folder: Path, name: str, content: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


@cache
def satellite_result() -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predictions and metrics of `satellite_run`; nobody changes them."""
    noise = {"mean": 0.0, "plsr": 0.5, "boosting": 0.45, "student-alone": 0.6, "paper": 0.3}
    table = predictions(noise, {"test": 90, "unseen": 60})
    document = metrics_document(
        table,
        [TEST, UNSEEN],
        target="ECe",
        simulated=True,
        training={"seconds": {"plsr": 1.5, "paper": 61.25}, "tuned": {"plsr": {"components": 10}}},
        notes=["Alignment tells pairs apart: cosine of 80 held-out pairs 0.71, of shuffled pairs 0.12."],
    )
    return table, document


def satellite_run(folder: Path) -> Path:
    """Five methods, two parts, curves, no map yet."""
    folder.mkdir(parents=True, exist_ok=True)
    table, document = satellite_result()
    write(folder, "metrics", document)
    table.to_parquet(folder / "predictions.parquet")
    epochs = list(range(1, 41))
    falling = [float(2 * np.exp(-e / 9) + 0.1) for e in epochs]
    stages = ["lab autoencoder", "satellite autoencoder", "alignment", "teacher", "student"]
    write(
        folder,
        "history",
        [
            {
                "stage": stage,
                "loss": "reconstruction + sparsity" if "auto" in stage else "mean squared error",
                "epoch": epochs,
                "train": falling,
                "validation": [1.15 * value for value in falling],
                "best_epoch": 35,
            }
            for stage in stages
        ],
    )
    write(
        folder,
        "data",
        {
            "library": {"samples": 1200, "spectra": "mid infrared, 600-4000 cm-1", "label": "EC1:2"},
            "scenes": [{"name": f"ENMAP-{r}", "pixels": 10000, "acquired": "2024-06-01"} for r in REGIONS],
            "points": {"points": 300, "fields": 60},
            "pairs": {"pairs": 180, "median distance, m": 11.5},
            "fingerprints": {"library.parquet": "00ff00ff00ff00ff"},
        },
    )
    write(folder, "config", {"name": "three regions", "seed": 7, "method": {"preset": "paper"}})
    write(folder, "split", {"test": {"points": 90, "fields": [f"field-{i}" for i in range(18)]}})
    write(folder, "versions", {"deepsalt": "0.1.0", "numpy": "2.0.0"})
    return folder


def lab_run(folder: Path) -> Path:
    """A cross-validation on EC1:2.5, without regions, curves or maps."""
    folder.mkdir(parents=True, exist_ok=True)
    table = predictions({"mean": 0.0, "plsr": 0.3, "teacher": 0.5}, {"cv": 150}).assign(region="")
    document = metrics_document(
        table, [CROSS_VALIDATION], target="EC1:2.5", simulated=False, training={"folds": 5}
    )
    write(folder, "metrics", document)
    table.to_parquet(folder / "predictions.parquet")
    return folder


class Layers:
    """A predictor whose answer is the second band; for maps of a known field."""

    name = "paper"
    covariates: tuple[str, ...] = ()
    accepts_missing_covariates = True

    def predict(self, spectra: Any) -> np.ndarray:
        return spectra.values[:, 2].astype(np.float64) * 100


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return satellite_run(tmp_path / "run")


@pytest.fixture(scope="session")
def run_with_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its report and two maps, one with a known truth. Tests read it and change nothing."""
    import rasterio
    from tests.mapping.conftest import scene_of, soil

    from deepsalt.mapping import map_scene
    from deepsalt.report import write_report

    run = satellite_run(tmp_path_factory.mktemp("mapped") / "run")
    rng = np.random.default_rng(0)
    steps = np.linspace(0, 3.4, 60)
    true = np.expm1(steps[:, None] * np.linspace(0.2, 1, 50)[None, :]).astype(np.float32)
    mapped = np.expm1(np.maximum(np.log1p(true) + rng.normal(0, 0.2, true.shape), 0))
    quality = np.zeros(true.shape, np.uint8)
    quality[5:15, 30:45], quality[15:20, 30:45], quality[:, :3] = 2, 3, 1
    path = run.parent / "truth.tif"
    place = rasterio.Affine(30, 0, 500_000, 0, -30, 2_000_000)
    profile = {"driver": "GTiff", "height": 60, "width": 50, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:32614", transform=place, **profile) as dataset:
        dataset.write(true, 1)
    for name, truth in (("ENMAP-delta", path), ("ENMAP-fan", None)):
        scene = scene_of(soil(60, 50, mapped / 100), quality, name=name)
        map_scene(Layers(), scene, run / "maps", truth=truth, scheme=USDA)
    write_report(run)
    return run
