"""Leaks caught by code, before any score is computed."""

from __future__ import annotations

import numpy as np

from deepsalt.errors import LabelError
from deepsalt.pairing import far_from
from deepsalt.spectra import Spectra
from deepsalt.splits import Split


def check_leaks(
    sites: Spectra,
    split: Split,
    unlabelled: Spectra,
    library: Spectra,
    near_m: float,
    pixels_of_unseen: bool = False,
) -> None:
    """Raise LabelError if anything of the held-out side reached the side that is learned from.

    Checked: rows, groups and pixels on both sides of the split; unlabelled pixels (from which pairs
    and autoencoders learn) within `near_m` of a held-out point or in a scene of the unseen region;
    training pixels that a held-out point shares. With `pixels_of_unseen` that scene may be seen, but
    not within `near_m` of a laboratory site, whose EC would be the pixel's label.
    """
    held = np.concatenate([split.test, split.unseen])
    _disjoint("row", split.train, held)
    table = sites.samples
    for what in ("group", "id"):
        if what in table:
            _disjoint(what, table[what].to_numpy()[split.train], table[what].to_numpy()[held])
    pixels = _pixels(sites)
    _disjoint("pixel", pixels[split.train], pixels[held])
    _disjoint("pixel", _pixels(unlabelled), pixels[held])
    where = table.iloc[held]
    far = far_from(
        unlabelled.samples["latitude"],
        unlabelled.samples["longitude"],
        where["latitude"],
        where["longitude"],
        near_m,
    )
    if not far.all():
        raise _leak(f"{int((~far).sum())} unlabelled pixels lie within {near_m:g} m of a held-out point")
    away = set(table["scene"].to_numpy()[split.unseen]) - set(table["scene"].to_numpy()[split.train])
    inside = unlabelled.samples["scene"].isin(away)
    if inside.any() and not pixels_of_unseen:
        raise _leak(f"{int(inside.sum())} unlabelled pixels come from a scene of the unseen region")
    if inside.any() and {"latitude", "longitude"} <= set(library.samples):
        there, lab = unlabelled.samples[inside], library.samples
        beside = ~far_from(there["latitude"], there["longitude"], lab["latitude"], lab["longitude"], near_m)
        if beside.any():
            raise _leak(f"{int(beside.sum())} pixels of the unseen region lie beside a laboratory site")
    if len(library) == 0:
        raise LabelError("no laboratory sample is left to learn from", fix="Check the unseen region.")


def _pixels(spectra: Spectra) -> np.ndarray:
    table = spectra.samples
    return (
        table["scene"].astype(str) + "/" + table["row"].astype(str) + "/" + table["column"].astype(str)
    ).to_numpy()


def _disjoint(what: str, learned: np.ndarray, held: np.ndarray) -> None:
    both = np.intersect1d(np.asarray(learned).astype(str), np.asarray(held).astype(str))
    if len(both):
        raise _leak(f"{what} {both[0]} is on both sides of the split ({len(both)} in all)")


def _leak(found: str) -> LabelError:
    return LabelError(
        f"leak: {found}",
        where="split",
        fix="Give neighbouring points one field, so that they are held out together.",
    )
