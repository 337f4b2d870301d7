"""Samples of one or several laboratory domains in one order, with what is learned of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.errors import LabelError, UsageError
from deepsalt.estimators.predictor import BandInputs, training_groups, training_target
from deepsalt.spectra import Spectra

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class LabTable:
    """One row a sample, in the order of the first domain, then what only later ones hold.

    ids         (n,)
    places      domain -> (n,) row of its Spectra, -1 where it lacks the sample
    target      (n,) what is learned, dS/m; empty where nothing is
    groups      (n,) profiles
    label_sd    (n,) standard error on ln(1 + target), or None
    properties  (n,) table of other properties, NaN where not measured
    """

    ids: NDArray[np.str_]
    places: Mapping[str, NDArray[np.intp]]
    target: NDArray[np.float64]
    groups: NDArray[np.str_]
    label_sd: Floats32 | None
    properties: pd.DataFrame

    def values(self, domain: str, spectra: Spectra, inputs: BandInputs) -> Floats32:
        """(n, band) of one domain on the model's bands, NaN rows where it lacks the sample."""
        found = inputs.values(spectra)
        place = self.places[domain]
        out = np.full((len(place), found.shape[1]), np.nan, np.float32)
        out[place >= 0] = found[place[place >= 0]]
        return out


def domain_of(spectra: Spectra) -> str:
    """ "mir" for wavenumbers, "visnir" for wavelengths."""
    return "mir" if spectra.axis.unit == "cm-1" else "visnir"


def table_of(libraries: Mapping[str, Spectra], target: str | None, properties: Sequence[str]) -> LabTable:
    """The samples of all domains, one row each.

    Raises UsageError for no domain or a property that no domain has, LabelError for an id that stands twice
    in a domain, and for a missing or negative target.
    """
    if not libraries:
        raise UsageError("no spectra were given")
    ids, places = _matched(libraries)
    first = _first_of(places)
    columns = {name: _column(libraries, name, ids, places) for name in properties}
    wanted = np.zeros(0)
    label_sd = None
    if target is not None:
        wanted = _together(libraries, places, first, lambda one: training_target(one, target))
        errors = {name: label_sd_of(one, target) for name, one in libraries.items()}
        if all(error is not None for error in errors.values()):
            label_sd = _together(libraries, places, first, lambda one: label_sd_of(one, target))
            label_sd = label_sd.astype(np.float32)
    groups = _together(libraries, places, first, training_groups) if target is not None else ids
    return LabTable(ids, places, wanted, groups, label_sd, pd.DataFrame(columns))


def _matched(libraries: Mapping[str, Spectra]) -> tuple[NDArray[np.str_], dict[str, NDArray[np.intp]]]:
    if len(libraries) == 1:
        ((name, only),) = libraries.items()
        rows = np.arange(len(only))
        ids = only.samples["id"].astype(str).to_numpy() if "id" in only.samples else rows.astype(str)
        return ids.astype(np.str_), {name: rows}
    index = {}
    for name, one in libraries.items():
        if "id" not in one.samples:
            raise LabelError(f"the samples of {name} have no id to match them by")
        index[name] = pd.Index(one.samples["id"].astype(str))
        if not index[name].is_unique:
            twice = index[name][index[name].duplicated()][0]
            raise LabelError(
                f"id {twice} stands twice in {name}", fix="Average replicate scans, or give them ids."
            )
    together = pd.Index(list(dict.fromkeys(key for keys in index.values() for key in keys)))
    places = {name: keys.get_indexer(together) for name, keys in index.items()}
    return np.array(together.tolist(), dtype=np.str_), places


def _first_of(places: Mapping[str, NDArray[np.intp]]) -> NDArray[np.intp]:
    """(n,) number of the first domain that has the sample."""
    return np.argmax(np.stack([place >= 0 for place in places.values()]), axis=0)


def _together(
    libraries: Mapping[str, Spectra],
    places: Mapping[str, NDArray[np.intp]],
    first: NDArray[np.intp],
    column: Callable[[Spectra], Any],
) -> NDArray[Any]:
    """(n,) a column, each row from the first domain that has the sample."""
    parts = [np.asarray(column(one)) for one in libraries.values()]
    made = np.empty(len(first), dtype=np.result_type(*parts))
    for number, (part, place) in enumerate(zip(parts, places.values(), strict=True)):
        rows = first == number
        made[rows] = part[place[rows]]
    return made


def _column(
    libraries: Mapping[str, Spectra], name: str, ids: NDArray[np.str_], places: Mapping[str, NDArray[np.intp]]
) -> NDArray[np.float64]:
    """(n,) a property from whichever domain has it, NaN where none does."""
    found = np.full(len(ids), np.nan)
    holders = [domain for domain, one in libraries.items() if name in one.samples]
    if not holders:
        raise UsageError(f"no sample has a property {name!r}", fix="Name a column of the table of samples.")
    for domain in holders:
        values = pd.to_numeric(libraries[domain].samples[name], errors="coerce").to_numpy(np.float64)
        place = places[domain]
        told = np.where(place >= 0, values[np.maximum(place, 0)], np.nan)
        found = np.where(np.isnan(found), told, found)
    if np.isnan(found).all():
        raise LabelError(f"property {name!r} holds no number")
    return found


def label_sd_of(spectra: Spectra, target: str) -> Floats32 | None:
    """(sample,) standard deviation of ln(1 + target) where the conversion's error is known.

    First order: sd(ln(1 + y)) = sd(y) / (1 + y).
    """
    if target != "ece_ds_m" or "ece_sd_ds_m" not in spectra.samples:
        return None
    spread = spectra.samples["ece_sd_ds_m"].to_numpy(np.float64)
    if not (spread > 0).any():
        return None
    return np.asarray(spread / (1.0 + spectra.samples[target].to_numpy(np.float64)), np.float32)
