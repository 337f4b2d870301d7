"""What the preset `paper` trains on: training and validation rows, and nothing else.

There is no place for test rows: what is never handed over cannot leak.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepsalt.errors import SpectraError, UsageError

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

_FLOATS = ("lab_x", "lab_y", "label_sd", "sat_x", "sat_covariates", "sat_y", "unlabelled_x", "pair_x")


@dataclass(frozen=True)
class PaperData:
    """Arrays of one training problem, checked once when made.

    sat_x           (n_sat, bands) satellite spectra of labelled places
    sat_y           (n_sat,) ln(1+ECe)
    sat_covariates  (n_sat, k), NaN = missing; None = no covariates
    sat_train, sat_validation  row numbers, disjoint; grouped by the caller
    unlabelled_x    (m, bands) satellite spectra without labels; None = none
    lab_x           (n_lab, lab bands) laboratory spectra; None = no laboratory data
    lab_y           (n_lab,) ln(1+ECe)
    lab_train, lab_validation  row numbers, disjoint; grouped by the caller
    label_sd        (n_lab,) standard error of lab_y, ln scale, for example of the conversion to ECe;
                    surer labels weigh more in the teacher's training. None = all alike
    pair_lab        (p,) rows of lab_x, training or validation
    pair_x          (p, bands) satellite spectra of the paired pixels

    Rows that are neither in a train nor in a validation list are never read.
    Raises SpectraError for shapes, NaN or infinite values; UsageError for row numbers that cannot be.
    """

    sat_x: Floats
    sat_y: Floats
    sat_train: Indices
    sat_validation: Indices
    sat_covariates: Floats | None = None
    unlabelled_x: Floats | None = None
    lab_x: Floats | None = None
    lab_y: Floats | None = None
    lab_train: Indices | None = None
    lab_validation: Indices | None = None
    label_sd: Floats | None = None
    pair_lab: Indices | None = None
    pair_x: Floats | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is not None:
                kind = np.float32 if entry.name in _FLOATS else np.int64
                object.__setattr__(self, entry.name, _array(entry.name, value, kind))
        self._check_satellite()
        if self.has_lab:
            self._check_lab()
        if self.has_pairs:
            self._check_pairs()

    @property
    def has_lab(self) -> bool:
        return self.lab_x is not None

    @property
    def has_pairs(self) -> bool:
        return self.pair_x is not None and len(self.pair_x) > 0

    @property
    def covariates(self) -> int:
        return 0 if self.sat_covariates is None else self.sat_covariates.shape[1]

    def _check_satellite(self) -> None:
        check_table("sat", self.sat_x, self.sat_y, self.sat_train, self.sat_validation)
        bands = self.sat_x.shape[1]
        if self.sat_covariates is not None:
            _shape("sat_covariates", self.sat_covariates, (len(self.sat_x), None))
            if np.isinf(self.sat_covariates[_used(self.sat_train, self.sat_validation)]).any():
                raise SpectraError("infinite covariates", where="sat_covariates", fix="Use NaN for unknown.")
        if self.unlabelled_x is not None:
            _shape("unlabelled_x", self.unlabelled_x, (None, bands))
            _finite("unlabelled_x", self.unlabelled_x)

    def _check_lab(self) -> None:
        missing = [k for k in ("lab_y", "lab_train", "lab_validation") if getattr(self, k) is None]
        if missing or self.lab_x is None or self.lab_y is None:
            raise UsageError(f"lab_x is given without {', '.join(missing)}", fix="Give all four, or none.")
        if self.lab_train is None or self.lab_validation is None:
            return
        check_table("lab", self.lab_x, self.lab_y, self.lab_train, self.lab_validation)
        if self.label_sd is not None:
            _shape("label_sd", self.label_sd, (len(self.lab_x),))
            used = self.label_sd[_used(self.lab_train, self.lab_validation)]
            _finite("label_sd", used)
            if (used < 0).any():
                raise UsageError("standard errors below zero", where="label_sd")

    def _check_pairs(self) -> None:
        if not self.has_lab or self.pair_lab is None or self.pair_x is None:
            raise UsageError("pairs need lab_x, pair_lab and pair_x together", where="pair_x")
        _shape("pair_x", self.pair_x, (len(self.pair_lab), self.sat_x.shape[1]))
        _finite("pair_x", self.pair_x)
        strangers = np.setdiff1d(self.pair_lab, _used(self.lab_train, self.lab_validation))
        if len(strangers):
            raise UsageError(
                f"{len(strangers)} pairs name laboratory rows that are neither training nor validation rows, "
                f"for example row {strangers[0]}",
                where="pair_lab",
                fix="Drop these pairs: rows held out for testing must not be aligned.",
            )


def check_table(name: str, x: Floats, y: Floats, train: Indices, validation: Indices) -> None:
    """Spectra (n, bands), labels (n,) and two disjoint lists of rows; raises as PaperData does."""
    _shape(f"{name}_x", x, (None, None))
    _shape(f"{name}_y", y, (len(x),))
    for part, rows in (("train", train), ("validation", validation)):
        where = f"{name}_{part}"
        _shape(where, rows, (None,))
        if len(rows) < 2:
            raise UsageError(f"{len(rows)} rows", where=where, fix="At least 2 rows are needed.")
        if rows.min() < 0 or rows.max() >= len(x) or len(np.unique(rows)) != len(rows):
            raise UsageError(f"row numbers repeat or lie outside 0 to {len(x) - 1}", where=where)
        _finite(f"{name}_x", x[rows])
        _finite(f"{name}_y", y[rows])
        if (y[rows] < 0).any():
            raise UsageError(
                "labels below zero", where=f"{name}_y", fix="Labels are ln(1+ECe), never below 0."
            )
    both = np.intersect1d(train, validation)
    if len(both):
        raise UsageError(
            f"{len(both)} rows are both training and validation, for example row {both[0]}",
            where=f"{name}_train",
        )


def _array(name: str, value: Any, kind: type) -> NDArray[Any]:
    array = np.asarray(value)
    if kind is np.int64 and array.size and array.dtype.kind not in "iu":
        raise UsageError(f"row numbers of type {array.dtype}", where=name, fix="Give whole numbers.")
    return np.ascontiguousarray(array, dtype=kind)


def _shape(name: str, array: NDArray[Any], expected: tuple[int | None, ...]) -> None:
    fits = array.ndim == len(expected) and all(
        e is None or e == n for e, n in zip(expected, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if e is None else str(e) for e in expected)
        raise SpectraError(f"shape {array.shape}, expected ({wanted})", where=name)


def _finite(name: str, array: NDArray[Any]) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        rows = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
        raise SpectraError(
            f"{len(rows)} of {len(array)} rows hold NaN or infinite values",
            where=name,
            fix="Drop these rows or fill the missing bands before training.",
        )


def _used(train: Indices | None, validation: Indices | None) -> Indices:
    return np.concatenate([part for part in (train, validation) if part is not None])
