"""Pixels without a label that a run learns from: none near a held-out point, none that would be a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.config import Config
from deepsalt.pairing import far_from
from deepsalt.sampling import at_points, random_pixels, stack
from deepsalt.spectra import Scene, Spectra
from deepsalt.splits import Split

_POOL = ["scene", "row", "column", "latitude", "longitude"]


@dataclass(frozen=True)
class Pixels:
    """Where pixels without a label may come from.

    library  the samples whose places, and pixels on them, could be paired
    sites    all ground points, of which `split` holds some out

    The scene of an unseen region gives nothing unless the config says so, and then nothing beside a
    laboratory site: a site and the pixel on it would be a label there.
    """

    config: Config
    scenes: Sequence[Scene]
    library: Spectra
    sites: Spectra
    split: Split

    @property
    def away(self) -> set[str]:
        """Names of the scenes of an unseen region."""
        known = set(self.sites.take(self.split.train).samples["scene"])
        return set(self.sites.take(self.split.unseen).samples["scene"]) - known

    @property
    def seen(self) -> list[Scene]:
        """The scenes that may be looked at."""
        return list(self.scenes) if self.config.split.pixels_of_unseen else self.home

    @property
    def home(self) -> list[Scene]:
        """The scenes that are none of an unseen region's."""
        away = self.away
        return [scene for scene in self.scenes if scene.name not in away]

    def unlabelled(self) -> Spectra:
        """Random pixels, and the pixels under library sites of scenes that have ground points."""
        config, axis, satellite = self.config, self.sites.axis, self.config.satellite
        assert satellite is not None
        rules = satellite.rules()
        parts = []
        if wanted := satellite.pixels_wanted(len(self.seen)):
            parts.append(self._unpaired(random_pixels(self.seen, axis, wanted, config.seed, rules)))
        if {"latitude", "longitude"} <= set(self.library.samples):
            places = self.library.samples[["latitude", "longitude"]].dropna().drop_duplicates()
            under = at_points(self.home, places, axis, rules=rules)
            centres = {name: under.samples[f"pixel_{name}"] for name in ("latitude", "longitude")}
            parts.append(under.with_samples(**centres))
        pool = stack([replace(part, samples=part.samples[_POOL]) for part in parts])
        held = self.sites.take(np.concatenate([self.split.test, self.split.unseen])).samples
        return pool.take(self._far_from(pool, held))

    def _unpaired(self, pixels: Spectra) -> Spectra:
        """Without those of the scenes away that lie beside a laboratory site."""
        if not {"latitude", "longitude"} <= set(self.library.samples):
            return pixels
        beside = ~self._far_from(pixels, self.library.samples)
        return pixels.take(~(beside & pixels.samples["scene"].isin(self.away).to_numpy()))

    def _far_from(self, pixels: Spectra, places: pd.DataFrame) -> NDArray[np.bool_]:
        here, near_m = pixels.samples, self.config.method.pair_within_m
        return far_from(here["latitude"], here["longitude"], places["latitude"], places["longitude"], near_m)
