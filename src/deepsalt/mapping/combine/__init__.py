"""Several maps to one product: a mosaic or composite of dates, and the change between two."""

from deepsalt.mapping.combine.change import map_change
from deepsalt.mapping.combine.maps import FinishedMap, open_map
from deepsalt.mapping.combine.mosaic import map_mosaic

__all__ = ["FinishedMap", "map_change", "map_mosaic", "open_map"]
