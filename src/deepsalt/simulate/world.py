"""A whole simulated world on disk: regions, library, points, scenes, covariates, survey, truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.errors import OutputError, ProductError, UsageError
from deepsalt.files import written_whole
from deepsalt.progress import Progress
from deepsalt.simulate.acquisition import Acquisition, acquire
from deepsalt.simulate.cube_product import write_cube
from deepsalt.simulate.enmap_product import write_enmap
from deepsalt.simulate.landscape import Landscape, landscape
from deepsalt.simulate.library import library_of
from deepsalt.simulate.map_units import write_map_units
from deepsalt.simulate.points import points_of
from deepsalt.simulate.products import write_products
from deepsalt.simulate.rasters import covariate_layers, truth_layers, write_raster
from deepsalt.simulate.regions import known_regions
from deepsalt.simulate.settings import WorldSettings
from deepsalt.simulate.zones import write_zones

FORMAT = "deepsalt world 1"
_STEPS = 4


@dataclass(frozen=True, eq=False)
class World:
    """A simulated landscape on disk. Nothing in it was measured.

    root      the folder
    settings  what it was made from
    regions   as `world.json` tells them: name, parent_material, climate, scene, counts, ...
    """

    root: Path
    settings: WorldSettings
    regions: tuple[dict[str, Any], ...] = field(default=())

    @classmethod
    def open(cls, root: str | Path) -> World:
        """Read `world.json`. Raises UsageError where there is none, ProductError where it cannot be used."""
        folder = Path(root)
        file = folder / "world.json"
        if not file.is_file():
            raise UsageError(
                "no world.json there", where=str(folder), fix="Make one with: deepsalt simulate --out DIR"
            )
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ProductError(
                f"not JSON: {error}", where=str(file), fix="Simulate the world anew."
            ) from error
        if told.get("format") != FORMAT or "settings" not in told or "regions" not in told:
            raise ProductError(
                f"format {told.get('format')!r}, not {FORMAT!r}",
                where=str(file),
                fix="Simulate the world anew.",
            )
        settings = WorldSettings.from_dict(told["settings"], where=str(file))
        return cls(folder, settings, tuple(told["regions"]))

    @property
    def library(self) -> Path:
        return self.root / "library.parquet"

    @property
    def points(self) -> Path:
        return self.root / "points.csv"

    @property
    def scenes(self) -> tuple[Path, ...]:
        """One product a region (EnMAP: its folder; other sensors: a GeoTIFF), in the order of `regions`."""
        return tuple(self.scene(region["name"]) for region in self.regions)

    def scene(self, region: str) -> Path:
        return self.root / "scenes" / self.about(region)["scene"]

    def products(self, region: str, sensor: str | None = None) -> tuple[Path, ...]:
        """The further products of a region, in the order of days; only those of one sensor if it is named."""
        told = self.about(region).get("products", [])
        return tuple(self.root / "products" / p["path"] for p in told if sensor in (None, p["sensor"]))

    def covariates(self, region: str) -> Path:
        return self.root / "covariates" / f"{self.about(region)['name']}.tif"

    def truth(self, region: str) -> Path:
        return self.root / "truth" / f"{self.about(region)['name']}.tif"

    def zones(self, region: str) -> Path:
        """Raster of climate zones and soil classes, as numbers with names."""
        return self.root / "zones" / f"{self.about(region)['name']}.tif"

    def map_units(self, region: str) -> tuple[Path, Path, Path]:
        """Survey polygons, and the tables of their components and of the components' horizons."""
        name, folder = self.about(region)["name"], self.root / "map_units"
        return folder / f"{name}.geojson", folder / f"{name}_component.csv", folder / f"{name}_chorizon.csv"

    def about(self, region: str) -> dict[str, Any]:
        """What `world.json` tells of a region. Raises UsageError if the world has none of that name."""
        for entry in self.regions:
            if entry["name"] == region:
                return entry
        known = ", ".join(entry["name"] for entry in self.regions)
        raise UsageError(f"no region {region!r} in this world", where=str(self.root), fix=f"It has: {known}.")


