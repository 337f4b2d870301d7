"""[split], [method], [model] and [compare]: what is asked, of which methods."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from deepsalt.config.section import Section

BaselineName = Literal["mean", "plsr", "boosting", "svr", "svr-wide", "ridge", "forest", "local"]
#: What runs unless others are asked for; published tables of `deepsalt compare` rest on these.
DEFAULT_BASELINES: tuple[BaselineName, ...] = ("mean", "plsr", "boosting", "svr")


class SplitConfig(Section):
    """Who is held out."""

    test_share: float = Field(0.2, gt=0, lt=1)
    unseen_region: str | None = None
    library_covers_unseen: bool = False
    pixels_of_unseen: bool = Field(False, description="its scene may be seen, without labels")
    folds: int = Field(5, ge=2, description="laboratory-only: folds of the cross-validation")


class MethodConfig(Section):
    """The preset, its hyperparameters, and what runs beside it."""

    preset: Literal["deepsalt", "paper"] = "deepsalt"
    adaptation: bool = True
    distillation: bool = True
    student_alone: bool = True
    baselines: list[BaselineName] = Field(default_factory=lambda: list(DEFAULT_BASELINES))
    pair_within_m: float = Field(60.0, gt=0)
    settings: dict[str, Any] = Field(default_factory=dict)


class ModelConfig(Section):
    """What the model's card says of whose it is; nothing learns from it."""

    author: str = "not stated"
    contact: str = "not stated"
    licence: str = Field("not stated", description="of the model, in words or as SPDX id")


class CompareConfig(Section):
    """What `deepsalt compare` runs; every list that is left out has a default.

    methods    rows of the table; default all, of the baselines DEFAULT_BASELINES
    points     numbers of ground points to learn from, "all" for every one; default 150 on simulated worlds,
               "all" on the config's own data
    draws      how often the ground points are drawn anew
    repeats    own data: random grouped splits
    worlds     seeds of simulated worlds to compare on instead of the own data
    world      settings of these worlds, see deepsalt.simulate.WorldSettings
    regions    how many regions of each world are held out in turn, one at a time; its cases count as one land
    dates      days on which the satellite sees each place of these worlds; those of a place are put together
               to one scene of bare soil
    scene_pixels   pixels anywhere in the unseen scenes of these worlds that are asked about as well, against
               their truth
    covered    whether the library covers the unseen region; default both on worlds, as in [split] on own data
    reference  the method the others are compared with; default the full preset
    workers    processes; default one a core
    """

    methods: list[str] | None = Field(None, min_length=1)
    points: list[Annotated[int, Field(ge=0)] | Literal["all"]] | None = Field(None, min_length=1)
    draws: int = Field(1, ge=1)
    repeats: int = Field(5, ge=1)
    worlds: list[Annotated[int, Field(ge=0)]] | None = Field(None, min_length=1)
    world: dict[str, Any] = Field(default_factory=dict)
    regions: int = Field(1, ge=1)
    dates: int = Field(1, ge=1)
    scene_pixels: int = Field(0, ge=0)
    covered: list[bool] | None = Field(None, min_length=1)
    reference: str | None = None
    workers: int | None = Field(None, ge=1)
