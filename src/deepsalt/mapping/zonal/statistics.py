"""Zonal statistics: what finished maps say of each polygon, by exact area."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.mapping.area import hectares_on_ellipsoid, hectares_on_plane
from deepsalt.mapping.zonal.maps import MapLayers
from deepsalt.mapping.zonal.notes import notes_on
from deepsalt.mapping.zonal.quantiles import Weighed, quantiles, quantiles_in_passes
from deepsalt.mapping.zonal.shapes import Shapes, on_map, refuse_overlap, shapes_of
from deepsalt.mapping.zonal.stats import Measured, Pixels, Sums, added, pixels_under, sums_of
from deepsalt.mapping.zonal.table import QUANTILES, columns_of, record, units_of
from deepsalt.mapping.zonal.tasks import Task, tasks

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

Progress = Callable[[int, int], None]

_WANTED = tuple(QUANTILES.values())
_ECE = frozenset({"ece"})
#: Pixels of a window, and of all polygons together whose values are kept for the quantiles of the total.
_PIXELS, _KEPT = 1 << 20, 1 << 24


@dataclass(frozen=True, eq=False)
class Zonal:
    """Zonal statistics.

    table   a row a polygon, in the order of the file; columns as in docs/zonal.md
    total   the same over all polygons; ground under two polygons counts twice
    units   unit of each column
    notes   what was repaired, left out or not there
    """

    table: pd.DataFrame
    total: dict[str, float]
    units: dict[str, str]
    notes: tuple[str, ...]


def zonal_statistics(
    maps: Sequence[MapLayers],
    polygons: GeoDataFrame,
    *,
    progress: Progress | None = None,
    pixels: int = _PIXELS,
    kept: int = _KEPT,
) -> Zonal:
    """Mean, quantiles, interval and hectares of the maps' ECe under each polygon.

    maps      as `open_maps` gives them
    polygons  any coordinate system
    progress  called with (polygons done, polygons that touch a map)
    pixels    about how many pixels are held in memory at a time; a larger polygon is read window by window
    kept      up to so many pixels under all polygons are kept for the quantiles of the total; of more, the
              maps are read twice more

    A pixel counts with the exact share of it under the polygon, times its area on the ground.
    Raises LabelError where no feature has an area, UsageError where maps overlap under a polygon,
    ProductError for a map that cannot be read.
    """
    shapes = shapes_of(polygons)
    refuse_overlap(maps, shapes)
    job = _Job(maps, [on_map(shapes, one) for one in maps], Measured.of(maps), kept)
    work = tasks(job.placed, maps, pixels)
    sums = {name: np.zeros(len(shapes)) for name in _names(job.measured)}
    found = np.full((len(shapes), len(_WANTED)), np.nan)
    done, touching = 0, sum(len(task.polygons) for task in work)
    for task in work:
        here, found[task.polygons] = _one_window(job, task) if len(task.windows) == 1 else _windows(job, task)
        for name, values in here.items():
            sums[name][task.polygons] = values
        done += len(task.polygons)
        if progress is not None:
            progress(done, touching)
    hectares = _hectares(shapes, job)
    columns = columns_of(sums, hectares, found, job.measured)
    whole = {name: values.sum(keepdims=True) for name, values in sums.items()}
    of_all = _quantiles_of_all(job, work)[None, :]
    total = columns_of(whole, hectares.sum(keepdims=True), of_all, job.measured)
    return Zonal(
        pd.DataFrame(columns),
        record(total),
        units_of(list(columns)),
        notes_on(shapes, columns, maps, job.measured),
    )


@dataclass(eq=False)
class _Job:
    """What every task needs, and the pixels of all of them while they are few enough to be kept."""

    maps: Sequence[MapLayers]
    placed: list[NDArray[np.object_]]
    measured: Measured
    kept: int
    seen: list[Weighed] = field(default_factory=list)
    count: int = 0

    def pixels(self, task: Task, layers: frozenset[str]) -> Iterator[Pixels]:
        for number, window in task.windows:
            yield pixels_under(self.placed[number][task.polygons], self.maps[number], window, layers)

    def keep(self, pixels: Pixels) -> None:
        """For the quantiles of the total, as long as they are not too many."""
        values, weights = _weighed(pixels)
        self.count += len(values)
        if self.count <= self.kept:
            self.seen.append((values, weights))
        else:
            self.seen.clear()


def _one_window(job: _Job, task: Task) -> tuple[Sums, NDArray[np.float64]]:
    """Sums (polygon,) and quantiles (polygon, quantile) of polygons that share a window."""
    pixels = next(job.pixels(task, job.measured.read))
    job.keep(pixels)
    values, weights = _weighed(pixels)
    count = len(task.polygons)
    by_area = quantiles(pixels.polygon[pixels.mapped], values, weights, count, _WANTED)
    return sums_of(pixels, count, job.measured), by_area


def _windows(job: _Job, task: Task) -> tuple[Sums, NDArray[np.float64]]:
    """Sums and quantiles of one polygon over its windows."""
    sums: Sums = {}
    for pixels in job.pixels(task, job.measured.read):
        job.keep(pixels)
        here = sums_of(pixels, 1, job.measured)
        sums = added(sums, here) if sums else here
    by_area = quantiles_in_passes(lambda: map(_weighed, job.pixels(task, _ECE)), _WANTED)
    return sums, by_area[None, :]


def _quantiles_of_all(job: _Job, work: Sequence[Task]) -> NDArray[np.float64]:
    if job.count <= job.kept:
        return quantiles_in_passes(lambda: job.seen, _WANTED)
    return quantiles_in_passes(
        lambda: (_weighed(pixels) for task in work for pixels in job.pixels(task, _ECE)), _WANTED
    )


def _weighed(pixels: Pixels) -> Weighed:
    mapped = pixels.mapped
    return pixels.layers["ece"][mapped], pixels.hectares[mapped]


def _names(measured: Measured) -> list[str]:
    """Names of the sums: those of no pixels at all."""
    nothing: dict[str, Any] = dict.fromkeys(measured.read, np.empty(0, np.float32))
    return list(sums_of(Pixels(np.empty(0, np.intp), np.empty(0), nothing), 0, measured))


def _hectares(shapes: Shapes, job: _Job) -> NDArray[np.float64]:
    """(polygon,) area of each whole polygon, measured as the pixels of the map near it are."""
    import shapely

    hectares = np.full(len(shapes), np.nan)
    for placed, one in zip(job.placed, job.maps, strict=True):
        a_pixel = hectares_on_plane(one.grid)
        if a_pixel is not None:
            hectares = np.where(np.isnan(hectares), a_pixel * shapely.area(placed), hectares)
    left = np.isnan(hectares)
    hectares[left] = hectares_on_ellipsoid(shapes.geometry[left])
    return hectares
