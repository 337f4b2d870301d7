"""The samples that the preset `deepsalt` learns from: those with vis-NIR spectra, then what else tells.

Libraries hold far more mid infrared than vis-NIR (KSSL: 82,646 layers against 19,807). A sample without
vis-NIR cannot be drawn as a pixel, but its EC tells of its land, and its mid infrared teaches the teacher,
which then speaks for the samples that can be drawn, and for the ground near those whose places are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepsalt.estimators.predictor import training_groups
from deepsalt.estimators.sites import exactly_placed
from deepsalt.labels import TEXTURE_USED, has_ec, methods_of, with_ece
from deepsalt.preprocessing.features import gypsum_depth, gypsum_presence
from deepsalt.salinity.gypsum import to_ece_with_gypsum
from deepsalt.spectra import Spectra
from deepsalt.units import log_ece

Floats32 = NDArray[np.float32]

_ECE = "ece_ds_m"
_FEWEST_TO_COMPARE = 40  # samples with both spectra, to tell gypsum from the mid infrared
_COMPONENTS = 8


@dataclass(frozen=True, eq=False)
class BridgeLibrary:
    """One row a sample.

    samples  (n,) table: id, places, depths
    visnir   (n, wavelength) reflectance; NaN rows where it was not measured
    mir      (n, wavenumber) NaN rows where it was not measured; None = no sample has it
    labels   (n,) ln(1+ECe), NaN where EC was not measured
    groups   (n,) profiles
    """

    samples: pd.DataFrame
    visnir: Floats32
    mir: Floats32 | None
    labels: Floats32
    groups: NDArray[np.str_]

    @property
    def with_ec(self) -> NDArray[np.bool_]:
        """(n,) samples whose EC was measured."""
        return np.asarray(np.isfinite(self.labels))

    @property
    def with_visnir(self) -> NDArray[np.bool_]:
        """(n,) samples that can be drawn as pixels."""
        return np.asarray(np.isfinite(self.visnir).all(axis=1))

    @classmethod
    def of(cls, libraries: Mapping[str, Spectra]) -> BridgeLibrary:
        """Of libraries by domain, "visnir" and perhaps "mir" of the same samples by `id`.

        Raises LabelError where no sample with vis-NIR has EC.
        """
        visnir, mir = libraries["visnir"], libraries.get("mir")
        depth = gypsum_depth(visnir)
        labels, groups = labels_of(visnir, gypsum_presence(depth)), training_groups(visnir)
        if mir is None or "id" not in visnir.samples or "id" not in mir.samples:
            return cls(visnir.samples, visnir.values, None, labels, groups)
        rows = _rows_by_id(mir, visnir.samples["id"])
        beside = _taken(mir.values, rows)
        alone = _telling_alone(mir, visnir)
        if not len(alone):
            found = beside if (rows >= 0).any() else None
            return cls(visnir.samples, visnir.values, found, labels, groups)
        told = _gypsum_depth_by(mir.values, rows, depth, alone.values)
        grouped = "group" in visnir.samples and "group" in alone.samples
        others = training_groups(alone) if grouped else np.char.add("mir ", training_groups(alone))
        empty = np.full((len(alone), visnir.values.shape[1]), np.nan, np.float32)
        return cls(
            samples=pd.concat([visnir.samples, alone.samples], ignore_index=True),
            visnir=np.concatenate([visnir.values, empty]),
            mir=np.concatenate([beside, alone.values]),
            labels=np.concatenate([labels, labels_of(alone, gypsum_presence(told))]),
            groups=np.concatenate([groups, others]),
        )


def labels_of(library: Spectra, gypsum: NDArray[np.float64]) -> Floats32:
    """(n,) ln(1+ECe), NaN where EC was not measured; what gypsum adds to an extract is allowed for.

    gypsum  (n,) from 0 = none to 1 = enough to saturate the extract
    """
    samples = with_ece(library).samples
    ece = samples[_ECE].to_numpy(np.float64)
    extracts = set(samples["ec_method"].dropna()) - {"ECe"} if "ec_method" in samples else set()
    if extracts and "ec_ds_m" in samples:
        ec = samples["ec_ds_m"].to_numpy(np.float64)
        soil = samples[TEXTURE_USED].to_numpy(object) if TEXTURE_USED in samples else None
        corrected, _ = to_ece_with_gypsum(ec, methods_of(samples), gypsum, soil)
        ece = np.where(np.isfinite(ec), corrected, ece)
    return np.where(np.isfinite(ece), log_ece(np.nan_to_num(ece)), np.nan).astype(np.float32)


def _rows_by_id(library: Spectra, ids: pd.Series) -> NDArray[np.intp]:
    """(n,) the row of each of these ids, of several the first; -1 where there is none."""
    place = pd.Series(np.arange(len(library)), index=library.samples["id"].astype(str))
    place = place[~place.index.duplicated()]
    return place.reindex(ids.astype(str)).fillna(-1).to_numpy(np.intp)


def _taken(values: Floats32, rows: NDArray[np.intp]) -> Floats32:
    """(n, band) rows of `values`, NaN where there is none (-1)."""
    found = np.full((len(rows), values.shape[1]), np.nan, np.float32)
    found[rows >= 0] = values[rows[rows >= 0]]
    return found


def _telling_alone(mir: Spectra, visnir: Spectra) -> Spectra:
    """The samples with mid infrared alone that have EC or an exact place, each once."""
    if not has_ec(mir):
        return mir.take(np.zeros(0, np.intp))
    ids = mir.samples["id"].astype(str)
    other = ~ids.isin(visnir.samples["id"].astype(str)) & ~ids.duplicated()
    known = np.isfinite(with_ece(mir).samples[_ECE].to_numpy(np.float64))
    return mir.take(other.to_numpy() & (known | exactly_placed(mir.samples)))


def _gypsum_depth_by(
    mir: Floats32, rows: NDArray[np.intp], depth: NDArray[np.float64], asked: Floats32
) -> NDArray[np.float64]:
    """(k,) `gypsum_depth` of samples without vis-NIR, as those with both spectra tell it from the mid
    infrared; 0 where fewer than 40 have both.

    mir    (m, wavenumber), of whose rows `rows` (n,) have a depth (n,), -1 = not there
    asked  (k, wavenumber)

    The root is regressed: it tells little gypsum from none better than the depth does.
    """
    both = np.flatnonzero(rows >= 0)
    both = both[np.isfinite(mir[rows[both]]).all(axis=1)]
    told, whole = np.zeros(len(asked)), np.isfinite(asked).all(axis=1)
    if len(both) < _FEWEST_TO_COMPARE or not whole.any():
        return told
    from sklearn.cross_decomposition import PLSRegression

    root = np.sqrt(np.clip(depth[both], 0.0, None))
    fitted = PLSRegression(_COMPONENTS).fit(mir[rows[both]], root)
    told[whole] = np.square(np.clip(np.ravel(fitted.predict(asked[whole])), 0.0, None))
    return told
