"""One small world and one run on it, shared by the tests of the pipeline and the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deepsalt.cli import app
from deepsalt.config import Config, parse_config
from deepsalt.console import run_command
from deepsalt.pipeline.run import Run
from deepsalt.pipeline.train import train
from deepsalt.simulate import WorldSettings, simulate_world

WORLD = WorldSettings(
    seed=3,
    regions=("alluvial_basin", "loess_plain", "gypsum_marl"),
    rows=56,
    columns=52,
    library_samples=120,
    fields=20,
    points_per_field=4,
)

#: Runs a command; gives exit code, stdout and stderr.
Call = Callable[..., tuple[int, str, str]]

#: Small networks and few epochs: enough to learn something, quick enough for a test.
FAST = {
    "directions": 32,
    "hidden": [64, 32],
    "latent": 32,
    "tokens": 8,
    "teacher_shape": {"width": 16, "heads": 2, "layers": 2, "feedforward": 32, "dropout": 0.0},
    "student_shape": {"width": 24, "heads": 2, "layers": 3, "feedforward": 32, "dropout": 0.0},
    "autoencoder": {"epochs": 10, "batch": 64, "learning_rate": 3e-3},
    "alignment": {"epochs": 5},
    "teacher": {"epochs": 40, "patience": 40, "batch": 16, "learning_rate": 3e-3},
    "student": {"epochs": 40, "patience": 40, "batch": 16, "learning_rate": 3e-3},
}

#: A laboratory teacher that learns from some 200 samples with every seed tried.
FAST_TEACHER = {
    **FAST,
    "directions": 64,
    "hidden": [256, 128],
    "latent": 64,
    "tokens": 16,
    "autoencoder": {"epochs": 25, "batch": 32, "learning_rate": 1e-3},
    "teacher_shape": {"width": 32, "heads": 4, "layers": 2, "feedforward": 64, "dropout": 0.1},
    "teacher": {"epochs": 60, "patience": 60, "batch": 32, "learning_rate": 1e-3},
}


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def config_of(world: Path, **changes: object) -> Config:
    content: dict = {
        "name": "small",
        "seed": 3,
        "simulated": True,
        "library": {"path": str(world / "library.parquet"), "domain": "mir", "ec": "ec1:2"},
        "satellite": {
            "scenes": [str(world / "scenes" / "*")],
            "points": str(world / "points.csv"),
            "covariates": [str(world / "covariates" / "*.tif")],
            "unlabelled_pixels": 400,
        },
        "split": {"unseen_region": "gypsum_marl"},
        "method": {"preset": "paper", "baselines": ["mean", "plsr"], "settings": FAST},
    }
    return parse_config({**content, **changes})


def write_config(folder: Path, world: Path, text: str = "") -> Path:
    config = folder / "config.toml"
    config.write_text(
        f"""name = "cli"
seed = 3
simulated = true
[library]
path = "{world}/library.parquet"
domain = "mir"
ec = "ec1:2"
[satellite]
scenes = ["{world}/scenes/*"]
points = "{world}/points.csv"
unlabelled_pixels = 100
[split]
unseen_region = "gypsum_marl"
[method]
preset = "paper"
adaptation = false
distillation = false
baselines = ["mean"]
[method.settings]
directions = 16
hidden = [32]
latent = 16
tokens = 4
autoencoder = {{ epochs = 4, learning_rate = 3e-3 }}
student = {{ epochs = 40, patience = 40, batch = 16, learning_rate = 3e-3 }}
{text}"""
    )
    return config


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_world(tmp_path_factory.mktemp("data") / "world", WORLD).root


@pytest.fixture(scope="session")
def run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config_of(world), tmp_path_factory.mktemp("runs") / "run", silent)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """Run a command; give exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = run_command(app, [str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run
