"""The model card: what a model is, what it learned from, how well it does, and what it must not be used for.

Most of it stands in the card of the model file anyway. What only the run knows that trained the model - its
data, their licences, the split, the metrics - is the section `about`, which no answer depends on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from deepsalt.estimators.card import inputs_from, usable
from deepsalt.estimators.limits import limits_of

_LONGEST_TEXT = 2_000
NOT_STATED = "not stated"


def printable(text: str) -> str:
    """Text of a stranger's file as it may reach a terminal: no control characters, not without end.

    >>> printable("clear" + chr(27) + "[2J" + " the screen")
    'clear[2J the screen'
    """
    letters = (letter for letter in text[:_LONGEST_TEXT] if unicodedata.category(letter) not in _STEERING)
    return "".join(letters)


#: Control characters, surrogates, and marks that turn the direction of writing.
_STEERING = ("Cc", "Cs", "Cf")
Text = Annotated[str, AfterValidator(printable)]
Range = tuple[float, float, float]
Numbers = dict[str, float | None]


class _Section(BaseModel):
    """Keys that a later version adds are kept, and not shown."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Source(_Section):
    """Samples or points that were learned from.

    name         of the file, or of the domain of a library
    samples      rows; `measured` of them have EC
    groups       fields or profiles
    methods      how many by each method of EC
    conversion   median standard error of converted ECe over ECe; None where nothing was converted
    ece_ds_m     smallest, median and largest label, dS/m
    box          south, north, west and east of their places, degrees WGS84, to 0.01
    dates        first and last
    """

    name: Text
    samples: int
    measured: int
    groups: int | None = None
    methods: dict[Text, int] = Field(default_factory=dict)
    conversion: float | None = None
    ece_ds_m: Range | None = None
    regions: tuple[Text, ...] = ()
    box: tuple[float, float, float, float] | None = None
    dates: tuple[Text, Text] | None = None
    licence: Text = NOT_STATED


class SceneFacts(_Section):
    """A scene whose pixels were seen in training; `box` as of a Source, of these pixels."""

    name: Text
    sensor: Text
    acquired: Text = NOT_STATED
    pixels: int = 0
    box: tuple[float, float, float, float] | None = None


class PartFacts(_Section):
    """A part of the split: what it asks, and how the model answered.

    dS_m, ln    metrics in dS/m and on ln(1 + target)
    intervals   of the metrics, 95 % over groups: {"dS_m": {metric: [low, high]}, "ln": ...}
    coverage    of predicted intervals by level: share inside and mean width
    """

    name: Text
    title: Text
    question: Text
    n: int
    groups: int
    dS_m: Numbers
    ln: Numbers
    intervals: dict[str, dict[str, tuple[float | None, float | None]]] | None = None
    coverage: dict[str, Numbers] | None = None


class About(_Section):
    """What the run knows that trained the model.

    label          the target in words: "ECe", "EC1:2.5"
    trained        day, given from outside: the same model of another day has the same fingerprint
    satellite      licence of the scenes
    fingerprints   of the files read, by name
    split          how rows were held out, in one sentence
    leaks          sentences on what was learned from a held-out side
    """

    name: Text = ""
    simulated: bool = False
    label: Text = "ECe"
    trained: Text = NOT_STATED
    author: Text = NOT_STATED
    contact: Text = NOT_STATED
    licence: Text = NOT_STATED
    libraries: tuple[Source, ...] = ()
    points: Source | None = None
    scenes: tuple[SceneFacts, ...] = ()
    satellite: Text = NOT_STATED
    unlabelled: int = 0
    fingerprints: dict[Text, Text] = Field(default_factory=dict)
    split: Text = NOT_STATED
    parts: tuple[PartFacts, ...] = ()
    leaks: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()


class ModelCard(_Section):
    """The whole card of a model file.

    format, fingerprint   of the file: layout, and digest of all that an answer depends on
    preset, learned_on    which method, and the scale that it learned
    bands                 what it reads, a line for each domain
    knows                 what else the file holds: lands, tuned scenes, errors, samples with their places
    applicability         what the estimator says of where it may be believed, or None
    limits                what it must not be used for
    """

    kind: Literal["model"] = "model"
    format: int
    fingerprint: Text
    preset: Text
    sensor: Text
    bands: tuple[Text, ...]
    covariates: tuple[Text, ...] = ()
    target: Text
    unit: Text
    depth: Text = NOT_STATED
    learned_on: Text
    seed: int | None = None
    requires: tuple[Text, ...] = ()
    knows: tuple[Text, ...] = ()
    applicability: dict[str, Any] | None = None
    limits: tuple[Text, ...]
    versions: dict[Text, Text] = Field(default_factory=dict)
    about: About

    @property
    def title(self) -> str:
        """The model in a few words."""
        return self.about.name or f"A model of the preset {self.preset}"


def model_card(card: Mapping[str, Any], path: str | Path) -> ModelCard:
    """The model card of a model file's card. Raises ModelFileError for one that does not say what it must."""
    with usable("what the model is", path):
        about = About.model_validate(card.get("about", {}))
        domains = card.get("domains") or [["", card["inputs"]]]
        inputs = [(name, inputs_from({"inputs": section}, path)) for name, section in domains]
        sensor = inputs[0][1].sensor
        return ModelCard(
            format=card["format"],
            fingerprint=card.get("fingerprint", NOT_STATED),
            preset=card["preset"],
            sensor=sensor or "laboratory",
            bands=tuple(f"{name} {one.quantity}, {one.axis.describe()}".strip() for name, one in inputs),
            covariates=inputs[0][1].covariates,
            target=card["target"],
            unit=card["unit"],
            depth=card.get("depth", NOT_STATED),
            learned_on=f"ln(1 + {about.label})",
            seed=card.get("seed"),
            requires=card.get("requires", ()),
            knows=_knows(card),
            applicability=card.get("applicability"),
            limits=limits_of(
                of_pixels=bool(sensor),
                label=about.label,
                simulated=about.simulated,
                leaks=bool(about.leaks),
                errors=card.get("errors") is not None,
                places=bool(card.get("nearby")),
            ),
            versions=card.get("versions", {}),
            about=about,
        )


def _knows(card: Mapping[str, Any]) -> tuple[str, ...]:
    """What the file holds beside its networks; places of samples above all, which may be private."""
    lands, scenes, sites, errors = (card.get(key) or () for key in ("lands", "scenes", "sites", "errors"))
    lines = []
    if lands:
        lines.append(f"{len(lands)} lands of the library, as boxes of latitude and longitude")
    if scenes:
        lines.append(f"how {len(scenes)} scenes are read")
    if sites:
        count = sum(len(one["label"]) for one in sites)
        lines.append(f"places and ECe of {count} laboratory samples: whoever has the file has them")
    if errors:
        fields = errors["fields"]
        lines.append(
            f"its errors at {len(fields['answer'])} points of {len(set(fields['group']))} held-out fields"
        )
    return tuple(lines)
