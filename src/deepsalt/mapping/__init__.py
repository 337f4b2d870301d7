"""A scene to a map: windows, prediction, Cloud Optimized GeoTIFF, style, summary, quicklook."""

from deepsalt.mapping.engine import SceneMap, map_scene
from deepsalt.mapping.inputs import CovariateSource
from deepsalt.mapping.truth import compare_with_truth

__all__ = ["CovariateSource", "SceneMap", "compare_with_truth", "map_scene"]
