"""What changed between two maps of one place, and which of it the maps' errors do not explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import UsageError
from deepsalt.files import written_whole
from deepsalt.mapping.area import hectares_per_pixel
from deepsalt.mapping.cog import Grid, strips
from deepsalt.mapping.combine import layers
from deepsalt.mapping.combine.grids import MAKE_ONE_GRID, windows
from deepsalt.mapping.combine.maps import BOUNDS, OUTSIDE, FinishedMap, same_scheme
from deepsalt.mapping.combine.picture import change_figure
from deepsalt.mapping.combine.provenance import change_tags, differences, of_each
from deepsalt.mapping.combine.statistics import (
    Discoveries,
    check_alpha,
    check_rho,
    deviation,
    discoveries,
    of_difference,
)
from deepsalt.mapping.combine.transitions import Tally, verdict_rows
from deepsalt.mapping.combine.writing import check_out, layers_written, write_texts
from deepsalt.mapping.engine import Progress, SceneMap
from deepsalt.mapping.folder import whole_folder
from deepsalt.mapping.quicklook import png_bytes
from deepsalt.mapping.summary import write_summary
from deepsalt.preprocessing.grids import shared_windows
from deepsalt.spectra import Window
from deepsalt.units import log_ece

#: Correlation of the errors of two dates of one model that a change takes for granted. Measured on simulated
#: worlds were 0.68 to 0.96 (benchmarks/dates.py); less than that makes fewer pixels significant.
RHO_OF_ONE_MODEL = 0.5
#: Of errors that are the same to the last bit no standard error would be left.
MOST_RHO = 0.99


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two maps, and the window of each that both show."""

    before: FinishedMap
    after: FinishedMap
    parts: tuple[Window, Window]
    grid: Grid
    rho: float

    @property
    def tested(self) -> bool:
        """Whether both maps know their errors."""
        return self.before.level is not None and self.after.level is not None

    def looks(self, window: Window) -> tuple[tuple[FinishedMap, Window], tuple[FinishedMap, Window]]:
        """Both maps, each with its own pixels of a window of the shared land."""
        one, other = (
            Window(part.row + window.row, part.column + window.column, window.rows, window.columns)
            for part in self.parts
        )
        return (self.before, one), (self.after, other)


def map_change(
    before: FinishedMap,
    after: FinishedMap,
    out: str | Path,
    *,
    alpha: float = 0.05,
    rho: float | None = None,
    progress: Progress | None = None,
) -> SceneMap:
    """Compare two maps over the land that both show; the folder `out` gets the layers and map.json.

    alpha  share of false discoveries among the pixels called saltier or fresher that is borne, on average
    rho    correlation of the errors of the two dates, 0 to 0.99: what both dates get wrong alike cancels in
           the difference. The less, the fewer pixels are significant. Default 0.5 where both maps tell of one
           and the same model, else 0

    change.tif      ln(1+ECe) after minus before;  change_ds_m.tif  the same of ECe, dS/m
    change_se.tif   standard error of change.tif from both intervals: sqrt(s1^2 + s2^2 - 2 rho s1 s2)
    significance.tif  saltier, fresher, no significant change, or not tested, where either map lies
                    outside what its model knows. Two-sided tests of a normal error, all pixels under one
                    control of the false discovery rate (`statistics.discoveries`)

    The last two exist only where both maps have intervals. map.json holds hectares of each, the hectares that
    went from each class to each, and in what the two maps were made differently.
    Raises UsageError for a wrong call, ProductError for maps that do not fit together.
    """
    final = Path(out)
    rho = _default_rho(before, after) if rho is None else rho
    check_rho(rho, MOST_RHO)
    check_alpha(alpha)
    check_out(final, (before, after))
    pair = _pair(before, after, rho)
    tags = change_tags(before, after, rho=rho, alpha=alpha)
    with whole_folder(final) as folder:
        tally = _write_numbers(pair, folder, tags, progress)
        found = _write_significance(pair, folder, tags, alpha)
        facts = _facts(pair, folder, tags, tally, found)
        write_texts(folder, layers.beside_change(tested=pair.tested))
        with written_whole(folder / "quicklook.png") as aside:
            aside.write_bytes(png_bytes(change_figure(folder, facts), dpi=130))
        write_summary(folder, facts)
    return SceneMap(final, facts)


def _default_rho(before: FinishedMap, after: FinishedMap) -> float:
    one, other = (side.tags.get("MODEL_FINGERPRINT") for side in (before, after))
    return RHO_OF_ONE_MODEL if one is not None and one == other else 0.0


def _pair(before: FinishedMap, after: FinishedMap, rho: float) -> _Pair:
    if before.folder.resolve() == after.folder.resolve():
        raise UsageError("one map given twice", where=before.name, fix="Give the maps of two dates.")
    if before.acquired and after.acquired and before.acquired > after.acquired:
        raise UsageError(
            f"was taken {before.acquired:%Y-%m-%d}, later than {after.name} ({after.acquired:%Y-%m-%d})",
            where=before.name,
            fix="Give the earlier map first.",
        )
    same_scheme((before, after))
    first, second = shared_windows((before, after), MAKE_ONE_GRID)
    a, b, c, d, e, f = before.transform
    corner = (a * first.column + b * first.row + c, d * first.column + e * first.row + f)
    grid = Grid(first.rows, first.columns, before.crs, (a, b, corner[0], d, e, corner[1]))
    return _Pair(before, after, (first, second), grid, rho)


