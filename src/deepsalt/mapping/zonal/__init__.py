"""Zonal statistics of finished maps: what they say of each polygon."""

from deepsalt.mapping.zonal.maps import MapLayers, open_maps
from deepsalt.mapping.zonal.statistics import Zonal, zonal_statistics

__all__ = ["MapLayers", "Zonal", "open_maps", "zonal_statistics"]
