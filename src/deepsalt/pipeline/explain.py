"""Explanations: of the model of a run, of a model on given spectra, of one row or pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.errors import DeepSaltError, UsageError
from deepsalt.estimators import DeepSaltRegressor
from deepsalt.estimators.loading import load_any
from deepsalt.evaluation.explanation import model_explanation, sample_explanation
from deepsalt.files import destination_of, written_whole
from deepsalt.pipeline.maps import model_path
from deepsalt.pipeline.run import Run, plain, write_json
from deepsalt.preprocessing.masks import DEFAULT_RULES, surface_mask
from deepsalt.progress import Progress
from deepsalt.readers import read
from deepsalt.sampling import locate, patch_numbers, place, random_pixels, usable_axis
from deepsalt.spectra import MaskReason, Scene, Spectra, Window

#: Samples that the explanation of a run looks at.
_ROWS_OF_RUN = 40
#: What an explanation can be written as.
SUFFIXES = (".png", ".json")


def explain_run(
    run: Run, model: Any, spectra: Spectra, seed: int, seconds: dict[str, float], *, held_out: bool
) -> None:
    """Write explanation.json: what the model reads, over rows of `spectra`.

    held_out  whether these rows were not learned from
    A model that cannot be explained there is no reason to lose a training: the log says why.
    """
    with run.timed("explanation", seconds):
        try:
            asked = _some(spectra, _ROWS_OF_RUN, seed)
            found = model_explanation(model, asked, spectra, seed=seed)
            run.write("explanation", {**found, "held_out": held_out})
        except DeepSaltError as error:
            run.log(f"no explanation: {error}")


def explain_spectra(
    model: str | Path,
    spectra: str | Path,
    progress: Progress,
    *,
    row: int | None = None,
    pixel: tuple[float, float] | None = None,
    samples: int = 300,
    width: float | None = None,
    domain: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Why a model answers as it does, on a scene or a table; written to `out` where one is given.

    model    a model file, or a run folder that holds one
    spectra  what `deepsalt.read` opens
    row      number of a row of a table, from 1; pixel: (longitude, latitude) on a scene. Neither: the whole
    samples  how many random rows or valid pixels are looked at, and are the baseline of a single one
    width    of the windows, nm or cm-1
    domain   of a table that holds several
    out      a .png or .json file

    Raises UsageError for a row or pixel that is not there, and what reading and explaining raise.
    """
    destination = None if out is None else destination_of("an explanation", out, SUFFIXES, free=False)
    if row is not None and pixel is not None:
        raise UsageError("a row and a pixel are asked for at once", fix="Give --row or --pixel.")
    progress("reading", 0, 2)
    predictor = load_any(model_path(model))
    opened = read(spectra) if domain is None else read(spectra, domain=domain)
    notes: list[str] = []
    one: Spectra | None = None
    if isinstance(opened, Scene):
        if row is not None:
            raise UsageError("a scene has no rows", where=str(spectra), fix="Give --pixel LON,LAT.")
        if isinstance(predictor, DeepSaltRegressor):
            predictor = predictor.for_scene(opened)
            notes += predictor.notes
        table = pixels_of([opened], samples, seed)
        if pixel is not None:
            one, why = _pixel(opened, *pixel)
            notes += why
    else:
        if pixel is not None:
            raise UsageError("a table has no pixels", where=str(spectra), fix="Give --row N.")
        one = None if row is None else _row(opened, row, spectra)
        table = _some(opened, samples, seed)
    table, one, missing = _with_covariates(predictor, table, one)
    progress("explaining", 1, 2)
    if one is None:
        document = model_explanation(predictor, table, width=width, seed=seed)
    else:
        document = {**sample_explanation(predictor, one, table, width=width), "where": _where(one, row)}
    document = {**document, "spectra": str(spectra), "notes": [*notes, *missing, *document["notes"]]}
    told: dict[str, Any] = plain(document)
    if destination is not None:
        _write(told, destination)
        told = {**told, "out": str(destination)}
    progress("explained", 2, 2)
    return told


def pixels_of(scenes: Sequence[Scene], count: int, seed: int) -> Spectra:
    """About `count` random valid pixels; those that lie together are one group: they are alike."""
    pixels = random_pixels(scenes, usable_axis(scenes), count, seed)
    return pixels.with_samples(group=patch_numbers(pixels.samples).astype(str))


def _some(table: Spectra, count: int, seed: int) -> Spectra:
    """At most `count` rows at random, in their order."""
    if len(table) <= count:
        return table
    return table.take(np.sort(np.random.default_rng(seed).choice(len(table), count, replace=False)))


def _row(table: Spectra, row: int, where: str | Path) -> Spectra:
    if not 1 <= row <= len(table):
        raise UsageError(f"there is no row {row}", where=str(where), fix=f"Rows are 1 to {len(table)}.")
    return table.take(np.array([row - 1]))


def _pixel(scene: Scene, longitude: float, latitude: float) -> tuple[Spectra, list[str]]:
    """The pixel at a place as a table of one row, and what speaks against believing it."""
    row, column = (int(one[0]) for one in locate(scene, np.array([latitude]), np.array([longitude])))
    if not (0 <= row < scene.height and 0 <= column < scene.width):
        raise UsageError(
            f"longitude {longitude:g}, latitude {latitude:g} lies outside of the scene",
            where=scene.name,
            fix="Give --pixel LON,LAT in degrees: longitude first.",
        )
    window = Window(row, column, 1, 1)
    image = scene.read(window)
    reason = MaskReason(int(surface_mask(image, scene.mask(window), DEFAULT_RULES)[0, 0]))
    lies = [float(one[0]) for one in place(scene, np.array([row]), np.array([column]))]
    about = {"scene": scene.name, "row": row, "column": column, "latitude": lies[0], "longitude": lies[1]}
    found = image.pixels(samples=pd.DataFrame([about])).take_bands(~scene.empty)
    doubt = f"A map has no value at this pixel ({reason.name.lower().replace('_', ' ')}): do not believe it."
    return found, [] if reason == MaskReason.VALID else [doubt]


def _with_covariates(
    predictor: Any, table: Spectra, one: Spectra | None
) -> tuple[Spectra, Spectra | None, list[str]]:
    """Covariates that are not in the tables are missing ones: spectra are explained, nothing else."""
    absent = [name for name in predictor.covariates if name not in table.samples]
    if not absent:
        return table, one, []
    columns = dict.fromkeys(absent, np.nan)
    told = f"The covariates {', '.join(absent)} were not given: answers are those without them."
    return table.with_samples(**columns), None if one is None else one.with_samples(**columns), [told]


def _where(one: Spectra, row: int | None) -> dict[str, Any]:
    """What tells the sample from others."""
    known = ("id", "scene", "row", "column", "latitude", "longitude")
    told = {name: one.samples[name].iloc[0] for name in known if name in one.samples}
    return told if row is None else {**told, "row": row}


def _write(document: dict[str, Any], path: Path) -> None:
    if path.suffix.lower() == ".json":
        write_json(path, document)
        return
    from deepsalt.report.explanation_figures import explanation_figure
    from deepsalt.report.figures import png

    with written_whole(path) as aside:
        aside.write_bytes(png(explanation_figure(document)))
