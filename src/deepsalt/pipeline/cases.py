"""Cases of a comparison: one data set with one split, asked with some number of ground points.

A Frame is what is read, sampled and checked for leaks once; its cases differ only in the ground points
that are drawn from its training rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepsalt.config import CompareConfig, Config
from deepsalt.errors import ConfigError, UsageError
from deepsalt.pipeline.demo import demo_config
from deepsalt.pipeline.train import input_fingerprints
from deepsalt.simulate import WorldSettings
from deepsalt.splits import Rows

#: Does the library cover the unseen region? "none": no region is held out.
Cover = Literal["covered", "unknown", "none"]

_POINTS_ON_WORLDS = 150
#: Sensors whose products of several days can be put together pixel by pixel.
_ON_A_GRID = ("enmap", "prisma")
_COVERING = ("library_covers_unseen", "pixels_of_unseen")


@dataclass(frozen=True)
class Frame:
    """One data set with one split.

    name      for people, for example `world 3, clay_delta unseen, covered`
    cluster   frames that share their land share it; they are no independent evidence
    cover     whether the library covers the unseen region
    config    paths, split and seed, as a run would have them
    identity  everything the prepared data depend on, as plain values without paths
    world     what to simulate first, at the paths of `config`; None for data of one's own
    scene_pixels   how many of the unseen scene are asked about as well, which a world alone can tell
    """

    name: str
    cluster: str
    cover: Cover
    config: Config
    identity: Mapping[str, Any]
    world: WorldSettings | None = None
    scene_pixels: int = 0

    @property
    def key(self) -> str:
        """The same for the same data, wherever they lie."""
        return digest(self.identity)


@dataclass(frozen=True)
class Case:
    """A frame with some number of its ground points.

    points   how many to learn from, in whole fields; None for all
    draw     which random draw of them
    """

    frame: Frame
    points: int | None
    draw: int = 0

    @property
    def name(self) -> str:
        return f"{self.frame.name}, {points_name(self.points)}, draw {self.draw}"

    def identity_for(self, points_only: bool) -> dict[str, Any]:
        """What a method's result depends on; to one that reads ground points only, the library is nothing."""
        frame: dict[str, Any] = dict(self.frame.identity)
        if points_only:
            split = {key: value for key, value in frame["split"].items() if key not in _COVERING}
            frame = {**frame, "split": split, "library": None}
        return {"frame": digest(frame), "points": self.points, "draw": self.draw}

    def allowing_leaks(self, allow: bool) -> Case:
        """The same case, its data prepared in spite of leaks if `allow`."""
        config = self.frame.config.model_copy(update={"allow_leak": allow})
        return replace(self, frame=replace(self.frame, config=config))

    @property
    def seed(self) -> int:
        """Of the methods; the first draw has the seed that a run of this config would have."""
        return self.frame.config.seed + 1000 * self.draw


def points_name(points: int | None) -> str:
    """For example `150 points`, `all points`."""
    return "all points" if points is None else f"{points} points"


def digest(content: Any) -> str:
    """16 hex digits of plain values."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cases_of(config: Config | None, wanted: CompareConfig, folder: Path) -> list[Case]:
    """Every case that is asked for: on simulated worlds if `wanted` names some, else on the config's data.

    folder   where worlds are simulated
    Raises UsageError where there is neither.
    """
    if wanted.worlds is not None:
        frames = world_frames(wanted, config, folder)
    elif config is not None:
        frames = own_frames(config, wanted)
    else:
        raise UsageError(
            "nothing to compare on", fix="Give a config, or seeds of simulated worlds with --worlds 0 1 2."
        )
    points = _points(wanted)
    return [Case(frame, number, draw) for frame in frames for number, draw in _draws(points, wanted.draws)]


def world_frames(wanted: CompareConfig, config: Config | None, folder: Path) -> list[Frame]:
    """Simulated worlds. The unseen region rotates with the seed, so that each is held out in turn; of a world
    with more than one, those after it follow."""
    covered = [True, False] if wanted.covered is None else wanted.covered
    return [
        _world_frame(world, turn, inside, config, folder, wanted)
        for world in (
            _world_settings(wanted.world, seed, wanted.dates) for seed in _distinct(wanted.worlds or [])
        )
        for turn in range(min(wanted.regions, len(world.regions)))
        for inside in _distinct(covered)
    ]


def own_frames(config: Config, wanted: CompareConfig) -> list[Frame]:
    """The config's own data with random grouped splits, and its unseen region if it names one."""
    if config.satellite is None:
        raise UsageError(
            "a laboratory-only config has no ground points to compare on",
            fix="Add a [satellite] section; a laboratory-only run compares its methods itself.",
        )
    if wanted.scene_pixels:
        raise UsageError(
            "the truth of a whole scene is known of simulated worlds alone",
            where="compare.scene_pixels",
            fix="Leave it out: own data are asked about at their ground points.",
        )
    if wanted.regions > 1:
        raise UsageError(
            f"{wanted.regions} regions in turn: only those of simulated worlds are held out so",
            where="compare.regions",
            fix="Name one with unseen_region in [split].",
        )
    if wanted.dates > 1:
        raise UsageError(
            f"{wanted.dates} dates of own data: only simulated worlds can be seen on more days",
            where="compare.dates",
            fix='Give all dates as scenes, and composite = "bare" in [satellite].',
        )
    inputs = input_fingerprints(config)
    inside = [config.split.library_covers_unseen] if wanted.covered is None else _distinct(wanted.covered)
    chosen = inside if config.split.unseen_region else inside[:1]
    said = wanted.covered is not None
    return [
        _own_frame(config, repeat, cover, said, inputs)
        for repeat in range(wanted.repeats)
        for cover in chosen
    ]


