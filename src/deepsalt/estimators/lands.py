"""Lands: which laboratory samples lie under which scene, told by their places alone.

No sample is joined with a pixel here. A library's places may be coarse and its samples old; that they are of
this land is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.sampling import patch_numbers
from deepsalt.spectra import Spectra

if TYPE_CHECKING:
    from deepsalt.training.bridge_data import Ground

#: Fewer samples with EC, pixels, or samples with vis-NIR spectra say too little of a mean.
FEWEST_SAMPLES, FEWEST_PIXELS, FEWEST_SPECTRA = 20, 50, 10
#: A model knows no more lands; the scenes of others are read as if the library had no samples of them.
MOST_LANDS = 256
_FARTHEST_DEGREES = 360.0
_FARTHEST_TOP_CM = 0.0
_PLACE = ("latitude", "longitude")
_MARGIN = 0.02  # of the height and width of the pixels' box: a scene's edge is not all drawn
_INSIDE = 0.9  # share of a scene's pixels that must lie on a land for it to be of that land


@dataclass(frozen=True)
class Land:
    """A box of ground (degrees WGS84) that the library has samples of.

    samples  how many of them have EC
    points   how many ground points of it were learned from
    """

    south: float
    north: float
    west: float
    east: float
    samples: int
    points: int = 0

    def holds(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """(row,) whether `latitude` and `longitude` lie inside."""
        latitude, longitude = (table[name].to_numpy(np.float64) for name in _PLACE)
        inside = (latitude >= self.south) & (latitude <= self.north)
        return np.asarray(inside & (longitude >= self.west) & (longitude <= self.east))

    def as_plain(self) -> dict[str, Any]:
        """For a model's card."""
        return asdict(self)

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Land:
        """Back from a card. Raises KeyError, TypeError or ValueError for what is no land."""
        edges = {name: float(content[name]) for name in ("south", "north", "west", "east")}
        if max(map(abs, edges.values())) > _FARTHEST_DEGREES:
            raise ValueError("a land that is not on Earth")
        return cls(**edges, samples=int(content["samples"]), points=int(content["points"]))


@dataclass(frozen=True, eq=False)
class Survey:
    """Scenes by name and the lands they show; `ground` says the same in numbers of rows.

    sampled  the boxes of scenes with at least 20 ground points, whatever the library has there
    """

    scenes: tuple[str, ...]
    lands: tuple[Land, ...]
    ground: Ground
    sampled: Mapping[str, Land]


def survey(
    library: pd.DataFrame,
    known: NDArray[np.bool_],
    drawable: NDArray[np.bool_],
    sites: Spectra | None,
    unlabelled: Spectra | None,
) -> Survey:
    """What lies where, from the columns `scene`, `latitude` and `longitude` of the tables.

    library          (n,) one row a sample
    known, drawable  (n,) samples whose EC was measured; those with vis-NIR spectra
    Tables without these columns have no scene; a scene has no land where the library has fewer than 20
    samples with EC or 10 with vis-NIR spectra, where fewer than 50 pixels are given, or after 256 lands.
    """
    from deepsalt.training.bridge_data import Ground

    pixels = [_scenes_of(table) for table in (sites, unlabelled)]
    names = tuple(sorted(set(np.concatenate(pixels).tolist()) - {""}))
    numbers = {name: number for number, name in enumerate(names)}
    sat, loose = (np.array([numbers.get(name, -1) for name in one], np.intp) for one in pixels)
    places = _places_by_scene(sites, unlabelled)
    lands: list[Land] = []
    members: list[NDArray[np.bool_]] = []
    scene_land = np.full(len(names), -1, np.intp)
    for scene, name in enumerate(names):
        found = _land_under(library, known, drawable, places[name])
        if found is None:
            continue
        land, inside = found
        same = [k for k, other in enumerate(members) if np.array_equal(other, inside)]
        if same:
            scene_land[scene] = same[0]
            continue
        if len(lands) == MOST_LANDS:
            continue
        scene_land[scene] = len(lands)
        lands.append(land)
        members.append(inside)
    samples = np.array(members) if members else np.zeros((0, len(library)), bool)
    patches = np.zeros(0, np.intp) if unlabelled is None else patch_numbers(unlabelled.samples)
    ground = Ground(samples, _seen(samples, library, known), scene_land, sat, loose, patches)
    points = [int((ground.sat_land == number).sum()) for number in range(len(lands))]
    counted = [replace(land, points=found) for land, found in zip(lands, points, strict=True)]
    sampled = {
        name: _box(places[name], points=int((sat == scene).sum()))
        for scene, name in enumerate(names)
        if (sat == scene).sum() >= FEWEST_SAMPLES and len(places[name])
    }
    return Survey(names, tuple(counted), ground, sampled)


def of_the_surface(samples: pd.DataFrame) -> NDArray[np.bool_]:
    """(row,) whether a sample begins at the surface (`depth_top_cm` 0); one whose depth is not told does."""
    if "depth_top_cm" not in samples:
        return np.ones(len(samples), bool)
    return np.asarray(~(samples["depth_top_cm"].to_numpy(np.float64) > _FARTHEST_TOP_CM))


def land_of(lands: tuple[Land, ...], pixels: Spectra) -> int | None:
    """The first land that holds nine tenths of these pixels, at least 50; None for none."""
    if len(pixels) < FEWEST_PIXELS or not set(_PLACE) <= set(pixels.samples):
        return None
    for number, land in enumerate(lands):
        if land.holds(pixels.samples).mean() >= _INSIDE:
            return number
    return None


def _scenes_of(table: Spectra | None) -> NDArray[np.str_]:
    if table is None:
        return np.zeros(0, np.str_)
    if "scene" not in table.samples or not set(_PLACE) <= set(table.samples):
        return np.zeros(len(table), np.str_)
    return table.samples["scene"].fillna("").to_numpy().astype(str)


def _places_by_scene(*tables: Spectra | None) -> dict[str, pd.DataFrame]:
    parts = [
        table.samples[list(_PLACE)].assign(scene=_scenes_of(table))
        for table in tables
        if table is not None and set(_PLACE) <= set(table.samples)
    ]
    if not parts:
        return {}
    found = pd.concat(parts, ignore_index=True).groupby("scene")[list(_PLACE)]
    return {str(name): places.dropna() for name, places in found}


def _land_under(
    library: pd.DataFrame, known: NDArray[np.bool_], drawable: NDArray[np.bool_], places: pd.DataFrame
) -> tuple[Land, NDArray[np.bool_]] | None:
    """The box of these pixels, and which samples lie in it."""
    if len(places) < FEWEST_PIXELS or not set(_PLACE) <= set(library):
        return None
    box = _box(places)
    inside = box.holds(library)
    samples, spectra = int((inside & known).sum()), int((inside & drawable).sum())
    enough = samples >= FEWEST_SAMPLES and spectra >= FEWEST_SPECTRA
    return (replace(box, samples=samples), inside) if enough else None


def _seen(samples: NDArray[np.bool_], library: pd.DataFrame, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(land, n) samples of each land that are of the surface; all where fewer than 20 of those have EC."""
    top = samples & of_the_surface(library)
    enough = (top & known).sum(axis=1) >= FEWEST_SAMPLES
    return np.where(enough[:, None], top, samples)


def _box(places: pd.DataFrame, points: int = 0) -> Land:
    """The box of these places, a little wider."""
    low, high = places.min(), places.max()
    edge = (high - low) * _MARGIN
    (south, west), (north, east) = low - edge, high + edge
    return Land(float(south), float(north), float(west), float(east), 0, points)