def simulate_world(
    out: str | Path, settings: WorldSettings | None = None, progress: Progress | None = None
) -> World:
    """Write a world into the folder `out`; a world of the same settings that is there already is kept.

    progress   called as progress(description, steps done, steps in all)

    Raises OutputError if `out` is in the way or cannot be written; nothing half-written is left.
    """
    wanted = settings or WorldSettings()
    root = Path(out)
    if _in_the_way(root):
        return _already_there(root, wanted)
    tell = progress or (lambda _description, _done, _total: None)
    with written_whole(root) as aside:
        aside.mkdir()
        _write_world(aside, wanted, tell)
        if root.is_dir():
            root.rmdir()
    return World.open(root)


def _in_the_way(root: Path) -> bool:
    return root.exists() and not (root.is_dir() and not any(root.iterdir()))


def _already_there(root: Path, wanted: WorldSettings) -> World:
    fix = "Choose another folder with --out, or remove this one."
    if not (root / "world.json").is_file():
        raise OutputError("is in the way and is not a world", where=str(root), fix=fix)
    world = World.open(root)
    if world.settings != wanted:
        raise OutputError("holds a world of other settings or another seed", where=str(root), fix=fix)
    return world


def _write_world(folder: Path, settings: WorldSettings, tell: Progress) -> None:
    regions = known_regions(settings.regions)
    total = _STEPS * len(regions)
    libraries, points, entries = [], [], []
    for number, region in enumerate(regions):
        done = _STEPS * number
        tell(f"{region.name}: landscape", done, total)
        land = landscape(region, settings)
        write_raster(folder / "truth" / f"{region.name}.tif", truth_layers(land), land)
        write_raster(folder / "covariates" / f"{region.name}.tif", covariate_layers(land, settings), land)
        write_map_units(land, settings, folder / "map_units")
        write_zones(land, settings, folder / "zones")
        tell(f"{region.name}: satellite image", done + 1, total)
        taken = acquire(land, settings)
        write = write_enmap if settings.sensor == "enmap" else write_cube
        scene = write(taken, folder / "scenes").name
        further = write_products(land, settings, folder / "products")
        tell(f"{region.name}: laboratory library", done + 2, total)
        libraries.append(library_of(land, settings))
        tell(f"{region.name}: ground points", done + 3, total)
        points.append(points_of(land, settings, taken.start))
        entry = _entry(land, taken, scene, len(libraries[-1]), len(points[-1]))
        entries.append({**entry, "products": further})
    pd.concat(libraries, ignore_index=True).to_parquet(folder / "library.parquet", index=False)
    pd.concat(points, ignore_index=True).to_csv(folder / "points.csv", index=False, lineterminator="\n")
    told = {
        "format": FORMAT,
        "simulated": True,
        "about": "Simulated by deepsalt.simulate: invented places, known truth. Nothing here was measured.",
        "seed": settings.seed,
        "settings": settings.as_dict(),
        "regions": entries,
    }
    (folder / "world.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    tell("world written", total, total)


def _entry(land: Landscape, taken: Acquisition, scene: str, samples: int, points: int) -> dict[str, Any]:
    region, known = land.region, land.ece[~land.water.ravel()]
    return {
        "name": region.name,
        "parent_material": region.parent_material,
        "climate": region.climate,
        "temperature_c": region.temperature_c,
        "precipitation_mm": region.precipitation_mm,
        "latitude": region.latitude,
        "longitude": region.longitude,
        "crs": taken.grid.crs,
        "scene": scene,
        "date": f"{taken.start:%Y-%m-%d}",
        "covariates": f"covariates/{region.name}.tif",
        "truth": f"truth/{region.name}.tif",
        "library_samples": samples,
        "points": points,
        "ece_median_ds_m": round(float(np.median(known)), 3),
        "share_below_2_ds_m": round(float(np.mean(known < 2.0)), 3),
    }
