"""Many maps to one: a mosaic of places, a composite of dates, or both at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import ProductError, UsageError
from deepsalt.mapping import style
from deepsalt.mapping.cog import Layer, strips
from deepsalt.mapping.combine.grids import UnionGrid, union_grid, windows
from deepsalt.mapping.combine.layers import answer_layer, beside_mosaic, looks_layer
from deepsalt.mapping.combine.looks import GATHERINGS, Gathering, How, Look, Rules
from deepsalt.mapping.combine.maps import BOUNDS, OUTSIDE, FinishedMap, odd_one_out, same_scheme
from deepsalt.mapping.combine.provenance import mosaic_notes, mosaic_tags, of_each
from deepsalt.mapping.combine.statistics import check_rho
from deepsalt.mapping.combine.writing import check_out, layers_written, write_texts
from deepsalt.mapping.engine import Progress, SceneMap
from deepsalt.mapping.folder import whole_folder
from deepsalt.mapping.quicklook import write_quicklook
from deepsalt.mapping.ranks import percentiles
from deepsalt.mapping.summary import PERCENTILES, map_facts, percentiles_told, write_summary
from deepsalt.mapping.tally import Tally
from deepsalt.salinity.classes import ClassScheme
from deepsalt.spectra import Window

#: Correlation of the errors of two looks that a mosaic takes for granted. Measured on simulated worlds were
#: 0.68 to 0.96, above 0.9 in one region of ten (benchmarks/dates.py); a larger one makes wider intervals.
RHO = 0.9
#: The median holds all looks of a window at once: so many values at most, unless a row has more.
_VALUES_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class _Job:
    """The maps in the order in which they are taken, where they lie, and what is made of them."""

    maps: Sequence[FinishedMap]
    union: UnionGrid
    scheme: ClassScheme
    how: How
    rules: Rules
    outside: bool

    @property
    def layers(self) -> tuple[Layer, ...]:
        level = self.rules.level
        numbers = [] if level is None else [*BOUNDS, *self.rules.thresholds]
        return (
            style.ece_layer(),
            *(answer_layer(name, level, self.rules.thresholds) for name in numbers),
            style.class_layer(self.scheme),
            style.mask_layer(),
            *((style.outside_layer(),) if self.outside else ()),
            looks_layer(),
        )


def map_mosaic(
    maps: Sequence[FinishedMap],
    out: str | Path,
    *,
    how: How | str = "weighted",
    rho: float = RHO,
    progress: Progress | None = None,
) -> SceneMap:
    """Combine maps of any places and dates into the folder `out`, which is a map like those it is made of.

    maps  from `open_map`, on one grid of pixels (CRS, pixel size and place are checked); whatever order they
          come in, the result is the same to the last byte
    how   what a pixel seen several times shows.
          "weighted": the mean of ln(1+ECe), weighted by inverse variances, which the intervals tell.
          "latest": the last date that shows it. "median": the median of ln(1+ECe)
    rho   correlation of the errors of two looks at one place, 0-1, default 0.9: the interval of n equal looks
          shrinks to sqrt(rho + (1 - rho) / n) of that of one, and not to 1 / sqrt(n)

    The intervals are taken for those of a normal error of ln(1+ECe), see `statistics`. A layer is made where
    every map has it; where some map has no interval, all looks count alike and none is given. Looks outside
    what the model knows count only where no look is inside; `outside` is where all are. A pixel that no map
    shows has the reason of most looks. `looks.tif` tells how many looks a value is made of.

    Memory is bounded whatever the number of maps: windows of 512 x 512 pixels are filled look by look, each
    file open only while it is read. Raises UsageError for a wrong call, ProductError for maps that do not fit
    together.
    """
    final = Path(out)
    if how not in get_args(How):
        raise UsageError(f"how is {how!r}", fix=f"Use one of: {', '.join(get_args(How))}.")
    check_rho(rho)
    check_out(final, maps)
    job = _job(maps, cast(How, how), rho)
    tags = mosaic_tags(job.maps, how=job.how, rules=job.rules, scheme=job.scheme)
    with whole_folder(final) as folder:
        tally = Tally(job.scheme, job.union.grid)
        with layers_written(folder, job.layers, job.union.grid, tags) as writer:
            for window, values in _windows(job, progress):
                layers = {layer.name: values[layer.name] for layer in job.layers}
                writer.write(window, layers)
                tally.add(window, layers)
        facts = _facts(job, folder, final.name, tags, tally)
        write_texts(folder, beside_mosaic(tuple(layer.name for layer in job.layers), job.scheme))
        write_quicklook(folder, job.scheme, str(facts["scene"]))
        write_summary(folder, facts)
    return SceneMap(final, facts)


def _job(maps: Sequence[FinishedMap], how: How, rho: float) -> _Job:
    if not maps:
        raise UsageError("no map to combine", fix="Give folders that `deepsalt map` made.")
    ordered = _in_order(maps, how)
    scheme, union = same_scheme(ordered), union_grid(ordered)
    level = _one_level(ordered)
    shared = set.intersection(*(set(one.thresholds) for one in ordered))
    thresholds = {name: at for name, at in ordered[0].thresholds.items() if name in shared}
    outside = all(OUTSIDE in one.headers for one in ordered)
    return _Job(ordered, union, scheme, how, Rules(rho, level, thresholds), outside)


def _one_level(maps: Sequence[FinishedMap]) -> float | None:
    """The level of all intervals; None where some map has none. Raises ProductError for maps of two
    levels.
    """
    if any(one.level is None for one in maps):
        return None
    for odd, usual in odd_one_out(maps, lambda one: one.level):
        raise ProductError(
            f"has intervals of level {odd.level:g}, not of {usual.level:g}; compared with {usual.name}",
            where=odd.name,
            fix="Map all scenes with one level.",
        )
    return maps[0].level


def _in_order(maps: Sequence[FinishedMap], how: How) -> list[FinishedMap]:
    """By date and name: sums of floats depend on their order. Raises UsageError for a look that is given
    twice.
    """
    ordered = sorted(maps, key=lambda one: (*_identity(one), one.name))
    for one, other in pairwise(ordered):
        if _identity(one) == _identity(other):
            raise UsageError(
                f"holds the scene of {one.name}, mapped by the same model: one look, not two",
                where=other.name,
                fix="Leave one of them out.",
            )
    undated = next((one for one in ordered if one.acquired is None), None)
    if how == "latest" and undated is not None:
        raise UsageError(
            "does not say when its scene was taken", where=undated.name, fix="Use --how weighted or median."
        )
    return ordered


def _identity(one: FinishedMap) -> tuple[str, ...]:
    when = one.acquired.isoformat() if one.acquired else ""
    told = (one.tags.get(tag, "") for tag in ("MODEL", "MODEL_FINGERPRINT", "MODEL_FILE"))
    return (when, one.scene, *told, repr(one.transform))


def _windows(job: _Job, progress: Progress | None) -> Iterator[tuple[Window, dict[str, NDArray[Any]]]]:
    for window in windows(job.union.grid):
        for part in _parts(job, window):
            yield part, _combined(job, part)
        if progress is not None:
            progress(window.row + window.rows, job.union.grid.height)


def _parts(job: _Job, window: Window) -> Iterator[Window]:
    """The window, or strips of it where a median would hold too many values."""
    looks = len(job.union.under(window))
    rows = window.rows
    if job.how == "median":
        rows = min(rows, max(1, _VALUES_AT_ONCE // max(1, looks * window.columns)))
    for row in range(0, window.rows, rows):
        yield Window(window.row + row, window.column, min(rows, window.rows - row), window.columns)


def _combined(job: _Job, window: Window) -> dict[str, NDArray[Any]]:
    shape = (window.rows, window.columns)
    gathered: Gathering = GATHERINGS[job.how](shape, job.rules)
    for number in job.union.under(window):
        inside, own = job.union.shared(int(number), window)
        gathered.add(_look(job, job.maps[number], own), inside.slices)
    values = gathered.layers()
    return {**values, "class": job.scheme.classify(values["ece"])}


def _look(job: _Job, one: FinishedMap, window: Window) -> Look:
    """What one map says of a window of its own pixels."""
    known = job.rules.level is not None
    return Look(
        ece=one.read("ece", window),
        reasons=one.read("mask", window),
        low=one.read("ece_low", window) if known else None,
        high=one.read("ece_high", window) if known else None,
        level=one.level or 0.0,
        above={name: one.read(name, window) for name in job.rules.thresholds} if known else {},
        outside=one.read(OUTSIDE, window) == 1 if job.outside else None,
    )


def _facts(job: _Job, folder: Path, name: str, tags: Mapping[str, str], tally: Tally) -> dict[str, Any]:
    facts = map_facts(
        folder,
        name,
        job.union.grid,
        job.scheme,
        tally.counts(job.rules.level, _distribution(folder / "ece.tif")),
        model=tags["MODEL"],
        layers={layer.name: f"{layer.name}.tif" for layer in job.layers},
        provenance=tags,
        notes=mosaic_notes(job.maps, job.how, job.rules, outside=job.outside),
    )
    return {**facts, "kind": "mosaic", "how": job.how, "rho": job.rules.rho, "made_of": of_each(job.maps)}


def _distribution(path: Path) -> dict[str, float | None]:
    """Of a layer that need not fit in memory."""

    def parts() -> Iterator[NDArray[np.float32]]:
        return (values[np.isfinite(values)] for _, values in strips(path))

    valid, found = percentiles(parts, PERCENTILES)
    return percentiles_told(found if valid else None)
