"""The stage `map`: one model over one or many scenes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from deepsalt.errors import DeepSaltError, UsageError
from deepsalt.estimators import load_regressor
from deepsalt.files import fingerprint
from deepsalt.mapping import SceneMap, map_scene
from deepsalt.mapping.stac import check_free, write_collection
from deepsalt.pipeline.paths import expand
from deepsalt.pipeline.prepare import Progress, composed, open_covariates, open_scenes
from deepsalt.pipeline.run import Run
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.readers.covariate_set import CovariateSet
from deepsalt.spectra import Scene

Covariates = CovariateSet | Literal["none"] | None


def map_scenes(
    model: str | Path,
    scenes: Sequence[str],
    out: str | Path,
    progress: Progress,
    *,
    covariates: Sequence[str] = (),
    truth: Sequence[str] = (),
    rules: SurfaceRules = DEFAULT_RULES,
    composite: str | None = None,
    min_looks: int = 1,
) -> list[SceneMap]:
    """Map every scene that the paths and globs name, each into its own folder under `out`.

    model       a model file, or a run folder that holds one
    covariates  rasters (paths or globs); ["none"] maps without them
    rules       what a pixel must not show to be mapped
    composite   "median" or "medoid": scenes on one grid are mapped as one, see `deepsalt.composite`
    min_looks   fewest unmasked dates of a pixel of a composite
    truth       rasters of true ECe, of simulated worlds: the one on a scene's grid is compared with its map

    `out`/collection.json (STAC) lists every map that is there, those of earlier calls too.
    Raises what reading and mapping raise; maps that were finished before stay.
    """
    check_free(out)
    predictor = load_regressor(model_path(model))
    source: Covariates = "none" if list(covariates) == ["none"] else open_covariates(covariates)
    truths = [Path(path) for path in expand(truth, "truth raster")] if truth else []
    opened = composed(open_scenes(scenes), composite, rules, min_looks)
    finished = []
    for scene in opened:
        about = {"model_file": fingerprint(model_path(model))}
        finished.append(
            map_scene(
                predictor,
                scene,
                out,
                covariates=source,
                rules=rules,
                truth=_on_grid(truths, scene),
                about=about,
                progress=partial(progress, f"mapping {short(scene.name)}"),
            )
        )
    write_collection(Path(out))
    return finished


def model_path(path: str | Path) -> Path:
    """The model file itself: `path`, or the one in the run folder at `path`."""
    place = Path(path)
    return Run(place).model if place.is_dir() else place


def short(name: str, length: int = 40) -> str:
    """A scene name that fits on a line: the middle of a long one is left out."""
    return name if len(name) <= length else f"{name[:24]}...{name[-12:]}"


def _on_grid(truths: Sequence[Path], scene: Scene) -> Path | None:
    """The truth raster on the scene's grid, if there is one."""
    from deepsalt.readers.raster import info

    for path in truths:
        header = info(path)
        same = (header.height, header.width) == (scene.height, scene.width)
        if same and tuple(header.transform) == tuple(scene.transform):
            return path
    return None


def map_run(run: Run, progress: Progress, *, truth: Sequence[str] = ()) -> list[SceneMap]:
    """Map the scenes that a run was trained with, into the run's own folder `maps`."""
    config = run.read("config")
    satellite = config.get("satellite")
    if not satellite:
        raise UsageError("a laboratory-only run has no scenes to map", where=str(run.root))
    try:
        return map_scenes(
            run.model,
            satellite["scenes"],
            run.maps,
            progress,
            covariates=satellite["covariates"],
            truth=truth,
            rules=SurfaceRules.from_dict(satellite),
            composite=satellite.get("composite"),
            min_looks=satellite.get("min_looks", 1),
        )
    except DeepSaltError:
        run.log("mapping failed")
        raise
