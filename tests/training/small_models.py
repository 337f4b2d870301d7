"""A small model file of every kind that is kept, untrained: what is tried on them are files, not answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from deepsalt.estimators import DeepSaltRegressor, LabRegressor, PaperRegressor, PaperTeacher
from deepsalt.models import BridgeStudent, LabModel, LabNet, PaperModel
from deepsalt.models.architecture import (
    AutoencoderShape,
    BridgeArchitecture,
    LabArchitecture,
    LabNetArchitecture,
    PaperArchitecture,
    TransformerShape,
)
from deepsalt.training import model_to_file

_ENCODER = AutoencoderShape(bands=6, directions=4, hidden=(4,), latent=4)
_TOKENS = TransformerShape(width=4, heads=2, layers=1, feedforward=4, dropout=0.0)
_TEACHER = LabArchitecture(_ENCODER, 2, _TOKENS)


def inputs(sensor: str = "enmap", covariates: tuple[str, ...] = ()) -> dict[str, Any]:
    centres = [500.0, 700.0, 900.0, 1200.0, 1600.0, 2200.0]
    return {
        "unit": "nm",
        "centres": centres,
        "fwhm": [10.0] * 6,
        "sensor": sensor,
        "quantity": "reflectance",
        "covariates": list(covariates),
    }


def about() -> dict[str, Any]:
    """The section `about` of a run that never was."""
    source = {
        "name": "library.csv",
        "samples": 120,
        "measured": 90,
        "groups": 40,
        "methods": {"EC1:2": 60, "ECe": 30},
        "conversion": 0.12,
        "ece_ds_m": [0.1, 2.5, 44.0],
        "regions": ["delta"],
        "box": [10.0, 10.5, 20.0, 20.5],
        "dates": ["2021-05-01", "2023-09-30"],
        "licence": "CC-BY-4.0",
    }
    part = {
        "name": "test",
        "title": "Grouped random test",
        "question": "How well are fields mapped that nobody sampled?",
        "n": 30,
        "groups": 8,
        "dS_m": {"rmse": 3.25, "mae": 2.0, "bias": -0.5},
        "ln": {"rmse": 0.5, "r2": 0.7},
        "intervals": {"ln": {"rmse": [0.4, 0.625]}},
        "coverage": {"68": {"share": 0.7}, "90": {"share": 0.88}},
    }
    return {
        "name": "three fields",
        "simulated": True,
        "trained": "2026-01-31",
        "author": "A. Farmer",
        "libraries": [source],
        "points": {**source, "name": "points.csv", "licence": "not stated"},
        "scenes": [{"name": "ENMAP-1", "sensor": "enmap", "acquired": "2023-06-01", "pixels": 50}],
        "split": "whole fields",
        "parts": [part],
        "notes": ["Alignment tells pairs apart."],
    }


def common(preset: str, **more: Any) -> dict[str, Any]:
    told = {"preset": preset, "target": "ECe", "unit": "dS/m", "seed": 3, "about": about()}
    return {**told, "versions": {"deepsalt": "0.1.0"}, "inputs": inputs(), **more}


def write_deepsalt(path: Path) -> None:
    network = BridgeStudent(BridgeArchitecture(6, 4, 3, (4,), members=2, lands=1, centres=2, rest=1))
    place = {"latitude": [10.1, 10.2], "longitude": [20.1, 20.2]}
    residuals = {"answer": [0.5, 1.0, 2.0], "residual": [0.1, -0.1, 0.2], "group": ["a", "b", "c"]}
    land = {"south": 10.0, "north": 11.0, "west": 20.0, "east": 21.0, "samples": 30, "points": 4}
    tuning = {"land": 0, "gain": [1.0, 1.1, 0.9, 1.0], "plane": None, "scale": 1.2, "offset": -0.1}
    model_to_file(
        path,
        network,
        common(
            "deepsalt",
            requires=["scenes", "places"],
            channels={"centres": [600.0, 1000.0, 1500.0, 2100.0], "width": 300.0},
            lands=[land],
            sampled={"ENMAP-1": land},
            scenes={"ENMAP-1": tuning},
            sites=[{**place, "label": [0.4, 1.6]}],
            nearby={"ENMAP-1": {**place, "weight": [0.1, -0.2], "believed": 0.4}},
            errors={"fields": residuals, "pointed": ["ENMAP-1"]},
        ),
    )


def write_paper(path: Path) -> None:
    network = PaperModel(PaperArchitecture(_ENCODER, 2, 1, _TOKENS, _TEACHER))
    model_to_file(path, network, common("paper", adaptation=True, inputs=inputs(covariates=("sand_pct",))))


def write_teacher(path: Path) -> None:
    model_to_file(path, LabModel(_TEACHER), common("paper (teacher only)", inputs=inputs("")))


def write_laboratory(path: Path) -> None:
    network = LabNet(LabNetArchitecture((6,), (3,), (True,), "scores", (4,), members=2))
    section = {"domains": [["visnir", inputs("")]], "inputs": inputs(""), "properties": ["clay"]}
    model_to_file(path, network, common("laboratory", **section))


#: How to write a file of each kind, and how to open it.
KINDS: Mapping[str, tuple[Callable[[Path], None], Callable[[Path], Any]]] = {
    "deepsalt": (write_deepsalt, DeepSaltRegressor.load),
    "paper": (write_paper, PaperRegressor.load),
    "teacher": (write_teacher, PaperTeacher.load),
    "laboratory": (write_laboratory, LabRegressor.load),
}


def write_all(folder: Path) -> dict[str, Path]:
    torch.manual_seed(0)
    paths = {kind: folder / f"{kind}.safetensors" for kind in KINDS}
    for kind, path in paths.items():
        KINDS[kind][0](path)
    return paths


def nodes(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside a JSON value."""
    if at:
        yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from nodes(inner, (*at, key))
