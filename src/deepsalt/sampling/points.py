"""The pixel under each ground point: its spectrum, its label, where it lies and how uniform it is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules
from deepsalt.sampling.pixels import (
    Covariates,
    add_covariates,
    gaps_noted,
    locate,
    look,
    on_bands,
    place,
    stack,
    weights_of,
)
from deepsalt.sampling.purity import grown, pixel_size_m, purity_around
from deepsalt.sampling.rules import MOST_REACH, PointRules, days_apart, nearest_in_date, undated
from deepsalt.spectra import Axis, Scene, Spectra, Window

#: Columns of the number of a point and of its scene, dropped before the table is given away.
_POINT, _SCENE = "point", "scene number"


def at_points(
    scenes: Sequence[Scene],
    points: pd.DataFrame,
    axis: Axis,
    covariates: Covariates | None = None,
    rules: SurfaceRules = DEFAULT_RULES,
    point_rules: PointRules | None = None,
) -> Spectra:
    """The pixel under each ground point.

    points    columns `latitude`, `longitude` and the label; every other column is kept
    axis      bands to deliver
    rules     what a valid pixel must not show
    point_rules   which points may label which image; with them, also an empty set of them, the purity
              of each pixel is told
    returns   a table of the points that fall on a valid pixel, in the order of scenes and pixels,
              with `scene`, `row`, `column`, the pixel's centre (`pixel_latitude`, `pixel_longitude`)
              and the covariates at the point added; where points have a `date`, also `days_apart`
              (image minus sample); with point_rules `pixel_purity` (1 = uniform) over the 3 x 3, or more
              where the point's error covers more, and `neighbours`, the valid ones there. A point
              under several scenes is taken from the valid one nearest in date, from the first where
              dates are not known.

    Raises LabelError if no point falls on a valid pixel, saying how many fell where.
    """
    asked = point_rules or PointRules()
    left, told = asked.kept(points.reset_index(drop=True))
    looks = [_Look.of(scene, left, asked, measured=point_rules is not None) for scene in scenes]
    seen = [
        found.with_samples(**{_SCENE: number})
        for number, one in enumerate(looks)
        if (found := one.seen(axis, rules)) is not None
    ]
    counts = _Counts.of(looks, len(left), seen)
    seen = [pure for one in seen if len(pure := _pure_enough(one, asked))]
    if not seen:
        raise _nothing_found(scenes, points, left, counts, told)
    table = stack(seen)
    table = table.take(_chosen(table.samples))
    told += [
        f"scene {name} has no date and gives no label" for name in undated(scenes) if asked.asks_for_dates
    ]
    for step in told:
        table = table.noted(step)
    plain = replace(table, samples=table.samples.drop(columns=[_POINT, _SCENE]))
    return add_covariates(gaps_noted(plain), covariates).noted(counts.sentence(len(table), asked))


@dataclass(frozen=True, eq=False)
class _Look:
    """One scene with the pixel of every point.

    rows, columns   (point,) may lie outside
    inside          (point,) whether it lies in the scene
    fit             (point,) whether it also fulfils the rules on dates and places
    reach           (point,) pixels to each side whose purity counts
    """

    scene: Scene
    points: pd.DataFrame
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    inside: NDArray[np.bool_]
    fit: NDArray[np.bool_]
    reach: NDArray[np.intp]
    measured: bool

    @classmethod
    def of(cls, scene: Scene, points: pd.DataFrame, rules: PointRules, *, measured: bool) -> _Look:
        rows, columns = locate(scene, points["latitude"].to_numpy(), points["longitude"].to_numpy())
        inside = (rows >= 0) & (rows < scene.height) & (columns >= 0) & (columns < scene.width)
        reach = rules.reach(points, pixel_size_m(scene)) if measured else np.zeros(len(points), np.intp)
        fit = inside & rules.allowed(points, scene) & (reach <= MOST_REACH)
        return cls(scene, points, rows, columns, inside, fit, reach, measured)

    def seen(self, axis: Axis, rules: SurfaceRules) -> Spectra | None:
        """The points that the scene shows valid; None where there is none."""
        weights = weights_of(self.scene, axis)
        parts = [on_bands(part, axis, weights) for part in self._parts(rules)]
        return stack(parts) if sum(map(len, parts)) else None

    def _parts(self, rules: SurfaceRules) -> Iterator[Spectra]:
        """Of each window that holds points the pixels under them; windows without points are not read."""
        for window in self.scene.windows():
            here = np.flatnonzero(self.fit & _within(window, self.rows, self.columns))
            if not len(here):
                continue
            around = grown(window, int(self.reach[here].max()), self.scene)
            image, bare = look(self.scene, around, rules)
            row, column = self.rows[here] - around.row, self.columns[here] - around.column
            clear = bare[row, column]
            here, row, column = here[clear], row[clear], column[clear]
            if len(here):
                table = self._table(here)
                if self.measured:
                    values = image.values[..., ~self.scene.empty]
                    found = purity_around(values, bare, row, column, self.reach[here])
                    table = table.assign(pixel_purity=found[0], neighbours=found[1])
                chosen = image.pixels().take(row * around.columns + column)
                yield replace(chosen, samples=table.reset_index(drop=True))

    def _table(self, here: NDArray[np.intp]) -> pd.DataFrame:
        latitude, longitude = place(self.scene, self.rows[here], self.columns[here])
        table = self.points.iloc[here].assign(
            **{_POINT: here},
            scene=self.scene.name,
            row=self.rows[here],
            column=self.columns[here],
            pixel_latitude=latitude,
            pixel_longitude=longitude,
        )
        return table.assign(days_apart=days_apart(table, self.scene)) if "date" in table else table


def _within(window: Window, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.bool_]:
    here = (rows >= window.row) & (rows < window.row + window.rows)
    return here & (columns >= window.column) & (columns < window.column + window.columns)


def _pure_enough(seen: Spectra, rules: PointRules) -> Spectra:
    if rules.min_purity is None:
        return seen
    return seen.take((seen.samples["pixel_purity"] >= rules.min_purity).to_numpy(bool))


def _chosen(samples: pd.DataFrame) -> NDArray[np.intp]:
    gaps = samples["days_apart"].to_numpy() if "days_apart" in samples else np.full(len(samples), np.nan)
    return nearest_in_date(gaps, samples[_SCENE].to_numpy(), samples[_POINT].to_numpy())


@dataclass(frozen=True)
class _Counts:
    """How many of the points were asked, lie outside, fulfil the rules nowhere, and are valid somewhere."""

    points: int
    outside: int
    unfit: int
    valid: int

    @classmethod
    def of(cls, looks: Sequence[_Look], points: int, seen: Sequence[Spectra]) -> _Counts:
        inside = np.logical_or.reduce([one.inside for one in looks])
        fit = np.logical_or.reduce([one.fit for one in looks])
        valid = {int(number) for one in seen for number in one.samples[_POINT]}
        return cls(points, int((~inside).sum()), int((inside & ~fit).sum()), len(valid))

    def sentence(self, kept: int, rules: PointRules) -> str:
        masked = self.points - self.valid - self.outside - self.unfit
        more = f", {self.unfit} without an image that fits in date and place" if self.unfit else ""
        impure = self.valid - kept
        more += f", {impure} on a pixel of a purity below {rules.min_purity:g}" if impure else ""
        return (
            f"{kept} of {self.points} ground points on a valid pixel; {self.outside} outside the "
            f"scenes, {masked} masked (cloud, water, vegetation, ...){more}"
        )


def _nothing_found(
    scenes: Sequence[Scene], points: pd.DataFrame, left: pd.DataFrame, counts: _Counts, told: list[str]
) -> LabelError:
    swapped = sum(_inside_when_swapped(scene, left) for scene in scenes)
    if swapped:
        fix = f"Latitude and longitude look swapped: exchanged, {swapped} points would lie inside."
    elif counts.points == 0:
        fix = f"The rules leave none: {'; '.join(told)}."
    elif counts.outside == counts.points:
        fix = "Check the coordinates (degrees WGS84) and that points and scenes show the same place."
    elif counts.valid:
        fix = "The others lie on mixed pixels: lower min_purity."
    elif counts.unfit:
        fix = f"{counts.unfit} have no image that fits in date and place: loosen the rules on points."
    else:
        fix = "The others are masked: check clouds, or loosen the surface rules, such as max_ndvi."
    names = ", ".join(scene.name for scene in scenes[:2])
    return LabelError(
        f"none of {len(points)} ground points falls on a valid pixel ({counts.outside} lie outside)",
        where=names,
        fix=fix,
    )


def _inside_when_swapped(scene: Scene, points: pd.DataFrame) -> int:
    if not len(points) or points["longitude"].abs().max() > 90:
        return 0
    rows, columns = locate(scene, points["longitude"].to_numpy(), points["latitude"].to_numpy())
    return int(((rows >= 0) & (rows < scene.height) & (columns >= 0) & (columns < scene.width)).sum())
