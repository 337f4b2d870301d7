"""What a model knows of its own errors: residuals of held-out fields and of held-out scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.estimators.card import numbers, usable, word
from deepsalt.estimators.conformal import PredictiveDistribution, Residuals, calibrated

Floats = NDArray[np.float64]
#: Digits of ln(1+ECe) that a card keeps.
_DIGITS = 4
_LARGEST = 50.0  # ln(1+ECe) of no soil


@dataclass(frozen=True, eq=False)
class KnownErrors:
    """Answers to labelled pixels by models that had not seen them.

    fields   residuals where the pixel's field was held out, its scene was not
    scenes   where its whole scene was held out; None where too few scenes have points
    pointed  scenes with ground points: their pixels are answered like held-out fields, those of other scenes
             like held-out scenes
    """

    fields: Residuals
    scenes: Residuals | None = None
    pointed: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(
        cls,
        observed: Floats,
        by_field: Floats,
        by_scene: Floats | None,
        groups: NDArray[np.str_],
        pointed: frozenset[str],
    ) -> KnownErrors:
        """observed, by_field, by_scene (m,) ln(1+ECe); groups (m,) fields."""
        scenes = None if by_scene is None else Residuals(by_scene, observed - by_scene, groups)
        return cls(Residuals(by_field, observed - by_field, groups), scenes, pointed)

    def distribution(self, scene: str) -> PredictiveDistribution:
        """What may be there at a pixel of this scene; "" for one without a name."""
        return self._of_fields if scene in self.pointed or self.scenes is None else self._of_scenes

    @cached_property
    def _of_fields(self) -> PredictiveDistribution:
        return calibrated(self.fields)

    @cached_property
    def _of_scenes(self) -> PredictiveDistribution:
        assert self.scenes is not None
        return calibrated(self.scenes)

    def as_plain(self) -> dict[str, Any]:
        """For a model's card."""
        parts = {"fields": self.fields, "scenes": self.scenes}
        told = {name: _plain(one) for name, one in parts.items() if one is not None}
        return {**told, "pointed": sorted(self.pointed)}

    @classmethod
    def from_plain(cls, content: Mapping[str, Any], path: str | Path) -> KnownErrors:
        """Back from a card. Raises ModelFileError for what is no such thing."""
        with usable("its errors", path):
            scenes = _residuals(content["scenes"]) if "scenes" in content else None
            pointed = frozenset(word(name) for name in content["pointed"])
            return cls(_residuals(content["fields"]), scenes, pointed)


def no_intervals(why: str) -> UsageError:
    """The error for a model that knows too little of its own errors."""
    return UsageError(
        f"the model has no intervals: {why}",
        fix="Train it with at least 40 ground points in at least 6 fields, and intervals on.",
    )


def _plain(one: Residuals) -> dict[str, Any]:
    return {
        "answer": np.round(one.answer, _DIGITS).tolist(),
        "residual": np.round(one.residual, _DIGITS).tolist(),
        "group": one.group.tolist(),
    }


def _residuals(content: Mapping[str, Any]) -> Residuals:
    answer, residual = (numbers(content[name]) for name in ("answer", "residual"))
    if max(np.abs(answer).max(initial=0.0), np.abs(residual).max(initial=0.0)) > _LARGEST:
        raise ValueError(f"an error beyond {_LARGEST:g} on ln(1+ECe)")
    return Residuals(answer, residual, np.array([word(name) for name in content["group"]]))
