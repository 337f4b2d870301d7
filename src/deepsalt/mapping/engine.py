"""A scene to a map, window by window: read, mask, predict, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError
from deepsalt.estimators.predictor import Predictor
from deepsalt.files import written_whole
from deepsalt.mapping import stac, style, summary
from deepsalt.mapping.cog import Grid, LayerWriter
from deepsalt.mapping.folder import map_folder, whole_folder
from deepsalt.mapping.inputs import (
    Covariates,
    accepts_missing,
    check_covariates,
    covariates_on,
    covariates_used,
    places_on,
)
from deepsalt.mapping.quicklook import write_quicklook
from deepsalt.mapping.truth import copy_truth
from deepsalt.preprocessing.composites import OF_COMPOSITE
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules, surface_mask
from deepsalt.preprocessing.read_ahead import Part, read_ahead
from deepsalt.salinity.classes import USDA, ClassScheme
from deepsalt.spectra import MaskReason, Scene, Spectra

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


@dataclass
class _Job:
    """What every window needs, and what is counted on the way."""

    predictor: Predictor
    scene: Scene
    covariates: Covariates
    rules: SurfaceRules
    needed: NDArray[np.bool_]
    below_zero: int = 0


def map_scene(
    predictor: Predictor,
    scene: Scene,
    out: str | Path,
    *,
    covariates: Covariates = None,
    scheme: ClassScheme = USDA,
    rules: SurfaceRules = DEFAULT_RULES,
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
                `latitude` and `longitude` of each pixel; `fingerprint` and `simulated`, for the tags
    covariates  their source, or "none" to predict without those that the predictor can do without
    rules       what a pixel must not show to be mapped
    pixels_per_window  about how many pixels are held in memory at a time
    truth       a raster of true ECe on the scene's grid (simulated worlds): copied into the folder
                and compared with the map
    about       further provenance, written into the tags and into map.json
    progress    called with (rows done, rows of the scene)
    seal        called with the folder when all is in it, before it is renamed to its place

    The folder gets ece.tif, class.tif, mask.tif (COGs), their QGIS styles, quicklook.png, map.json and, where
    the scene says where and when it was taken, item.json (STAC); all of them or none, and an earlier map
    there is replaced only by a whole one.
    Raises DeepSaltError for missing covariates, OutputError for what cannot be written.
    """
    predictor = _bound(predictor, scene, rules)
    job = _Job(predictor, scene, covariates, rules, _needed_bands(predictor, scene))
    check_covariates(predictor, covariates)
    tags = _tags(job, scheme, about or {})
    final = map_folder(Path(out), scene.name)
    with whole_folder(final) as folder:
        _write_layers(job, folder, scheme, tags, pixels_per_window=pixels_per_window, progress=progress)
        if truth is not None:
            copy_truth(Path(truth), folder)
        facts = summary.summarise(
            folder, scene, scheme, model=predictor.name, provenance=tags, notes=_notes(job)
        )
        _write_beside(folder, scheme, facts)
        if seal is not None:
            seal(folder)
    return SceneMap(final, facts)


def _write_layers(
    job: _Job,
    folder: Path,
    scheme: ClassScheme,
    tags: Mapping[str, str],
    *,
    pixels_per_window: int,
    progress: Progress | None,
) -> None:
    grid = Grid.of(job.scene)
    layers = (style.ece_layer(), style.class_layer(scheme), style.mask_layer())
    writers: list[LayerWriter] = []
    try:
        for layer in layers:
            writers.append(LayerWriter(folder, layer, grid, tags))
        for part in read_ahead(job.scene, pixels_per_window):
            ece, reasons = _map_part(job, part)
            layers_of_window: tuple[NDArray[Any], ...] = (ece, scheme.classify(ece), reasons)
            for writer, values in zip(writers, layers_of_window, strict=True):
                writer.write(part.window, values)
            if progress is not None:
                progress(part.window.row + part.window.rows, job.scene.height)
        for writer in writers:
            writer.finish()
    except BaseException:
        for writer in writers:
            writer.abandon()
        raise


def _map_part(job: _Job, part: Part) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """ECe (y, x), NaN where masked, and MaskReason (y, x) of one window."""
    reasons = surface_mask(part.spectra, part.quality, job.rules).copy()
    spectra = _filled(job, part.spectra, reasons == MaskReason.VALID)
    layers: dict[str, NDArray[Any]] = {
        **covariates_on(job.predictor, job.covariates, job.scene, part.window),
        **places_on(job.predictor, job.scene, part.window),
    }
    usable = _usable(job, spectra, layers)
    reasons[(reasons == MaskReason.VALID) & ~usable] = MaskReason.DEFECTIVE
    ece = np.full(reasons.shape, np.nan, np.float32)
    valid = reasons == MaskReason.VALID
    if valid.any():
        samples = pd.DataFrame({name: values[valid] for name, values in layers.items()})
        table = spectra.pixels(valid, samples if layers else None)
        ece[valid] = _predicted(job, table)
        reasons[valid & np.isnan(ece)] = MaskReason.DEFECTIVE
    return ece, reasons