def draw_points(groups: NDArray[Any], points: int | None, seed: int, draw: int) -> Rows:
    """Rows of whole fields, drawn at random until there are `points` of them; sorted.

    groups   (row,) field of each training row
    Of one draw, fewer points are a subset of more.
    """
    if points is None:
        return np.arange(len(groups))
    names, inverse, counts = np.unique(
        np.asarray(groups).astype(str), return_inverse=True, return_counts=True
    )
    order = np.random.default_rng([seed, draw]).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    return np.flatnonzero(np.isin(inverse, order[before < points]))


def _world_settings(changes: Mapping[str, Any], seed: int, dates: int) -> WorldSettings:
    if "seed" in changes:
        raise ConfigError(
            "`seed` stands in the wrong place", where="compare.world", fix="Use worlds = [...]."
        )
    settings = WorldSettings.from_dict({**changes, "seed": seed}, where="compare.world")
    if dates == 1:
        return settings
    if settings.products or settings.looks > 1:
        raise ConfigError("`products` and `looks` say it twice", where="compare.world", fix="Leave them out.")
    if settings.sensor not in _ON_A_GRID:
        raise ConfigError(
            f"{dates} dates of {settings.sensor}, whose products are swaths",
            where="compare.dates",
            fix=f"Use a sensor whose dates share a grid: {', '.join(_ON_A_GRID)}.",
        )
    return replace(settings, products=(settings.sensor,), looks=dates)


def _world_frame(
    world: WorldSettings, turn: int, covered: bool, config: Config | None, folder: Path, wanted: CompareConfig
) -> Frame:
    dates, pixels = wanted.dates, wanted.scene_pixels
    unseen = world.regions[(world.seed + turn) % len(world.regions)]
    cover: Cover = "covered" if covered else "unknown"
    split = {"unseen_region": unseen, "library_covers_unseen": covered, "pixels_of_unseen": covered}
    changes: dict[str, Any] = {"split": split}
    if config is not None:
        changes["method"] = config.method.model_dump()
    root = folder / digest(world.as_dict())
    made = demo_config(root, world, changes)
    seen = ""
    if dates > 1 and made.satellite is not None:
        of_all = {"scenes": [str(root / "products" / "*")], "composite": "bare"}
        made = made.model_copy(update={"satellite": made.satellite.model_copy(update=of_all)})
        seen = f", {dates} dates"
    return Frame(
        name=f"world {world.seed}, {unseen} unseen, {cover}{seen}",
        cluster=f"world {world.seed}",
        cover=cover,
        config=made,
        identity={"world": world.as_dict(), **({"scene pixels": pixels} if pixels else {}), **_asked(made)},
        world=world,
        scene_pixels=pixels,
    )


def _own_frame(config: Config, repeat: int, covered: bool, chosen: bool, inputs: Mapping[str, str]) -> Frame:
    """`chosen`: the comparison was told whether the region is covered, rather than the config."""
    unseen = config.split.unseen_region
    asked = _COVERING if chosen else ("library_covers_unseen",)  # else the config's word on pixels stands
    split = config.split.model_copy(update=dict.fromkeys(asked, covered))
    made = config.model_copy(update={"seed": config.seed + repeat, "split": split})
    cover: Cover = "none" if unseen is None else "covered" if covered else "unknown"
    words = "" if unseen is None else f", {unseen} unseen, {cover}"
    return Frame(
        name=f"split {repeat}{words}",
        cluster="own data",
        cover=cover,
        config=made,
        identity={"inputs": dict(inputs), **_asked(made)},
    )


def _asked(config: Config) -> dict[str, Any]:
    """What the prepared data depend on beside the files."""
    paths = {"path", "metadata", "wavelengths", "scenes", "points", "covariates", "strata", "map_units"}
    return {
        "seed": config.seed,
        "split": config.split.model_dump(),
        "library": config.library.model_dump(exclude=paths),
        "satellite": config.satellite.model_dump(exclude=paths) if config.satellite else None,
        "pair_within_m": config.method.pair_within_m,
    }


def _points(wanted: CompareConfig) -> list[int | None]:
    if wanted.points is None:
        return [None] if wanted.worlds is None else [_POINTS_ON_WORLDS]
    return [None if number == "all" else number for number in _distinct(wanted.points)]


def _draws(points: Sequence[int | None], draws: int) -> Iterator[tuple[int | None, int]]:
    """All points, or none, can be drawn in one way only, but a method still has another seed."""
    for number in points:
        for draw in range(1 if not number else draws):
            yield number, draw


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
