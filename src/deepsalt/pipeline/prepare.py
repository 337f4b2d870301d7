"""From files to what a method may learn from and what it is asked: read, sample, split, check for leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from deepsalt.config import Config, LibraryConfig, SatelliteConfig
from deepsalt.errors import LabelError, UsageError
from deepsalt.evaluation.leakage import check_leaks
from deepsalt.evaluation.leaks import Leak
from deepsalt.labels import require_ec, with_ece
from deepsalt.map_units import Bags
from deepsalt.pairing import far_from
from deepsalt.pipeline.facts import facts_of
from deepsalt.pipeline.library_quality import checked
from deepsalt.pipeline.paths import expand
from deepsalt.pipeline.pixels import Pixels
from deepsalt.pipeline.survey import units_for
from deepsalt.preprocessing.composites import composite, same_places
from deepsalt.preprocessing.masks import SurfaceRules
from deepsalt.progress import Progress
from deepsalt.readers import read, reader_for
from deepsalt.readers.categories import CategorySet
from deepsalt.readers.covariate_set import CovariateSet
from deepsalt.readers.points import read_points
from deepsalt.readers.table import domains_of
from deepsalt.sampling import add_covariates, at_points, usable_axis
from deepsalt.spectra import Scene, Spectra
from deepsalt.splits import Split, regional_split


@dataclass(frozen=True)
class Prepared:
    """What one run learns from and is asked.

    libraries   laboratory spectra by domain ("mir", "visnir"), the teacher's first, with `ece_ds_m` (NaN
                where EC was not measured); none of an unseen region unless the config says so. Rows of two
                domains that are one sample share their `id`
    sites       satellite spectra of all ground points with `ece_ds_m`
    split       rows of `sites`
    unlabelled  pixels without a label, none near a held-out point; of an unseen region's scene none
                unless the config says so, and then none beside a laboratory site
    scenes      what was opened
    covariates  rasters, or None
    facts       what the report tells about the data
    strata      columns of `sites` that hold classes, such as the climate zone; nothing learns from them
    leaks       those that the config allows to go on with
    units       survey map units without any that holds a held-out point, or None
    """

    libraries: Mapping[str, Spectra]
    sites: Spectra
    split: Split
    unlabelled: Spectra
    scenes: tuple[Scene, ...]
    covariates: CovariateSet | None
    facts: dict[str, Any]
    strata: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
    units: Bags | None = None

    @property
    def library(self) -> Spectra:
        """The labelled samples of the teacher's domain."""
        return labelled(next(iter(self.libraries.values())))

    @property
    def covariate_names(self) -> tuple[str, ...]:
        return self.covariates.names if self.covariates else ()

    def part(self, name: str) -> Spectra:
        """The sites of one part of the split."""
        return self.sites.take(self.split.part(name))


def prepare(config: Config, progress: Progress) -> Prepared:
    """Read everything a run with satellite data needs. Raises what the readers raise, and LabelError."""
    satellite = config.satellite
    if satellite is None:
        raise UsageError("the config has no [satellite] section")
    progress("reading the library", 0, 4)
    libraries = read_libraries(config.library)
    progress("opening scenes", 1, 4)
    scenes = composed(
        open_scenes(satellite.scenes), satellite.composite, satellite.rules(), satellite.min_looks
    )
    covariates = open_covariates(satellite.covariates)
    axis = usable_axis(scenes)
    points = read_points(satellite.points, **satellite.reading())
    progress("sampling ground points", 2, 4)
    strata = CategorySet.open(expand(satellite.strata, "raster of classes")) if satellite.strata else None
    sites = add_covariates(_sites(scenes, points, axis, covariates, satellite), strata)
    split = _split(config, sites)
    libraries = {name: _allowed_library(one, sites, split, config) for name, one in libraries.items()}
    progress("sampling pixels without a label", 3, 4)
    teaching = next(iter(libraries.values()))
    unlabelled = Pixels(config, scenes, teaching, sites, split).unlabelled()
    near_m, seen = config.method.pair_within_m, config.split.pixels_of_unseen
    leaks = check_leaks(sites, split, unlabelled, teaching, near_m, seen, allow=config.allow_leak)
    units = units_for(satellite, scenes, axis, sites, split, near_m)
    progress("data are ready", 4, 4)
    facts = facts_of(config, libraries, sites, unlabelled, scenes, covariates)
    names = strata.names if strata else ()
    facts["points"] |= {name: sites.samples[name].value_counts(dropna=False).to_dict() for name in names}
    if units is not None:
        told = {"units": len(units), "pixels": len(units.spectra), "notes": list(units.notes)}
        facts["map units"] = told
    return Prepared(
        libraries,
        sites,
        split,
        unlabelled,
        scenes,
        covariates,
        facts,
        strata=names,
        leaks=tuple(leaks),
        units=units,
    )


def read_library(config: LibraryConfig) -> Spectra:
    """The laboratory library; samples without a label are dropped and counted in its provenance."""
    kept = labelled(_read_domain(config))
    return with_ece(kept, config.texture) if config.target == "ece" else kept


