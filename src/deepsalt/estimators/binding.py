"""A model of the preset `deepsalt` bound to a scene: brought into line from its own pixels, with notes."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.estimators.cokriging import Patches, cokrige
from deepsalt.estimators.lands import Land, land_of
from deepsalt.estimators.sites import PLACE, Sites
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.sampling import glimpsed_pixels, patch_numbers, usable_axis
from deepsalt.spectra import Scene, Spectra
from deepsalt.units import log_ece

if TYPE_CHECKING:
    from deepsalt.estimators.bridge_library import BridgeLibrary
    from deepsalt.estimators.regressor import DeepSaltRegressor
    from deepsalt.models import Tuning
    from deepsalt.training.bridge_teacher import Teacher

_STRANGE = (
    "Neither a laboratory sample nor a ground point of this land was learned from: answers may be far off, "
    "and intervals are likely too narrow. All of it is outside of what the model knows."
)
_PIXELS_TO_ADAPT = 4_000  # of a scene that was not there in training


def adapted_to(model: DeepSaltRegressor, pixels: Spectra, scene: str) -> DeepSaltRegressor:
    """See `DeepSaltRegressor.adapted_to`."""
    import torch

    from deepsalt.models import Tuning
    from deepsalt.models.inference import one_thread

    student, values = model._readable(pixels)
    whole = np.isfinite(values).all(axis=1)
    told = pixels.take(np.flatnonzero(whole))
    land, ground = land_of(model.lands_, told), land_of(tuple(model.sampled_.values()), told)
    seen = torch.as_tensor(values[whole])
    patches = torch.as_tensor(patch_numbers(pixels.samples)[whole])
    planar = bool(model.card_.get("planar", True))
    with one_thread():
        if land is not None:
            tuning = student.tuning_for(seen, land, patches, planar=planar)
        else:
            tuning = student.plain_tuning(seen, patches) if planar else Tuning()
    other = copy(model)
    other.scenes_ = {**model.scenes_, scene: tuning}
    other.nearby_ = {name: one for name, one in model.nearby_.items() if name != scene}
    if ground is not None:
        other.sampled_ = {**model.sampled_, scene: tuple(model.sampled_.values())[ground]}
    hear_nearby(other, told, scene)
    return other


def sites_on(
    library: BridgeLibrary, lands: NDArray[np.bool_], teacher: Teacher | None, *, stated: bool
) -> tuple[Sites, ...]:
    """Samples that speak for the ground near them, on each of these lands (land, n).

    teacher  what it says of samples whose EC was not measured; None = they are silent
    stated   only places whose error is stated count
    """
    label, error = library.labels.astype(np.float64), np.zeros(len(library.labels))
    if teacher is not None:
        told = ~library.with_ec
        label[told], error[told] = teacher.answer.numpy()[told], teacher.error.numpy()[told]
    return tuple(Sites.of(library.samples, label, error, rows, stated=stated) for rows in lands)


def hear_nearby(model: DeepSaltRegressor, pixels: Spectra, scene: str) -> dict[str, Any]:
    """Set what the sites of a tuned scene say, from pixels of it that all have an answer; plain facts of it.

    Pixels without a place tell nothing here.
    """
    import torch

    from deepsalt.models.tuning import tilted

    tuning = model.scenes_[scene]
    if tuning.land is None or not model.sites_:
        return {"sites": 0, "believed": 0.0}
    pixels = pixels.take(np.flatnonzero(pixels.samples[list(PLACE)].notna().all(axis=1)))
    if not len(pixels):
        return {"sites": 0, "believed": 0.0}
    student, values = model._readable(pixels)
    seen = student.tuned(tuning).inputs(torch.as_tensor(values)).numpy()
    inputs = seen[:, :0] if tuning.plane is None else seen
    answers = log_ece(model.predict(pixels.with_samples(scene=scene)))
    about = Patches.of(pixels.samples, answers, patch_numbers(pixels.samples), inputs)
    found, tilt, facts = cokrige(model.sites_[tuning.land], about)
    if found is not None:
        model.nearby_ = {**model.nearby_, scene: found}
    if tilt is not None:
        model.scenes_ = {**model.scenes_, scene: tilted(tuning, *(torch.as_tensor(one) for one in tilt))}
    return facts


def for_scene(model: DeepSaltRegressor, scene: Scene, rules: SurfaceRules) -> DeepSaltRegressor:
    """See `DeepSaltRegressor.for_scene`."""
    from deepsalt.models import Tuning

    found = copy(model)
    found.scene = scene.name
    if scene.name not in model.scenes_ and scene.name not in model.sampled_:
        try:
            pixels = glimpsed_pixels(scene, usable_axis([scene]), _PIXELS_TO_ADAPT, model.seed, rules)
        except LabelError:
            found.notes = ("No valid pixel of the scene could tell how to tune it: it is read as it is.",)
            return found
        adapted = adapted_to(model, pixels, scene.name)
        found.scenes_, found.nearby_, found.sampled_ = adapted.scenes_, adapted.nearby_, adapted.sampled_
    tuning = found.scenes_.get(scene.name, Tuning())
    found.notes = (_said(tuning, model.lands_, placed=bool(scene.crs)),)
    if scene.name in found.nearby_:
        found.notes += (found.nearby_[scene.name].said,)
    if not found.knows(scene.name):
        found.notes += (_STRANGE,)
    return found


def _said(tuning: Tuning, lands: tuple[Land, ...], *, placed: bool) -> str:
    if tuning.land is None:
        known = "The model knows " + ("too few samples of the land" if lands else "no land of the library")
        if not placed:
            known = "The scene does not say where it lies"
        how = "as they are" if tuning.plane is None else "by a plane through what the networks say of them"
        return f"{known}: the scene's pixels are read {how}."
    points = lands[tuning.land].points
    then = f"then to {points} ground points there" if points else "ground points there would say more"
    return (
        "The scene's pixels, and the mean and spread of its answers, were brought towards the library's "
        f"samples of its land; {then}."
    )
