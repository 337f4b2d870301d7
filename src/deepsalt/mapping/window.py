"""One window of a scene: masked, its valid pixels predicted, and what is known of them as layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import DeepSaltError
from deepsalt.estimators.answers import Answers
from deepsalt.estimators.predictor import Predictor
from deepsalt.mapping.inputs import Covariates, accepts_missing, covariates_on, places_on
from deepsalt.mapping.style import OUTSIDE_NODATA, probability_name
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.preprocessing.present import rows_lacking
from deepsalt.preprocessing.read_ahead import read_part
from deepsalt.salinity.classes import ClassScheme
from deepsalt.spectra import MaskReason, Scene, Spectra, Window

Layers = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Job:
    """What every window of a map needs.

    needed      (band,) True where a pixel must have a value
    level       of the interval
    thresholds  ECe in dS/m, for the probability to exceed them
    """

    predictor: Predictor
    scene: Scene
    covariates: Covariates
    rules: SurfaceRules
    scheme: ClassScheme
    needed: NDArray[np.bool_]
    level: float
    thresholds: tuple[float, ...]


class Bare(NamedTuple):
    """One window, read and masked.

    reasons  (y, x) MaskReason
    table    the valid pixels, short gaps in needed bands filled
    lacking  (sample,) which of them keep a gap in a needed band
    """

    window: Window
    reasons: NDArray[np.uint8]
    table: Spectra
    lacking: NDArray[np.bool_]


class Mapped(NamedTuple):
    """One window of a map.

    layers      (y, x) each, by name; those that the model knows nothing of are not there
    below_zero  how many pixels were predicted below 0 dS/m and are shown as 0
    """

    layers: Layers
    below_zero: int


def bare(job: Job, window: Window) -> Bare:
    """Read a window and find the pixels to predict. Asks no predictor: several threads may do so at once."""
    part = read_part(job.scene, window)
    reasons = part.reasons(job.scene.sensor.axis, job.rules)
    table = part.loaded.pixels(np.flatnonzero(reasons == MaskReason.VALID))
    return Bare(window, reasons, *_filled(table, job.needed))


def map_window(job: Job, found: Bare) -> Mapped:
    """The layers of one window; only its valid pixels are predicted."""
    reasons = found.reasons.copy()
    table = _usable(job, found, reasons)
    below_zero, answers = 0, Answers(np.empty(0))
    if len(table):
        answers = _answers(job, table)
        below_zero = int((answers.ece < 0).sum())
        reasons[reasons == MaskReason.VALID] = np.where(
            np.isfinite(answers.ece), MaskReason.VALID, MaskReason.DEFECTIVE
        )
    return Mapped(_layers(job, reasons, answers), below_zero)


def _usable(job: Job, found: Bare, reasons: NDArray[np.uint8]) -> Spectra:
    """The valid pixels with their covariates and places; one that lacks what the predictor needs is marked as
    defective in `reasons` and left out."""
    valid = reasons == MaskReason.VALID
    layers: Layers = {
        **covariates_on(job.predictor, job.covariates, job.scene, found.window),
        **places_on(job.predictor, job.scene, found.window),
    }
    table, lacking = found.table, found.lacking
    if layers:
        table = table.with_samples(**{name: values[valid] for name, values in layers.items()})
    if not accepts_missing(job.predictor):
        for values in layers.values():
            lacking = lacking | ~np.isfinite(values[valid])
    if not lacking.any():
        return table
    reasons[valid] = np.where(lacking, MaskReason.DEFECTIVE, MaskReason.VALID)
    return table.take(~lacking)


def _filled(table: Spectra, needed: NDArray[np.bool_]) -> tuple[Spectra, NDArray[np.bool_]]:
    """Spectra with short gaps in needed bands filled, whatever the predictor; and which rows keep a gap."""
    gaps = rows_lacking(table.values, needed)
    if not gaps.any():
        return table, gaps
    values = np.array(table.values)
    rows = values[gaps]
    rows[:, needed] = fill_gaps(rows[:, needed], table.axis.take(needed))
    values[gaps] = rows
    filled = table.with_values(values, table.axis, sensor=table.sensor, step="short gaps filled")
    return filled, rows_lacking(values, needed)


def _answers(job: Job, table: Spectra) -> Answers:
    """All that the predictor says of these pixels. Raises DeepSaltError for an answer of another shape."""
    ask = getattr(job.predictor, "answers", None)
    found: Answers = (
        Answers(np.asarray(job.predictor.predict(table), np.float64))
        if ask is None
        else ask(table, level=job.level, thresholds=job.thresholds)
    )
    if found.ece.shape != (len(table),):
        raise DeepSaltError(
            f"predicted shape {found.ece.shape} for {len(table)} pixels",
            where=f"model {job.predictor.name}",
            fix="`predict` must return one ECe for each spectrum.",
        )
    return found


def _layers(job: Job, reasons: NDArray[np.uint8], found: Answers) -> Layers:
    """Layers of a window from the answers to its pixels; a pixel without a finite ECe has none of them."""
    valid = reasons == MaskReason.VALID
    known = np.isfinite(found.ece)

    def placed(values: NDArray[Any]) -> NDArray[np.float32]:
        layer = np.full(reasons.shape, np.nan, np.float32)
        layer[valid] = values[known]
        return layer

    ece = placed(np.maximum(found.ece, 0.0))
    layers: Layers = {"ece": ece, "class": job.scheme.classify(ece), "mask": reasons}
    if found.low is not None and found.high is not None:
        layers["ece_low"], layers["ece_high"] = placed(found.low), placed(found.high)
    for threshold, chance in found.above.items():
        layers[probability_name(threshold)] = placed(chance)
    if found.outside is not None:
        layers["outside"] = np.full(reasons.shape, OUTSIDE_NODATA, np.uint8)
        layers["outside"][valid] = found.outside[known]
    return layers


def needed_bands(predictor: Predictor, scene: Scene) -> NDArray[np.bool_]:
    """(band,) True where a pixel must have a value to be predicted.

    A band that the product never holds is left to the predictor, which bridges it or says what is missing.
    """
    delivered = ~scene.empty
    ask = getattr(predictor, "needed_bands", None)
    wanted = scene.sensor.good if ask is None else np.asarray(ask(scene), bool)
    return delivered if wanted is None else delivered & wanted
