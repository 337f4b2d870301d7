"""Survey map units as labels: ECe of a unit as a distribution, and its pixels as one bag."""

from deepsalt.map_units.aggregate import MapUnitLabel, MapUnitLabels, aggregate, moments
from deepsalt.map_units.bags import Bags, bags_of
from deepsalt.map_units.coverage import coverage

__all__ = ["Bags", "MapUnitLabel", "MapUnitLabels", "aggregate", "bags_of", "coverage", "moments"]
