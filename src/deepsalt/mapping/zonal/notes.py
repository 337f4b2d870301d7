"""What a reader of zonal statistics must know: polygons repaired or not met, layers that are not there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepsalt.mapping.zonal.maps import MapLayers
from deepsalt.mapping.zonal.shapes import Shapes, numbered
from deepsalt.mapping.zonal.stats import Measured
from deepsalt.mapping.zonal.table import Columns


def notes_on(
    shapes: Shapes, columns: Columns, maps: Sequence[MapLayers], measured: Measured
) -> tuple[str, ...]:
    """Lines for the reader; polygons are counted from 1 in the order of the file."""
    met = columns["mapped_ha"] + columns["masked_ha"] > 0
    told = (
        (shapes.repaired, "invalid, repaired before it was measured"),
        (shapes.empty, "without an area: 0 hectares, no statistics"),
        (~met & ~shapes.empty, "outside the map: no statistics"),
        (met & (columns["off_map_ha"] > 0), "in part outside the map: see off_map_ha"),
        (met & ~(columns["mapped_ha"] > 0), "on the map, but without a valid pixel"),
    )
    lines = [f"{numbered(np.flatnonzero(which))} {words}" for which, words in told if which.any()]
    return (*lines, *_absent(measured, maps))


def _absent(measured: Measured, maps: Sequence[MapLayers]) -> list[str]:
    """Columns that are left out because not every map has their layer."""
    wanted = (
        (measured.interval, "ece_low.tif and ece_high.tif", "interval of the mean, hectares by its bounds"),
        (bool(measured.probabilities), "probability_above_*.tif", "expected hectares above a threshold"),
        ("outside" in measured.layers, "outside.tif", "share outside of what the model knows"),
        (bool(measured.classes), "class.tif", "hectares a class"),
        ("mask" in measured.layers, "mask.tif", "masked hectares by reason"),
    )
    whose = "the map has" if len(maps) == 1 else "not every map has"
    no = "no " if len(maps) == 1 else ""
    missing = [f"{whose} {no}{files}: left out: {what}" for there, files, what in wanted if not there]
    return [*missing, *_without_probability(measured, f"{whose} {no}")]


def _without_probability(measured: Measured, whose: str) -> list[str]:
    """Thresholds whose hectares are told, but not the expected ones: that needs a layer of their own."""
    without = [at for at in measured.thresholds if at not in measured.probabilities]
    if not measured.probabilities or not without:
        return []
    which = ", ".join(f"{at:g}" for at in without)
    return [
        f"{whose}probability_above_T.tif for T = {which}: left out: above_T_expected_ha; "
        "ask for it with: deepsalt map --threshold T"
    ]
