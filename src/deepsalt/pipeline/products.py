"""Products of finished maps: a mosaic of many, the change between two."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deepsalt.mapping import SceneMap
from deepsalt.mapping.combine import map_change, map_mosaic, open_map
from deepsalt.pipeline.paths import expand
from deepsalt.progress import Progress


def make_mosaic(
    maps: Sequence[str], out: str | Path, progress: Progress, *, how: str, rho: float
) -> SceneMap:
    """The maps that the paths and globs name as one map in the folder `out`, see
    `deepsalt.mapping.combine.map_mosaic`.
    """
    folders = expand(maps, "map")
    opened = []
    for number, folder in enumerate(folders, start=1):
        opened.append(open_map(folder))
        progress("opening maps", number, len(folders))
    return map_mosaic(opened, out, how=how, rho=rho, progress=partial(progress, "combining maps"))


def make_change(
    before: str | Path,
    after: str | Path,
    out: str | Path,
    progress: Progress,
    *,
    alpha: float,
    rho: float | None,
) -> SceneMap:
    """What changed between two maps, in the folder `out`, see `deepsalt.mapping.combine.map_change`."""
    both = (open_map(before), open_map(after))
    return map_change(*both, out, alpha=alpha, rho=rho, progress=partial(progress, "comparing maps"))
