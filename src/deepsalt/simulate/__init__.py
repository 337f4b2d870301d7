"""Simulated landscapes with known truth: library, satellite products, ground points, from one seed.

Results on a simulated world say how a method works on the physics that was put in, not how well it
would do in the field. Nothing here knows the method, and nothing here is tuned to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepsalt.simulate.regions import FAMILIES, REGIONS, Region
from deepsalt.simulate.settings import LAWS, PRODUCTS, SENSORS, WorldSettings

if TYPE_CHECKING:
    from deepsalt.simulate.world import World, simulate_world

__all__ = [
    "FAMILIES",
    "LAWS",
    "PRODUCTS",
    "REGIONS",
    "SENSORS",
    "Region",
    "World",
    "WorldSettings",
    "simulate_world",
]


def __getattr__(name: str) -> Any:
    """World and its writer bring scipy and rasterio: they are loaded when first asked for."""
    if name in {"World", "simulate_world"}:
        from deepsalt.simulate import world

        return getattr(world, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
