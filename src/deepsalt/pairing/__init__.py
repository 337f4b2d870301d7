"""Pairs: a laboratory site joined with a satellite pixel, by distance and date, with weights and a report."""

from deepsalt.pairing.match import Mode, match
from deepsalt.pairing.nearest import Pairs, far_from, nearest_pairs
from deepsalt.pairing.report import pair_report, write_pair_map
from deepsalt.pairing.splits import refuse_across
from deepsalt.places import EARTH_RADIUS_M, great_circle_m

__all__ = [
    "EARTH_RADIUS_M",
    "Mode",
    "Pairs",
    "far_from",
    "great_circle_m",
    "match",
    "nearest_pairs",
    "pair_report",
    "refuse_across",
    "write_pair_map",
]