def _filled(job: _Job, spectra: Spectra, valid: NDArray[np.bool_]) -> Spectra:
    """The window with short gaps in needed bands of valid pixels filled, whatever the predictor."""
    gaps = valid & np.isnan(spectra.values[..., job.needed]).any(axis=-1)
    if not gaps.any():
        return spectra
    values = np.array(spectra.values)
    rows = values[gaps]
    rows[:, job.needed] = fill_gaps(rows[:, job.needed], spectra.axis.take(job.needed))
    values[gaps] = rows
    return spectra.with_values(values, spectra.axis, sensor=spectra.sensor, step="short gaps filled")


def _predicted(job: _Job, table: Spectra) -> NDArray[np.float32]:
    """(sample,) ECe; NaN where the predictor has no finite answer; never below zero."""
    values = np.asarray(job.predictor.predict(table), dtype=np.float64)
    if values.shape != (len(table),):
        raise DeepSaltError(
            f"predicted shape {values.shape} for {len(table)} pixels",
            where=f"model {job.predictor.name}",
            fix="`predict` must return one ECe for each spectrum.",
        )
    values = np.where(np.isfinite(values), values, np.nan)
    job.below_zero += int((values < 0).sum())
    return np.maximum(values, 0.0).astype(np.float32)


def _bound(predictor: Predictor, scene: Scene, rules: SurfaceRules) -> Predictor:
    """The predictor for this scene's pixels, where it reads each scene in a way of its own."""
    bind = getattr(predictor, "for_scene", None)
    return predictor if bind is None else cast(Predictor, bind(scene, rules))


def _needed_bands(predictor: Predictor, scene: Scene) -> NDArray[np.bool_]:
    """(band,) True where a pixel must have a value to be predicted.

    A band that the product never holds is left to the predictor, which bridges it or says what is missing.
    """
    delivered = ~scene.empty
    ask = getattr(predictor, "needed_bands", None)
    wanted = scene.sensor.good if ask is None else np.asarray(ask(scene), bool)
    return delivered if wanted is None else delivered & wanted


def _usable(job: _Job, spectra: Spectra, layers: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """(y, x) True where every needed band, and every covariate that may not miss, has a value."""
    conditions = [~np.isnan(spectra.values[..., job.needed]).any(axis=-1)]
    if not accepts_missing(job.predictor):
        conditions += [np.isfinite(values) for values in layers.values()]
    return np.logical_and.reduce(conditions)


def _tags(job: _Job, scheme: ClassScheme, about: Mapping[str, str]) -> dict[str, str]:
    """Provenance for the files' tags: what made them from what. No clock: same input, same bytes."""
    from deepsalt import __version__

    predictor, scene = job.predictor, job.scene
    tags = {
        "TIFFTAG_SOFTWARE": f"deepsalt {__version__}",
        "QUANTITY": "ECe",
        "UNIT": "dS/m",
        "DEPTH": "surface layer; optics sees the top millimetres",
        "MODEL": predictor.name,
        "SCENE": scene.name,
        "SENSOR": scene.sensor.name,
        "CLASSES": scheme.name,
        "MAX_NDVI": f"{job.rules.max_ndvi:g}",
        "SURFACE_RULES": job.rules.describe(),
        "COVARIATES": covariates_used(job.predictor, job.covariates),
    }
    if scene.acquired is not None:
        tags["ACQUIRED"] = scene.acquired.isoformat()
    tags |= {key.upper().replace(" ", "_"): scene.facts[key] for key in OF_COMPOSITE if key in scene.facts}
    if getattr(predictor, "fingerprint", ""):
        tags["MODEL_FINGERPRINT"] = str(predictor.fingerprint)  # type: ignore[attr-defined]
    if getattr(predictor, "simulated", False):
        tags["SIMULATED"] = "yes: the model was trained on simulated data"
    return {**tags, **{key.upper(): str(value) for key, value in about.items()}}


def _notes(job: _Job) -> list[str]:
    notes = [*job.scene.notes, *job.rules.notes(job.scene.sensor.axis), *getattr(job.predictor, "notes", ())]
    if job.predictor.covariates and job.covariates == "none":
        names = ", ".join(job.predictor.covariates)
        notes.append(f"Mapped without covariates ({names}): the model was told that they are missing.")
    if job.below_zero:
        notes.append(f"{job.below_zero} pixels were predicted below zero and are shown as 0 dS/m.")
    return notes


def _write_beside(folder: Path, scheme: ClassScheme, facts: dict[str, Any]) -> None:
    for name, text in (("ece.qml", style.ece_qml(scheme)), ("class.qml", style.class_qml(scheme))):
        with written_whole(folder / name) as aside:
            aside.write_text(text, encoding="utf-8")
    write_quicklook(folder, scheme, facts)
    facts["notes"] = [*facts["notes"], *stac.missing_for_item(folder, facts)]
    summary.write_summary(folder, facts)
    stac.write_item(folder, facts)
