"""The card of a model of the preset `deepsalt`, and back from it: channels, lands, scenes and places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepsalt.errors import ModelFileError
from deepsalt.estimators.card import inputs_section, numbers, usable, versions, word
from deepsalt.estimators.lands import Land
from deepsalt.estimators.nearby import Nearby
from deepsalt.estimators.predictor import training_groups
from deepsalt.estimators.sites import Sites
from deepsalt.spectra import Axis, Spectra

if TYPE_CHECKING:
    from deepsalt.estimators.regressor import DeepSaltRegressor
    from deepsalt.models import BridgeStudent, Tuning
    from deepsalt.training import DeepSaltSettings


def card_of(
    model: DeepSaltRegressor,
    libraries: Mapping[str, Spectra],
    sites: Spectra | None,
    unlabelled: Spectra | None,
    settings: DeepSaltSettings,
) -> dict[str, Any]:
    """What the file of a fitted model says of it and of what it learned from."""
    from deepsalt.models.tuning import as_plain

    learned = None if sites is None else sites.samples["ece_ds_m"]
    channels = model.channels_
    left_out = (model.checks_.get("gate") or {}).get("left out", ())
    return {
        "preset": "deepsalt",
        "requires": _requires(model),
        "inputs": inputs_section(model.inputs_),
        "channels": {"centres": list(channels.values), "width": float(channels.widths[0])},
        "target": "ECe",
        "unit": "dS/m",
        "depth": "surface layer; optics sees the top millimetres",
        "seed": model.seed,
        "gate": model.checks_.get("gate"),
        "planar": settings.planar and settings.adaptation and "adaptation" not in left_out,
        "lands": [land.as_plain() for land in model.lands_],
        "sampled": {name: box.as_plain() for name, box in model.sampled_.items()},
        "scenes": {name: as_plain(tuning) for name, tuning in model.scenes_.items()},
        "sites": [one.as_plain() for one in model.sites_],
        "applicability": applicability_facts(model),
        "errors": None if model.errors_ is None else model.errors_.as_plain(),
        "nearby": {name: found.as_plain() for name, found in model.nearby_.items()},
        "training": {
            "satellite samples": 0 if sites is None else len(sites),
            "satellite groups": 0 if sites is None else len(np.unique(training_groups(sites))),
            "ECe range, dS/m": None if learned is None else [float(learned.min()), float(learned.max())],
            "unlabelled pixels": 0 if unlabelled is None else len(unlabelled),
            "missing bands": model.checks_["missing bands"],
            "laboratory samples": {name: len(one) for name, one in libraries.items()},
        },
        "versions": versions(),
    }


def applicability_facts(model: DeepSaltRegressor) -> dict[str, Any] | None:
    """How the model tells where it should not be believed; None where it cannot."""
    familiar = model.model_.familiar
    if not familiar.learned:
        return None
    dissimilarity, residual = familiar.limits.tolist()
    return {
        "outside": "land without laboratory sample and ground point, or a spectrum beyond these limits",
        "limit of dissimilarity": dissimilarity,
        "limit of residual": residual,
        "kept by": "99 of 100 training pixels",
        "lands known": len(model.lands_),
        "scenes with 20 ground points": len(model.sampled_),
    }


def _requires(model: DeepSaltRegressor) -> list[str]:
    """What a reader must know to answer as this model does."""
    found = {"scenes": model.scenes_, "places": model.nearby_}
    return [name for name, used in found.items() if used]


def ground_from(
    card: Mapping[str, Any], model: BridgeStudent, path: str | Path
) -> tuple[tuple[Land, ...], dict[str, Tuning], dict[str, Land]]:
    """Lands, scenes, boxes of ground points. Raises ModelFileError for what does not fit the weights."""
    from deepsalt.models.tuning import from_plain

    count = model.architecture.lands
    with usable("its scenes", path):
        lands = tuple(Land.from_plain(one) for one in card["lands"])
        scenes = {word(name): from_plain(one, model.architecture) for name, one in card["scenes"].items()}
        sampled = {word(name): Land.from_plain(one) for name, one in card["sampled"].items()}
    if len(lands) != count:
        raise ModelFileError(f"the card names {len(lands)} lands, the weights have {count}", where=str(path))
    return lands, scenes, sampled


def places_from(
    card: Mapping[str, Any], lands: int, path: str | Path
) -> tuple[tuple[Sites, ...], dict[str, Nearby]]:
    """What a card says of samples by their places. Raises ModelFileError for what is no such thing."""
    with usable("its places", path):
        sites = tuple(Sites.from_plain(one) for one in card.get("sites", []))
        near = {word(name): Nearby.from_plain(one) for name, one in card.get("nearby", {}).items()}
    if len(sites) not in (0, lands):
        raise ModelFileError(f"the card has sites of {len(sites)} lands, it names {lands}", where=str(path))
    return sites, near


def channels_from(card: Mapping[str, Any], count: int, path: str | Path) -> Axis:
    """The channels of a card. Raises ModelFileError where they do not fit the weights."""
    with usable("its channels", path):
        section = card["channels"]
        centres = numbers(section["centres"])
        axis = Axis(centres, "nm", np.full(len(centres), float(section["width"])))
    if len(axis) != count:
        raise ModelFileError(
            f"the card names {len(axis)} channels, the weights have {count}", where=str(path)
        )
    return axis
