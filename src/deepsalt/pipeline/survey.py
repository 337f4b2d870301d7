"""A soil survey as something to learn from: units of the scenes, away from everything held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from deepsalt.config import SatelliteConfig
from deepsalt.errors import UsageError
from deepsalt.map_units import Bags, aggregate, bags_of
from deepsalt.pairing import far_from
from deepsalt.pipeline.paths import expand
from deepsalt.readers.map_units import MapUnitTables, read_map_units, read_unit_polygons
from deepsalt.readers.vector import in_wgs84
from deepsalt.spectra import Axis, Scene, Spectra
from deepsalt.splits import Split


def units_for(
    satellite: SatelliteConfig,
    scenes: Sequence[Scene],
    axis: Axis,
    sites: Spectra,
    split: Split,
    near_m: float,
) -> Bags | None:
    """The map units that may be learned from; None where the config names no survey.

    Pixels within `near_m` of a held-out point are left out, and all that lies in a scene of which every point
    is held out. A survey is no measurement: what it says of a unit may be learned on the unit's other pixels.

    Raises what the readers raise, and LabelError where no unit is left.
    """
    survey = satellite.map_units
    if survey is None:
        return None
    labels = aggregate(_tables(satellite), survey.top_cm, survey.bottom_cm, dominant=survey.dominant)
    polygons = pd.concat(
        [in_wgs84(read_unit_polygons(path)) for path in expand(survey.polygons, "file of polygons")],
        ignore_index=True,
    )
    learned = set(sites.samples["scene"].to_numpy()[split.train])
    home = [scene for scene in scenes if scene.name in learned]
    bags = bags_of(home, polygons, labels, axis, rules=satellite.rules())
    return _without_held_out(bags, sites, split, near_m)


def _tables(satellite: SatelliteConfig) -> MapUnitTables:
    survey = satellite.map_units
    assert survey is not None
    components = expand(survey.components, "table of components")
    horizons = expand(survey.horizons, "table of horizons")
    if len(components) != len(horizons):
        raise UsageError(
            f"{len(components)} tables of components and {len(horizons)} of horizons",
            where="satellite.map_units",
            fix="Give as many of both, in the same order.",
        )
    read = [read_map_units(*pair) for pair in zip(components, horizons, strict=True)]
    return MapUnitTables(
        pd.concat([one.components for one in read], ignore_index=True),
        pd.concat([one.horizons for one in read], ignore_index=True),
        tuple(note for one in read for note in one.notes),
    )


def _without_held_out(bags: Bags, sites: Spectra, split: Split, near_m: float) -> Bags:
    held = sites.samples.iloc[np.concatenate([split.test, split.unseen])]
    here = bags.spectra.samples
    far = far_from(here["latitude"], here["longitude"], held["latitude"], held["longitude"], near_m)
    if far.all():
        return bags
    note = f"{int((~far).sum())} pixels of map units near a held-out point left out"
    return replace(bags.take(far), notes=(*bags.notes, note))
