"""Back from the card of a model of the preset `deepsalt`: channels, lands, scenes and places, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepsalt.errors import ModelFileError
from deepsalt.estimators.lands import Land
from deepsalt.estimators.nearby import Nearby, Sites
from deepsalt.spectra import Axis

if TYPE_CHECKING:
    from deepsalt.models import BridgeStudent, Tuning


def ground_from(
    card: Mapping[str, Any], model: BridgeStudent, path: str | Path
) -> tuple[tuple[Land, ...], dict[str, Tuning]]:
    """Lands and scenes of a card. Raises ModelFileError for what does not fit the weights."""
    from deepsalt.models.tuning import from_plain

    count = model.architecture.lands
    try:
        lands = tuple(Land.from_plain(one) for one in card["lands"])
        scenes = {str(name): from_plain(one, model.architecture) for name, one in card["scenes"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the card does not say its scenes ({error})", where=str(path)) from error
    if len(lands) != count:
        raise ModelFileError(f"the card names {len(lands)} lands, the weights have {count}", where=str(path))
    return lands, scenes


def places_from(
    card: Mapping[str, Any], lands: int, path: str | Path
) -> tuple[tuple[Sites, ...], dict[str, Nearby]]:
    """What a card says of samples by their places. Raises ModelFileError for what is no such thing."""
    try:
        sites = tuple(Sites.from_plain(one) for one in card.get("sites", []))
        near = {str(name): Nearby.from_plain(one) for name, one in card.get("nearby", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the card does not say its places ({error})", where=str(path)) from error
    if len(sites) not in (0, lands):
        raise ModelFileError(f"the card has sites of {len(sites)} lands, it names {lands}", where=str(path))
    return sites, near


def channels_from(card: Mapping[str, Any], count: int, path: str | Path) -> Axis:
    """The channels of a card. Raises ModelFileError where they do not fit the weights."""
    try:
        section = card["channels"]
        centres = np.array(section["centres"], float)
        axis = Axis(centres, "nm", np.full(len(centres), float(section["width"])))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the card does not say its channels ({error})", where=str(path)) from error
    if len(axis) != count:
        raise ModelFileError(
            f"the card names {len(axis)} channels, the weights have {count}", where=str(path)
        )
    return axis
