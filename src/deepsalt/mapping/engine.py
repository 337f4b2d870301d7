"""A scene to a map, window by window: read, mask, predict, write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from deepsalt.estimators.predictor import Predictor
from deepsalt.files import written_whole
from deepsalt.mapping import stac, summary
from deepsalt.mapping.cog import Grid
from deepsalt.mapping.folder import map_folder, whole_folder
from deepsalt.mapping.inputs import Covariates, check_covariates
from deepsalt.mapping.layer_files import LayerFiles
from deepsalt.mapping.provenance import notes_of, tags_of
from deepsalt.mapping.qml import style_of
from deepsalt.mapping.questions import Questions
from deepsalt.mapping.quicklook import write_quicklook
from deepsalt.mapping.style import map_layers
from deepsalt.mapping.tally import SceneTally
from deepsalt.mapping.truth import copy_truth
from deepsalt.mapping.window import Job, Mapped, bare, map_window, needed_bands
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.preprocessing.read_ahead import ahead
from deepsalt.salinity.classes import USDA, ClassScheme
from deepsalt.spectra import Scene, Window

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SceneMap:
    """A finished map: its folder, its layers and the content of map.json."""

    folder: Path
    summary: dict[str, Any]

    @property
    def ece(self) -> Path:
        return self.folder / "ece.tif"

    @property
    def classes(self) -> Path:
        return self.folder / "class.tif"

    @property
    def mask(self) -> Path:
        return self.folder / "mask.tif"

    @property
    def quicklook(self) -> Path:
        return self.folder / "quicklook.png"


def map_scene(
    predictor: Predictor,
    scene: Scene,
    out: str | Path,
    *,
    covariates: Covariates = None,
    scheme: ClassScheme = USDA,
    rules: SurfaceRules = DEFAULT_RULES,
    level: float = 0.9,
    thresholds: Sequence[float] = (4.0,),
    pixels_per_window: int = 65_536,
    truth: str | Path | None = None,
    about: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    seal: Callable[[Path], None] | None = None,
) -> SceneMap:
    """Map ECe of the surface layer over a scene into the folder `out`/<scene name>.

    predictor   anything with `predict`, `name` and `covariates`. Used where it has them:
                `for_scene(scene, rules)`, the predictor of this scene's pixels; `notes`, for the reader;
                `needed_bands(scene)`, (band,) bool, where a pixel must have a value, or a short gap
                that is filled (else: the sensor's good bands); `reads_places`, whether it is given
                `latitude` and `longitude` of each pixel; `fingerprint` and `simulated`, for the tags;
                `answers(spectra, level=, thresholds=)`, which gives `deepsalt.estimators.answers.Answers`
    covariates  their source, or "none" to predict without those that the predictor can do without
    rules       what a pixel must not show to be mapped
    level       share of places whose ECe should lie in the interval
    thresholds  ECe in dS/m, for the probability to exceed each
    pixels_per_window  about how many pixels are held in memory at a time
    truth       a raster of true ECe on the scene's grid (simulated worlds): copied into the folder
                and compared with the map
    about       further provenance, written into the tags and into map.json
    progress    called with (rows done, rows of the scene)
    seal        called with the folder when all is in it, before it is renamed to its place

    The folder gets ece.tif, class.tif and mask.tif; of a model that knows its errors also ece_low.tif,
    ece_high.tif and probability_above_4.tif; outside.tif of one that knows where it should not be believed
    (all COGs, made in one pass); their QGIS styles, quicklook.png, map.json and, where the scene says where
    and when it was taken, item.json (STAC). All of them or none, and an earlier map there is replaced only by
    a whole one.
    Raises DeepSaltError for missing covariates, OutputError for what cannot be written, UsageError for a
    level or thresholds that `Questions` refuses.
    """
    asked = Questions(level, tuple(thresholds))
    predictor = _bound(predictor, scene, rules)
    needed = needed_bands(predictor, scene)
    job = Job(predictor, scene, covariates, rules, scheme, needed, asked.level, asked.thresholds)
    check_covariates(predictor, covariates)
    tags = tags_of(job, about or {})
    grid, final = Grid.of(scene), map_folder(Path(out), scene.name)
    layers = map_layers(scheme, job.level, job.thresholds)
    with whole_folder(final) as folder, LayerFiles(folder, layers, grid, tags) as files:
        tally, below_zero = SceneTally(scheme, grid), 0
        for window, mapped in _mapped(job, pixels_per_window, progress):
            files.write(window, mapped.layers)
            tally.add(window, mapped.layers)
            below_zero += mapped.below_zero
        with files.finishing("ece", "mask"):
            write_quicklook(folder, scheme, scene.name)
        if truth is not None:
            copy_truth(Path(truth), folder)
        facts = summary.summarise(
            folder, job, tally, layers=files.names, provenance=tags, notes=notes_of(job, below_zero)
        )
        _write_beside(folder, scheme, facts)
        if seal is not None:
            seal(folder)
    return SceneMap(final, facts)


def _mapped(job: Job, pixels: int, progress: Progress | None) -> Iterator[tuple[Window, Mapped]]:
    """Every window of the scene with its layers, top to bottom."""
    for found in ahead(partial(bare, job), job.scene.windows(pixels)):
        yield found.window, map_window(job, found)
        if progress is not None:
            progress(found.window.row + found.window.rows, job.scene.height)


def _bound(predictor: Predictor, scene: Scene, rules: SurfaceRules) -> Predictor:
    """The predictor for this scene's pixels, where it reads each scene in a way of its own."""
    bind = getattr(predictor, "for_scene", None)
    return predictor if bind is None else cast(Predictor, bind(scene, rules))


def _write_beside(folder: Path, scheme: ClassScheme, facts: dict[str, Any]) -> None:
    for name in facts["layers"]:
        if (text := style_of(name, scheme)) is not None:
            with written_whole(folder / f"{name}.qml") as aside:
                aside.write_text(text, encoding="utf-8")
    facts["notes"] = [*facts["notes"], *stac.missing_for_item(folder, facts)]
    summary.write_summary(folder, facts)
    stac.write_item(folder, facts)
