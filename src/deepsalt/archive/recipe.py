"""How every scene of a call is mapped, and one scene of it as a task that another process can take over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deepsalt.archive.code import code_fingerprint
from deepsalt.archive.inputs import quick_fingerprint
from deepsalt.errors import ProductError, UsageError
from deepsalt.estimators.predictor import Predictor
from deepsalt.mapping.folder import map_folder
from deepsalt.mapping.questions import DEFAULT_QUESTIONS, Questions
from deepsalt.preprocessing.composites import check_how, composite
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.readers import read
from deepsalt.readers.covariate_set import CovariateSet
from deepsalt.spectra import Scene


@dataclass(frozen=True)
class Recipe:
    """What all scenes of a call have in common; it travels to the workers.

    load        gives the predictor, in whatever process it is called
    model       fingerprint of the model
    out         folder of the maps
    covariates  rasters; None maps without those that the model can do without
    truth       rasters of true ECe, of simulated worlds: the one on a scene's grid is compared with its map
    rules       what a pixel must not show to be mapped
    asked       level of the interval, thresholds of the probabilities
    composite   "bare", "median" or "medoid" makes one scene of all dates on a grid; None maps each
    min_looks   fewest unmasked dates of a pixel of a composite
    """

    load: Callable[[], Predictor]
    model: str
    out: Path
    covariates: tuple[str, ...] | None = ()
    truth: tuple[str, ...] = ()
    rules: SurfaceRules = DEFAULT_RULES
    asked: Questions = DEFAULT_QUESTIONS
    composite: str | None = None
    min_looks: int = 1

    def __post_init__(self) -> None:
        if self.composite is not None:
            check_how(self.composite)

    def settings(self) -> dict[str, Any]:
        """Everything beside scene and model that decides what a map shows."""
        from deepsalt import __version__

        return {
            "deepsalt": __version__,
            "code": code_fingerprint(),
            "model": self.model,
            "rules": self.rules.describe(),
            **self.asked.settings(),
            "composite": f"{self.composite}, {self.min_looks} looks" if self.composite else "",
            "covariates": "none" if self.covariates is None else quick_fingerprint(self.covariates),
            "truth": quick_fingerprint(self.truth),
        }

    def source(self) -> CovariateSet | Literal["none"] | None:
        """The covariates as `map_scene` takes them."""
        if self.covariates is None:
            return "none"
        return CovariateSet.open(self.covariates) if self.covariates else None

    def open(self, paths: tuple[str, ...]) -> Scene:
        """The scene of one path, or the composite of several. Raises what the readers raise."""
        return self.composed([_scene(path) for path in paths])

    def composed(self, looks: Sequence[Scene]) -> Scene:
        """The dates of one place as one scene; a place that was seen once stays as it is."""
        if len(looks) == 1:
            return looks[0]
        return composite(looks, self.composite or "median", rules=self.rules, min_looks=self.min_looks)


@dataclass(frozen=True)
class Made:
    """What a map is made from: the record in its folder, and the key by which it is known again.

    scene     its name
    inputs    fingerprint of its files
    settings  of the recipe
    """

    scene: str
    inputs: str
    settings: dict[str, Any]

    @property
    def key(self) -> str:
        told = json.dumps([self.inputs, self.settings], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Task:
    """One scene to be mapped.

    paths    of the product, or of all dates of a composite
    why      why it is to be done: "new", "inputs changed", ...
    pixels, bands, bytes  size of the scene, and of its files
    windows  how many it is read in
    pixels_per_window  about how many pixels of it are held at a time
    """

    paths: tuple[str, ...]
    made: Made
    why: str
    pixels: int
    bands: int
    bytes: int
    windows: int
    pixels_per_window: int

    @property
    def scene(self) -> str:
        return self.made.scene

    def folder(self, out: Path) -> Path:
        return map_folder(out, self.scene)


def _scene(path: str) -> Scene:
    found = read(path)
    if not isinstance(found, Scene):
        raise UsageError("not a satellite scene", where=path, fix="See: deepsalt inspect PATH")
    return found


def short(name: str, length: int = 40) -> str:
    """A scene name that fits on a line: the middle of a long one is left out."""
    return name if len(name) <= length else f"{name[:24]}...{name[-12:]}"


def unchanged(task: Task) -> None:
    """Raise ProductError if the files of a task are no longer those that it was planned with."""
    if quick_fingerprint(task.paths) != task.made.inputs:
        raise ProductError(
            "the files changed while the scene was mapped",
            where=task.paths[0],
            fix="Run it again when they are complete.",
        )
