"""Leaks caught by code, before any score is computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import LabelError
from deepsalt.evaluation.leaks import Leak, shared, stop_on
from deepsalt.evaluation.twins import twins
from deepsalt.pairing import far_from
from deepsalt.spectra import Spectra
from deepsalt.splits import FittedOn, Split, row_keys
from deepsalt.splits.fitted import PIXEL, pixel_names

Rows = NDArray[np.intp]

#: Columns of a map unit, by the name that we give and that of SSURGO.
MAP_UNITS = ("map_unit", "mukey")
#: Columns whose values must not stand on both sides, with the kind of the leak.
_NAMES = (("group", "group"), ("id", "sample"), *((name, "map unit") for name in MAP_UNITS))

#: Covariates that explain this much of ln(1 + ECe) by themselves, ...
HIGH_R2 = 0.9
#: ... and no less than the full model but for this, know the label by another way than the spectrum.
R2_TOLERANCE = 0.02

#: What ids of ground points and of laboratory samples are called in records of fitting.
FIELD, LABORATORY = "ground point", "laboratory sample"


def check_leaks(
    sites: Spectra,
    split: Split,
    unlabelled: Spectra,
    library: Spectra,
    near_m: float,
    pixels_of_unseen: bool = False,
    *,
    fitted: Iterable[FittedOn] = (),
    allow: bool = False,
) -> list[Leak]:
    """What `find_leaks` finds, if `allow`; else LabelError is raised on the first of it.

    Raises LabelError too where no laboratory sample is left to learn from.
    """
    found = find_leaks(sites, split, unlabelled, library, near_m, pixels_of_unseen, fitted=fitted)
    stop_on(found, allow)
    if len(library) == 0:
        raise LabelError("no laboratory sample is left to learn from", fix="Check the unseen region.")
    return found


def find_leaks(
    sites: Spectra,
    split: Split,
    unlabelled: Spectra,
    library: Spectra,
    near_m: float,
    pixels_of_unseen: bool = False,
    *,
    fitted: Iterable[FittedOn] = (),
) -> list[Leak]:
    """Everything of the held-out side that reached the side that is learned from.

    Looked for: rows, groups, samples, pixels, map units and copies of a spectrum on both sides of the split;
    unlabelled pixels (from which pairs and autoencoders learn) that are a held-out pixel, lie within
    `near_m` of a held-out point, or come from a scene of the unseen region; laboratory samples within
    `near_m` of a held-out point; stages in `fitted` that saw a held-out row. With `pixels_of_unseen` that
    scene may be seen, but not within `near_m` of a laboratory site, whose EC would be the pixel's label.
    """
    held = np.concatenate([split.test, split.unseen])
    return [
        *leaks_between(sites, split.train, held),
        *_held_pixels(sites, held, unlabelled),
        *_near_held(sites, held, unlabelled, near_m),
        *_of_unseen(sites, split, unlabelled, library, near_m, pixels_of_unseen),
        *_laboratory_at_held(sites, held, library, near_m),
        *fitting_leaks(fitted, sites.take(held), FIELD),
    ]


def leaks_between(spectra: Spectra, learned: Rows, held: Rows) -> list[Leak]:
    """Leaks between two parts of one table: rows, groups, samples, map units, pixels, copies of spectra.

    learned, held   row numbers of `spectra`
    """
    table = spectra.samples
    found = shared("row", learned, held)
    for column, kind in _NAMES:
        if column in table:
            found += shared(kind, table[column].to_numpy()[learned], table[column].to_numpy()[held])
    if set(PIXEL) <= set(table):
        names = np.array(pixel_names(spectra), dtype=object)
        found += shared("pixel", names[learned], names[held])
    return found + _copies(spectra, learned, held)


def _copies(spectra: Spectra, learned: Rows, held: Rows) -> list[Leak]:
    """Copies of a spectrum; what is one row or one sample by name is told already."""
    distinct = np.setdiff1d(held, learned)
    pairs = twins(spectra.values, learned, distinct)
    if not pairs:
        return []
    names = spectra.samples["id"].astype(str).tolist() if "id" in spectra.samples else range(len(spectra))
    examples = [f"{names[one]} and {names[other]}" for one, other in pairs]
    words = f"the spectra of {examples[0]} are one measurement on both sides of the split"
    return [Leak.of("spectrum", examples, f"{words} ({len(pairs)} in all)")]


def _held_pixels(sites: Spectra, held: Rows, unlabelled: Spectra) -> list[Leak]:
    if not (set(PIXEL) <= set(sites.samples) and set(PIXEL) <= set(unlabelled.samples)):
        return []
    return shared("pixel", np.array(pixel_names(unlabelled)), np.array(pixel_names(sites))[held])


def _near_held(sites: Spectra, held: Rows, unlabelled: Spectra, near_m: float) -> list[Leak]:
    near = _near(unlabelled, sites.take(held), near_m)
    if not near.any():
        return []
    words = f"{int(near.sum())} unlabelled pixels lie within {near_m:g} m of a held-out point"
    return [Leak.of("unlabelled pixel", _labels(unlabelled, near), words)]


def _of_unseen(
    sites: Spectra, split: Split, unlabelled: Spectra, library: Spectra, near_m: float, may_be_seen: bool
) -> list[Leak]:
    """Pixels of a scene that only the unseen region has, and those among them that have a label."""
    scene = sites.samples["scene"].to_numpy()
    away = set(scene[split.unseen]) - set(scene[split.train])
    inside = unlabelled.samples["scene"].isin(away).to_numpy()
    if inside.any() and not may_be_seen:
        words = f"{int(inside.sum())} unlabelled pixels come from a scene of the unseen region"
        return [Leak.of("unseen scene", _labels(unlabelled, inside), words)]
    if not inside.any() or not _placed(library):
        return []
    beside = inside & _near(unlabelled, library, near_m)
    if not beside.any():
        return []
    words = f"{int(beside.sum())} pixels of the unseen region lie beside a laboratory site"
    return [Leak.of("laboratory site", _labels(unlabelled, beside), words)]


def _laboratory_at_held(sites: Spectra, held: Rows, library: Spectra, near_m: float) -> list[Leak]:
    if not _placed(library) or len(library) == 0:
        return []
    near = _near(library, sites.take(held), near_m)
    if not near.any():
        return []
    words = f"{int(near.sum())} laboratory samples were taken within {near_m:g} m of a held-out point"
    return [Leak.of("laboratory site", _labels(library, near), words)]


def fitting_leaks(fitted: Iterable[FittedOn], held: Spectra, kind: str = "sample") -> list[Leak]:
    """Stages that were given a held-out row: a scaler, an autoencoder, a choice of bands.

    kind   what ids of `held` are called in the records
    """
    keys = row_keys(held, kind)
    found = []
    for record in fitted:
        seen = record.seen(keys)
        if seen:
            words = f"{record.stage} was fitted on {seen[0]}, which is held out ({len(seen)} in all)"
            found.append(Leak.of("fitting", seen, words))
    return found


def lookup_leaks(full_r2: float, covariates_r2: float, covariates: Sequence[str] = ()) -> list[Leak]:
    """A target look-up: covariates without any spectrum are as good as the full model, and that is very good.

    full_r2, covariates_r2   on ln(1 + ECe) of the same held-out samples; NaN finds nothing
    """
    if not (covariates_r2 >= HIGH_R2 and covariates_r2 >= full_r2 - R2_TOLERANCE):
        return []
    words = (
        f"covariates without a spectrum reach R2 {covariates_r2:.2f} on held-out samples, the full model "
        f"{full_r2:.2f}: they look the target up"
    )
    return [Leak.of("look-up", list(covariates) or ["covariates"], words)]


def _near(spectra: Spectra, others: Spectra, near_m: float) -> NDArray[np.bool_]:
    """(row,) whether it lies within `near_m` of one of the others."""
    if not (_placed(spectra) and _placed(others)):
        return np.zeros(len(spectra), bool)
    here, there = spectra.samples, others.samples
    return ~far_from(here["latitude"], here["longitude"], there["latitude"], there["longitude"], near_m)


def _placed(spectra: Spectra) -> bool:
    return {"latitude", "longitude"} <= set(spectra.samples)


def _labels(spectra: Spectra, rows: NDArray[np.bool_]) -> list[str]:
    """Names of some rows: pixels, else ids, else row numbers."""
    some = spectra.take(np.flatnonzero(rows))
    if set(PIXEL) <= set(some.samples):
        return [f"pixel {name}" for name in pixel_names(some)]
    if "id" in some.samples:
        return list(some.samples["id"].astype(str))
    return [f"row {row}" for row in np.flatnonzero(rows)]