def _write_numbers(pair: _Pair, folder: Path, tags: Mapping[str, str], progress: Progress | None) -> Tally:
    """Everything but the significance, which needs all pixels first."""
    tally = Tally(pair.before.scheme, hectares_per_pixel(pair.grid))
    made = layers.change_layers(tested=pair.tested)
    with layers_written(folder, made, pair.grid, tags) as writer:
        for window in windows(pair.grid):
            before, after = (one.read("ece", own) for one, own in pair.looks(window))
            change, change_ds_m = log_ece(after) - log_ece(before), after.astype(np.float64) - before
            values = {"change": change, "change_ds_m": change_ds_m}
            if pair.tested:
                values["change_se"] = np.where(
                    np.isfinite(change), _error(pair, window, before, after), np.nan
                )
            writer.write(window, values)
            tally.add(window, before, after)
            if progress is not None:
                progress(window.row + window.rows, pair.grid.height)
    return tally


def _error(
    pair: _Pair, window: Window, before: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Standard error (y, x) of the change of ln(1+ECe), NaN where either map lies outside what its model
    knows.
    """
    outside = np.zeros(before.shape, bool)
    errors = []
    for (one, own), ece in zip(pair.looks(window), (before, after), strict=True):
        low, high = (one.read(bound, own) for bound in BOUNDS)
        errors.append(deviation(ece, low, high, one.level or 0.0))
        if OUTSIDE in one.headers:
            outside |= one.read(OUTSIDE, own) == 1
    return np.where(outside, np.nan, of_difference(errors[0], errors[1], pair.rho))


def _write_significance(
    pair: _Pair, folder: Path, tags: Mapping[str, str], alpha: float
) -> Discoveries | None:
    """From the finished layers, so that what is told can be computed again from what was written."""
    if not pair.tested:
        return None

    def tests() -> Iterator[NDArray[np.float32]]:
        for _, change, error in _written(folder):
            tested = np.isfinite(error)
            yield (np.abs(change[tested]) / error[tested]).astype(np.float32)

    found = discoveries(tests, alpha)
    with layers_written(folder, (layers.significance_layer(),), pair.grid, tags) as writer:
        for window, change, error in _written(folder):
            writer.write(window, {"significance": _verdicts(change, error, found.least_z)})
    return found


def _written(folder: Path) -> Iterator[tuple[Window, NDArray[np.float32], NDArray[np.float32]]]:
    pairs = zip(strips(folder / "change.tif"), strips(folder / "change_se.tif"), strict=True)
    for (window, change), (_, error) in pairs:
        yield window, change, error


def _verdicts(change: NDArray[np.float32], error: NDArray[np.float32], least_z: float) -> NDArray[np.uint8]:
    verdict = np.where(np.isfinite(change), layers.NOT_TESTED, layers.NOT_MAPPED)
    verdict[np.isfinite(error)] = layers.SAME
    significant = np.abs(change) / error >= np.float32(least_z)
    verdict[significant & (change > 0)] = layers.SALTIER
    verdict[significant & (change < 0)] = layers.FRESHER
    return verdict.astype(np.uint8)


def _facts(
    pair: _Pair, folder: Path, tags: Mapping[str, str], tally: Tally, found: Discoveries | None
) -> dict[str, Any]:
    names = [layer.name for layer in layers.change_layers(tested=pair.tested)]
    facts: dict[str, Any] = {
        "kind": "change",
        "before": of_each((pair.before,))[0],
        "after": of_each((pair.after,))[0],
        "crs": pair.grid.crs,
        "pixels": pair.grid.height * pair.grid.width,
        **tally.facts(),
        "rho": pair.rho,
        "test": None,
        "verdicts": [],
        "provenance": dict(tags),
        "notes": _notes(pair, found),
    }
    if found is not None:
        names.append("significance")
        facts["test"] = {
            "alpha": float(tags["ALPHA"]),
            "tested": found.tested,
            "significant": found.found,
            "largest_p": found.largest_p,
        }
        facts["verdicts"] = verdict_rows(folder / "significance.tif", hectares_per_pixel(pair.grid))
    return {**facts, "layers": {name: f"{name}.tif" for name in names}}


def _notes(pair: _Pair, found: Discoveries | None) -> list[str]:
    notes = differences((pair.before, pair.after))
    if found is None:
        without = [one.scene for one in (pair.before, pair.after) if one.level is None]
        notes.append(f"No interval in the map of {', '.join(without)}: what is significant is not known.")
    else:
        notes.append(
            f"Significant: two-sided tests of normal errors of ln(1+ECe), correlated between the dates by "
            f"{pair.rho:g}; false discovery rate by Benjamini and Hochberg. An error that a date has "
            "everywhere, such as that of wet ground, is no chance: it moves all pixels together."
        )
    return notes