def read_libraries(config: LibraryConfig) -> dict[str, Spectra]:
    """Every domain of the library that a satellite model can learn from, the teacher's own first.

    Samples without EC stay, with a missing `ece_ds_m`: their spectra still join the two domains. One without
    a spectrum in one of two domains is not in that domain's table, whose provenance counts them.
    """
    known = [name for name in _domains(config) if name in ("mir", "visnir")]
    if len(known) < 2:
        found = with_ece(_read_domain(config), config.texture)
        return {"mir" if found.axis.unit == "cm-1" else "visnir": found}
    first = config.domain or "mir"
    domains = [first, *(name for name in known if name != first)]
    each = {name: config.model_copy(update={"domain": name, "drop_empty": True}) for name in domains}
    tables = {name: _read_domain(one) for name, one in each.items()}
    return {name: with_ece(table, config.texture) for name, table in tables.items()}


def _domains(config: LibraryConfig) -> list[str]:
    """Domains that a library holds side by side; none where it is no wide table."""
    wide = reader_for(config.path, config.reader).name == "table"
    return domains_of(config.path, config.sheet) if wide else []


def _read_domain(config: LibraryConfig) -> Spectra:
    found = read(config.path, **config.reading())
    if not isinstance(found, Spectra) or found.is_image:
        raise UsageError("not a table of spectra", where=config.path, fix="See: deepsalt inspect PATH")
    require_ec(found, config.path, one_method=config.target != "ece")
    return checked(found, config)


def labelled(library: Spectra) -> Spectra:
    """The samples whose EC was measured; how many were left out goes into the provenance."""
    known = library.samples["ec_ds_m"].notna().to_numpy()
    if known.all():
        return library
    step = f"{int((~known).sum())} of {len(library)} samples have no EC and are left out"
    return library.take(known).noted(step)


def open_scenes(patterns: Sequence[str]) -> tuple[Scene, ...]:
    """Every product that the paths and globs name, in sorted order."""
    scenes = []
    for path in expand(patterns, "scene"):
        found = read(path)
        if not isinstance(found, Scene):
            raise UsageError("not a satellite scene", where=path, fix="See: deepsalt inspect PATH")
        scenes.append(found)
    return tuple(scenes)


def composed(
    scenes: tuple[Scene, ...], how: str | None, rules: SurfaceRules, min_looks: int = 1
) -> tuple[Scene, ...]:
    """Scenes of one place as one composite; a place that was seen once stays as it is. None: as they are."""
    if how is None:
        return scenes
    places = same_places(scenes)
    return tuple(
        composite(looks, how=how, rules=rules, min_looks=min_looks) if len(looks) > 1 else looks[0]
        for looks in places
    )


def open_covariates(patterns: Sequence[str]) -> CovariateSet | None:
    """The covariate rasters that the paths and globs name, or None for none."""
    return CovariateSet.open(expand(patterns, "covariate raster")) if patterns else None


def _sites(
    scenes: tuple[Scene, ...],
    points: Any,
    axis: Any,
    covariates: CovariateSet | None,
    satellite: SatelliteConfig,
) -> Spectra:
    rules, points_wanted = satellite.rules(), satellite.point_rules()
    found = at_points(scenes, points, axis, covariates, rules, points_wanted)
    sites = with_ece(found, satellite.texture)
    if "group" not in sites.samples:
        raise LabelError(
            "the ground points have no column of fields, so that neighbours would be split",
            where=satellite.points,
            fix="Add a column `field`, or name one with group = '...'.",
        )
    return sites


def _split(config: Config, sites: Spectra) -> Split:
    table = sites.samples
    regions = table["region"].to_numpy() if "region" in table else None
    return regional_split(
        table["group"].to_numpy(), regions, config.split.unseen_region, config.split.test_share, config.seed
    )


def _allowed_library(library: Spectra, sites: Spectra, split: Split, config: Config) -> Spectra:
    """The library without samples taken at a held-out point, and without those of an unseen region."""
    held = sites.take(np.concatenate([split.test, split.unseen])).samples
    library = _away_from(library, held, config.method.pair_within_m)
    unseen = config.split.unseen_region
    if unseen is None or config.split.library_covers_unseen:
        return library
    if "region" not in library.samples:
        raise LabelError(
            f"the library has no column `region`, so samples of {unseen!r} cannot be kept out",
            where=config.library.path,
            fix="Add the column, or set library_covers_unseen = true.",
        )
    keep = library.samples["region"].astype(str).to_numpy() != unseen
    return library.take(keep).noted(f"{int((~keep).sum())} samples of the unseen region {unseen!r} kept out")


def _away_from(library: Spectra, held: pd.DataFrame, near_m: float) -> Spectra:
    table = library.samples
    if not {"latitude", "longitude"} <= set(table):
        return library
    far = far_from(table["latitude"], table["longitude"], held["latitude"], held["longitude"], near_m)
    if far.all():
        return library
    step = f"{int((~far).sum())} samples within {near_m:g} m of a held-out ground point kept out"
    return library.take(far).noted(step)
