"""Further satellite products of the land: other sensors in their own formats, and other days."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepsalt.simulate.acquisition import acquire
from deepsalt.simulate.emit_product import write_emit
from deepsalt.simulate.enmap_product import write_enmap
from deepsalt.simulate.landscape import Landscape, on_day
from deepsalt.simulate.prisma_product import write_prisma
from deepsalt.simulate.sentinel2_overpass import fly_over
from deepsalt.simulate.sentinel2_product import write_sentinel2
from deepsalt.simulate.settings import WorldSettings
from deepsalt.simulate.swath import swath_view
from deepsalt.spectra import Sensor

#: (land of the day, settings, look, folder) -> the product's path and the start of its acquisition
Writer = Callable[[Landscape, WorldSettings, int, Path], tuple[Path, str]]


def write_products(land: Landscape, settings: WorldSettings, folder: Path) -> list[dict[str, Any]]:
    """Write every look of every sensor in `settings.products`; what `world.json` tells of each."""
    told = []
    for look in range(settings.looks):
        today = on_day(land, settings, look)
        for sensor in settings.products:
            path, date = _WRITERS[sensor](today, settings, look, folder)
            told.append({"sensor": sensor, "look": look, "date": date, "path": path.name})
    return told


def _enmap(land: Landscape, settings: WorldSettings, look: int, folder: Path) -> tuple[Path, str]:
    taken = acquire(land, settings, sensor=Sensor.load("enmap"), look=look)
    return write_enmap(taken, folder), f"{taken.start:%Y-%m-%d}"


def _prisma(land: Landscape, settings: WorldSettings, look: int, folder: Path) -> tuple[Path, str]:
    taken = acquire(land, settings, sensor=Sensor.load("prisma"), look=look)
    return write_prisma(taken, folder), f"{taken.start:%Y-%m-%d}"


def _emit(land: Landscape, settings: WorldSettings, look: int, folder: Path) -> tuple[Path, str]:
    view = swath_view(land.region, land.shape)
    taken = acquire(land, settings, sensor=Sensor.load("emit"), view=view, look=look)
    return write_emit(taken, folder), f"{taken.start:%Y-%m-%d}"


def _sentinel2(land: Landscape, settings: WorldSettings, look: int, folder: Path) -> tuple[Path, str]:
    overpass = fly_over(land, settings, look)
    return write_sentinel2(overpass, folder), f"{overpass.main.start:%Y-%m-%d}"


_WRITERS: dict[str, Writer] = {
    "enmap": _enmap,
    "prisma": _prisma,
    "emit": _emit,
    "sentinel2": _sentinel2,
}
