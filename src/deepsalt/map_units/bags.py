"""Bags: the valid pixels of each map unit, which share one label distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.map_units.aggregate import MapUnitLabels
from deepsalt.map_units.coverage import coverage
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.readers.vector import in_wgs84
from deepsalt.sampling.pixels import gaps_noted, look, on_bands, place, stack, weights_of
from deepsalt.sampling.purity import pixel_size_m
from deepsalt.spectra import Axis, Scene, Spectra, Window

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

#: Pixels with less of them under a unit tell more about its neighbours.
LEAST_COVERAGE = 0.05
#: Enough pixels to know a unit's mean and spread; more only cost memory.
MOST_PIXELS = 4096


@dataclass(frozen=True, eq=False)
class Bags:
    """Map units with their pixels, in the form that a loss over bags takes.

    spectra  (pixel, band) with `scene`, `row`, `column`, `latitude`, `longitude` of the centre, `mukey` and
             `coverage`, the share of the pixel under the unit
    bag      (pixel,) number of the unit of each pixel, from 0
    share    (pixel,) its area in the unit over the area of all pixels of the unit here; sums to 1 a bag
    wanted   (bag,) mean of ln(1+ECe) of the unit
    spread   (bag,) its standard deviation
    mukeys   (bag,) key of the unit
    notes    what was left out, and why
    """

    spectra: Spectra
    bag: NDArray[np.intp]
    share: NDArray[np.float64]
    wanted: NDArray[np.float64]
    spread: NDArray[np.float64]
    mukeys: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.mukeys)

    def take(self, pixels: NDArray[np.bool_]) -> Bags:
        """Only these pixels (pixel,), for example those far from held-out points; shares sum to 1 again.

        Units that lose every pixel are left out. Raises LabelError if none is left.
        """
        if not np.any(pixels):
            raise LabelError("no pixel of any map unit is left", fix="Keep some, or leave map units out.")
        kept, bag = np.unique(self.bag[pixels], return_inverse=True)
        return replace(
            self,
            spectra=self.spectra.take(pixels),
            bag=bag.astype(np.intp),
            share=_shares(self.share[pixels], bag),
            wanted=self.wanted[kept],
            spread=self.spread[kept],
            mukeys=tuple(self.mukeys[number] for number in kept),
        )


def bags_of(
    scenes: Sequence[Scene],
    polygons: GeoDataFrame,
    labels: MapUnitLabels,
    axis: Axis,
    *,
    rules: SurfaceRules = DEFAULT_RULES,
    least_coverage: float = LEAST_COVERAGE,
    most_pixels: int | None = MOST_PIXELS,
    seed: int = 0,
) -> Bags:
    """The valid pixels of every map unit with a known ECe, scene by scene and window by window.

    polygons        as `read_unit_polygons` gives them
    axis            bands to deliver
    least_coverage  pixels with less of them under the unit are dropped and counted
    most_pixels     of a unit in a scene; of more, so many are drawn by seed before clouds are known;
                    None takes all

    Windows without a pixel of any unit are not read. Raises LabelError where polygons and scenes do not
    overlap, where no unit there has a known ECe, and where every pixel is masked; UsageError for a
    `least_coverage` outside 0-1.
    """
    if not 0 <= least_coverage < 1:
        raise UsageError(f"least_coverage is {least_coverage}", fix="Use 0 up to below 1.")
    notes: list[str] = []
    parts: list[Spectra] = []
    covered, asked = 0, 0
    strangers: set[str] = set()
    for number, scene in enumerate(scenes):
        under = coverage(scene, polygons)
        covered += len(under)
        known = under["mukey"].isin(labels.units["mukey"])
        strangers |= set(under.loc[~known, "mukey"])
        chosen = _worth(under[known], scene, least_coverage, notes)
        chosen = _thinned(chosen, most_pixels, np.random.default_rng([seed, number]), scene, notes)
        asked += len(chosen)
        parts += _pixels(scene, chosen, axis, rules)
    if strangers:
        notes.append(f"{len(strangers)} map units without a known ECe left out")
    if not covered:
        raise _apart(scenes, polygons)
    names = ", ".join(scene.name for scene in scenes[:2])
    if not asked:
        raise LabelError(
            f"none of {covered} pixels lies under a map unit with a known ECe",
            where=names,
            fix="Check that tables and polygons are of one survey (mukey joins them), and least_coverage.",
        )
    if not parts:
        raise LabelError(
            f"none of {asked} pixels of map units is valid",
            where=names,
            fix="Check the masks with: deepsalt inspect SCENE",
        )
    notes.append(f"{sum(map(len, parts))} of {asked} pixels of map units are valid")
    return _bags(gaps_noted(stack(parts)), labels, notes)


def _worth(under: pd.DataFrame, scene: Scene, least: float, notes: list[str]) -> pd.DataFrame:
    """The pixels without slivers."""
    slivers = under["coverage"] < least
    if slivers.any():
        notes.append(
            f"{scene.name}: {int(slivers.sum())} pixels left out, less than {least:g} of them under a unit"
        )
    return under[~slivers]


def _thinned(
    under: pd.DataFrame, most: int | None, rng: np.random.Generator, scene: Scene, notes: list[str]
) -> pd.DataFrame:
    if most is None or not len(under):
        return under
    order = pd.Series(rng.permutation(len(under)), index=under.index)
    kept = order.groupby(under["mukey"]).rank() <= most
    if not kept.all():
        notes.append(f"{scene.name}: {int((~kept).sum())} pixels of units with more than {most} left out")
    return under[kept]


def _pixels(scene: Scene, under: pd.DataFrame, axis: Axis, rules: SurfaceRules) -> list[Spectra]:
    """The valid ones of these pixels, one table a window that holds any."""
    weights = weights_of(scene, axis)
    area = pixel_size_m(scene) ** 2
    parts = []
    for window in scene.windows():
        here = under[_within(window, under)]
        if not len(here):
            continue
        image, bare = look(scene, window, rules)
        row, column = here["row"].to_numpy() - window.row, here["column"].to_numpy() - window.column
        clear = bare[row, column]
        if clear.any():
            here, flat = here[clear], (row * window.columns + column)[clear]
            latitude, longitude = place(scene, here["row"].to_numpy(), here["column"].to_numpy())
            table = here.assign(
                scene=scene.name, latitude=latitude, longitude=longitude, area_m2=area * here["coverage"]
            )
            chosen = image.pixels().take(flat)
            parts.append(on_bands(replace(chosen, samples=table.reset_index(drop=True)), axis, weights))
    return [part for part in parts if len(part)]


def _within(window: Window, under: pd.DataFrame) -> pd.Series:
    rows = under["row"].between(window.row, window.row + window.rows - 1)
    return rows & under["column"].between(window.column, window.column + window.columns - 1)


def _bags(table: Spectra, labels: MapUnitLabels, notes: list[str]) -> Bags:
    mukeys, bag = np.unique(table.samples["mukey"].to_numpy(str), return_inverse=True)
    share = _shares(table.samples["area_m2"].to_numpy(np.float64), bag)
    units = labels.units.set_index("mukey").loc[list(mukeys)]
    spectra = replace(table, samples=table.samples.drop(columns="area_m2"))
    return Bags(
        spectra,
        bag.astype(np.intp),
        share,
        units["wanted"].to_numpy(np.float64),
        units["spread"].to_numpy(np.float64),
        tuple(map(str, mukeys)),
        tuple(notes),
    )


def _shares(area: NDArray[np.float64], bag: NDArray[np.intp]) -> NDArray[np.float64]:
    return area / np.bincount(bag, area)[bag]


def _apart(scenes: Sequence[Scene], polygons: GeoDataFrame) -> LabelError:
    """Where the polygons lie, and where the first scene does."""
    scene = scenes[0]
    corners = np.array([0, 0, scene.height - 1, scene.height - 1]), np.array([0, scene.width - 1] * 2)
    latitude, longitude = place(scene, *corners)
    left, low, right, high = in_wgs84(polygons).total_bounds
    return LabelError(
        f"no polygon lies in a scene: polygons {low:.4f} to {high:.4f} north, "
        f"{left:.4f} to {right:.4f} east; "
        f"scene {latitude.min():.4f} to {latitude.max():.4f} north, "
        f"{longitude.min():.4f} to {longitude.max():.4f} east",
        where=scene.name,
        fix="Give the polygons of the same place, and check their coordinate system.",
    )
