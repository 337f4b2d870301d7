"""Many scenes: what is to be done, what was done already, and what was set aside with its reason.

A scene is one task. Its map is a folder that is written aside and renamed when whole, and the record of what
it was made from lies inside: there is no moment at which a map is there and its record is not.
"""

from deepsalt.archive.ledger import Failure
from deepsalt.archive.plan import Plan, plan_maps
from deepsalt.archive.recipe import Recipe
from deepsalt.archive.run import Outcome, map_archive

__all__ = ["Failure", "Outcome", "Plan", "Recipe", "map_archive", "plan_maps"]
