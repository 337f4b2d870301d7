"""The demo: a simulated world, and the whole path over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepsalt.config import Config, parse_config
from deepsalt.mapping import SceneMap
from deepsalt.pipeline.maps import map_run
from deepsalt.pipeline.run import Run
from deepsalt.pipeline.train import train
from deepsalt.progress import Progress
from deepsalt.report import write_report
from deepsalt.simulate import WorldSettings, simulate_world

#: The region without ground points: the library has samples of it, and its scene is there.
UNSEEN_REGION = "clay_delta"


@dataclass(frozen=True)
class Demo:
    """Where a demo left what it made."""

    run: Run
    maps: list[SceneMap]
    report: Path


def run_demo(
    out: str | Path,
    progress: Progress,
    settings: WorldSettings,
    changes: dict | None = None,
    trained: str | None = None,
    workers: int = 1,
) -> Demo:
    """Simulate, train, evaluate, map all scenes and write the report.

    out       gets world/ and run/; a second call with the same settings repeats only what is missing
    settings  of the world; its seed is the run's seed
    changes   sections of the config to change, for example {"method": {"settings": {...}}}
    trained   day, for the model's card
    workers   processes of the training
    """
    root = Path(out)
    world = simulate_world(root / "world", settings, progress)
    run = train(demo_config(world.root, settings, changes or {}), root / "run", progress, trained, workers)
    maps = map_run(run, progress, truth=[str(world.root / "truth" / "*.tif")])
    progress("writing the report", 0, 1)
    report = write_report(run.root)
    progress("writing the report", 1, 1)
    return Demo(run, maps, report)


def demo_config(world: Path, settings: WorldSettings, changes: dict[str, Any]) -> Config:
    """The config of a run on a world, as a user would write it."""
    unseen = UNSEEN_REGION if UNSEEN_REGION in settings.regions else settings.regions[-1]
    content = {
        "name": "demo",
        "seed": settings.seed,
        "simulated": True,
        "library": {"path": str(world / "library.parquet"), "domain": "mir", "ec": "ec1:2"},
        "satellite": {
            "scenes": [str(world / "scenes" / "*")],
            "points": str(world / "points.csv"),
            "covariates": [str(world / "covariates" / "*.tif")],
        },
        "split": {"unseen_region": unseen, "library_covers_unseen": True, "pixels_of_unseen": True},
    }
    return parse_config({**content, **changes})
