"""Pixels of scenes as tables of spectra: where they lie, which are valid, some without a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.preprocessing.gaps import fill_gaps
from deepsalt.preprocessing.masks import DEFAULT_RULES, SurfaceRules, surface_mask
from deepsalt.preprocessing.read_ahead import read_ahead
from deepsalt.preprocessing.resample import apply_weights, missing_bands, resampling_matrix
from deepsalt.spectra import Axis, MaskReason, Scene, Spectra, Window

#: Rows and columns of a patch: pixels without labels are drawn with those around them.
PATCH = 3
#: Pixels that are looked at for each that `glimpsed_pixels` wants, the fewest places it looks at, and about
#: how many pixels it sees at one of them.
_LOOKED_AT, _FEWEST_LOOKS, _LOOK = 16, 8, 4_096
#: Column of how many bands of a pixel were filled; counted in provenance and dropped.
_FILLED = "bands filled"


class Covariates(Protocol):
    """Rasters of soil and climate that can be asked at places."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def at(self, latitude: NDArray, longitude: NDArray) -> pd.DataFrame: ...


def locate(scene: Scene, latitude: NDArray, longitude: NDArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of the pixel at each place (degrees WGS84); may lie outside the scene.

    Raises LabelError for a scene without a coordinate system.
    """
    from rasterio.warp import transform

    x, y = transform("EPSG:4326", _crs_of(scene), np.asarray(longitude, float), np.asarray(latitude, float))
    return scene.rowcol(np.asarray(x), np.asarray(y))


def place(scene: Scene, rows: NDArray, columns: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude (degrees WGS84) of pixel centres.

    Raises LabelError for a scene without a coordinate system.
    """
    from rasterio.warp import transform

    x, y = scene.xy(rows, columns)
    longitude, latitude = transform(_crs_of(scene), "EPSG:4326", x, y)
    return np.asarray(latitude), np.asarray(longitude)


def _crs_of(scene: Scene) -> str:
    if not scene.crs:
        raise LabelError(
            "the scene has no coordinate system, so that nothing on the ground can be found in it",
            where=f"scene {scene.name}",
            fix="Give the product with its place (a CRS and a transform); it can be mapped without.",
        )
    return scene.crs


def usable_axis(scenes: Sequence[Scene]) -> Axis:
    """The bands of the first scene that hold data in it and that every other scene can supply."""
    first = scenes[0]
    keep = ~first.empty
    for scene in scenes[1:]:
        if len(scene.sensor) == len(first.sensor):
            keep = keep & ~scene.empty
    return first.sensor.axis.take(keep)


def look(scene: Scene, window: Window, rules: SurfaceRules) -> tuple[Spectra, NDArray[np.bool_]]:
    """The spectra of a window, and (y, x) which of its pixels show soil."""
    image = scene.read(window)
    return image, surface_mask(image, scene.mask(window), rules) == MaskReason.VALID


Pick = Callable[[Window, NDArray[np.bool_]], tuple[NDArray[np.intp], pd.DataFrame]]


def _picked(
    scene: Scene, axis: Axis, rules: SurfaceRules, pick: Pick, windows: Sequence[Window] | None = None
) -> Spectra | None:
    """One pass over a scene, or some windows of it: the pixels that `pick` names, on the bands of `axis`.

    Short gaps are filled; a pixel with a wider one is left out, as a map masks it. The column `_FILLED`
    says how many bands were filled.
    """
    weights = weights_of(scene, axis)
    seen: list[Spectra] = []
    tables: list[pd.DataFrame] = []
    for part, reasons in read_ahead(scene, rules, windows or scene.windows()):
        flat, table = pick(part.window, reasons == MaskReason.VALID)
        if len(flat):
            seen.append(part.loaded.pixels(flat))
            tables.append(table)
    if not seen:
        return None
    found = on_bands(_joined(seen, pd.concat(tables, ignore_index=True)), axis, weights)
    return stack([found]) if len(found) else None


def _joined(parts: Sequence[Spectra], samples: pd.DataFrame) -> Spectra:
    """Tables of one scene below one another, with other columns; a pixel may have no value yet."""
    first, values = parts[0], np.concatenate([part.values for part in parts])
    image = Spectra.of_image(
        values[None], first.axis, first.quantity, sensor=first.sensor, provenance=first.provenance
    )
    return image.pixels(samples=samples)


def weights_of(scene: Scene, axis: Axis) -> NDArray[np.float32]:
    """(band of axis, band of scene); what the scene holds decides, not the pixels that are asked for."""
    weights, covered = resampling_matrix(scene.sensor.axis, axis, ~scene.empty)
    if not covered.all():
        raise missing_bands(f"scene {scene.name}", scene.sensor.axis, axis, covered)
    return weights


def on_bands(chosen: Spectra, axis: Axis, weights: NDArray[np.float32]) -> Spectra:
    seen = apply_weights(chosen.values, weights)
    filled = fill_gaps(seen, axis)
    whole = np.asarray(np.isfinite(filled).all(axis=1))
    step = f"resampled from {chosen.axis.describe()} to {axis.describe()}"
    table = chosen.with_values(filled, axis, sensor=chosen.sensor, step=step)
    return table.with_samples(**{_FILLED: np.isnan(seen).sum(axis=1)}).take(whole)


def stack(parts: Sequence[Spectra]) -> Spectra:
    """Tables of spectra on the same bands, one below the other."""
    first = parts[0]
    samples = pd.concat([part.samples for part in parts], ignore_index=True)
    return Spectra.of_table(
        np.concatenate([part.values for part in parts]),
        first.axis,
        first.quantity,
        samples=samples,
        sensor=first.sensor,
        provenance=first.provenance,
    )


def random_pixels(
    scenes: Sequence[Scene],
    axis: Axis,
    count: int,
    seed: int,
    rules: SurfaceRules = DEFAULT_RULES,
) -> Spectra:
    """About `count` valid pixels without a label in patches of 3 x 3, drawn by seed, spread over the scenes.

    The table has `scene`, `row`, `column`, and `latitude` and `longitude`, NaN where a scene has no CRS.
    What changes from a pixel to the next is seen where pixels lie together; see `patch_numbers`.
    """
    parts: list[Spectra] = []
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng([seed, number])
        share = count / len(scenes) / (scene.height * scene.width)
        found = _picked(scene, axis, rules, _random_in(rng, share, scene))
        if found is not None:
            parts.append(found)
    if not parts:
        raise LabelError("no valid pixel in any scene", fix="Check the masks with: deepsalt inspect SCENE")
    return gaps_noted(stack(parts))


def glimpsed_pixels(scene: Scene, axis: Axis, count: int, seed: int, rules: SurfaceRules) -> Spectra:
    """About `count` valid pixels as `random_pixels` draws them, from as little of a large scene as will do.

    Only some windows of whole blocks are read, evenly spread from top to bottom, with `_LOOKED_AT` pixels
    for each that is wanted. All of it is, where it is no larger, or where those hold less than half of
    what is wanted.
    """
    windows = _spread(list(scene.windows(_LOOK)), count * _LOOKED_AT)
    seen = sum(window.rows * window.columns for window in windows)
    if seen < scene.height * scene.width:
        rng = np.random.default_rng([seed, 0])
        found = _picked(scene, axis, rules, _random_in(rng, count / seen, scene), windows)
        if found is not None and len(found) >= count / 2:
            return gaps_noted(found)
    return random_pixels([scene], axis, count, seed, rules)


def _spread(windows: Sequence[Window], pixels: int) -> list[Window]:
    """Windows of at least so many pixels in all, and at least `_FEWEST_LOOKS`, evenly spread."""
    each = max(window.rows * window.columns for window in windows)
    wanted = min(len(windows), max(_FEWEST_LOOKS, -(-pixels // each)))
    return [windows[int((number + 0.5) * len(windows) / wanted)] for number in range(wanted)]


def gaps_noted(table: Spectra) -> Spectra:
    """The table with its column `_FILLED` told in one sentence, where there is something to tell."""
    filled = int((table.samples[_FILLED] > 0).sum())
    plain = replace(table, samples=table.samples.drop(columns=_FILLED))
    return (
        plain.noted(f"{filled} of {len(table)} pixels had missing bands, filled from those around")
        if filled
        else plain
    )


def _random_in(rng: np.random.Generator, share: float, scene: Scene) -> Pick:
    def pick(window: Window, bare: NDArray[np.bool_]) -> tuple[NDArray[np.intp], pd.DataFrame]:
        wanted = round(share * window.rows * window.columns)
        flat = _in_patches(bare, window, wanted, rng)
        rows, columns = flat // window.columns + window.row, flat % window.columns + window.column
        nowhere = np.full(len(flat), np.nan)
        latitude, longitude = place(scene, rows, columns) if scene.crs else (nowhere, nowhere)
        table = pd.DataFrame(
            {
                "scene": scene.name,
                "row": rows,
                "column": columns,
                "latitude": latitude,
                "longitude": longitude,
            }
        )
        return flat, table

    return pick


def _in_patches(
    bare: NDArray[np.bool_], window: Window, wanted: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Flat numbers of about `wanted` clear pixels of a window, in patches of the scene's grid, sorted."""
    clear = np.flatnonzero(bare)
    rows, columns = np.divmod(clear, bare.shape[1])
    cells = _cells(rows + window.row, columns + window.column)
    number = np.unique(cells, return_inverse=True)[1]
    sizes = np.bincount(number)
    order = rng.permutation(len(sizes))
    before = np.empty(len(sizes), np.intp)
    before[order] = np.cumsum(sizes[order]) - sizes[order]
    return clear[before[number] < wanted]


def _cells(rows: NDArray, columns: NDArray) -> NDArray[np.int64]:
    """One number for each cell of PATCH x PATCH pixels."""
    across = np.asarray(rows, np.int64) // PATCH
    return (across << 32) + np.asarray(columns, np.int64) // PATCH


def patch_numbers(samples: pd.DataFrame) -> NDArray[np.intp]:
    """(row,) a number for the patch of each pixel; without `row` and `column` each has its own."""
    if not {"row", "column"} <= set(samples):
        return np.arange(len(samples))
    cells = _cells(samples["row"].to_numpy(), samples["column"].to_numpy())
    scenes = samples["scene"].astype(str) if "scene" in samples else ""
    named = pd.DataFrame({"scene": scenes, "cell": cells})
    return np.asarray(named.groupby(["scene", "cell"], sort=False).ngroup(), np.intp)


def add_covariates(spectra: Spectra, covariates: Covariates | None) -> Spectra:
    """Spectra with the covariates at each sample's place as columns; NaN where no raster reaches."""
    if covariates is None:
        return spectra
    table = spectra.samples
    found = covariates.at(table["latitude"].to_numpy(), table["longitude"].to_numpy())
    return spectra.with_samples(**{name: found[name].to_numpy() for name in covariates.names})
