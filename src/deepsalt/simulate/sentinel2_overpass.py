"""One overpass of Sentinel-2 over the land: the same sky, three sizes of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from deepsalt.simulate.acquisition import Acquisition, acquire
from deepsalt.simulate.landscape import Landscape
from deepsalt.simulate.place import Grid, grid_of
from deepsalt.simulate.regions import Region
from deepsalt.simulate.settings import WorldSettings
from deepsalt.simulate.view import View, grid_view
from deepsalt.spectra import Sensor

#: Metres of a pixel -> bands that are measured so.
NATIVE = {
    10: ("B2", "B3", "B4", "B8"),
    20: ("B5", "B6", "B7", "B8A", "B11", "B12"),
    60: ("B1", "B9"),
}
#: The band that level 2A does not have: it sees cirrus, not the ground.
_NEVER = "B10"
#: Tile corners are multiples of this many metres, so that all three grids share theirs.
_CORNER_M = 60


@dataclass(frozen=True, eq=False)
class Overpass:
    """One overpass: the same sky and the same state of the instrument at three sizes of pixels.

    taken  metres of a pixel -> acquisition; all bands in each, of which those of `NATIVE` are delivered
    """

    taken: Mapping[int, Acquisition]

    @property
    def main(self) -> Acquisition:
        """The one at 20 m, on whose grid the scene classification lies."""
        return self.taken[20]


def sentinel2_views(region: Region, land_shape: tuple[int, int]) -> dict[int, View]:
    """Views of the land at 10, 20 and 60 m, with one upper left corner.

    They reach beyond the land by less than 60 m.
    """
    land = grid_of(region, land_shape)
    left = _CORNER_M * floor(land.left / _CORNER_M)
    top = _CORNER_M * ceil(land.top / _CORNER_M)
    rows = ceil((top - land.top + land.rows * land.pixel_m) / _CORNER_M)
    columns = ceil((land.left - left + land.columns * land.pixel_m) / _CORNER_M)
    views = {}
    for metres in NATIVE:
        n = _CORNER_M // metres
        grid = Grid(land.epsg, float(left), float(top), n * rows, n * columns, float(metres))
        views[metres] = grid_view(region, land_shape, grid)
    return views


def fly_over(land: Landscape, settings: WorldSettings, look: int = 0) -> Overpass:
    """Photograph the land with all bands at each size of pixels.

    The random stream of an acquisition follows from sensor and look, and draws sky and instrument before
    anything that depends on the pixels: the three share them, and differ in noise alone.
    """
    table = Sensor.load("sentinel2")
    sensor = replace(table, good=np.array([band != _NEVER for band in table.detector]))
    views = sentinel2_views(land.region, land.shape)
    return Overpass(
        {
            metres: acquire(land, settings, sensor=sensor, view=view, look=look)
            for metres, view in views.items()
        }
    )
